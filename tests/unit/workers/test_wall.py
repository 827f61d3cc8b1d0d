"""The wall, from inside: a real child runs hostile Python, and the kernel refuses it."""

import os
import platform
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from trueup.workers.childprocess import PACKAGES
from trueup.workers.frame import HEADER, READY
from trueup.workers.landlock import Grants
from trueup.workers.wall import Isolation

pytestmark = pytest.mark.skipif(platform.system() != "Linux", reason="the wall is the Linux kernel's")

CHILD = """
import ctypes, os, signal, socket, subprocess, sys
from pathlib import Path
from trueup.workers.worker import serve

LIBC = ctypes.CDLL(None, use_errno=True)
OWN = os.open(".", os.O_PATH)

def libc(name, *arguments):
    if getattr(LIBC, name)(*arguments) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))

def handle(body):
    try:
        names = dict(globals())
        os.fchdir(OWN)
        exec(body, names)
        return b"done: " + repr(names.get("got")).encode()
    except OSError as error:
        return f"refused: {error.strerror}".encode()

serve(handle)
"""
REFUSED = ("refused: Permission denied", "refused: Operation not permitted", "refused: Invalid cross-device link")


class Child:
    """A process that does what it is told, as every child of the engine is started and enclosed."""

    def __init__(self, folder: Path, *reads: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(os.getpid()), *map(str, reads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=folder,
            start_new_session=True,
            env={"PYTHONPATH": os.pathsep.join(PACKAGES), "CANARY": "canary"},
        )
        assert self.process.stdout is not None
        assert self.process.stdout.read(len(READY)) == READY
        self.isolation = msgspec.json.decode(self._answer(), type=Isolation)

    def run(self, code: str) -> str:
        """``done: VALUE`` of the name ``got``, or ``refused: REASON``."""
        assert self.process.stdin is not None
        self.process.stdin.write(HEADER.pack(len(code.encode())) + code.encode())
        self.process.stdin.flush()
        return self._answer().decode()

    def _answer(self) -> bytes:
        assert self.process.stdout is not None
        return self.process.stdout.read(*HEADER.unpack(self.process.stdout.read(HEADER.size)))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder: the child's own folder, another worker's, a secret, a mirror that may be read."""
    made = tmp_path_factory.mktemp("data")
    for name in ("own", "other", "mirror"):
        (made / name).mkdir()
    (made / "secret").write_text("canary")
    (made / "other" / "secret").write_text("canary")
    (made / "mirror" / "object").write_text("a blob")
    return made


@pytest.fixture(scope="module")
def child(place: Path) -> Iterator[Child]:
    made = Child(place / "own", place / "mirror")
    yield made
    made.process.kill()
    made.process.communicate()


@pytest.fixture(scope="module")
def listener(place: Path) -> Iterator[dict[str, str]]:
    """Servers of every kind that nobody may reach."""
    with (
        socket.socket(socket.AF_INET) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_UNIX) as path,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        for server, address in ((tcp, ("127.0.0.1", 0)), (udp, ("127.0.0.1", 0)), (path, str(place / "s"))):
            server.bind(address)
        abstract.bind(f"\0trueup-{os.getpid()}")
        for server in (tcp, path, abstract):
            server.listen()
            server.setblocking(False)
        yield {"tcp": str(tcp.getsockname()[1]), "udp": str(udp.getsockname()[1]), "abstract": str(os.getpid())}
        for server in (tcp, path, abstract):
            with pytest.raises(BlockingIOError):
                server.accept()


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("got = open('/etc/passwd').read()", id="read a file of the machine"),
        pytest.param("got = open('/etc/../etc/./hostname').read()", id="read it by a roundabout path"),
        pytest.param("got = os.listdir('/')", id="list the root"),
        pytest.param("got = os.listdir('/tmp')", id="list the temporary folder"),
        pytest.param("got = os.listdir(os.pardir)", id="list the folder above"),
        pytest.param("got = open('{place}/secret').read()", id="read the engine's data"),
        pytest.param("got = open('../secret').read()", id="read the engine's data by a relative path"),
        pytest.param("got = open('{place}/other/secret').read()", id="read another worker's folder"),
        pytest.param("os.symlink('{place}/secret', 'l'); got = open('l').read()", id="read through a link"),
        pytest.param("os.link('{place}/secret', 'h'); got = open('h').read()", id="take a file by a hard link"),
        pytest.param("os.rename('{place}/secret', 'moved')", id="take a file away"),
        pytest.param(
            "d = os.open('{place}', os.O_PATH); got = os.open('secret', os.O_RDONLY, dir_fd=d)", id="read by a handle"
        ),
        pytest.param("os.chdir('{place}'); got = open('secret').read()", id="go there and read"),
        pytest.param("got = open('/proc/self/environ').read()", id="read the environment it was started with"),
        pytest.param("got = open('/proc/{parent}/environ').read()", id="read the engine's environment"),
        pytest.param("got = open('/proc/{parent}/cmdline').read()", id="read the engine's command line"),
        pytest.param("got = open('/proc/{parent}/mem', 'rb').read(1)", id="read the engine's memory as a file"),
        pytest.param("got = os.readlink('/proc/{parent}/cwd')", id="read the engine's folder"),
        pytest.param("got = os.listdir('/proc/{parent}/fd')", id="list the engine's open files"),
        pytest.param("got = os.listdir('/sys')", id="read the kernel's settings"),
        pytest.param("open('{place}/new', 'w')", id="write beside its folder"),
        pytest.param("open('/tmp/trueup-new', 'w')", id="write to the temporary folder"),
        pytest.param("open(os.__file__, 'a')", id="write to Python"),
        pytest.param("open(subprocess.__file__[:-3] + '_x.py', 'w')", id="add to Python"),
        pytest.param("os.truncate('{place}/secret', 0)", id="truncate a file by its name"),
        pytest.param("os.unlink('{place}/secret')", id="delete a file"),
        pytest.param("os.mkdir('{place}/new')", id="make a folder"),
        pytest.param("os.chmod('{place}/secret', 0o777)", id="open a file to others"),
        pytest.param("os.chown('{place}/secret', os.getuid(), os.getgid())", id="give a file away"),
        pytest.param("os.utime('{place}/secret', (0, 0))", id="forge a time"),
        pytest.param("os.setxattr('{place}/secret', 'user.x', b'x')", id="mark a file"),
        pytest.param("os.mkfifo('p')", id="make a pipe, on which a reader would wait"),
        pytest.param("os.mknod('d', 0o020600, os.makedev(1, 1))", id="make a device"),
        pytest.param("libc('inotify_init1', 0)", id="watch what others write"),
        pytest.param("socket.create_connection(('127.0.0.1', {tcp}))", id="connect"),
        pytest.param("socket.create_connection(('::1', {tcp}))", id="connect by IPv6"),
        pytest.param("socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {udp}))", id="send a datagram"),
        pytest.param("socket.socket(socket.AF_UNIX).connect('{place}/s')", id="connect to a socket that is a file"),
        pytest.param("socket.socket(socket.AF_UNIX).connect('\\0trueup-{abstract}')", id="connect to an abstract one"),
        pytest.param(
            "socket.socketpair(type=socket.SOCK_DGRAM)", id="make two sockets, one of which may send elsewhere"
        ),
        pytest.param("socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)", id="speak to the kernel"),
        pytest.param("socket.socket(socket.AF_VSOCK)", id="speak to the host of a virtual machine"),
        pytest.param("socket.socket(type=socket.SOCK_RAW)", id="make a raw socket"),
        pytest.param("socket.create_server(('127.0.0.1', 0))", id="listen"),
        pytest.param("os.kill({parent}, 0)", id="signal the engine"),
        pytest.param("os.killpg(os.getpgid({parent}), 0)", id="signal the engine's group"),
        pytest.param("os.kill(1, signal.SIGTERM)", id="signal the first process"),
        pytest.param("signal.pidfd_send_signal(os.pidfd_open({parent}), 0)", id="signal the engine by a handle"),
        pytest.param("libc('ptrace', 16, {parent}, 0, 0)", id="trace the engine"),
        pytest.param("libc('process_vm_readv', {parent}, None, 0, None, 0, 0)", id="read the engine's memory"),
        pytest.param("os.setpriority(os.PRIO_PROCESS, {parent}, 19)", id="slow the engine down"),
        pytest.param("os.sched_setaffinity({parent}, [0])", id="move the engine"),
        pytest.param(
            "import resource; resource.prlimit({parent}, resource.RLIMIT_CPU, (1, 1))", id="limit the engine's time"
        ),
        pytest.param("libc('shmget', 0, 4096, 0o1600)", id="share memory"),
        pytest.param("libc('unshare', 0x10000000)", id="be root in a namespace of its own"),
        pytest.param("libc('mount', b'none', b'.', b'tmpfs', 0, None)", id="mount"),
        pytest.param("os.chroot('.')", id="change the root"),
        pytest.param("subprocess.run(['/bin/sh', '-c', 'id'])", id="start a shell"),
        pytest.param("subprocess.run([sys.executable, '-c', ''])", id="start another Python"),
        pytest.param(
            "Path('x').write_text('#!/bin/sh'); os.chmod('x', 0o700); subprocess.run(['./x'])",
            id="start its own program",
        ),
        pytest.param("d = os.open('x2', os.O_CREAT | os.O_WRONLY, 0o700); subprocess.run(['./x2'])", id="or so"),
        pytest.param("os.setgroups([0])", id="join a group"),
        pytest.param("libc('setrlimit', 4, (ctypes.c_ulong * 2)(1, 1))", id="leave a core file behind"),
    ],
)
def test_a_child_is_refused_to(child: Child, place: Path, listener: dict[str, str], code: str) -> None:
    said = child.run(code.format(place=place, parent=os.getpid(), **listener))
    assert said.startswith(REFUSED), said
    assert (place / "secret").read_text() == "canary"


@pytest.mark.parametrize(
    ("code", "got"),
    [
        pytest.param(
            "os.makedirs('a/b'); Path('a/b/f').write_text('x'); got = Path('a/b/f').read_text()", "'x'", id="write"
        ),
        pytest.param("os.makedirs('c'); Path('f').write_text('x'); os.link('f', 'c/f'); got = 1", "1", id="link"),
        pytest.param("Path('g').write_text('x'); os.rename('g', 'h'); os.unlink('h'); got = 1", "1", id="move, delete"),
        pytest.param("got = Path('{place}/mirror/object').read_text()", "'a blob'", id="read what it was given"),
        pytest.param("import sqlite3, decimal; got = decimal.Decimal(1)", "Decimal('1')", id="import"),
        pytest.param("open('/dev/null', 'w').write('x'); got = 1", "1", id="throw away"),
        pytest.param("os.kill(os.getpid(), 0); got = 1", "1", id="signal itself"),
        pytest.param(
            "import threading; t = threading.Thread(); t.start(); t.join(); got = 1", "1", id="start a thread"
        ),
        pytest.param("got = dict(os.environ)", "{}", id="see an empty environment"),
    ],
)
def test_a_child_may(child: Child, place: Path, code: str, got: str) -> None:
    assert child.run(code.replace("{place}", str(place))) == f"done: {got}"


def test_what_is_in_force_is_said(child: Child) -> None:
    said = child.isolation
    assert said.files >= 1 and said.rights and said.whole, said.lacking
    assert "Landlock" in str(said)


@pytest.mark.parametrize(
    ("isolation", "whole"),
    [
        pytest.param(Isolation(files=7, sockets=True, network=True, rights=True), True, id="everything"),
        pytest.param(Isolation(files=1, sockets=True, rights=True), True, id="an old kernel in a container"),
        pytest.param(Isolation(files=4, network=True, rights=True), True, id="an architecture without a filter"),
        pytest.param(Isolation(files=4, rights=True), False, id="no wall towards the network"),
        pytest.param(Isolation(sockets=True, network=True, rights=True), False, id="no wall around files"),
        pytest.param(Isolation(), False, id="none"),
    ],
)
def test_a_wall_is_whole_when_neither_files_nor_the_network_can_be_reached(isolation: Isolation, whole: bool) -> None:
    assert isolation.whole is whole


def test_a_thread_from_before_makes_a_hole_which_is_said(tmp_path: Path) -> None:
    code = (
        "import threading, time; threading.Thread(target=time.sleep, args=(60,), daemon=True).start();"
        "from pathlib import Path; from trueup.workers.wall import enclose; made = enclose(Path.cwd());"
        "print(made.whole, made.lacking[-1], flush=True); import os; os._exit(0)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert ended.stdout.startswith("False a thread was running before"), ended.stderr


def test_a_path_that_is_not_there_is_no_grant_and_no_error(tmp_path: Path) -> None:
    with Grants() as grants:
        grants.add(tmp_path / "missing", 1)


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        pytest.param([], 0, "name: a", id="it renders all the same"),
        pytest.param(
            ["--require-isolation"],
            20,
            "Landlock: Function not implemented",
            id="--require-isolation refuses",
        ),
    ],
)
def test_a_kernel_without_landlock(tmp_path: Path, options: list[str], code: int, says: str) -> None:
    (tmp_path / "a.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    old = [sys.executable, str(Path(__file__).parents[2] / "support" / "oldkernel.py")]
    command = [*old, sys.executable, "-m", "trueup", "render", str(tmp_path), *options]
    ended = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ))
    assert ended.returncode == code, ended.stderr
    assert says in ended.stdout + ended.stderr

"""An embedded cluster that stays when the command that started it ends."""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from pocketkube.errors import ClusterError, ProcessFailed
from pocketkube.folder import own_folder, usable
from pocketkube.users import USERS

REMEDY = "set XDG_STATE_HOME to a folder that you may write"
POLL_SECONDS = 0.01
CLAIM_SECONDS = 1.0
"""Who only looks whether a cluster runs holds its lock for a moment."""
UNNAMED_SECONDS = 10.0
"""Who has just taken the lock writes its name at once, on a machine that has other things to do as well."""
_HOLDER_BYTES = 64 * 1024


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A cluster that runs.

    Attributes:
        pid: of its process.
        data: folder that keeps its objects; empty where they are in memory.
        started: RFC 3339.
    """

    pid: int
    data: str = ""
    started: str = ""


class Background:
    """The cluster of one name. Its process holds a lock as long as it lives, so a reused process id deceives nobody.

    In ``home``, for the name ``default``: ``default/`` with the kubeconfigs, ``default.lock``, which also says who
    holds it, and ``default.log``.

    Args:
        home: where clusters are kept; made for its owner only.
        name: one path segment.
        noun, program: what it is called, and the program that ends it by ``down``, for who reads an error.
    """

    def __init__(self, home: Path, name: str, *, noun: str = "cluster", program: str = "pocketkube") -> None:
        self.name = name
        self._called = f"{noun} {name}"
        self._down = f"`{program} down{'' if name == 'default' else f' --name {name}'}`"
        self.folder = home / name
        self.log = home / f"{name}.log"
        self._home = home
        self._lock = home / f"{name}.lock"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's; it exists while the cluster takes requests."""
        return self.folder / "admin.kubeconfig"

    @property
    def url(self) -> str:
        """``https://127.0.0.1:PORT`` of the cluster that is ready; empty before."""
        try:
            config = msgspec.json.decode(self.kubeconfig.read_bytes())
        except FileNotFoundError:
            return ""
        server: str = config["clusters"][0]["cluster"]["server"]
        return server

    @property
    def ready(self) -> bool:
        """Whether it takes requests, if it runs: it writes the kubeconfigs then."""
        return all((self.folder / f"{user.rpartition(':')[2]}.kubeconfig").exists() for user in USERS)

    def running(self) -> Running | None:
        """The process that holds the lock; None when nobody does.

        Raises:
            ClusterError: somebody holds it and does not say who.
        """
        deadline = time.monotonic() + UNNAMED_SECONDS
        while True:
            try:
                descriptor = os.open(self._lock, os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                return None
            except OSError as error:
                raise ClusterError(f"{self._lock}: {error.strerror}", hint=REMEDY) from error
            try:
                if _locked(descriptor):
                    return None
                found = msgspec.json.decode(os.pread(descriptor, _HOLDER_BYTES, 0), type=Running)
                if _alive(found.pid):
                    return found
                raise msgspec.DecodeError("the name is of one that was killed")
            except msgspec.DecodeError:
                # It has just taken the lock, or is about to give it back.
                if time.monotonic() > deadline:
                    raise ClusterError(
                        f"{self._lock}: its holder is unknown", hint="end the process that has it open"
                    ) from None
            finally:
                os.close(descriptor)
            time.sleep(POLL_SECONDS)

    def as_asked(self, data: Path | None, port: int) -> Running | None:
        """The process that runs; None when none does.

        Args:
            data: the folder that is asked for; None for any.
            port: the one that is asked for; 0 for any.

        Raises:
            ClusterError: it runs with another folder, or on another port.
        """
        found = self.running()
        if found is not None and data and str(data) != found.data:
            kept = f"with --data {found.data}" if found.data else "in memory"
            raise ClusterError(f"{self._called} runs already, {kept}", hint=f"{self._down} first")
        if found is not None and port and not self.url.endswith(f":{port}"):
            raise ClusterError(f"{self._called} runs already, at {self.url}", hint=f"{self._down} first")
        return found

    @contextlib.contextmanager
    def held(self, *, data: Path | None, started: str) -> Iterator[Path]:
        """Be the cluster's process for as long as the block lasts; gives an empty folder for its files.

        Raises:
            ClusterError: another process is.
        """
        self._make(self._home)
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._claim(descriptor)
            running = Running(pid=os.getpid(), data=str(data) if data else "", started=started)
            os.ftruncate(descriptor, 0)
            if self.log.exists():
                os.truncate(self.log, 0)
            # Before our name is there: the kubeconfigs of one that was killed would pass for ours, and for ready.
            shutil.rmtree(self.folder, ignore_errors=True)
            self._make(self.folder)
            os.pwrite(descriptor, msgspec.json.encode(running), 0)
            try:
                yield self.folder
            finally:
                shutil.rmtree(self.folder, ignore_errors=True)
                os.ftruncate(descriptor, 0)
        finally:
            os.close(descriptor)

    def start(self, command: Sequence[str], *, seconds: float) -> Running:
        """Run a command that calls :meth:`held`, in a session of its own, and wait until the cluster is ready.

        Where another such command is quicker, its cluster is waited for.

        Args:
            seconds: the longest to wait.

        Raises:
            ProcessFailed: it ended, or is not ready in time; then it is ended.
        """
        self._make(self._home)
        # Appended to: who holds the lock empties it, and must not lose its place to one that comes too late.
        with self.log.open("ab") as log:
            self.log.chmod(0o600)
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._home, start_new_session=True
            )
        deadline = time.monotonic() + seconds
        try:
            while True:
                running = self.running()
                if running is not None and self.ready:
                    # It outlives us: nobody here waits for its end.
                    process.returncode = 0
                    return running
                if running is None and process.poll() is not None:
                    why, hint = self._last_words()
                    raise ProcessFailed(f"{self._called} did not start: {why}", hint=hint)
                if time.monotonic() > deadline:
                    hint = f"its log: {self.log}"
                    raise ProcessFailed(f"{self._called} was not ready within {seconds:g} s", hint=hint)
                time.sleep(POLL_SECONDS)
        except BaseException:
            process.kill()
            process.wait()
            raise

    def stop(self, *, seconds: float) -> bool:
        """End the process: asked first, killed after ``seconds``. False when none runs."""
        running = self.running()
        if running is None:
            return False
        self._send(running.pid, signal.SIGTERM)
        if not self._gone(seconds):
            self._send(running.pid, signal.SIGKILL)
            self._gone(seconds)
        shutil.rmtree(self.folder, ignore_errors=True)
        return True

    def _send(self, pid: int, number: signal.Signals) -> None:
        """Signal the holder of the lock, and no process that got its id after it."""
        with contextlib.suppress(ProcessLookupError):
            if not hasattr(os, "pidfd_open"):
                os.kill(pid, number)
                return
            handle = os.pidfd_open(pid)
            try:
                running = self.running()
                if running is not None and running.pid == pid:
                    signal.pidfd_send_signal(handle, number)
            finally:
                os.close(handle)

    def _gone(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.running() is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)
        return True

    def _claim(self, descriptor: int) -> None:
        deadline = time.monotonic() + CLAIM_SECONDS
        while not _locked(descriptor):
            if time.monotonic() > deadline:
                raise ClusterError(f"{self._called} runs already", hint=f"{self._down} ends it")
            time.sleep(POLL_SECONDS)

    def _last_words(self) -> tuple[str, str]:
        """Why the process says it ended, and what to do."""
        lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
        hint = lines[-1].removeprefix("hint: ") if errors and lines[-1].startswith("hint: ") else f"its log: {self.log}"
        return (errors or lines or ["it ended without a word"])[-1], hint

    @staticmethod
    def _make(folder: Path) -> None:
        own_folder(folder, remedy=REMEDY)
        with usable(folder, remedy=REMEDY):
            folder.chmod(0o700)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's
    return True


def _locked(descriptor: int) -> bool:
    """Take the lock of an open file, which it keeps until it is closed; False when another process has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

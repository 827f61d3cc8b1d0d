"""Folders of an engine's own: made, tried out, and held by one process at a time."""

import contextlib
import errno
import fcntl
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from trueup.model.errors import TrueupError

LOCK = "engine.lock"
CLAIM_SECONDS = 1.0
"""How long the process that is just ending may take to let go."""
_POLL_SECONDS = 0.05
_HOLDER_BYTES = 4096
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class FolderUnusable(TrueupError):
    """A folder cannot be made, read or written; the message names it and says why."""

    reason = "FolderUnusable"


class Holder(msgspec.Struct, frozen=True):
    """Who has a folder.

    Attributes:
        boot: which start of the machine the process belongs to; empty where the system does not say.
    """

    identity: str
    pid: int
    host: str
    boot: str = ""


def own_folder(folder: Path, *, remedy: str) -> Path:
    """A folder that this process may write, made where it is missing, for its owner alone; absolute, for tools run in
    folders of their own.

    Raises:
        FolderUnusable: with what to do about it.
    """
    with usable(folder, remedy=remedy):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Rights, a read-only mount and a full disk show only when something is written.
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".writable-") as probe:
            probe.write(b"trueup")
            probe.flush()
        return folder.absolute()


@contextlib.contextmanager
def usable(path: Path, *, remedy: str) -> Iterator[None]:
    """What the system refuses below a path becomes one sentence.

    Raises:
        FolderUnusable: instead of any OSError.
    """
    try:
        yield
    except FileExistsError as error:
        raise FolderUnusable(f"{path}: a file is there, not a folder", hint=remedy) from error
    except OSError as error:
        at = f" ({error.filename})" if error.filename and str(path) not in str(error.filename) else ""
        raise FolderUnusable(f"{path}: {error.strerror or error}{at}", hint=remedy) from error


@contextlib.contextmanager
def claimed(folder: Path, identity: str, *, remedy: str) -> Iterator[str]:
    """Hold a folder for as long as the block lasts.

    Gives the identity of the process that had it before, where that one ran on this very machine: it is known to be
    gone, for the kernel gives a lock up with its process alone. Empty otherwise.

    Raises:
        FolderUnusable: another process has it, or it cannot be locked.
    """
    path = folder / LOCK
    with usable(path, remedy=remedy):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        with usable(path, remedy=remedy):
            _lock(descriptor, folder)
            me = Holder(identity, os.getpid(), socket.gethostname(), _boot())
            before = _holder(descriptor)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, msgspec.json.encode(me), 0)
        known = before is not None and (before.host, before.boot) == (me.host, me.boot)
        yield before.identity if before is not None and known else ""
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    deadline = time.monotonic() + CLAIM_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise
        if time.monotonic() > deadline:
            holder = _holder(descriptor)
            who = f"process {holder.pid} on {holder.host}" if holder else "another process"
            raise FolderUnusable(
                f"the data folder {folder} belongs to an engine that runs: {who}",
                hint="end that one, or give this one a folder of its own by --data",
                reason="FolderInUse",
            )
        time.sleep(_POLL_SECONDS)


def _holder(descriptor: int) -> Holder | None:
    try:
        return msgspec.json.decode(os.pread(descriptor, _HOLDER_BYTES, 0), type=Holder)
    except (msgspec.DecodeError, OSError):
        return None


def _boot() -> str:
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""

"""A wall around a process that does hostile work: what the checks before it miss, the kernel refuses.

Called once by a child at its start, before it has threads; the tools it starts inherit all of it. Nothing here needs
rights: Landlock and the system call filter are for every process. A kernel that lacks a part leaves it out, and
:class:`Isolation` says so.

Sources: Linux ``Documentation/userspace-api/landlock.rst``, ``no_new_privs.rst``; capabilities(7), user_namespaces(7).
"""

import ctypes
import os
import resource
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from trueup.workers import landlock, sockets

_CLONE_NEWUSER, _CLONE_NEWNET, _CLONE_NEWIPC = 0x10000000, 0x40000000, 0x08000000
_PR_SET_NO_NEW_PRIVS, _PR_CAPBSET_DROP, _PR_CAP_AMBIENT, _CLEAR_ALL = 38, 24, 47, 4
_CAPABILITY_VERSION = 0x20080522
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH, _CAP_SYS_ADMIN, _LAST_CAPABILITY = 1, 2, 21, 63
_PROCESSES = 256
"""Processes and threads of a child in a user namespace of its own; elsewhere the user's others would count."""
_ZONES = ("/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/usr/lib/locale/TZ", "/etc/zoneinfo", "/etc/localtime")
"""Where Go looks for time zones: a template may ask for one."""
_LINKER = ("/etc/ld.so.cache",)


class Isolation(msgspec.Struct, frozen=True, kw_only=True):
    """What stands around a child.

    Attributes:
        files: Landlock's version; 0 where the child may read and write what its user may.
        sockets: it can make no socket, nor use what else reaches other processes.
        network: it has a network namespace of its own, with nothing in it.
        rights: it cannot gain rights, and has none of root's.
        lacking: why what is missing is missing.
    """

    files: int = 0
    sockets: bool = False
    network: bool = False
    rights: bool = False
    lacking: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether hostile work can reach neither the machine's files nor its network."""
        return self.files > 0 and (self.sockets or self.network) and self.rights

    def __str__(self) -> str:
        parts = {
            f"files (Landlock {self.files})": self.files > 0,
            "no sockets (seccomp)": self.sockets,
            "own network namespace": self.network,
            "no new privileges": self.rights,
        }
        return ", ".join(part for part, there in parts.items() if there) or "none"


def enclose(own: Path, *, reads: Iterable[Path] = (), executes: Iterable[Path] = ()) -> Isolation:
    """Shut this process in.

    Args:
        own: the one folder it may write, and read; nothing in it can be executed.
        reads: files and folders it may read beside Python and its packages.
        executes: programs it may start.
    """
    if sys.platform != "linux":
        return Isolation(lacking=(f"{sys.platform} has no Landlock",))
    lacking: list[str] = []
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Opened while everything is still in sight.
    threads = _threads()
    with landlock.Grants() as grants:
        grants.add(own, landlock.OWN)
        for path in (*_python(), *_libraries(), *map(Path, (*_ZONES, *_LINKER)), *reads):
            grants.add(path, landlock.READ)
        for path in executes:
            grants.add(path, landlock.RUN)
        for device, rights in (("/dev/null", landlock.READ_WRITE), ("/dev/urandom", landlock.READ)):
            grants.add(Path(device), rights)
        network = _leave(lacking)
        rights = _prctl(_PR_SET_NO_NEW_PRIVS, 1) == 0
        files = grants.enforce(lacking)
    # Under Landlock, reading files of other users leads nowhere new; and a folder of the tool's may be one.
    rights = (
        _drop_capabilities({_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH} if files else set()) and rights and threads == 1
    )
    if threads > 1:
        lacking.append("a thread was running before, which is not shut in")
    closed = sockets.refuse(lacking, signals=files < landlock.SIGNALS)
    return Isolation(files=files, sockets=closed, network=network, rights=rights, lacking=tuple(lacking))


def _python() -> Iterator[Path]:
    """What an import may read: the standard library, the packages, this one."""
    paths = sysconfig.get_paths()
    names = {paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    names |= {entry for entry in sys.path if entry} | set(site.getsitepackages())
    names.add(str(Path(__file__).parents[2]))
    yield from map(Path, sorted(names))


def _libraries() -> Iterator[Path]:
    """The folders of the shared libraries loaded by now: those loaded later lie beside them."""
    with suppress(OSError):
        maps = Path("/proc/self/maps").read_text()
        found = {Path(line.split(maxsplit=5)[5]).parent for line in maps.splitlines() if ".so" in line}
        yield from sorted(found)


def _leave(lacking: list[str]) -> bool:
    """Leave the machine's network, and its shared memory and queues; whether that is done."""
    flags = _CLONE_NEWNET | _CLONE_NEWIPC
    if not _capabilities().has(_CAP_SYS_ADMIN):
        if os.geteuid() == 0:
            # A namespace of users would cost a root without this right the files of other users.
            lacking.append("network namespace: not permitted")
            return False
        flags |= _CLONE_NEWUSER
    if _libc.unshare(flags) != 0:
        lacking.append(f"network namespace: {os.strerror(ctypes.get_errno())}")
        return False
    if flags & _CLONE_NEWUSER:
        _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
        limit = _PROCESSES if hard == resource.RLIM_INFINITY else min(_PROCESSES, hard)
        resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))
    return True


def _threads() -> int:
    """All that is given up here is given up by the thread that asks, and those it starts."""
    with suppress(OSError):
        return len(os.listdir("/proc/self/task"))  # noqa: PTH208
    return 1


class _Words(NamedTuple):
    """Three sets of capabilities, as the kernel hands them over."""

    effective: int
    permitted: int
    inheritable: int

    def has(self, capability: int) -> bool:
        return bool(self.effective >> capability & 1)


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


_Data = ctypes.c_uint32 * 6


def _capabilities() -> _Words:
    data = _Data()
    if _libc.capget(ctypes.byref(_Header(_CAPABILITY_VERSION, 0)), ctypes.byref(data)) != 0:
        return _Words(0, 0, 0)
    return _Words(*(data[index] | data[index + 3] << 32 for index in range(3)))


def _drop_capabilities(kept: set[int]) -> bool:
    """Keep only so many of the rights this process has, for good; whether that is done."""
    for capability in range(_LAST_CAPABILITY):
        if capability not in kept:
            _prctl(_PR_CAPBSET_DROP, capability)
    _prctl(_PR_CAP_AMBIENT, _CLEAR_ALL)
    mask = sum(1 << capability for capability in kept)
    had = _capabilities()
    left = (had.effective & mask, had.permitted & mask, 0)
    data = _Data(*(word & 0xFFFFFFFF for word in left), *(word >> 32 for word in left))
    return bool(_libc.capset(ctypes.byref(_Header(_CAPABILITY_VERSION, 0)), ctypes.byref(data)) == 0)


def _prctl(option: int, value: int) -> int:
    zero = ctypes.c_ulong(0)
    return int(_libc.prctl(option, ctypes.c_ulong(value), zero, zero, zero))


_libc = ctypes.CDLL(None, use_errno=True)

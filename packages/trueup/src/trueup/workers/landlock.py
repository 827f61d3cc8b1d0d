"""Landlock by its three system calls: a process gives up what it may do with files, connections and signals.

Source: Linux ``Documentation/userspace-api/landlock.rst`` and ``include/uapi/linux/landlock.h``.
"""

import ctypes
import os
import stat
from pathlib import Path
from types import TracebackType
from typing import Self

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_ASK_VERSION = 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG, _MAKE_SYM = 1 << 4, 1 << 5, 1 << 7, 1 << 8, 1 << 12
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_HANDLED = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
"""Rights over files that a version knows; whatever is handled and not granted is refused."""
_TCP, _SCOPES = 0b11, 0b11
CONNECTIONS, SIGNALS = 4, 6
"""Versions since which Landlock knows TCP; and abstract sockets of other processes, and signals to them."""

READ = _READ_FILE | _READ_DIR
READ_WRITE = _READ_FILE | _WRITE_FILE
RUN = _READ_FILE | _EXECUTE
OWN = READ | _WRITE_FILE | _TRUNCATE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _MAKE_SYM | _REFER
"""Everything ordinary; no device, pipe or socket is made there, and nothing there is executed."""


class _Ruleset(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


class Grants:
    """What will be left of the file system. Paths are opened when they are added; what is not there is passed over."""

    def __init__(self) -> None:
        self._opened: list[tuple[int, int]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for descriptor, _ in self._opened:
            os.close(descriptor)
        self._opened.clear()

    def add(self, path: Path, rights: int) -> None:
        """Keep ``rights`` over a file, or over a folder and all below it."""
        try:
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            return
        mode = os.fstat(descriptor).st_mode
        self._opened.append((descriptor, rights if stat.S_ISDIR(mode) else rights & _OF_FILES))

    def enforce(self, lacking: list[str]) -> int:
        """Give up the rest, for this thread and all it starts; needs no_new_privs.

        Returns:
            Landlock's version; 0 when nothing was given up, with the reason in ``lacking``.
        """
        version = _call(_CREATE_RULESET, None, 0, _ASK_VERSION)
        if version < 1:
            lacking.append(
                f"Landlock: {os.strerror(ctypes.get_errno())} (Linux 5.13 or newer has it, unless switched off)"
            )
            return 0
        handled = _HANDLED[min(version, max(_HANDLED))]
        rules = _Ruleset(handled, _TCP if version >= CONNECTIONS else 0, _SCOPES if version >= SIGNALS else 0)
        size = 24 if version >= SIGNALS else 16 if version >= CONNECTIONS else 8
        ruleset = _call(_CREATE_RULESET, ctypes.byref(rules), size, 0)
        if ruleset < 0:
            lacking.append(f"Landlock: {os.strerror(ctypes.get_errno())}")
            return 0
        try:
            for descriptor, rights in self._opened:
                rule = _PathBeneath(rights & handled, descriptor)
                if rights & handled and _call(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0) != 0:
                    lacking.append(f"Landlock: {os.strerror(ctypes.get_errno())}")
                    return 0
            if _call(_RESTRICT_SELF, ruleset, 0) != 0:
                lacking.append(f"Landlock: {os.strerror(ctypes.get_errno())}")
                return 0
        finally:
            os.close(ruleset)
        return version


def _call(number: int, *arguments: object) -> int:
    wide = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    return int(_libc.syscall(ctypes.c_long(number), *wide))


_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long

"""How much disk mirrors may take: each of them, and all together."""

import os
import threading
from pathlib import Path

import msgspec

GIBIBYTE = 1 << 30
_LEAST = 1 << 20
"""Bytes that a mirror may always take, or not even a refusal could be written down."""


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of one mirror, and of all."""

    each: int = 8 * GIBIBYTE
    total: int = 64 * GIBIBYTE


class Quota:
    """What the mirrors below a folder take. May be used from any thread.

    Args:
        root: the folder that holds a folder for each mirror.
    """

    def __init__(self, root: Path, allowance: Allowance) -> None:
        self._root, self._allowance = root, allowance
        self._sizes: dict[str, int] = {}
        self._lock = threading.Lock()
        self._measured = False

    def measure(self, folder: Path) -> int:
        """Bytes that a mirror takes now."""
        size = size_of(folder)
        with self._lock:
            self._sizes[folder.name] = size
        return size

    def forget(self, folder: Path) -> None:
        """A mirror has been removed."""
        with self._lock:
            self._sizes.pop(folder.name, None)

    def room(self, folder: Path) -> int:
        """Bytes that a mirror may take in all."""
        self._know_all()
        with self._lock:
            others = sum(size for name, size in self._sizes.items() if name != folder.name)
        return max(_LEAST, min(self._allowance.each, self._allowance.total - others))

    def refusal(self, folder: Path, size: int) -> str:
        """Why a mirror that takes so many bytes may not grow; empty while it may."""
        room = self.room(folder)
        if size <= room:
            return ""
        if room < self._allowance.each:
            total = _shown(self._allowance.total)
            return f"all mirrors together need more than the {total} they may take (--mirrors-quota)"
        return f"its mirror needs more than the {_shown(room)} it may take (--mirror-quota)"

    def _know_all(self) -> None:
        if self._measured:
            return
        self._measured = True  # what an earlier engine left
        try:
            names = [entry.name for entry in os.scandir(self._root) if entry.is_dir(follow_symlinks=False)]
        except OSError:
            return
        for name in names:
            if name not in self._sizes:
                self.measure(self._root / name)


class Growth:
    """One mirror while git writes to it."""

    def __init__(self, quota: Quota, folder: Path) -> None:
        self._quota, self._folder = quota, folder

    def room(self) -> int:
        """Bytes that may be added."""
        return max(_LEAST, self._quota.room(self._folder) - self._quota.measure(self._folder))

    def measure(self) -> int:
        """Bytes that are there now."""
        return self._quota.measure(self._folder)

    def refusal(self, size: int) -> str:
        """Why there may not be so many bytes; empty where there may."""
        return self._quota.refusal(self._folder, size)

    def disk_is_full(self) -> bool:
        """Whether nothing more can be written."""
        try:
            return os.statvfs(self._folder).f_bavail * os.statvfs(self._folder).f_frsize < _LEAST
        except OSError:
            return False


def size_of(folder: Path) -> int:
    """Bytes on the disk of all files below a folder; what goes meanwhile does not count."""
    total, folders = 0, [str(folder)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
        except OSError:
            continue
    return total


def _shown(size: int) -> str:
    return f"{size / GIBIBYTE:.3g} GiB" if size >= GIBIBYTE else f"{size / (1 << 20):.3g} MiB"

"""The user's own folders, by the XDG base directory specification."""

import os
from pathlib import Path

from trueup.model.errors import TrueupError


def home() -> Path:
    """The home folder.

    Raises:
        TrueupError: the system does not know it.
    """
    try:
        found = Path.home()
    except RuntimeError:
        found = Path()
    if not found.is_absolute():
        raise TrueupError("the home folder of this user is not known", hint="set HOME to a folder that you may write")
    return found


def cache_home() -> Path:
    """Where what can be made anew lies."""
    return _base("XDG_CACHE_HOME", ".cache")


def state_home() -> Path:
    """Where what must last lies."""
    return _base("XDG_STATE_HOME", ".local/state")


def resolved(path: Path) -> Path:
    """Absolute, ``~`` expanded, links followed. One that leads to itself is found by whoever opens it."""
    # Path.resolve and Path.expanduser raise RuntimeError for what these leave as it is.
    return Path(os.path.realpath(os.path.expanduser(path)))  # noqa: PTH111


def _base(variable: str, default: str) -> Path:
    # The specification: a path that is not absolute is invalid, and to be ignored.
    named = Path(os.environ.get(variable, ""))
    return named if named.is_absolute() else home() / default

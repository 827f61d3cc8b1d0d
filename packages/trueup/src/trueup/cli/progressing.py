"""Word of work that takes long, on standard error."""

import sys
import time

from trueup.cli.screen import overwrite, say

_ON_TERMINAL = (1.0, 0.2)
_ELSEWHERE = (30.0, 30.0)
"""Seconds until the first word, and between two."""


class Progress:
    """A context manager: on a terminal one line that is drawn over and taken away, elsewhere a line now and then."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        first, self._every = _ON_TERMINAL if self._terminal else _ELSEWHERE
        self._next = time.monotonic() + first
        self._drawn = False

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._drawn:
            overwrite()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Tell it, if it is time.

        Args:
            what: such as ``applications rendered``.
        """
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + self._every
        line = f"{done} of {total} {what}"
        if self._terminal:
            overwrite(line)
            self._drawn = True
        else:
            say(line, err=True)

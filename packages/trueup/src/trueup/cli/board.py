"""Lines at the end of a terminal that are drawn over, below others that stay."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console  # noqa: TID251 - a type

_CLEAR = "\x1b[H\x1b[2J"


class Board:
    """A terminal with a part that moves.

    No line of it is wider than the terminal, so that a row of it is a row of the screen. A terminal of another size has
    wrapped or cut what was drawn, each kind in its own way: everything is then drawn anew.
    """

    def __init__(self, console: "Console") -> None:
        self._console = console
        self._size = console.size
        self._said: list[str] = []
        self._shown: list[Text] = []
        self._drawn = 0

    def say(self, line: str) -> None:
        """Add a line that stays, whatever its length: people copy it."""
        self._said.append(line)
        self._erase()
        self._console.print(line, soft_wrap=True)
        self._draw()

    def show(self, lines: Sequence[Text]) -> None:
        """Draw these instead of those before; the first ones, where there is no room for all."""
        if lines == self._shown and self._console.size == self._size:
            return
        self._shown = list(lines)
        self._erase()
        self._draw()

    def _erase(self) -> None:
        if self._console.size != self._size:
            self._size = self._console.size
            self._console.file.write(_CLEAR)
            for line in self._said:
                self._console.print(line, soft_wrap=True)
        elif self._drawn:
            self._console.file.write(f"\x1b[{self._drawn}A\r\x1b[J")

    def _draw(self) -> None:
        # The last column and the last row stay free: a cursor in them moves on by the terminal's own rules.
        shown = self._shown[: max(1, self._size.height - 1)]
        for line in shown:
            fitting = line.copy()
            fitting.truncate(max(1, self._size.width - 1), overflow="ellipsis")
            self._console.print(fitting, soft_wrap=True)
        self._drawn = len(shown)
        self._console.file.flush()

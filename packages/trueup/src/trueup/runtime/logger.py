"""A logger that is loaded with its first line: most commands write none."""

from collections.abc import Callable
from typing import Any

_prepare: list[Callable[[], None]] = []


def prepared_by(configure: Callable[[], None]) -> None:
    """What is called once, before the first line that a :class:`Logger` writes."""
    _prepare[:] = [configure]


class Logger:
    """As ``structlog.get_logger``: methods by the names of levels.

    Args:
        name: whose lines they are.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, level: str) -> Any:
        import structlog

        if _prepare:
            _prepare.pop()()
        return getattr(structlog.get_logger(self._name), level)

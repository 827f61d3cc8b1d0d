"""A logger that is loaded with its first line: most commands write none."""

from typing import Any


class Logger:
    """As ``structlog.get_logger``: methods by the names of levels.

    Args:
        name: whose lines they are.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, level: str) -> Any:
        import structlog

        return getattr(structlog.get_logger(self._name), level)

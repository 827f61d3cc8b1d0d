"""How the engine logs: lines for people or JSON for machines, on stderr."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

from kubegrammar.redact import redact_url
from trueup.cli.screen import colour
from trueup.runtime.logger import Logger, prepared_by
from trueup.runtime.secrecy import logged, logged_deep

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
FORMATS = ("auto", "text", "json")
URLS = frozenset(("repository", "server", "url"))
"""Keys of lines whose values are one URL each."""


def configure_logs(form: str, level: str) -> None:
    """Set up structlog for the process. The form ``auto`` is text on a terminal, and JSON where nobody watches."""
    import structlog

    terminal = sys.stderr.isatty()
    wanted = colour()
    coloured = terminal if wanted is None else wanted
    json = form == "json" or (form == "auto" and not terminal)
    last: Any = structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=coloured)
    logging.lastResort = _Standard(LEVELS["warning"])
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.format_exc_info,
            discreet,
            # Nobody's words: what is made here need not be looked through, which is most of what a line costs.
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def errors_alone() -> None:
    """What a command shows of the log of the modules that it uses; set up with their first line, which few write."""
    logging.lastResort = _Standard(LEVELS["warning"])
    prepared_by(lambda: configure_logs("text", "error"))


class _Standard(logging.Handler):
    """What libraries log by Python's own means: nothing of it passes the redaction by either."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        Logger(record.name).log(max(record.levelno, logging.DEBUG), record.getMessage(), exc_info=error)


def discreet(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A line without secrets and without what steers a terminal, whoever wrote it; only a traceback has lines."""
    for key, value in event.items():
        if isinstance(value, str):
            text = logged(redact_url(value) if key in URLS else value)
            # The lines of a traceback stand apart: a stranger's path in one would look like a line of the log.
            event[key] = text.replace("\n", "\n    " if key == "exception" else "\\n")
        else:
            event[key] = logged_deep(value if _plain(value) else repr(value))
    return event


def _plain(value: Any) -> bool:
    """Whether a value is what :func:`logged_deep` looks into, or holds no text."""
    return value is None or isinstance(value, dict | list | tuple | bool | int | float)

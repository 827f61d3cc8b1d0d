"""How the engine logs: lines for people or JSON for machines, on stderr."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from trueup.sources.url import redact

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
FORMATS = ("auto", "text", "json")


def configure_logs(form: str, level: str) -> None:
    """Set up structlog for the process. The form ``auto`` is text on a terminal, and JSON where nobody watches."""
    terminal = sys.stderr.isatty()
    json = form == "json" or (form == "auto" and not terminal)
    last: Any = structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=terminal)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redacted,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def redacted(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """No credentials of URLs in a log line, whoever wrote it."""
    for key, value in event.items():
        event[key] = _without_credentials(value)
    return event


def _without_credentials(value: Any) -> Any:
    match value:
        case str():
            return redact(value) if "://" in value else value
        case dict():
            return {key: _without_credentials(each) for key, each in value.items()}
        case list() | tuple():
            return [_without_credentials(each) for each in value]
        case _:
            return value

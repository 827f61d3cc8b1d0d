"""What is logged."""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog
from structlog.testing import capture_logs

from trueup.runtime.logger import prepared_by


@contextmanager
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    """The lines of every level that are logged meanwhile.

    A command that ran in this process has set up the log to show errors alone, or will with the first line.
    """
    prepared_by(lambda: None)
    before = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(0))  # noqa: TID251 - captured, not written
    try:
        with capture_logs() as lines:
            yield lines
    finally:
        structlog.configure(wrapper_class=before)  # noqa: TID251 - captured, not written

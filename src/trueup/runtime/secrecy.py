"""What must not be told while one piece of work is done, and the one way in which text leaves the process.

Every sink (condition, Event, log, audit trail, note, screen) tells its text by :func:`told`: credentials by their shape
(:mod:`trueup.formats.redact`), secrets by their value (:mod:`trueup.formats.hidden`), control characters by their code.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from trueup.formats.hidden import Hidden
from trueup.formats.redact import is_secret_name, redact
from trueup.formats.visible import visible

Values = Callable[[], Iterable[str]]

SHORTEST: Final = 8
"""Characters of a variable's value that is taken for a secret."""
LONGEST_WORD: Final = 12
"""Letters or digits alone that are no more than a word or a number."""


class Keeper:
    """Secrets that a piece of work has met. They are looked at when the first text is told, and go with the work."""

    def __init__(self) -> None:
        self._sources: dict[str, tuple[Values, Values]] = {}
        self._hidden: Hidden | None = None

    def learn(self, name: str, values: Values, plain: Values = tuple) -> None:
        """Values under a name; those that it had before are replaced. ``plain``: what is no secret, such as names."""
        self._sources[name] = (values, plain)
        self._hidden = None

    def hide(self, text: str) -> str:
        """The text without them."""
        if not self._sources:
            return text
        if self._hidden is None:
            sources = list(self._sources.values())
            self._hidden = Hidden(
                (value for values, _ in sources for value in values()),
                (word for _, plain in sources for word in plain()),
            )
        return self._hidden.hide(text)


EVERYWHERE = Keeper()
"""The credentials of this process itself: repositories', clusters', its own."""
_WORK: ContextVar[Keeper | None] = ContextVar("secrets of the work at hand", default=None)


@contextmanager
def keeping() -> Iterator[Keeper]:
    """Work whose secrets are hidden in what it tells, by the tasks that it starts too."""
    keeper = Keeper()
    token = _WORK.set(keeper)
    try:
        yield keeper
    finally:
        _WORK.reset(token)


def learn(name: str, values: Values, plain: Values = tuple) -> None:
    """As :meth:`Keeper.learn`, for the work at hand; outside of any it is forgotten."""
    if (keeper := _WORK.get()) is not None:
        keeper.learn(name, values, plain)


def of_environment(variables: Mapping[str, str]) -> Iterator[str]:
    """The values of a process's variables that are secrets: by their names, and long and mixed enough to be one.

    A path that exists, a short value, a word and a number are none: they would be masked in every honest text.
    """
    for name, value in variables.items():
        if is_secret_name(name) and not _is_ordinary(value) and not os.access(value, os.F_OK):
            yield value


def _is_ordinary(value: str) -> bool:
    return len(value) < SHORTEST or (len(value) <= LONGEST_WORD and (value.isalpha() or value.isdigit()))


def told(text: str) -> str:
    """A text as it may leave the process."""
    text = EVERYWHERE.hide(redact(text))
    if (keeper := _WORK.get()) is not None:
        text = keeper.hide(text)
    return visible(text)


def told_deep(value: Any, spare: frozenset[str] = frozenset()) -> Any:
    """The same for all texts of JSON-like data; what stands below a key of ``spare`` stays as it is."""
    match value:
        case str():
            return told(value)
        case dict():
            return {
                told(key) if isinstance(key, str) else key: each if key in spare else told_deep(each, spare)
                for key, each in value.items()
            }
        case list() | tuple():
            return [told_deep(each, spare) for each in value]
        case _:
            return value


def told_messages(status: dict[str, Any], *, known: dict[str, Any]) -> None:
    """Tell what stands under ``message`` in a status, in place. The rest is names, verdicts and copies of the spec.

    Args:
        known: the status as it was told before: its messages are not looked at again.
    """
    before = {fields["message"] for fields in _with_message(known)}
    for fields in _with_message(status):
        if fields["message"] not in before:
            fields["message"] = told(fields["message"])


def _with_message(value: Any) -> Iterator[dict[str, Any]]:
    pending = [value]
    while pending:
        match pending.pop():
            case dict() as fields:
                if isinstance(fields.get("message"), str) and fields["message"]:
                    yield fields
                pending += fields.values()
            case list() as entries:
                pending += entries

"""What must not be told while one piece of work is done, and the one way in which text leaves the process.

Every sink tells its text without credentials that have a shape (:mod:`kubegrammar.redact`), secrets that are known
by their value (:mod:`kubegrammar.hidden`) and control characters. Which values are known depends on who reads it:

- A condition, an Event, a status, a record, a note: :func:`told`. Tenants read it, and would learn from a mask that
  they guessed a secret. So it hides the secrets of the work at hand alone, and no word that the application or its
  repository says itself.
- The log, and the screen of who started the process: :func:`logged`. It hides what this process knows of secrets, the
  credentials of every repository among them.

What a tool may quote of the credential that it was given is hidden where its output is read.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from kubegrammar.hidden import Hidden, written
from kubegrammar.named_secrets import is_secret_name
from kubegrammar.redact import redact
from kubegrammar.visible import visible

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
        self._own: Values = tuple
        self._own_hidden: Hidden | None = None
        self._words: dict[str, Values] = {}
        self._written = written(tuple)

    def learn(self, name: str, values: Values, plain: Values = tuple) -> None:
        """Values under a name; those that it had before are replaced. ``plain``: what is no secret, such as names."""
        self._sources[name] = (values, plain)
        self._hidden, self._written = None, written(self._told_anyway)

    def wrote(self, name: str, words: Values, secrets: Values | None = None) -> None:
        """What the reader of the texts has written himself, under a name: it is told whatever secret it equals.

        Args:
            secrets: what he marked as secrets in it, which is hidden whatever else is known.
        """
        self._words[name] = words
        self._written = written(self._told_anyway)
        if secrets is not None:
            self._own, self._own_hidden = secrets, None

    def _told_anyway(self) -> Iterator[str]:
        for texts in (*self._words.values(), *(plain for _, plain in self._sources.values())):
            yield from texts()

    def hide(self, text: str, *, everywhere: bool = False) -> str:
        """The text without them; ``everywhere``: in what the reader has written too."""
        if self._own_hidden is None:
            self._own_hidden = Hidden(self._own())
        text = self._own_hidden.hide(text)
        if not self._sources:
            return text
        if self._hidden is None:
            sources = list(self._sources.values())
            self._hidden = Hidden(
                (value for values, _ in sources for value in values()),
                (word for _, plain in sources for word in plain()),
            )
        return self._hidden.hide(text, None if everywhere else self._written)


EVERYWHERE = Keeper()
"""The credentials of this process itself: repositories', clusters', its own. For its log and its screen alone."""
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


def wrote(name: str, words: Values, secrets: Values | None = None) -> None:
    """As :meth:`Keeper.wrote`, for the work at hand."""
    if (keeper := _WORK.get()) is not None:
        keeper.wrote(name, words, secrets)


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
    """A text as it may leave the process, for whoever may read it: it is the same whatever others' secrets are."""
    text, keeper = redact(text), _WORK.get()
    return visible(keeper.hide(text) if keeper is not None else text)


def logged(text: str) -> str:
    """A text for the log or the screen: those who read it may learn that it held a secret of this process."""
    text, keeper = EVERYWHERE.hide(redact(text)), _WORK.get()
    return visible(keeper.hide(text, everywhere=True) if keeper is not None else text)


def logged_deep(value: Any) -> Any:
    """The same for all texts of JSON-like data."""
    match value:
        case str():
            return logged(value)
        case dict():
            return {logged(key) if isinstance(key, str) else key: logged_deep(each) for key, each in value.items()}
        case list() | tuple():
            return [logged_deep(each) for each in value]
        case _:
            return value


def told_messages(status: dict[str, Any], *, known: dict[str, Any]) -> None:
    """Tell what stands under ``message`` in a status, in place. The rest is names, verdicts and copies of the spec.

    Args:
        known: the status as it was told before: its messages are not looked at again.
    """
    found = list(_with_message(status))
    before = {fields["message"] for fields in _with_message(known)} if found else frozenset()
    for fields in found:
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

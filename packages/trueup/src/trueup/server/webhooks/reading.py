"""Bodies of deliveries: strangers' JSON of any form and size, of which little is looked at."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

import msgspec

from kubegrammar.json import received
from trueup.server.webhooks.news import MOST_FILES, MOST_URLS, BadDelivery

LARGEST_PART: Final = 512 << 10
"""Bytes of a field that is looked at; of a larger one only that it is there."""
LONGEST_REF: Final = 1024
LONGEST_URL: Final = 2048
LONGEST_FILE: Final = 1024
"""Characters of a changed file's path; a longer one counts as too many files."""
_NOTHING: Final = msgspec.Raw(b"null")


class _Body(msgspec.Struct):
    """The fields of all hosts; whatever else is in a body, and in theirs, is passed over without being kept."""

    action: msgspec.Raw = _NOTHING
    after: msgspec.Raw = _NOTHING
    changes: msgspec.Raw = _NOTHING
    checkout_sha: msgspec.Raw = _NOTHING
    commits: msgspec.Raw = _NOTHING
    event_data: msgspec.Raw = _NOTHING
    eventType: msgspec.Raw = _NOTHING  # noqa: N815 - as it is written
    forced: msgspec.Raw = _NOTHING
    object_kind: msgspec.Raw = _NOTHING
    package: msgspec.Raw = _NOTHING
    project: msgspec.Raw = _NOTHING
    push: msgspec.Raw = _NOTHING
    push_data: msgspec.Raw = _NOTHING
    ref: msgspec.Raw = _NOTHING
    ref_type: msgspec.Raw = _NOTHING
    registry_package: msgspec.Raw = _NOTHING
    repository: msgspec.Raw = _NOTHING
    resource: msgspec.Raw = _NOTHING
    total_commits: msgspec.Raw = _NOTHING
    total_commits_count: msgspec.Raw = _NOTHING
    type: msgspec.Raw = _NOTHING


class Said:
    """A body. What is not there, or of another type than it should have, is empty: nobody is told so.

    Raises:
        BadDelivery: it is no JSON object.
    """

    def __init__(self, body: bytes) -> None:
        try:
            # Nothing is kept of what is passed over: neither its size nor its depth costs memory.
            self._body = msgspec.json.decode(body, type=_Body)
            self._read: dict[str, Any] = {}
        except (ValueError, RecursionError):
            # What that error says may be the sender's words.
            raise BadDelivery("the payload must be a JSON object") from None

    def at(self, *path: str) -> Any:
        """The value at a path of fields; None where there is none, or in too much."""
        if path[0] not in self._read:
            self._read[path[0]] = _value(getattr(self._body, path[0]))
        return inside(self._read[path[0]], *path[1:])

    def text(self, *path: str) -> str:
        """The text at a path."""
        return text_of(self.at(*path))

    def list(self, *path: str) -> list[Any]:
        """The list at a path."""
        found = self.at(*path)
        return found if isinstance(found, list) else []

    def number(self, *path: str) -> int:
        """The whole number at a path; 0 for none."""
        found = self.at(*path)
        return found if isinstance(found, int) and not isinstance(found, bool) else 0

    def ref(self, *path: str) -> str:
        """The text at a path, as a ref.

        Raises:
            BadDelivery: it is longer than any.
        """
        return as_ref(self.text(*path))

    def urls(self, *paths: tuple[str, ...]) -> tuple[str, ...]:
        """The texts at some paths that may be URLs."""
        return few_urls(self.text(*path) for path in paths)


def _value(raw: msgspec.Raw) -> Any:
    if len(memoryview(raw)) > LARGEST_PART:
        return None
    try:
        return received(bytes(raw))
    except (ValueError, RecursionError):
        return None


def inside(value: Any, *path: str) -> Any:
    """The value at a path below another; None where there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def text_of(value: Any) -> str:
    """A text; empty for what is none."""
    return value if isinstance(value, str) else ""


def as_ref(text: str) -> str:
    """A ref.

    Raises:
        BadDelivery: it is longer than any.
    """
    if len(text) > LONGEST_REF:
        raise BadDelivery("the ref is too long")
    return text


def as_url(text: str) -> str:
    """A text that may be a URL; empty for one that cannot."""
    return text if len(text) <= LONGEST_URL else ""


def few_urls(texts: Iterable[str]) -> tuple[str, ...]:
    """The first different texts that may be URLs."""
    return tuple(islice(dict.fromkeys(filter(None, map(as_url, texts))), MOST_URLS))


def changed_files(commits: list[Any]) -> frozenset[str] | None:
    """All files of commits; None where they name none, which says nothing, or more than are looked at."""
    found: set[str] = set()
    for file in _files(commits):
        found.add(file)
        if len(found) > MOST_FILES or len(file) > LONGEST_FILE:
            return None
    return frozenset(found) or None


def _files(commits: list[Any]) -> Iterator[str]:
    for commit in commits:
        for kind in ("added", "modified", "removed"):
            files = inside(commit, kind)
            yield from filter(None, map(text_of, files if isinstance(files, list) else ()))

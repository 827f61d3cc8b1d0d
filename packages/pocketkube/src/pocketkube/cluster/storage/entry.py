"""What is stored, how it changed, and why a change was refused."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

_ENCODE = msgspec.json.Encoder(order="deterministic").encode


def encode(obj: dict[str, Any], revision: int) -> bytes:
    """An object as it is stored at a revision; equal objects have equal bytes. Sets ``metadata.resourceVersion``.

    Kind and apiVersion come first, as Go writes them: lists cut them off by their length.
    """
    obj["metadata"]["resourceVersion"] = str(revision)
    rest = {name: value for name, value in obj.items() if name not in ("kind", "apiVersion")}
    return heading(obj.get("kind", ""), obj.get("apiVersion", "")) + _ENCODE(rest)[1:]


def heading(kind: str, api_version: str) -> bytes:
    """How every stored object of a kind begins."""
    return b'{"kind":%s,"apiVersion":%s,' % (_ENCODE(kind), _ENCODE(api_version))


class StoredObject(msgspec.Struct, frozen=True, gc=False):
    """One object at one revision.

    Attributes:
        namespace: empty for what is in none.
        body: JSON in the storage version, its resourceVersion set.
    """

    namespace: str
    name: str
    uid: str
    revision: int
    body: bytes

    def object(self) -> dict[str, Any]:
        """The object decoded: a copy of one's own."""
        obj: dict[str, Any] = msgspec.json.decode(self.body)
        return obj

    def at(self, revision: int) -> "StoredObject":
        """The same state under another revision, as a deletion shows what was there last."""
        return StoredObject(self.namespace, self.name, self.uid, revision, encode(self.object(), revision))


class Event(msgspec.Struct, frozen=True, gc=False):
    """One change.

    Attributes:
        entry: what is there now; for a deletion what was there last, at the deletion's revision.
        previous: what was there before; None for what is new.
    """

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    entry: StoredObject
    previous: StoredObject | None = None


class StoredPage(msgspec.Struct, frozen=True):
    """A part of a list.

    Attributes:
        revision: what the list shows.
        after: namespace and name to go on after; None at the end.
        remaining: how many follow.
    """

    entries: Sequence[StoredObject]
    revision: int
    after: tuple[str, str] | None = None
    remaining: int = 0


class Exists(Exception):
    """There is an object of that name."""


class NotStored(Exception):
    """There is no object of that name."""


class Changed(Exception):
    """The object is not at the revision expected. ``current`` is what is there."""

    def __init__(self, current: StoredObject) -> None:
        super().__init__(f"is at revision {current.revision}")
        self.current = current


class Expired(Exception):
    """The revision is older than the history kept."""


class StorageFailed(Exception):
    """The file cannot be read or written; the message names it."""

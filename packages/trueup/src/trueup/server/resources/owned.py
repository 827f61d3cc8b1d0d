"""Whose an object is, among all objects of all applications: kept up with each change, never looked through whole."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Final

import msgspec

from trueup.model.live import LiveObject
from trueup.model.resource import ResourceKey
from trueup.server.caller import Caller
from trueup.server.errors import Code, Fault
from trueup.server.gate import may
from trueup.server.request import Functions, Json, Request
from trueup.server.resources.applications import RESOURCE, ApplicationReads, Named, named

FEWEST, MOST = 20, 200
"""Objects of an answer, where nothing is said and at most."""
_ASKED_FOR: Final = ("kind", "group", "namespace")


class _Row(msgspec.Struct, gc=False):
    group: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""


class _Status(msgspec.Struct, gc=False):
    resources: list[_Row] | None = None


class _Body(msgspec.Struct, gc=False):
    status: _Status | None = None


class _Owned(msgspec.Struct, frozen=True, gc=False):
    """An application and its objects.

    Attributes:
        text: names in small letters, a line each and one before the first.
        values: what its objects have of the fields that are asked for, in small letters.
    """

    version: str
    known: Named
    rows: tuple[ResourceKey, ...]
    text: str
    values: frozenset[tuple[str, str]]


class ObjectOwner(msgspec.Struct, frozen=True):
    """By what an object belongs to an application.

    Attributes:
        application: its key.
        top: the application's own object, which has made the other.
    """

    application: str
    top: ResourceKey


Owners = Callable[[ResourceKey], Iterable[ObjectOwner]]
"""Of an object on any cluster that is none of an application's own, those that own it in the end."""


class OwnedObjects:
    """The objects of all applications by their names."""

    def __init__(self, reads: ApplicationReads) -> None:
        self._reads = reads
        self._owned: dict[str, _Owned] = {}

    def refreshed(self) -> dict[str, _Owned]:
        """All of them, each version of an application read once."""
        before, self._owned = self._owned, {}
        for live in self._reads.stored():
            key = f"{live.key.namespace}/{live.key.name}"
            found = before.get(key)
            if found is None or found.version != live.resource_version:
                found = self._read(live)
            self._owned[key] = found
        return self._owned

    def named(self, key: str) -> Named | None:
        """What an application is known by."""
        found = self._owned.get(key)
        return found.known if found is not None else None

    def search(
        self, text: str, wanted: Mapping[str, str], sees: Callable[[Named], bool]
    ) -> Iterator[tuple[Named, ResourceKey]]:
        """Objects whose names have a text in them: those that are called so, then those that begin so, then others.

        Args:
            wanted: values of an object's fields, whatever their case; an empty one is any.
            sees: whether an application's objects may be told. It is asked once of each that has one of them, and no
                further object of one that is not seen is looked at: however many others have, one's own are found.
        """
        met: set[tuple[str, ResourceKey]] = set()
        seen: dict[str, bool] = {}
        given = frozenset((name, value.lower()) for name, value in wanted.items() if value)
        text = text.lower()
        if "\n" in text:
            return
        for needle in (f"\n{text}\n", f"\n{text}", text) if text else ("\n",):
            for key, owned in self._owned.items():
                if seen.get(key) is False or not given <= owned.values:
                    continue
                for row in _matches(owned, needle):
                    if (key, row) in met or any(getattr(row, name).lower() != value for name, value in given):
                        continue
                    if key not in seen:
                        seen[key] = sees(owned.known)
                    if not seen[key]:
                        break
                    met.add((key, row))
                    yield owned.known, row

    def _read(self, live: LiveObject) -> _Owned:
        try:
            status = msgspec.json.decode(live.body, type=_Body).status
        except msgspec.MsgspecError:
            status = None
        rows = tuple(
            ResourceKey(each.group, each.kind, each.namespace, each.name)
            for each in (status.resources if status is not None else None) or ()
        )
        values = frozenset((name, getattr(row, name).lower()) for row in rows for name in _ASKED_FOR)
        text = "".join(f"\n{row.name.lower()}" for row in rows) + "\n"
        return _Owned(live.resource_version, named(live, self._reads.control_namespace), rows, text, values)


def _matches(owned: _Owned, needle: str) -> Iterator[ResourceKey]:
    at = owned.text.find(needle)
    line, counted = -1, 0
    while at >= 0:
        # The line break that a needle begins with opens the line that is meant.
        here = at + 1 if needle.startswith("\n") else at
        line += owned.text.count("\n", counted, here)
        counted = here
        if line < len(owned.rows):
            yield owned.rows[line]
        following = owned.text.find("\n", here)
        at = owned.text.find(needle, following) if following >= 0 else -1


def find_functions(reads: ApplicationReads, owners: Owners) -> Functions:
    """Find, and the images that run."""
    objects = OwnedObjects(reads)

    async def find(request: Request) -> Json:
        message, caller = request.message, request.caller
        text, limit = message.get("q", "").strip(), limit_of(message, FEWEST, MOST)
        wanted = {name: message.get(name, "") for name in _ASKED_FOR}
        objects.refreshed()
        seen = objects.search(text, wanted, lambda known: may(caller, RESOURCE, "get", known.of))
        found = [_told(known, row) for known, row in islice(seen, limit + 1)]
        if not found and wanted["kind"] and text:
            found = list(_made(caller, ResourceKey(wanted["group"], wanted["kind"], wanted["namespace"], text)))
        return {"items": found[:limit], "more": len(found) > limit}

    def _made(caller: Caller, key: ResourceKey) -> Iterator[Json]:
        for owner in owners(key):
            known = objects.named(owner.application)
            if known is not None and may(caller, RESOURCE, "get", known.of):
                yield _told(known, key) | {"via": f"{owner.top.kind}/{owner.top.name}"}

    async def images(request: Request) -> Json:
        message, caller = request.message, request.caller
        text, limit = message.get("q", "").strip().lower(), limit_of(message, 100, 1000)
        run: dict[str, list[str]] = {}
        for live in reads.stored():
            known = named(live, reads.control_namespace)
            if may(caller, RESOURCE, "get", known.of):
                for image in _images(live):
                    if text in image.lower():
                        run.setdefault(image, []).append(known.name)
        items = [{"image": image, "applications": sorted(names)} for image, names in sorted(run.items())]
        return {"items": items[:limit], "more": len(items) > limit}

    return {"TrueupService.Find": find, "TrueupService.Images": images}


def limit_of(message: Json, usual: int, most: int) -> int:
    """How many are asked for.

    Raises:
        Fault: fewer than none.
    """
    limit = int(message.get("limit") or 0)
    if limit < 0:
        raise Fault(Code.INVALID_ARGUMENT, "limit: a number from 1 on")
    return min(limit or usual, most)


class _Summary(msgspec.Struct, gc=False):
    images: list[str] | None = None


class _Summarised(msgspec.Struct, gc=False):
    summary: _Summary | None = None


class _Running(msgspec.Struct, gc=False):
    status: _Summarised | None = None


def _images(live: LiveObject) -> list[str]:
    try:
        status = msgspec.json.decode(live.body, type=_Running).status
    except msgspec.MsgspecError:
        return []
    summary = status.summary if status is not None else None
    return (summary.images if summary is not None else None) or []


def _told(known: Named, key: ResourceKey) -> Json:
    return {
        "group": key.group,
        "kind": key.kind,
        "namespace": key.namespace,
        "name": key.name,
        "application": known.name,
        "appNamespace": known.namespace,
        "project": known.project,
        "via": "",
    }

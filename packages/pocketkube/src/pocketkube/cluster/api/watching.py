"""Watch streams (k8s.io/apiserver ``endpoints/handlers/watch.go``): one JSON object a line."""

import random
from collections.abc import AsyncIterator
from typing import Any, Final

from pocketkube.cluster.api.calls import VerbCall
from pocketkube.cluster.api.core import Core
from pocketkube.cluster.api.listing import ListOptions
from pocketkube.cluster.api.negotiation import View
from pocketkube.cluster.api.request import ApiRequest, encode
from pocketkube.cluster.api.selecting import select
from pocketkube.cluster.api.views import META_VERSION, body_of, partial, table
from pocketkube.cluster.failure import Failure
from pocketkube.cluster.resource import Object, Resource
from pocketkube.cluster.storage import Expired, StoredObject, watch

SHORTEST_SECONDS: Final = 1800.0
"""Where a client sets no limit a watch lasts this long at least, up to twice that."""
_REMEMBERED: Final = 4096
_INITIAL_END: Final = {"k8s.io/initial-events-end": "true"}


class Lines:
    """Events as lines, each made once for all who watch in the same form."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._known: dict[tuple[int, str, str, str], bytes] = {}

    def line(self, resource: Resource, view: View, type_: str, entry: StoredObject) -> bytes:
        """A change, plain or as metadata only."""
        if not view and resource.api_version == resource.storage_version:
            return b'{"type":"%s","object":%s}\n' % (type_.encode(), entry.body)
        key = (entry.revision, type_, resource.api_version, view)
        line = self._known.get(key)
        if line is None:
            body = partial(entry.body) if view else body_of(self._core, resource, entry)
            line = self._known[key] = b'{"type":"%s","object":%s}\n' % (type_.encode(), body)
            if len(self._known) > _REMEMBERED:
                del self._known[next(iter(self._known))]
        return line


async def stream(core: Core, lines: Lines, call: VerbCall, options: ListOptions, view: View) -> AsyncIterator[bytes]:
    """The chunks of a watch. What is wrong with the request is raised before the first one.

    Raises:
        Failure: BadRequest.
    """
    selection = select(call)
    timeout = float(options.timeout or 0) or SHORTEST_SECONDS * (1 + random.random())  # noqa: S311 - spreads load only
    initial = options.initial_events if options.initial_events is not None else options.revision <= 0
    since = options.revision if options.revision > 0 and not initial else 0
    batches = watch(
        core.storage,
        call.resource.stored_as,
        selection.namespace,
        keep=selection.keep or _everything,
        since=since or core.storage.revision,
        initial_events=initial,
        timeout=timeout,
    )
    return _chunks(core, lines, call, options, view, batches)


async def _chunks(
    core: Core, lines: Lines, call: VerbCall, options: ListOptions, view: View, batches: AsyncIterator[list[Any]]
) -> AsyncIterator[bytes]:
    resource = call.resource
    marks_end = options.initial_events is True
    headers = True
    try:
        async for batch in batches:
            chunk: list[bytes] = []
            for item in batch:
                if item[0] == "BOOKMARK":
                    if options.bookmarks and (marks_end or not item[2]):
                        chunk.append(_bookmark(resource, view, item[1], end=item[2]))
                elif view == "Table":
                    chunk.append(_row(core, call.request, resource, item[0], item[1], headers=headers))
                    headers = False
                else:
                    chunk.append(lines.line(resource, view, item[0], item[1]))
            if chunk:
                yield b"".join(chunk)
    except Expired as error:
        yield _line("ERROR", Failure("Expired", str(error)).status())
    except Failure as failure:
        yield _line("ERROR", failure.status())


def _row(
    core: Core, request: ApiRequest, resource: Resource, type_: str, entry: StoredObject, *, headers: bool
) -> bytes:
    made = table(core, request, resource, [core.read(resource, entry)], {"resourceVersion": str(entry.revision)})
    if not headers:
        made["columnDefinitions"] = []
    return _line(type_, made)


def _bookmark(resource: Resource, view: View, revision: int, *, end: bool) -> bytes:
    metadata: Object = {"resourceVersion": str(revision)}
    if end:
        metadata["annotations"] = _INITIAL_END
    if view == "Table":
        inner = {"kind": "PartialObjectMetadata", "apiVersion": META_VERSION, "metadata": metadata}
        obj: Object = {
            "kind": "Table",
            "apiVersion": META_VERSION,
            "metadata": {"resourceVersion": str(revision)},
            "columnDefinitions": [],
            "rows": [{"cells": [], "object": inner}] if end else [],
        }
    elif view:
        obj = {"kind": "PartialObjectMetadata", "apiVersion": META_VERSION, "metadata": metadata}
    else:
        obj = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
    return _line("BOOKMARK", obj)


def _line(type_: str, obj: Object) -> bytes:
    return encode({"type": type_, "object": obj}) + b"\n"


def _everything(_: StoredObject) -> bool:
    return True

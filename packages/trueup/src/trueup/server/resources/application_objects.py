"""Single objects of an Application: read, patched, deleted, and what Kubernetes has told of them."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from trueup.diff.mask import Masks
from trueup.diff.normalise import is_secret
from trueup.model.live import LiveObject
from trueup.model.resource import ResourceKey
from trueup.server.errors import Code, Fault
from trueup.server.gate import require
from trueup.server.request import Functions, Json, Request
from trueup.server.resources.application_place import ObjectPlace, found_in, grown, key_in
from trueup.server.resources.application_tree import Place
from trueup.server.resources.applications import RESOURCE, ApplicationReading, ApplicationReads, named
from trueup.store.applications import StoredApplication

_PATCHES = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
}
MOST_EVENTS = 500
_WRITING = ("add", "remove", "replace")
"""Operations of a JSON patch that show nothing of what they are applied to."""


def application_objects(reads: ApplicationReads, place: Place, masked: Callable[[], Sequence[str]]) -> Functions:
    """GetResource, PatchResource, DeleteResource and ListResourceEvents.

    Args:
        masked: annotations whose values are shown to nobody.
    """
    finding = ApplicationReading(reads)

    async def at(stored: StoredApplication) -> ObjectPlace:
        found = await place(stored)
        await found.follow()
        return found

    def allowed(request: Request, action: str) -> StoredApplication:
        """The Application, where the caller may do this to the object that they name."""
        stored = finding.find(request, "get")
        key = key_in(request.message)
        of = named(stored.live, reads.control_namespace).of
        require(request.caller, RESOURCE, f"{action}/{key.group}/{key.kind}/{key.namespace}/{key.name}", of)
        return stored

    async def shown(live: LiveObject, there: ObjectPlace) -> Json:
        """As text, without the values of Secrets and without what says who wrote which field."""
        body = live.object()
        body.get("metadata", {}).pop("managedFields", None)
        return {"manifest": msgspec.json.encode(Masks(masked(), await there.lent()).shown(body)).decode()}

    async def get(request: Request) -> Json:
        stored = finding.find(request, "get")
        there = await at(stored)
        return await shown(await whole_of(there, stored, key_in(request.message)), there)

    async def patch(request: Request) -> Json:
        stored, key = allowed(request, "update"), key_in(request.message)
        given = request.message.get("patchType", "")
        kind = _PATCHES.get(given, given if given in _PATCHES.values() else "")
        if not kind:
            raise Fault(Code.INVALID_ARGUMENT, f"Patch type '{given[:80]}' is not supported")
        there = await at(stored)
        live = await whole_of(there, stored, key)
        permitted(there, key)
        body = request.message.get("patch", "").encode()
        if kind == "json" and is_secret(live.object()):
            body = blind(body)
        return await shown(await there.patch(live, body, kind), there)

    async def delete(request: Request) -> Json:
        stored, key = allowed(request, "delete"), key_in(request.message)
        there = await at(stored)
        live = await whole_of(there, stored, key)
        permitted(there, key)
        await there.delete(live, orphan=bool(request.message.get("orphan")))
        return {}

    async def events(request: Request) -> Json:
        stored, message = finding.find(request, "get"), request.message
        name, uid = message.get("resourceName", ""), message.get("resourceUID", "")
        namespace, there = message.get("resourceNamespace", ""), await at(stored)
        if not (name or uid or namespace):
            name, uid, namespace = stored.live.key.name, stored.live.uid, stored.live.key.namespace
        elif not any(
            branch.seen.uid == uid and key.name == name and key.namespace == namespace
            for key, branch in grown(there).items()
        ):
            app = stored.app.metadata.name
            raise Fault(Code.INVALID_ARGUMENT, f"{name} not found as part of application {app}")
        found = [each for each in await there.events(namespace) if _about(each, name, uid)]
        return {"metadata": {}, "items": Masks(lent=await there.lent()).shown(found[-MOST_EVENTS:])}

    return {
        "ApplicationService.GetResource": get,
        "ApplicationService.PatchResource": patch,
        "ApplicationService.DeleteResource": delete,
        "ApplicationService.ListResourceEvents": events,
    }


async def whole_of(place: ObjectPlace, stored: StoredApplication, key: ResourceKey) -> LiveObject:
    """An object of an Application with all that is in it.

    Raises:
        Fault: it is none of them, or gone.
    """
    seen = found_in(place, stored, key)
    live = await place.whole(key)
    if live is None or live.uid != seen.uid:
        raise Fault(Code.NOT_FOUND, f"{key.kind} {key.name} is not there any more")
    return live


def blind(patch: bytes) -> bytes:
    """A JSON patch of a Secret: it may write values that nobody is shown, and neither move them to where they are shown
    nor ask for them.

    Raises:
        Fault: it is none, or does more.
    """
    try:
        steps = msgspec.json.decode(patch, type=list[dict[str, Any]])
    except (msgspec.DecodeError, RecursionError) as error:
        raise Fault(Code.INVALID_ARGUMENT, "the patch is no JSON patch") from error
    if any(step.get("op") not in _WRITING for step in steps):
        raise Fault(
            Code.INVALID_ARGUMENT, f"a JSON patch of a Secret may {', '.join(_WRITING)}: the rest could show its values"
        )
    # As it was read here: another reader may take another one of two keys.
    return msgspec.json.encode(steps)


def permitted(place: ObjectPlace, key: ResourceKey) -> None:
    """Go on only where the Application may write an object.

    Raises:
        Fault: it may not.
    """
    reason = place.refusal(key)
    if reason:
        raise Fault(Code.PERMISSION_DENIED, reason)


def _about(event: Json, name: str, uid: str) -> bool:
    involved: Any = event.get("involvedObject")
    return isinstance(involved, dict) and involved.get("name") == name and involved.get("uid") == uid

"""Actions on single objects: those that Argo CD ships, without its scripts."""

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from trueup.model.resource import ResourceKey
from trueup.server.errors import Code, Fault
from trueup.server.gate import require
from trueup.server.request import Functions, Json, Request
from trueup.server.resources.application_objects import permitted, whole_of
from trueup.server.resources.application_place import key_in
from trueup.server.resources.application_tree import Place
from trueup.server.resources.applications import RESOURCE, ApplicationReading, ApplicationReads, named
from trueup.server.resources.object_actions import BUILT, ObjectAction, ObjectChanges

SETTING = "resource.customizations.actions."


def application_actions(
    reads: ApplicationReads, place: Place, now: Callable[[], datetime], settings: Callable[[], Mapping[str, str]]
) -> Functions:
    """ListResourceActions, RunResourceAction and its second version.

    Args:
        settings: argocd-cm.
    """
    finding = ApplicationReading(reads)

    async def listed(request: Request) -> Json:
        stored, key = finding.find(request, "get"), key_in(request.message)
        there = await place(stored)
        await there.follow()
        body = (await whole_of(there, stored, key)).object()
        return {
            "actions": [
                {
                    "name": name,
                    "disabled": action.idle(body),
                    **({"params": [{"name": each} for each in action.parameters]} if action.parameters else {}),
                }
                for name, action in _actions(key).items()
            ]
        }

    async def run(request: Request) -> Json:
        stored, key, message = finding.find(request, "get"), key_in(request.message), request.message
        name = message.get("action", "")
        of = named(stored.live, reads.control_namespace).of
        require(request.caller, RESOURCE, f"action/{key.group}/{key.kind}/{name}", of)
        action = _actions(key).get(name)
        if action is None:
            raise _unknown(key, name, settings())
        given = {each.get("name", ""): each.get("value", "") for each in message.get("resourceActionParameters") or []}
        there = await place(stored)
        await there.follow()
        live = await whole_of(there, stored, key)
        permitted(there, key)
        changes: ObjectChanges = action.change(live.object(), given, now())
        if changes.made:
            metadata = changes.made["metadata"]
            permitted(there, ResourceKey(*action.creates, metadata["namespace"], metadata["name"]))
            await there.create(changes.made)
        if changes.patch:
            await there.patch(live, msgspec.json.encode(changes.patch), "merge")
        if changes.status:
            await there.patch(live, msgspec.json.encode(changes.status), "merge", subresource="status")
        return {}

    return {
        "ApplicationService.ListResourceActions": listed,
        "ApplicationService.RunResourceAction": run,
        "ApplicationService.RunResourceActionV2": run,
    }


def _actions(key: ResourceKey) -> Mapping[str, ObjectAction]:
    return BUILT.get((key.group, key.kind), {})


def _unknown(key: ResourceKey, name: str, settings: Mapping[str, str]) -> Fault:
    """What is said of an action that is none; a script of argocd-cm may define it, and scripts are not run."""
    what = f"{key.group}/{key.kind}" if key.group else key.kind
    field = SETTING + (f"{key.group}_{key.kind}" if key.group else key.kind)
    if field in settings:
        return Fault(
            Code.UNIMPLEMENTED,
            f"action '{name[:80]}' of {what[:80]}: {field[:160]} in argocd-cm is Lua, which is not run",
        )
    return Fault(Code.INVALID_ARGUMENT, f"action '{name[:80]}' of {what[:80]} is not built in Trueup")

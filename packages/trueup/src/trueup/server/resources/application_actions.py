"""Actions on single objects: those of Argo CD's that are a change of one field, and need no script."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from kubegrammar.time import format_time
from trueup.model.live import LiveObject
from trueup.server.errors import Code, Fault
from trueup.server.gate import require
from trueup.server.request import Functions, Json, Request
from trueup.server.resources.application_objects import permitted, whole_of
from trueup.server.resources.application_place import key_in
from trueup.server.resources.application_tree import Place
from trueup.server.resources.applications import RESOURCE, ApplicationReading, ApplicationReads, named

MOST_REPLICAS = 100_000


class ObjectAction(msgspec.Struct, frozen=True):
    """Something that can be done to an object.

    Attributes:
        patch: the merge patch that does it, from the parameters and the time.
        parameters: their names.
        idle: whether there is nothing to do, by the object's specification.
    """

    patch: Callable[[Mapping[str, str], datetime], Json]
    parameters: tuple[str, ...] = ()
    idle: Callable[[Json], bool] = lambda _: False


def _restart(_: Mapping[str, str], now: datetime) -> Json:
    annotations = {"kubectl.kubernetes.io/restartedAt": format_time(now)}
    return {"spec": {"template": {"metadata": {"annotations": annotations}}}}


def _setting(field: str, value: bool) -> ObjectAction:
    return ObjectAction(lambda _, __: {"spec": {field: value}}, idle=lambda spec: bool(spec.get(field, False)) is value)


def _scale(parameters: Mapping[str, str], _: datetime) -> Json:
    text = parameters.get("replicas", "")
    if not (text.isascii() and text.isdecimal() and len(text) < 7 and int(text) <= MOST_REPLICAS):
        raise Fault(Code.INVALID_ARGUMENT, "replicas has to be a whole number")
    return {"spec": {"replicas": int(text)}}


_RESTART, _SCALE = ObjectAction(_restart), ObjectAction(_scale, ("replicas",))
_SUSPEND = {"suspend": _setting("suspend", True), "resume": _setting("suspend", False)}
BUILT: Mapping[tuple[str, str], Mapping[str, ObjectAction]] = {
    ("apps", "DaemonSet"): {"restart": _RESTART},
    ("apps", "Deployment"): {
        "restart": _RESTART,
        "pause": _setting("paused", True),
        "resume": _setting("paused", False),
        "scale": _SCALE,
    },
    ("apps", "StatefulSet"): {"restart": _RESTART, "scale": _SCALE},
    ("batch", "CronJob"): _SUSPEND,
    ("batch", "Job"): _SUSPEND,
}
"""By group and kind, and by name."""


def application_actions(reads: ApplicationReads, place: Place, now: Callable[[], datetime]) -> Functions:
    """ListResourceActions, RunResourceAction and its second version."""
    finding = ApplicationReading(reads)

    async def listed(request: Request) -> Json:
        stored, key = finding.find(request, "get"), key_in(request.message)
        there = await place(stored)
        await there.follow()
        live = await whole_of(there, stored, key)
        spec = _spec(live)
        return {
            "actions": [
                {
                    "name": name,
                    "disabled": action.idle(spec),
                    **({"params": [{"name": each} for each in action.parameters]} if action.parameters else {}),
                }
                for name, action in BUILT.get((key.group, key.kind), {}).items()
            ]
        }

    async def run(request: Request) -> Json:
        stored, key, message = finding.find(request, "get"), key_in(request.message), request.message
        name = message.get("action", "")
        of = named(stored.live, reads.control_namespace).of
        require(request.caller, RESOURCE, f"action/{key.group}/{key.kind}/{name}", of)
        action = BUILT.get((key.group, key.kind), {}).get(name)
        if action is None:
            what = f"{key.group}/{key.kind}" if key.group else key.kind
            raise Fault(Code.INVALID_ARGUMENT, f"action '{name[:80]}' of {what[:80]} is not built in Trueup")
        given = {each.get("name", ""): each.get("value", "") for each in message.get("resourceActionParameters") or []}
        patch = action.patch(given, now())
        there = await place(stored)
        await there.follow()
        live = await whole_of(there, stored, key)
        permitted(there, key)
        await there.patch(live, msgspec.json.encode(patch), "merge")
        return {}

    return {
        "ApplicationService.ListResourceActions": listed,
        "ApplicationService.RunResourceAction": run,
        "ApplicationService.RunResourceActionV2": run,
    }


def _spec(live: LiveObject) -> dict[str, Any]:
    spec = live.object().get("spec")
    return spec if isinstance(spec, dict) else {}

"""What can be done to a Pod besides: binding, eviction, log (``pkg/registry/core/pod``)."""

from typing import Any, Final

from pocketkube.cluster import catalog
from pocketkube.cluster.api.calls import VerbCall
from pocketkube.cluster.api.core import Core
from pocketkube.cluster.api.deletion import delete
from pocketkube.cluster.api.listing import get
from pocketkube.cluster.api.options import DeleteOptions, delete_options, flag, integer
from pocketkube.cluster.api.request import TEXT, Response
from pocketkube.cluster.api.selectors import matches
from pocketkube.cluster.failure import Failure, FieldCause, conflict, invalid
from pocketkube.cluster.kinds.problems import Problems
from pocketkube.cluster.resource import Object
from pocketkube.cluster.upkeep.logs import log_lines

SUCCESS: Final[Object] = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
_BUDGETS: Final = "poddisruptionbudgets.policy"


def bind(core: Core, call: VerbCall) -> Object:
    """Gives a Pod its node, as a scheduler does.

    Raises:
        Failure: NotFound, Conflict where it has a node already, Invalid without a target.
    """
    binding = _body(call)
    target = binding.get("target") if isinstance(binding.get("target"), dict) else {}
    node = (target or {}).get("name") or ""
    if not node:
        problems = Problems()
        problems.required("target.name")
        raise invalid("Binding", "", call.name, problems)
    entry = get(core, call)
    pod = entry.object()
    why = ""
    if pod["metadata"].get("deletionTimestamp"):
        why = f"pod {call.name} is being deleted, cannot be assigned to a host"
    elif pod["spec"].get("nodeName"):
        why = f'pod {call.name} is already assigned to node "{pod["spec"]["nodeName"]}"'
    if why:
        raise conflict("pods/binding", "", call.name, why)
    if call.options.dry_run:
        return SUCCESS
    pod["spec"]["nodeName"] = node
    annotations = (binding.get("metadata") or {}).get("annotations")
    if isinstance(annotations, dict):
        pod["metadata"]["annotations"] = {**(pod["metadata"].get("annotations") or {}), **annotations}
    _set_condition(pod, {"type": "PodScheduled", "status": "True", "lastProbeTime": None}, core.now_text())
    core.storage.update("pods", call.namespace, call.name, pod, entry.revision)
    return SUCCESS


def evict(core: Core, call: VerbCall) -> Object:
    """Deletes a Pod where its disruption budget allows that.

    Raises:
        Failure: NotFound, TooManyRequests.
    """
    eviction = _body(call)
    name = (eviction.get("metadata") or {}).get("name")
    if name != call.name:
        raise Failure("BadRequest", "name in URL does not match name in Eviction object")
    given = eviction.get("deleteOptions")
    options = delete_options(call.request, given) if given else DeleteOptions()
    options.dry_run = options.dry_run or call.options.dry_run
    pod = get(core, call).object()
    status = pod.get("status") or {}
    ends = status.get("phase") in ("Succeeded", "Failed", "Pending") or pod["metadata"].get("deletionTimestamp")
    if not ends:
        _spend(core, call, pod, dry_run=options.dry_run)
    delete(core, call, options)
    return SUCCESS


def log(core: Core, call: VerbCall) -> Response:
    """The log of a container.

    Raises:
        Failure: NotFound, BadRequest where there is none.
    """
    request = call.request
    pod = get(core, call).object()
    # A Pod that is on no node has no log; one whose containers are played all the same has one.
    if not (pod.get("spec") or {}).get("nodeName") and not (pod.get("status") or {}).get("containerStatuses"):
        _check_container(pod, request.first("container"))
        return Response(code=204, content_type=TEXT)
    lines = log_lines(
        pod,
        request.first("container"),
        core.now(),
        timestamps=bool(flag(request, "timestamps")),
        previous=bool(flag(request, "previous")),
        tail_lines=integer(request, "tailLines"),
        since_seconds=integer(request, "sinceSeconds"),
    )
    body = "".join(f"{line}\n" for line in lines).encode()
    limit = integer(request, "limitBytes")
    return Response(body=body if limit is None else body[: max(limit, 0)], content_type="text/plain")


def _spend(core: Core, call: VerbCall, pod: Object, *, dry_run: bool) -> None:
    """Takes one from the disruptions that a budget allows."""
    labels = pod["metadata"].get("labels") or {}
    budgets = [
        entry
        for entry in core.storage.list(_BUDGETS, call.namespace).entries
        if matches((entry.object().get("spec") or {}).get("selector"), labels)
    ]
    if len(budgets) > 1:
        text = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        raise Failure("", text)
    for entry in budgets:
        budget = entry.object()
        status = budget.get("status") or {}
        allowed = status.get("disruptionsAllowed") or 0
        if allowed < 1:
            needs, has = status.get("desiredHealthy") or 0, status.get("currentHealthy") or 0
            text = f"The disruption budget {entry.name} needs {needs} healthy pods and has {has} currently"
            cause = FieldCause("DisruptionBudget", text, "")
            refused = "Cannot evict pod as it would violate the pod's disruption budget."
            raise Failure("TooManyRequests", refused, causes=[cause])
        if not dry_run:
            disrupted = {**(status.get("disruptedPods") or {}), call.name: core.now_text()}
            budget["status"] = {**status, "disruptionsAllowed": allowed - 1, "disruptedPods": disrupted}
            core.storage.update(_BUDGETS, entry.namespace, entry.name, budget, entry.revision)


def _body(call: VerbCall) -> dict[str, Any]:
    body = catalog.read_body(call.request.body, call.request.headers.get("content-type", "")).obj
    if not isinstance(body, dict) or not isinstance(body.get("metadata") or {}, dict):
        raise Failure("BadRequest", "the object provided is unrecognized")
    return body


def _check_container(pod: Object, container: str) -> None:
    spec, name = pod.get("spec") or {}, pod["metadata"]["name"]
    groups = (spec.get("containers"), spec.get("initContainers"), spec.get("ephemeralContainers"))
    known = [one["name"] for group in groups for one in group or ()]
    if container and container not in known:
        raise Failure("BadRequest", f"container {container} is not valid for pod {name}")
    if not container and len(spec.get("containers") or ()) > 1:
        names = " ".join(one["name"] for one in spec["containers"])
        text = f"a container name must be specified for pod {name}, choose one of: [{names}]"
        raise Failure("BadRequest", text)


def _set_condition(pod: Object, condition: dict[str, Any], now: str) -> None:
    status = pod.setdefault("status", {})
    kept = [one for one in status.get("conditions") or () if one.get("type") != condition["type"]]
    status["conditions"] = [*kept, {**condition, "lastTransitionTime": now}]

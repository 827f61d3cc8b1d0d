"""What a tree shows of objects that nobody manages: read once, when the cluster tells of them, by kind."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from trueup import health
from trueup.model.live import LiveObject, Shown
from trueup.model.resource import GroupKind

REVISION = "deployment.kubernetes.io/revision"


class _Container(msgspec.Struct, gc=False):
    image: Any = ""


class _Pod(msgspec.Struct, rename="camel", gc=False):
    containers: list[_Container] | None = None
    init_containers: list[_Container] | None = None


class _Template(msgspec.Struct, gc=False):
    spec: _Pod | None = None


class _State(msgspec.Struct, rename="camel", gc=False):
    ready: Any = False
    restart_count: Any = 0


class _PodStatus(msgspec.Struct, rename="camel", gc=False):
    container_statuses: list[_State] | None = None


class _PodObject(msgspec.Struct, gc=False):
    spec: _Pod | None = None
    status: _PodStatus | None = None


class _Workload(msgspec.Struct, gc=False):
    template: _Template | None = None


class _WorkloadObject(msgspec.Struct, gc=False):
    spec: _Workload | None = None


class _Revised(msgspec.Struct, gc=False):
    revision: Any = ""


def shown(found: LiveObject) -> Shown:
    """What is shown of an object, besides its name, age and owners. What cannot be read is left out: a cluster may
    answer anything."""
    try:
        verdict = health.assess(found)
    except (msgspec.DecodeError, RecursionError, TypeError, ValueError, AttributeError):
        verdict = None
    read = _BY_KIND.get(found.group_kind)
    try:
        return msgspec.structs.replace(read(found), health=verdict) if read else Shown(health=verdict)
    except (msgspec.DecodeError, RecursionError):
        return Shown(health=verdict)


def _pod(found: LiveObject) -> Shown:
    pod = msgspec.json.decode(found.body, type=_PodObject)
    states = (pod.status.container_statuses if pod.status else None) or []
    containers = len((pod.spec.containers if pod.spec else None) or [])
    restarts = sum(state.restart_count for state in states if type(state.restart_count) is int)
    ready = sum(state.ready is True for state in states)
    return Shown(images=_images(pod.spec), restarts=restarts, ready=f"{ready}/{containers}")


def _workload(found: LiveObject) -> Shown:
    spec = msgspec.json.decode(found.body, type=_WorkloadObject).spec
    pod = spec.template.spec if spec and spec.template else None
    return Shown(images=_images(pod), revision=found.annotations.get(REVISION, ""))


def _revision(found: LiveObject) -> Shown:
    return Shown(revision=str(msgspec.json.decode(found.body, type=_Revised).revision))


def _images(pod: _Pod | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_named(pod))) if pod else ()


def _named(pod: _Pod) -> Iterator[str]:
    for container in (*(pod.init_containers or ()), *(pod.containers or ())):
        if isinstance(container.image, str) and container.image:
            yield container.image


_BY_KIND: dict[GroupKind, Callable[[LiveObject], Shown]] = {
    GroupKind("", "Pod"): _pod,
    GroupKind("apps", "ControllerRevision"): _revision,
    GroupKind("apps", "DaemonSet"): _workload,
    GroupKind("apps", "Deployment"): _workload,
    GroupKind("apps", "ReplicaSet"): _workload,
    GroupKind("apps", "StatefulSet"): _workload,
    GroupKind("batch", "Job"): _workload,
}

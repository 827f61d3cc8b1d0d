"""The addresses behind a Service: an Endpoints object and EndpointSlices (pkg/controller/endpoint, endpointslice)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from pocketkube.workloads.decision import Create, DeleteObject, Object, PatchObject, WorkloadDecision, Write, decided
from pocketkube.workloads.facts import (
    finished,
    has_labels,
    labels_of,
    name_of,
    of_kind,
    owner_reference,
    phase_of,
    ready,
    terminating,
    uid_of,
)
from pocketkube.workloads.template import hash_of

SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
MANAGER = "endpointslice-controller.k8s.io"
HEADLESS = "service.kubernetes.io/headless"
MOST_ENDPOINTS = 100
"""Of one slice (``--max-endpoints-per-slice``)."""


def decide(service: Object, related: Sequence[Object], now: datetime) -> WorkloadDecision:
    """Makes what a Service with a selector points to follow its Pods."""
    spec = service["spec"]
    if terminating(service) or not spec.get("selector") or spec.get("type") == "ExternalName":
        return WorkloadDecision()
    pods = [
        pod
        for pod in of_kind(related, "Pod")
        if has_labels(labels_of(pod), spec["selector"]) and (pod.get("status") or {}).get("podIP") and not finished(pod)
    ]
    pods.sort(key=name_of)
    slices = [one for one in of_kind(related, "EndpointSlice") if labels_of(one).get(MANAGED_BY) == MANAGER]
    endpoints = next((one for one in of_kind(related, "Endpoints") if name_of(one) == name_of(service)), None)
    return decided([*_slices(service, pods, slices), *_endpoints(service, pods, endpoints)])


def _slices(service: Object, pods: Sequence[Object], known: Sequence[Object]) -> list[Write]:
    chunks = [
        (ports, group[start : start + MOST_ENDPOINTS])
        for ports, group in _by_ports(service, pods)
        for start in range(0, len(group), MOST_ENDPOINTS)
    ]
    wanted = [_slice(service, *chunk, number) for number, chunk in enumerate(chunks or [([], [])])]
    names = {name_of(one): one for one in known}
    writes: list[Write] = []
    for one in wanted:
        current = names.pop(name_of(one), None)
        if current is None:
            writes.append(Create(one))
        elif change := _difference(current, one, ("endpoints", "ports")):
            writes.append(PatchObject(current, change))
    return [*writes, *(DeleteObject(one) for one in names.values())]


def _slice(service: Object, ports: Sequence[Object], pods: Sequence[Object], number: int) -> Object:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            # The real controller lets the server make names up; these say the same each time.
            "name": f"{name_of(service)}-{hash_of([uid_of(service), number])[:5]}",
            "namespace": service["metadata"]["namespace"],
            "labels": {**_labels(service), SERVICE_NAME: name_of(service), MANAGED_BY: MANAGER},
            "ownerReferences": [owner_reference(service)],
        },
        "addressType": "IPv4",
        "endpoints": [_endpoint(service, pod) for pod in pods],
        "ports": list(ports),
    }


def _endpoint(service: Object, pod: Object) -> Object:
    serving = ready(pod)
    leaving = terminating(pod)
    shown = bool(service["spec"].get("publishNotReadyAddresses")) or (serving and not leaving)
    found: Object = {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": shown, "serving": serving, "terminating": leaving},
        "targetRef": _reference(pod),
    }
    if name := _hostname(service, pod):
        found["hostname"] = name
    return found


def _endpoints(service: Object, pods: Sequence[Object], current: Object | None) -> list[Write]:
    subsets: list[Object] = []
    for ports, group in _by_ports(service, pods):
        shown = [pod for pod in group if service["spec"].get("publishNotReadyAddresses") or ready(pod)]
        hidden = [pod for pod in group if pod not in shown and phase_of(pod) != "Failed"]
        subset: Object = {
            "addresses": [_address(service, pod) for pod in shown if not terminating(pod)],
            "notReadyAddresses": [_address(service, pod) for pod in hidden if not terminating(pod)],
            "ports": list(ports),
        }
        if subset["addresses"] or subset["notReadyAddresses"]:
            subsets.append({key: value for key, value in subset.items() if value})
    wanted: Object = {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {
            "name": name_of(service),
            "namespace": service["metadata"]["namespace"],
            "labels": {**_labels(service), "endpoints.kubernetes.io/managed-by": "endpoint-controller"},
            # The real controller deletes it with the Service; here the garbage collector does.
            "ownerReferences": [owner_reference(service)],
        },
        "subsets": subsets,
    }
    if current is None:
        return [Create(wanted)]
    change = _difference(current, wanted, ("subsets",))
    return [PatchObject(current, change)] if change else []


def _address(service: Object, pod: Object) -> Object:
    found: Object = {"ip": pod["status"]["podIP"], "targetRef": _reference(pod)}
    if name := _hostname(service, pod):
        found["hostname"] = name
    return found


def _reference(pod: Object) -> Object:
    metadata = pod["metadata"]
    return {"kind": "Pod", "namespace": metadata["namespace"], "name": metadata["name"], "uid": metadata["uid"]}


def _hostname(service: Object, pod: Object) -> str:
    """The name of a Pod in the domain of the Service that governs it."""
    spec = pod["spec"]
    return str(spec.get("hostname") or "") if spec.get("subdomain") == name_of(service) else ""


def _labels(service: Object) -> dict[str, str]:
    labels = dict(labels_of(service))
    if service["spec"].get("clusterIP") == "None":
        labels[HEADLESS] = ""
    return labels


def _by_ports(service: Object, pods: Sequence[Object]) -> list[tuple[list[Object], list[Object]]]:
    """Pods together with the ports they serve: a named port may have another number in each."""

    def served(pod: Object) -> list[tuple[str, str, int]]:
        return [(port.get("name", ""), port["protocol"], port["port"]) for port in _ports(service, pod)]

    ordered = sorted(pods, key=lambda pod: (served(pod), name_of(pod)))
    return [(_ports(service, members[0]), members) for _, group in groupby(ordered, served) if (members := list(group))]


def _ports(service: Object, pod: Object) -> list[Object]:
    found: list[Object] = []
    for port in service["spec"].get("ports") or ():
        number = _target(port, pod)
        if number is not None:
            found.append({"name": port.get("name", ""), "protocol": port.get("protocol", "TCP"), "port": number})
    return found


def _target(port: Mapping[str, Any], pod: Object) -> int | None:
    target = port.get("targetPort") or port.get("port")
    if isinstance(target, int):
        return target
    for container in pod["spec"].get("containers") or ():
        for offered in container.get("ports") or ():
            if offered.get("name") == target and offered.get("protocol", "TCP") == port.get("protocol", "TCP"):
                return int(offered["containerPort"])
    return None


def _difference(current: Object, wanted: Object, keys: Sequence[str]) -> Object:
    """A merge patch of the given keys and the labels; empty where nothing differs.

    An empty name is no difference: the API leaves it out of Endpoints and keeps it in slices.
    """
    body = {key: wanted[key] for key in keys if _filled(current.get(key) or []) != _filled(wanted[key])}
    labels = {key: value for key, value in labels_of(wanted).items() if labels_of(current).get(key) != value}
    return {**body, **({"metadata": {"labels": labels}} if labels else {})}


def _filled(value: Any) -> Any:
    match value:
        case dict():
            return {key: _filled(inner) for key, inner in value.items() if inner not in ("", [], {}, None)}
        case list():
            return [_filled(inner) for inner in value]
    return value

"""Namespaces, Nodes and the smaller kinds of the core group."""

from typing import Any, Final

from kubegrammar.quantity import parse_quantity
from pocketkube.cluster import names
from pocketkube.cluster.kinds.containers import check_amount
from pocketkube.cluster.kinds.problems import Problems
from pocketkube.cluster.kinds.rules import HomeCluster, KindRules, at
from pocketkube.cluster.resource import Object

_KUBERNETES: Final = "kubernetes"
_WHOLE: Final = {
    *("configmaps", "persistentvolumeclaims", "pods", "replicationcontrollers", "resourcequotas", "secrets"),
    *("services", "services.loadbalancers", "services.nodeports"),
}


def _create_namespace(_: HomeCluster, obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    finalizers = spec.get("finalizers") or []
    if _KUBERNETES not in finalizers:
        spec["finalizers"] = [*finalizers, _KUBERNETES]
    obj["status"] = {"phase": "Active"}
    _name_namespace(obj)


def _name_namespace(obj: Object) -> None:
    """The label that carries the name; a generated name is known only by now."""
    metadata = obj["metadata"]
    if metadata.get("name"):
        metadata["labels"] = (metadata.get("labels") or {}) | {"kubernetes.io/metadata.name": metadata["name"]}


def _update_namespace(_: HomeCluster, old: Object, new: Object) -> None:
    finalizers = at(old, "spec", "finalizers")
    spec = {key: value for key, value in (new.get("spec") or {}).items() if key != "finalizers"}
    new["spec"] = spec | ({"finalizers": finalizers} if finalizers else {})


def _namespace_subresource(_: HomeCluster, old: Object, new: Object, subresource: str) -> None:
    if subresource == "finalize":
        new["status"] = old.get("status", {})


def _change_namespace_part(_: Object, new: Object, subresource: str, problems: Problems) -> None:
    phase = at(new, "status", "phase")
    if subresource == "finalize":
        for index, name in enumerate(at(new, "spec", "finalizers") or ()):
            problems.each(f"spec.finalizers[{index}]", name, names.label_key(name))
    elif not new["metadata"].get("deletionTimestamp"):
        if phase != "Active":
            text = "may only be 'Active' if `deletionTimestamp` is empty"
            problems.invalid("status.Phase", phase, text)
    elif phase != "Terminating":
        text = "may only be 'Terminating' if `deletionTimestamp` is not empty"
        problems.invalid("status.Phase", phase, text)


def _namespace(obj: Object, problems: Problems) -> None:
    for name in at(obj, "spec", "finalizers") or ():
        problems.each("spec.finalizers", name, names.label_key(name))
        if "/" not in name and name not in (_KUBERNETES, "orphan", "foregroundDeletion"):
            text = "name is neither a standard finalizer name nor is it fully qualified"
            problems.invalid("spec.finalizers", name, text)


def _endpoints(obj: Object, problems: Problems) -> None:
    for index, subset in enumerate(obj.get("subsets") or ()):
        field = f"subsets[{index}]"
        if not subset.get("addresses") and not subset.get("notReadyAddresses"):
            problems.required(field, "must specify `addresses` or `notReadyAddresses`")
        for key in ("addresses", "notReadyAddresses"):
            for number, item in enumerate(subset.get(key) or ()):
                if names.address(item.get("ip", "")) is None:
                    text = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
                    problems.invalid(f"{field}.{key}[{number}].ip", item.get("ip", ""), text)
                    problems.invalid(f"{field}.{key}[{number}].ip", item.get("ip", ""), "must be a valid IP address")
        ports = subset.get("ports") or []
        for number, port in enumerate(ports):
            path = f"{field}.ports[{number}]"
            if not port.get("name") and len(ports) > 1:
                problems.required(f"{path}.name")
            elif port.get("name"):
                problems.each(f"{path}.name", port["name"], names.label(port["name"]))
            problems.each(f"{path}.port", port.get("port", 0), names.port_number(port.get("port", 0)))


def _quota(obj: Object, problems: Problems) -> None:
    for name, amount in (at(obj, "spec", "hard") or {}).items():
        whole = name in _WHOLE or ("/" in name and "kubernetes.io/" not in name)
        check_amount(amount, f"spec.hard[{name}]", problems, whole=whole)
    _check_scopes(obj.get("spec") or {}, problems)


_SCOPES: Final = (
    *("BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating", "PriorityClass", "Terminating"),
    "VolumeAttributesClass",
)


def _check_scopes(spec: dict[str, Any], problems: Problems) -> None:
    scopes = spec.get("scopes") or []
    for scope in scopes:
        if scope not in _SCOPES:
            problems.invalid("spec.scopes", scopes, "unsupported scope")
    for pair in ({"BestEffort", "NotBestEffort"}, {"Terminating", "NotTerminating"}):
        if pair <= set(scopes):
            problems.invalid("spec.scopes", scopes, "conflicting scopes")
    field = "spec.scopeSelector.matchExpressions"
    for item in at(spec, "scopeSelector", "matchExpressions") or ():
        scope, operator, values = item.get("scopeName", ""), item.get("operator", ""), item.get("values") or []
        if scope not in _SCOPES:
            problems.invalid(f"{field}.scopeName", scope, "unsupported scope")
        if operator in ("In", "NotIn") and not values:
            text = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
            problems.required(f"{field}.values", text)
        elif operator in ("Exists", "DoesNotExist") and values:
            text = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
            problems.invalid(f"{field}.values", values, text)
        elif operator not in ("In", "NotIn", "Exists", "DoesNotExist"):
            problems.invalid(f"{field}.operator", operator, "not a valid selector operator")


def _node(obj: Object, problems: Problems) -> None:
    seen: set[tuple[str, str]] = set()
    for index, taint in enumerate(at(obj, "spec", "taints") or ()):
        field, key, effect = f"metadata.taints[{index}]", taint.get("key", ""), taint.get("effect", "")
        problems.each(f"{field}.key", key, names.label_key(key))
        if wrong := names.label_value(taint.get("value", "")):
            problems.invalid(f"{field}.value", taint["value"], ";".join(wrong))
        problems.one_of(f"{field}.effect", effect, ("NoSchedule", "PreferNoSchedule", "NoExecute"))
        if (key, effect) in seen:
            problems.duplicate(field, taint)
        seen.add((key, effect))


_ORDERED: Final = (
    ("min", "max", "min", "min value {0} is greater than max value {1}"),
    ("min", "defaultRequest", "defaultRequest", "min value {0} is greater than default request value {1}"),
    ("defaultRequest", "max", "defaultRequest", "default request value {0} is greater than max value {1}"),
    (
        "defaultRequest",
        "default",
        "defaultRequest",
        "default request value {0} is greater than default limit value {1}",
    ),
    ("min", "default", "default", "min value {0} is greater than default value {1}"),
    ("default", "max", "default", "default value {0} is greater than max value {1}"),
)
"""Of a LimitRange: what is not greater than what, the field that is reported, and how."""
_SHOWS_LIMIT: Final = {("min", "default"): "min", ("default", "max"): "max"}


def _check_order(item: dict[str, Any], field: str, problems: Problems) -> None:
    amounts = ("max", "min", "default", "defaultRequest")
    for name in dict.fromkeys(name for key in amounts for name in item.get(key) or ()):
        for low, high, shown, text in _ORDERED:
            less, more = (item.get(low) or {}).get(name), (item.get(high) or {}).get(name)
            if less is not None and more is not None and parse_quantity(less) > parse_quantity(more):
                value = item[_SHOWS_LIMIT.get((low, high), shown)][name]
                problems.invalid(f"{field}.{shown}[{name}]", value, text.format(less, more))


def _limits(obj: Object, problems: Problems) -> None:
    for index, item in enumerate(at(obj, "spec", "limits") or ()):
        kind, field = item.get("type", ""), f"spec.limits[{index}].type"
        wrong = names.label_key(kind)
        problems.each(field, kind, wrong)
        if not wrong and "/" not in kind and kind not in ("Pod", "Container", "PersistentVolumeClaim"):
            problems.invalid(field, kind, "must be a standard limit type or fully qualified")
        _check_order(item, f"spec.limits[{index}]", problems)


def _create_node(_: HomeCluster, obj: Object) -> None:
    """A new node takes no pods until its life-cycle controller says so."""
    taint = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
    taints = obj["spec"].get("taints") or []
    if not any(item.get("key") == taint["key"] and item.get("effect") == taint["effect"] for item in taints):
        obj["spec"]["taints"] = [*taints, taint]


def _node_labels(obj: Object) -> dict[str, str]:
    return {"spec.unschedulable": "true" if at(obj, "spec", "unschedulable") else "false"}


def _namespace_labels(obj: Object) -> dict[str, str]:
    return {"status.phase": at(obj, "status", "phase") or ""}


RULES: Final[dict[tuple[str, str], KindRules]] = {
    ("", "Namespace"): KindRules(
        status=True,
        create=_create_namespace,
        update=_update_namespace,
        on_subresource=_namespace_subresource,
        check=_namespace,
        change_subresource=_change_namespace_part,
        labels=_namespace_labels,
        name=names.label,
    ),
    ("", "Node"): KindRules(
        labels=_node_labels, create=_create_node, check=_node, update=lambda _, old, new: _keep_status(old, new)
    ),
    ("", "Endpoints"): KindRules(check=_endpoints),
    ("", "ResourceQuota"): KindRules(status=True, check=_quota),
    ("", "LimitRange"): KindRules(check=_limits),
}


def _keep_status(old: Object, new: Object) -> None:
    """A Node may be created with a status, and changes it by the subresource only."""
    new["status"] = old.get("status", {})

"""Cells of bindings, admission policies, certificates and flow control."""

from datetime import datetime
from typing import Any

from pocketkube.cluster.resource import Object
from pocketkube.cluster.tables.cells import NONE, UNSET, Cell, condition_of, dig, items, members, text
from pocketkube.cluster.tables.durations import human_duration


def role_cell(binding: Object, now: datetime) -> str:
    """The role that is granted."""
    return f"{text(binding, 'roleRef', 'kind')}/{text(binding, 'roleRef', 'name')}"


def subjects_cell(kind: str) -> Cell:
    """Those of one kind to whom a role is granted."""

    def cell(binding: Object, now: datetime) -> str:
        subjects = (subject for subject in items(binding, "subjects") if dig(subject, "kind") == kind)
        spaced = kind == "ServiceAccount"
        return ", ".join(f"{text(one, 'namespace')}/" * spaced + text(one, "name") for one in subjects)

    return cell


def param_kind_cell(policy: Object, now: datetime) -> str:
    """The kind of an admission policy's parameters."""
    found = dig(policy, "spec", "paramKind")
    return UNSET if found is None else f"{text(found, 'apiVersion')}/{text(found, 'kind')}"


def param_cell(binding: Object, now: datetime) -> str:
    """The parameters of an admission policy binding."""
    found = dig(binding, "spec", "paramRef")
    if name := text(found, "name"):
        return f"{text(found, 'namespace') or '*'}/{name}"
    selector = dig(found, "selector")
    return UNSET if selector is None else _go_text(members(selector))


def _go_text(selector: dict[str, Any]) -> str:
    """A selector as Go's generated ``LabelSelector.String`` has it."""
    labels = "".join(f"{key}: {value}," for key, value in sorted(members(selector, "matchLabels").items()))
    expressions = "".join(
        f"LabelSelectorRequirement{{Key:{text(entry, 'key')},Operator:{text(entry, 'operator')},"
        f"Values:[{' '.join(map(str, items(entry, 'values')))}],}},"
        for entry in items(selector, "matchExpressions")
    )
    return (
        f"&LabelSelector{{MatchLabels:map[string]string{{{labels}}},"
        f"MatchExpressions:[]LabelSelectorRequirement{{{expressions}}},}}"
    )


def certificate_state_cell(request: Object, now: datetime) -> str:
    """Where a CertificateSigningRequest is."""
    state = next((word for word in ("Denied", "Approved") if condition_of(request, word)), "Pending")
    failed = ",Failed" if condition_of(request, "Failed") else ""
    return state + failed + (",Issued" if dig(request, "status", "certificate") else "")


def certificate_duration_cell(request: Object, now: datetime) -> str:
    """How long the certificate is to be valid."""
    found = dig(request, "spec", "expirationSeconds")
    return human_duration(found) if isinstance(found, int) else NONE


def pod_certificate_state_cell(request: Object, now: datetime) -> str:
    """Where a PodCertificateRequest is; its last condition counts."""
    states = [text(condition, "type") for condition in items(request, "status", "conditions")]
    return next((state for state in reversed(states) if state in ("Issued", "Denied", "Failed")), "Pending")


def service_cell(service: Object, now: datetime) -> str:
    """The Service behind an APIService."""
    found = dig(service, "spec", "service")
    return "Local" if found is None else f"{text(found, 'namespace')}/{text(found, 'name')}"


def versions_cell(definition: Object, now: datetime) -> str:
    """The versions of a custom resource that are served, with a mark at the one that is stored."""
    served = [version for version in items(definition, "spec", "versions") if dig(version, "served") is True]
    return ",".join(sorted(text(one, "name") + "(storage)" * (dig(one, "storage") is True) for one in served))


def established_cell(definition: Object, now: datetime) -> bool:
    """Whether the custom resource is served."""
    return condition_of(definition, "Established").get("status") == "True"


def dangling_cell(schema: Object, now: datetime) -> str:
    """Whether a FlowSchema's priority level is missing."""
    return text(condition_of(schema, "Dangling"), "status") or "?"


def limit_cell(*path: str) -> Cell:
    """A number of a limited priority level; ``<none>`` where it is not limited, or does not queue."""

    def cell(level: Object, now: datetime) -> Any:
        holder = dig(level, "spec", "limited", *path[:-1])
        return NONE if holder is None else dig(holder, path[-1]) or 0

    return cell


def sort_flow_schemas(schemas: list[Object]) -> list[Object]:
    """In the order they are tried."""
    return sorted(schemas, key=lambda obj: (dig(obj, "spec", "matchingPrecedence") or 0, text(obj, "metadata", "name")))

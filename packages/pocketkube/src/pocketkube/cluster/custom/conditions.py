"""The status of a CustomResourceDefinition: its names, whether it is served, its end.

The rules are those of apiextensions-apiserver's controllers: ``pkg/controller/{status,establish,finalizer}``.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pocketkube.cluster.resource import Object

FINALIZER: Final = "customresourcecleanup.apiextensions.k8s.io"
APPROVAL: Final = "api-approved.kubernetes.io"


def established(definition: Mapping[str, Any]) -> bool:
    """Whether its resources are served."""
    return is_true(definition, "Established")


def terminating(definition: Mapping[str, Any]) -> bool:
    """Whether it is being deleted: nothing of its kinds may be created."""
    return is_true(definition, "Terminating")


def is_true(definition: Mapping[str, Any], kind: str) -> bool:
    return any(
        condition.get("type") == kind and condition.get("status") == "True"
        for condition in (definition.get("status") or {}).get("conditions") or ()
    )


def settle(definition: Object, others: Iterable[Object], now: str) -> Object | None:
    """What the controllers make of a definition once it was created or changed.

    Args:
        others: all other definitions; those of its group hold names.
        now: RFC 3339.

    Returns:
        A new object with another status, None where it is as it should be.
    """
    names = definition["spec"]["names"]
    status = definition.get("status") or {}
    accepted = status.get("acceptedNames") or {}
    changed = definition | {"status": dict(status)}
    changed["status"]["conditions"] = [dict(condition) for condition in status.get("conditions") or ()]
    if names != accepted:
        new_names, condition = _accept(names, accepted, _taken(definition, others))
        changed["status"]["acceptedNames"] = new_names
        set_condition(changed, condition, now)
        if not is_true(changed, "Established"):
            set_condition(changed, _condition("Established", "False", "NotAccepted", "not all names are accepted"), now)
    if is_true(changed, "NamesAccepted") and not is_true(changed, "Established"):
        text = "the initial names have been accepted"
        set_condition(changed, _condition("Established", "True", "InitialNamesAccepted", text), now)
    _approve(changed, now)
    return None if changed["status"] == status else changed


def marked_for_deletion(definition: Object, now: str) -> Object:
    """A definition as the first request to delete it leaves it: with a finalizer and a condition."""
    metadata = definition["metadata"]
    finalizers = list(metadata.get("finalizers") or ())
    if FINALIZER not in finalizers:
        finalizers.append(FINALIZER)
    marked = definition | {"metadata": metadata | {"deletionTimestamp": metadata.get("deletionTimestamp", now)}}
    marked["metadata"]["finalizers"] = finalizers
    return _with_condition(
        marked,
        _condition(
            "Terminating",
            "True",
            "InstanceDeletionPending",
            "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
        ),
        now,
    )


def deleting_instances(definition: Object, now: str) -> Object:
    """While its custom resources are being deleted."""
    text = "CustomResource deletion is in progress"
    return _with_condition(definition, _condition("Terminating", "True", "InstanceDeletionInProgress", text), now)


def cleaned_up(definition: Object, now: str) -> Object:
    """Once none of its custom resources is left: without its finalizer. Where it was the last, the definition goes."""
    metadata = dict(definition["metadata"])
    metadata["finalizers"] = [name for name in metadata.get("finalizers") or () if name != FINALIZER]
    if not metadata["finalizers"]:
        del metadata["finalizers"]
    if established(definition):
        reason, text = "InstanceDeletionCompleted", "removed all instances"
    else:
        reason, text = "NeverEstablished", "resource was never established"
    done = definition | {"metadata": metadata}
    return _with_condition(done, _condition("Terminating", "False", reason, text), now)


def set_condition(definition: Object, condition: dict[str, Any], now: str) -> None:
    """Puts a condition in its place; its time moves with its status alone."""
    conditions = definition["status"].setdefault("conditions", [])
    for index, present in enumerate(conditions):
        if present.get("type") == condition["type"]:
            moved = present.get("status") != condition["status"]
            time = now if moved else present.get("lastTransitionTime", now)
            conditions[index] = present | condition | {"lastTransitionTime": time}
            return
    conditions.append(condition | {"lastTransitionTime": now})


def _with_condition(definition: Object, condition: dict[str, Any], now: str) -> Object:
    status = dict(definition.get("status") or {})
    status["conditions"] = list(status.get("conditions") or ())
    changed = definition | {"status": status}
    set_condition(changed, condition, now)
    return changed


def _condition(kind: str, status: str, reason: str, message: str) -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def _taken(definition: Object, others: Iterable[Object]) -> tuple[set[str], set[str]]:
    """Names of resources and of kinds that the group's definitions hold."""
    resources: set[str] = set()
    kinds: set[str] = set()
    for other in (definition, *others):
        if other["spec"].get("group") == definition["spec"].get("group"):
            names = (other.get("status") or {}).get("acceptedNames") or {}
            resources.update(filter(None, (names.get("plural"), names.get("singular"))), names.get("shortNames") or ())
            kinds.update(filter(None, (names.get("kind"), names.get("listKind"))))
    return resources, kinds


def _accept(
    names: Mapping[str, Any], accepted: Mapping[str, Any], taken: tuple[set[str], set[str]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    new = dict(accepted)
    reason = message = ""
    for field in ("plural", "singular", "shortNames", "kind", "listKind"):
        used = taken[field.lower().endswith("kind")]
        wanted, held = names.get(field), accepted.get(field)
        fresh = [wanted] if isinstance(wanted, str) else [name for name in wanted or () if name not in (held or ())]
        clashes = [f'"{name}" is already in use' for name in dict.fromkeys(fresh) if name != held and name in used]
        if clashes:
            reason = f"{field[0].upper()}{field[1:]}Conflict"
            message = clashes[0] if len(clashes) == 1 else f"[{', '.join(clashes)}]"
        else:
            _put(new, field, wanted)
    _put(new, "categories", names.get("categories"))
    new.setdefault("plural", "")
    new.setdefault("kind", "")
    if reason:
        return new, _condition("NamesAccepted", "False", reason, message)
    return new, _condition("NamesAccepted", "True", "NoConflicts", "no conflicts found")


def _put(names: dict[str, Any], field: str, value: Any) -> None:
    if value:
        names[field] = value
    else:
        names.pop(field, None)


def _approve(definition: Object, now: str) -> None:
    """The condition of groups that belong to Kubernetes (``pkg/controller/apiapproval``)."""
    if not is_protected(definition["spec"].get("group", "")):
        return
    annotation = ((definition["metadata"].get("annotations")) or {}).get(APPROVAL, "")
    if annotation.startswith("unapproved"):
        status, reason, text = "False", "UnapprovedAnnotation", f'not approved: "{annotation}"'
    elif annotation:
        status, reason, text = "True", "ApprovedAnnotation", f"approved in {annotation}"
    else:
        return
    set_condition(definition, _condition("KubernetesAPIApprovalPolicyConformant", status, reason, text), now)


def is_protected(group: str) -> bool:
    """Whether a group belongs to Kubernetes, whose kinds need approval."""
    return group in ("k8s.io", "kubernetes.io") or group.endswith((".k8s.io", ".kubernetes.io"))

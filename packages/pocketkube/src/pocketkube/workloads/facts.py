"""What objects say: numbers with their defaults, owners, selectors, conditions, the state of Pods."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from kubegrammar.time import parse_time
from pocketkube.workloads.decision import Object, PatchObject

Condition = dict[str, Any]
NEVER = 2**31 - 1
"""What stands for "no limit" in fields of 32 bits."""


def number(value: Mapping[str, Any] | None, key: str, default: int = 0) -> int:
    """An integer of a mapping that may be absent."""
    found = (value or {}).get(key)
    return found if isinstance(found, int) else default


def some(count: int) -> int | None:
    """A count as the API stores it where it leaves zero out."""
    return count or None


def scaled(value: int | str | None, total: int, *, round_up: bool) -> int:
    """A count, or a percentage of a total (apimachinery ``GetScaledValueFromIntOrPercent``)."""
    if isinstance(value, str):
        if not re.fullmatch(r"[0-9]{1,9}%", value):
            return 0
        exact = Decimal(value[:-1]) * total / 100
        return int(exact.to_integral_value(ROUND_CEILING if round_up else ROUND_FLOOR))
    return value or 0


def name_of(obj: Object) -> str:
    return str(obj["metadata"]["name"])


def uid_of(obj: Object) -> str:
    return str(obj["metadata"].get("uid", ""))


def labels_of(obj: Object) -> dict[str, str]:
    return obj["metadata"].get("labels") or {}


def annotations_of(obj: Object) -> dict[str, str]:
    return obj["metadata"].get("annotations") or {}


def terminating(obj: Object) -> bool:
    """Whether an object is on its way out."""
    return bool(obj["metadata"].get("deletionTimestamp"))


def created_at(obj: Object) -> str:
    """The creation time; texts of one form, so they sort."""
    return str(obj["metadata"].get("creationTimestamp", ""))


def of_kind(objects: Iterable[Object], kind: str) -> list[Object]:
    """The objects of a kind, the oldest first, then by name."""
    return sorted((obj for obj in objects if obj["kind"] == kind), key=lambda obj: (created_at(obj), name_of(obj)))


def since(moment: Any, now: datetime) -> float:
    """Seconds from an RFC 3339 moment until now; 0 where it is none."""
    try:
        return (now - parse_time(str(moment))).total_seconds()
    except ValueError:
        return 0.0


# Owners


def owner_reference(owner: Object) -> Object:
    """The reference of a controller in what it made (apimachinery ``NewControllerRef``)."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def controller_of(obj: Object) -> Object | None:
    """The reference to the object's controller."""
    references = obj["metadata"].get("ownerReferences") or ()
    return next((reference for reference in references if reference.get("controller")), None)


def claim_owned(owner: Object, candidates: Sequence[Object]) -> list[Object]:
    """The objects an owner controls, where nothing is adopted."""
    return [one for one in candidates if (controller_of(one) or {}).get("uid") == uid_of(owner)]


def claim(owner: Object, candidates: Sequence[Object]) -> tuple[list[Object], list[PatchObject]]:
    """Which objects an owner controls, after adopting what matches its selector and letting go of what does not.

    The rule is that of the controllers' ``ClaimObject`` (pkg/controller/controller_ref_manager.go).

    Returns:
        The objects, and the patches that make it so.
    """
    owned: list[Object] = []
    patches: list[PatchObject] = []
    selector = owner["spec"].get("selector")
    for candidate in candidates:
        controller = controller_of(candidate)
        fits = selects(selector, labels_of(candidate))
        if controller is not None and controller["uid"] != uid_of(owner):
            continue
        if controller is not None and fits:
            owned.append(candidate)
        elif controller is not None and not terminating(owner):
            others = [one for one in candidate["metadata"]["ownerReferences"] if one["uid"] != uid_of(owner)]
            patches.append(PatchObject(candidate, {"metadata": {"ownerReferences": others}}))
        elif controller is None and fits and not terminating(owner) and not terminating(candidate):
            owned.append(candidate)
            references = [*(candidate["metadata"].get("ownerReferences") or ()), owner_reference(owner)]
            patches.append(PatchObject(candidate, {"metadata": {"ownerReferences": references}}))
    return owned, patches


# Selectors


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a LabelSelector matches; one that is absent matches nothing, an empty one everything."""
    if selector is None:
        return False
    if not has_labels(labels, selector.get("matchLabels") or {}):
        return False
    return all(_expression_matches(expression, labels) for expression in selector.get("matchExpressions") or ())


def has_labels(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Whether every wanted label is there."""
    return all(labels.get(key) == value for key, value in wanted.items())


def _expression_matches(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    found = labels.get(expression["key"])
    match expression.get("operator"):
        case "In":
            return found in (expression.get("values") or ())
        case "NotIn":
            return found not in (expression.get("values") or ())
        case "Exists":
            return found is not None
        case "DoesNotExist":
            return found is None
    return False


# Conditions


def condition_of(obj: Object, type_: str) -> Condition | None:
    """A condition of the object's status."""
    return _find((obj.get("status") or {}).get("conditions") or (), type_)


def is_true(obj: Object, type_: str) -> bool:
    """Whether a condition is there and True."""
    found = condition_of(obj, type_)
    return found is not None and found.get("status") == "True"


def with_condition(conditions: Sequence[Condition], new: Condition) -> list[Condition]:
    """The conditions with a new one, which counts only if its status or reason is new.

    The time of the transition stays where the status does (deployment_util.go ``SetDeploymentCondition``).
    """
    current = _find(conditions, new["type"])
    if current is None:
        return [*conditions, new]
    if (current["status"], current.get("reason")) == (new["status"], new.get("reason")):
        return list(conditions)
    if current["status"] == new["status"]:
        new = {**new, "lastTransitionTime": current["lastTransitionTime"]}
    return [*without_condition(conditions, new["type"]), new]


def without_condition(conditions: Sequence[Condition], type_: str) -> list[Condition]:
    """The other conditions."""
    return [condition for condition in conditions if condition["type"] != type_]


def _find(conditions: Iterable[Condition], type_: str) -> Condition | None:
    return next((condition for condition in conditions if condition["type"] == type_), None)


# Pods


def phase_of(pod: Object) -> str:
    return str((pod.get("status") or {}).get("phase", ""))


def finished(pod: Object) -> bool:
    """Whether a Pod's containers have ended for good."""
    return phase_of(pod) in ("Succeeded", "Failed")


def active(pod: Object) -> bool:
    """Whether a Pod counts as a replica (pkg/controller ``IsPodActive``)."""
    return not finished(pod) and not terminating(pod)


def ready(pod: Object) -> bool:
    return is_true(pod, "Ready")


def available(pod: Object, min_ready_seconds: int, now: datetime) -> bool:
    """Whether a Pod has been ready for long enough."""
    return available_in(pod, min_ready_seconds, now) == 0


def available_in(pod: Object, min_ready_seconds: int, now: datetime) -> float | None:
    """Seconds until a Pod that stays ready is available: 0 when it is, None when it is not ready."""
    condition = condition_of(pod, "Ready")
    if condition is None or condition.get("status") != "True":
        return None
    if min_ready_seconds <= 0:
        return 0
    return max(0.0, min_ready_seconds - since(condition.get("lastTransitionTime"), now))

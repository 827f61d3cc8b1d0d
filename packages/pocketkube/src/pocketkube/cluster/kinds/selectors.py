"""Label selectors inside objects (apimachinery ``meta/v1/validation``)."""

from typing import Any, Final

from pocketkube.cluster import names
from pocketkube.cluster.kinds.problems import Problems

_OPERATORS: Final = ("In", "NotIn", "Exists", "DoesNotExist")


def check_labels(labels: dict[str, str] | None, field: str, problems: Problems) -> None:
    """Keys and values of labels."""
    for key, value in (labels or {}).items():
        problems.each(field, key, names.label_key(key))
        problems.each(field, value, names.label_value(value))


def check_selector(selector: dict[str, Any] | None, field: str, problems: Problems) -> None:
    """``matchLabels`` and ``matchExpressions``."""
    if not selector:
        return
    check_labels(selector.get("matchLabels"), f"{field}.matchLabels", problems)
    for index, requirement in enumerate(selector.get("matchExpressions") or ()):
        _check_requirement(requirement, f"{field}.matchExpressions[{index}]", problems)


def _check_requirement(requirement: dict[str, Any], field: str, problems: Problems) -> None:
    operator, values = requirement.get("operator", ""), requirement.get("values") or []
    if operator in ("In", "NotIn"):
        if not values:
            problems.required(f"{field}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            problems.forbidden(f"{field}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    else:
        problems.invalid(f"{field}.operator", operator, "not a valid selector operator")
    problems.each(f"{field}.key", requirement.get("key", ""), names.label_key(requirement.get("key", "")))
    for index, value in enumerate(values):
        problems.each(f"{field}.values[{index}]", value, names.label_value(value))


def usable(selector: dict[str, Any] | None) -> bool:
    """Whether it can be turned into a selector at all."""
    problems = Problems()
    check_selector(selector, "", problems)
    return not problems


def matches(selector: dict[str, Any] | None, labels: dict[str, str] | None) -> bool:
    """Whether the labels are selected; none at all selects nothing, an empty one everything."""
    if selector is None:
        return False
    given = labels or {}
    if any(given.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_holds(requirement, given) for requirement in selector.get("matchExpressions") or ())


def _holds(requirement: dict[str, Any], labels: dict[str, str]) -> bool:
    key, values = requirement.get("key", ""), requirement.get("values") or []
    match requirement.get("operator"):
        case "In":
            return labels.get(key) in values if key in labels else False
        case "NotIn":
            return key not in labels or labels[key] not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case _:
            return False


def empty(selector: dict[str, Any] | None) -> bool:
    return not selector or not (selector.get("matchLabels") or selector.get("matchExpressions"))

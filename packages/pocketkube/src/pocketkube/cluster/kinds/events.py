"""Events: one store, served by the core group and by events.k8s.io."""

from typing import Any, Final

from pocketkube.cluster import names
from pocketkube.cluster.kinds.problems import Problems
from pocketkube.cluster.kinds.rules import KindRules, at
from pocketkube.cluster.resource import Object

_TO_EVENTS: Final = {
    "involvedObject": "regarding",
    "source": "deprecatedSource",
    "message": "note",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
_TO_CORE: Final = {new: old for old, new in _TO_EVENTS.items()}
_ALWAYS_CORE: Final[dict[str, Any]] = {
    "involvedObject": {},
    "source": {},
    "firstTimestamp": None,
    "lastTimestamp": None,
    "eventTime": None,
    "reportingComponent": "",
    "reportingInstance": "",
}
_ALWAYS_EVENTS: Final[dict[str, Any]] = {
    "regarding": {},
    "deprecatedSource": {},
    "deprecatedFirstTimestamp": None,
    "deprecatedLastTimestamp": None,
    "eventTime": None,
}
_OBJECT: Final = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")


def convert(obj: Object, api_version: str) -> Object:
    """Between ``v1`` and ``events.k8s.io/v1``."""
    renamed, always = (_TO_CORE, _ALWAYS_CORE) if api_version == "v1" else (_TO_EVENTS, _ALWAYS_EVENTS)
    changed = {renamed.get(key, key): value for key, value in obj.items()}
    if api_version != "v1":
        for key in ("reportingController", "reportingInstance"):
            if not changed.get(key):
                changed.pop(key, None)
    missing = {
        key: value.copy() if isinstance(value, dict) else value for key, value in always.items() if key not in changed
    }
    return changed | missing | {"apiVersion": api_version}


_LONGEST: Final = {"reportingInstance": 128, "action": 128, "reason": 128, "message": 1024}
_NOT_NEW: Final = ("firstTimestamp", "lastTimestamp", "count")
_FIXED: Final = (
    *("involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp", "count", "type", "action"),
    *("related", "reportingComponent", "reportingInstance"),
)


def _check(obj: Object, problems: Problems, reporter: str = "reportingComponent") -> None:
    """What both groups ask of an event; only one with an ``eventTime`` is held to the newer rules."""
    namespace = at(obj, "involvedObject", "namespace") or ""
    own = obj["metadata"].get("namespace", "")
    text = "does not match event.namespace"
    if not obj.get("eventTime"):
        if own != namespace and (namespace or own != "default"):
            problems.invalid("involvedObject.namespace", namespace, text)
        return
    if not namespace and own not in ("default", "kube-system"):
        problems.invalid("involvedObject.namespace", namespace, text)
    controller = obj.get("reportingComponent", "")
    if not controller:
        problems.required(reporter)
    problems.each(reporter, controller, names.label_key(controller))
    for key, limit in _LONGEST.items():
        value = obj.get(key) or ""
        if not value and key != "message":
            problems.required(key)
        if len(value.encode()) > limit:
            problems.invalid(key, "", f"can have at most {limit} characters")


def _check_strictly(obj: Object, problems: Problems) -> None:
    _check(obj, problems, "reportingController")
    if obj["metadata"].get("resourceVersion"):
        return
    _check_series(obj, problems)
    if not obj.get("eventTime"):
        problems.required("eventTime")
    if obj.get("type") not in ("Normal", "Warning"):
        problems.invalid("type", "", f"has invalid value: {obj.get('type', '')}")
    for key in _NOT_NEW:
        if obj.get(key):
            problems.invalid(key, "", "needs to be unset")
    if obj.get("source"):
        problems.invalid("source", "", "needs to be unset")


def _check_series(obj: Object, problems: Problems) -> None:
    series = obj.get("series")
    if series is None:
        return
    if series.get("count", 0) < 2:
        problems.invalid("series.count", "", "should be at least 2")
    if not series.get("lastObservedTime"):
        problems.required("series.lastObservedTime")


def _change_strictly(old: Object, new: Object, problems: Problems) -> None:
    if old.get("series") != new.get("series"):
        _check_series(new, problems)
    for key in _FIXED:
        field = "reportingController" if key == "reportingComponent" else key
        problems.immutable(field, old.get(key), new.get(key))


def _labels(obj: Object) -> dict[str, str]:
    core = obj if obj.get("apiVersion") == "v1" else convert(obj, "v1")
    involved = core.get("involvedObject") or {}
    source = at(core, "source", "component") or core.get("reportingComponent") or ""
    labels = {f"involvedObject.{key}": involved.get(key, "") for key in _OBJECT}
    labels |= {"reason": core.get("reason", ""), "source": source, "type": core.get("type", "")}
    return labels | {"reportingComponent": core.get("reportingComponent", "")}


def _labels_of_events(obj: Object) -> dict[str, str]:
    known = _labels(obj)
    labels = {f"regarding.{key}": known[f"involvedObject.{key}"] for key in _OBJECT}
    reporter = {"reportingController": known["reportingComponent"]}
    return labels | reporter | {key: known[key] for key in ("reason", "type")}


def _name(name: str) -> list[str]:
    """The older API takes every name that can stand in a path: what makes events calls them ``object.something``."""
    return [f"may not contain '{bad}'" for bad in ("/", "%") if bad in name]


RULES: Final[dict[tuple[str, str], KindRules]] = {
    ("", "Event"): KindRules(check=_check, convert=convert, labels=_labels, name=_name),
    ("events.k8s.io", "Event"): KindRules(
        check=_check_strictly,
        change=_change_strictly,
        convert=convert,
        labels=_labels_of_events,
    ),
}

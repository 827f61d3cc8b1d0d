"""Life-cycles of objects as data: which status an object gets next, and when; what controls it.

A file of stages names a kind and has one of the following, or both. ``stages`` is a list, the first matching entry of
which is where an object goes:

``when``
    A pattern: a mapping matches an object that matches it in every key; a list matches one of its entries; any other
    value matches itself; ``$present`` matches what is there, ``$absent`` what is missing or empty.
``delay``
    How long until then: ``5s``. Where absent, the object's annotation named by ``delayAnnotation`` says, else none.
``status``
    The status to merge; a stage without one is an end. ``$now`` is the time, ``$object.PATH`` and ``$item.PATH`` are
    values, ``$address NETWORK`` is an address of the object's own, ``{$each: PATH, $item: …}`` makes a list of a list.

``controller`` is for what makes other objects, or counts them. Rollouts and schedules are no data, so a pure function
decides, and the file says what it is shown:

``decides``
    A name in :data:`pocketkube.workloads.DECISIONS`: a function of the object, what is related to it, and the time,
    to the writes to be made.
``relates``
    The kinds it is shown, in the object's namespace. ``by: owner`` are the objects it controls, and those without a
    controller that its ``spec.selector`` matches; ``by: selector`` those that a label selector at ``spec.selector``
    matches, ``by: labels`` those that have the labels there; ``by: controller`` what controls the objects of the
    entries above; ``by: target`` what ``spec.scaleTargetRef`` names; ``by: name`` what has its name. A change of any,
    but for ``by: controller``, has the function decide again.
``standsInFor``
    The program that does the same elsewhere: where it runs, nobody may do it a second time.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal

import msgspec

from kubegrammar.duration import parse_duration
from kubegrammar.time import format_time
from kubegrammar.yaml import load
from pocketkube.errors import ClusterError
from pocketkube.player.objects import Kind
from pocketkube.wishes import with_wishes
from pocketkube.workloads import DECISIONS

ANY_TIME = "$now"
"""Stands for a time whose value does not count: a state that has begun is not begun again."""
FOLDER = Path(__file__).with_name("stages")


class Stage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of a stage file."""

    name: str
    when: dict[str, Any]
    status: dict[str, Any] | None = None
    delay: str = ""


class Related(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of ``relates``."""

    kind: str
    by: Literal["owner", "selector", "labels", "controller", "target", "name"]
    group: str = ""

    @property
    def of(self) -> Kind:
        return Kind(self.group, self.kind)


class Controller(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The ``controller`` of a stage file."""

    decides: str
    relates: tuple[Related, ...]
    stands_in_for: str = ""

    def __post_init__(self) -> None:
        if self.decides not in DECISIONS:
            raise ValueError(f'nothing decides "{self.decides}"')


class Lifecycle(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A stage file."""

    group: str
    kind: str
    stages: tuple[Stage, ...] = ()
    delay_annotation: str = ""
    controller: Controller | None = None

    @property
    def of(self) -> Kind:
        return Kind(self.group, self.kind)


class Transition(msgspec.Struct, frozen=True):
    """Where an object goes: in ``delay`` seconds ``status`` is merged into its status."""

    stage: str
    delay: float
    status: dict[str, Any]


def read_lifecycles(folder: Path = FOLDER) -> dict[Kind, Lifecycle]:
    """The stage files of a folder by kind.

    Raises:
        ClusterError: a file that is no stage file, by name.
    """
    found: dict[Kind, Lifecycle] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            lifecycle = msgspec.convert(load(path.read_bytes(), path.name), Lifecycle)
        except ValueError as error:
            raise ClusterError(f"{path.name} is no stage file: {error}") from error
        found[lifecycle.of] = lifecycle
    return found


def beside(lifecycles: Mapping[Kind, Lifecycle], program: str) -> dict[Kind, Lifecycle]:
    """The life-cycles that are needed where a program runs: without the controllers that stand in for it."""
    found: dict[Kind, Lifecycle] = {}
    for kind, lifecycle in lifecycles.items():
        if lifecycle.controller is not None and lifecycle.controller.stands_in_for == program:
            lifecycle = msgspec.structs.replace(lifecycle, controller=None)
        if lifecycle.stages or lifecycle.controller:
            found[kind] = lifecycle
    return found


def next_status(lifecycle: Lifecycle, live: Mapping[str, Any], now: datetime) -> Transition | None:
    """The transition that waits for an object; None when it is where it goes, at an end, or being deleted.

    Args:
        live: the object.
        now: the time for ``$now``.
    """
    live = with_wishes(live)
    metadata = live.get("metadata") or {}
    if metadata.get("deletionTimestamp"):
        return None
    stage = next((stage for stage in lifecycle.stages if matches(stage.when, live)), None)
    if stage is None or stage.status is None or covers(live.get("status"), fill(stage.status, live, ANY_TIME)):
        return None
    asked = (metadata.get("annotations") or {}).get(lifecycle.delay_annotation, "")
    return Transition(stage.name, _seconds(stage.delay or asked), fill(stage.status, live, format_time(now)))


def matches(pattern: Any, value: Any) -> bool:
    """Whether a value fits a pattern of a stage's ``when``."""
    match pattern:
        case dict():
            inner = value if isinstance(value, Mapping) else {}
            return all(matches(expected, inner.get(key)) for key, expected in pattern.items())
        case list():
            return any(matches(expected, value) for expected in pattern)
        case "$present":
            return value not in (None, "", [], {})
        case "$absent":
            return value in (None, "", [], {})
    return bool(pattern == value)


def covers(value: Any, wanted: Any) -> bool:
    """Whether a value has everything a filled template wants; empty and absent are the same, as the API stores them."""
    match wanted:
        case dict():
            inner = value if isinstance(value, Mapping) else {}
            return all(covers(inner.get(key), expected) for key, expected in wanted.items())
        case list() if wanted:
            return isinstance(value, list) and len(value) == len(wanted) and all(map(covers, value, wanted))
        case "" | []:
            return not value
    return bool(value) if wanted == ANY_TIME else bool(value == wanted)


def fill(template: Any, live: Mapping[str, Any], now: str, item: Any = None) -> Any:
    """A status template with its variables filled in. A key whose value is not there is left out."""
    match template:
        case {"$each": str(path), "$item": body}:
            return [fill(body, live, now, entry) for entry in _at(live, path) or ()]
        case dict():
            filled = {key: fill(value, live, now, item) for key, value in template.items()}
            return {key: value for key, value in filled.items() if value is not None}
        case list():
            return [fill(entry, live, now, item) for entry in template]
        case "$now":
            return now
        case str() if template.startswith("$object."):
            return _at(live, template.removeprefix("$object."))
        case str() if template.startswith("$item."):
            return _at(item, template.removeprefix("$item."))
        case str() if template.startswith("$address "):
            return _address(template.removeprefix("$address "), str(_at(live, "metadata.uid")))
    return template


def _at(value: Any, path: str) -> Any:
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _address(network: str, uid: str) -> str:
    """An address that stays with the object, without its network's first and last."""
    hosts = ip_network(network)
    number = int.from_bytes(hashlib.sha256(uid.encode()).digest()[:8])
    return str(hosts[1 + number % (hosts.num_addresses - 2)])


def _seconds(text: str) -> float:
    try:
        return max(0.0, parse_duration(text)) if text else 0.0
    except ValueError:
        # A typing error in an annotation must not keep a Pod from coming up.
        return 0.0

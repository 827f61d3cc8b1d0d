"""Fields that may differ from Git: ``spec.ignoreDifferences`` and what is ignored for everybody."""

from collections.abc import Iterable
from typing import Any

from kubegrammar.glob import glob_match
from kubegrammar.patch import parse_pointer, pointer_get, pointer_remove
from trueup.diff.jq import JqFacts, Path, without_paths
from trueup.diff.ownership import fields_of, without
from trueup.model.application import IgnoreDifference
from trueup.model.resource import ResourceKey

_CLUSTER_ROLE = ("rbac.authorization.k8s.io", "ClusterRole")


def applicable(rules: Iterable[IgnoreDifference], key: ResourceKey) -> list[IgnoreDifference]:
    """The rules for an object: group and kind are globs, name and namespace exact where they are given."""
    return [
        rule
        for rule in rules
        if glob_match(rule.group, key.group)
        and glob_match(rule.kind, key.kind)
        and rule.name in ("", key.name)
        and rule.namespace in ("", key.namespace)
    ]


NO_FACTS = JqFacts()


def leave_out(
    before: dict[str, Any],
    after: dict[str, Any],
    live: dict[str, Any],
    rules: list[IgnoreDifference],
    paths: tuple[tuple[Path, ...], tuple[Path, ...]] = ((), ()),
) -> tuple[Any, Any]:
    """Both sides of a comparison without what may differ.

    Args:
        live: the whole live object, for the managers of its fields.
        rules: those for this object (:func:`applicable`).
        paths: what the rules' jq expressions name in either side.

    The rules of an aggregated ClusterRole are left out too: a controller of the cluster writes them.
    """
    managers = frozenset(manager for rule in rules for manager in rule.managed_fields_managers)
    owned = fields_of(live, managers) if managers else []
    pointers = [pointer for rule in rules for pointer in rule.json_pointers if not _fault(pointer)]
    kind = (str(live.get("apiVersion", "")).rpartition("/")[0], live.get("kind"))
    if kind == _CLUSTER_ROLE and (before.get("aggregationRule") or after.get("aggregationRule")):
        pointers.append("/rules")

    def reduced(side: Any, named: tuple[Path, ...]) -> Any:
        # First, for their numbers are those of the whole lists.
        side = without_paths(side, named)
        for fields in owned:
            side = without(side, fields)
        for pointer in pointers:
            side = _remove(side, pointer)
        return side

    return reduced(before, paths[0]), reduced(after, paths[1])


def _remove(side: Any, pointer: str) -> Any:
    """Removes a value, and the containers that it leaves empty: an ignored label must not leave ``labels: {}``."""
    reduced = pointer_remove(side, pointer)
    while reduced is not side and (pointer := pointer.rpartition("/")[0]) and pointer_get(reduced, pointer) in ({}, []):
        reduced = pointer_remove(reduced, pointer)
    return reduced


def rule_warnings(rules: Iterable[tuple[str, IgnoreDifference]]) -> list[str]:
    """What of the rules, each given with the place where it is written, has no effect."""
    warnings: list[str] = []
    for place, rule in rules:
        for position, pointer in enumerate(rule.json_pointers):
            if fault := _fault(pointer):
                warnings.append(f"{place}.jsonPointers[{position}] has no effect: {fault}")
    return warnings


def _fault(pointer: str) -> str:
    try:
        parse_pointer(pointer)
    except ValueError as error:
        return str(error)
    return ""

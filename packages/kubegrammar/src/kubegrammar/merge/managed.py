"""``metadata.managedFields``: who owns which fields (apimachinery ``util/managedfields``)."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from kubegrammar.merge.fieldset import FieldSet, checked, union

MOST_UPDATERS: Final = 10
"""Updating managers that are told apart; the oldest of more become one."""
_OLD: Final = "ancient-changes"
UNKNOWN: Final = "unknown"


class Manager(msgspec.Struct, frozen=True, order=True):
    """Who, by which way. An applier has no version: its fields move to that of its latest apply."""

    name: str
    operation: str
    api_version: str
    subresource: str = ""


class Owned(msgspec.Struct, frozen=True):
    """The fields of a manager, in a version. ``time`` is empty where none is known."""

    fields: FieldSet
    api_version: str
    time: str = ""


Managers = dict[Manager, Owned]


def applier(name: str, subresource: str = "") -> Manager:
    """The manager of an apply."""
    return Manager(name or UNKNOWN, "Apply", "", subresource)


def updater(name: str, api_version: str, subresource: str = "") -> Manager:
    """The manager of any other write."""
    return Manager(name or UNKNOWN, "Update", api_version, subresource)


def read(entries: Any) -> Managers:
    """The managers of an object.

    Raises:
        ValueError: an entry has not the form of FieldsV1.
    """
    managers: Managers = {}
    if entries is None:
        return managers
    if not isinstance(entries, list):
        raise ValueError("managedFields is no list")
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise ValueError(f"managed fields entry {index} is no object")
        operation, version = entry.get("operation"), entry.get("apiVersion") or ""
        if operation not in ("Apply", "Update"):
            raise ValueError("operation must be `Apply` or `Update`")
        if not version:
            raise ValueError("apiVersion must not be empty")
        if entry.get("fieldsType") != "FieldsV1":
            raise ValueError(f"invalid fieldsType in managed fields entry {index}")
        name, subresource = entry.get("manager") or "", entry.get("subresource") or ""
        manager = Manager(name, operation, "" if operation == "Apply" else version, subresource)
        fields = checked(entry.get("fieldsV1") or {})
        managers[manager] = Owned(fields, version, entry.get("time") or "")
    return managers


def write(managers: Mapping[Manager, Owned]) -> list[dict[str, Any]]:
    """The entries in the order of the real server: by operation, time and name."""
    order = sorted(
        managers.items(),
        key=lambda pair: (
            pair[0].operation,
            pair[1].time,
            pair[0].name,
            pair[1].api_version,
            pair[0].subresource,
        ),
    )
    return [_entry(manager, owned) for manager, owned in order]


def _entry(manager: Manager, owned: Owned) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "manager": manager.name,
        "operation": manager.operation,
        "apiVersion": owned.api_version,
        "time": owned.time,
        "fieldsType": "FieldsV1",
        "fieldsV1": owned.fields,
        "subresource": manager.subresource,
    }
    return {name: value for name, value in entry.items() if value or name == "fieldsV1"}


def is_reset(entries: Any) -> bool:
    """Whether a client asks to forget all managers: an empty list, or one empty entry."""
    return isinstance(entries, list) and (not entries or entries == [{}])


def capped(managers: Managers) -> Managers:
    """With the oldest updaters of a version made one, where there are too many."""
    updaters = [manager for manager in managers if manager.operation == "Update"]
    left = len(updaters)
    if left <= MOST_UPDATERS:
        return managers
    kept = dict(managers)
    first: dict[str, Manager] = {}
    for manager in sorted(updaters, key=lambda one: (managers[one].time, one)):
        if left <= MOST_UPDATERS:
            break
        owned = kept[manager]
        bucket = updater(_OLD, owned.api_version)
        if owned.api_version not in first:
            first[owned.api_version] = manager
            continue
        if bucket not in kept:
            kept[bucket] = kept.pop(first[owned.api_version])
        if manager != bucket:
            joined = union(kept.pop(manager).fields, kept[bucket].fields)
            kept[bucket] = Owned(joined, owned.api_version, owned.time)
        left -= 1
    return kept


def all_fields(owners: Iterable[Owned]) -> FieldSet:
    """What any of them owns."""
    fields: FieldSet = {}
    for owned in owners:
        fields = union(fields, owned.fields)
    return fields

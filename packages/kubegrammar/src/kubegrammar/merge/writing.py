"""One write in one version of a kind: what it makes of the object, and of who owns what."""

from typing import Any, Final, Protocol

import msgspec

from kubegrammar.merge.comparison import FieldComparison, compare
from kubegrammar.merge.conflicts import Conflicts, conflicts_of
from kubegrammar.merge.fieldset import (
    FieldSet,
    difference,
    exclude,
    intersection,
    paths,
    union,
    with_named_fields,
)
from kubegrammar.merge.managed import (
    Manager,
    Managers,
    Owned,
    all_fields,
)
from kubegrammar.merge.reconcile import reconciled
from kubegrammar.merge.schema import Type
from kubegrammar.merge.typed import TypedError, field_set, merge, remove, validate

Object = dict[str, Any]

Path = tuple[str, ...]
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
NEVER_OWNED: Final[FieldSet] = {
    "f:apiVersion": {},
    "f:kind": {},
    "f:metadata": {
        ".": {},
        "f:name": {},
        "f:namespace": {},
        "f:creationTimestamp": {},
        "f:selfLink": {},
        "f:uid": {},
        "f:clusterName": {},
        "f:generation": {},
        "f:managedFields": {},
        "f:resourceVersion": {},
    },
}


class Versions(Protocol):
    """The versions of a kind."""

    def type_of(self, api_version: str) -> Type: ...

    def serves(self, api_version: str) -> bool:
        """Whether there is such a version; managers of others are forgotten."""
        ...

    def convert(self, obj: Object, api_version: str) -> Object:
        """The object in a version; itself where it is in it already."""
        ...


class VersionedWrite:
    """One write in one version of a kind."""

    def __init__(self, versions: Versions, version: str, reset: tuple[Path, ...]) -> None:
        self._versions, self._version, self._reset = versions, version, reset
        self._type = versions.type_of(version)

    def applied(
        self, live: Object, config: Object, managers: Managers, who: Manager, *, force: bool
    ) -> tuple[Object, Managers]:
        """The object and its managers after an apply; ``live`` itself where nothing changes."""
        validate(config, self._type)
        validate(live, self._type, allow_duplicates=True)
        managers = self._reconciled(managers)
        merged = merge(live, config, self._type)
        last = managers.get(who)
        fields = exclude(field_set(config, self._type), self._reset)
        managers[who] = Owned(fields, self._version, last.time if last else "")
        if last is not None and last.fields:
            merged = self._pruned(merged, managers, last)
        managers, _ = self._compared(live, merged, managers, who, force=force)
        _strip(managers, who)
        return merged, managers

    def updated(self, live: Object, new: Object, managers: Managers, who: Manager, now: str) -> Managers:
        """The managers after another write: whoever changes a field owns it, alone."""
        validate(new, self._type, allow_duplicates=True)
        validate(live, self._type, allow_duplicates=True)
        managers, found = self._compared(live, new, self._reconciled(managers), None, force=True)
        fields = exclude(union(found.modified, found.added), self._reset)
        fields = difference(fields, NEVER_OWNED)
        if fields:
            previous = managers.get(who)
            owned = union(fields, previous.fields) if previous else fields
            managers[who] = Owned(owned, self._version, now)
        return managers

    def set_by_last_applied(self, live: Object) -> list[str]:
        """Fields that still are as the annotation of client-side apply says."""
        text = last_applied(live)
        try:
            config = msgspec.json.decode(text) if text else None
            if not isinstance(config, dict) or config.get("apiVersion") != self._version:
                return []
            validate(config, self._type)
        except (msgspec.DecodeError, TypedError):
            return []
        found = compare(config, live, self._type)
        fields = field_set(config, self._type)
        for other in (found.modified, found.added, found.removed):
            fields = difference(fields, other)
        return list(paths(fields))

    def _reconciled(self, managers: Managers) -> Managers:
        """The managers, by the schema of today of their versions."""
        found = {}
        for manager, owned in managers.items():
            fields = reconciled(owned.fields, self._versions.type_of(owned.api_version))
            found[manager] = owned if fields is owned.fields else Owned(fields, owned.api_version, owned.time)
        return found

    def _compared(
        self, live: Object, new: Object, managers: Managers, who: Manager | None, *, force: bool
    ) -> tuple[Managers, FieldComparison]:
        """Takes from the others what changes."""
        found = self._filtered(compare(live, new, self._type))
        by_version = {self._version: found}
        taken: dict[Manager, FieldSet] = {}
        removed: dict[Manager, FieldSet] = {}
        for manager, owned in managers.items():
            if manager == who:
                continue
            seen = by_version.get(owned.api_version)
            if seen is None:
                type_ = self._versions.type_of(owned.api_version)
                before = self._versions.convert(live, owned.api_version)
                after = self._versions.convert(new, owned.api_version)
                seen = by_version[owned.api_version] = self._filtered(compare(before, after, type_))
            if fields := intersection(owned.fields, union(seen.modified, seen.added)):
                taken[manager] = fields
            if seen.removed:
                removed[manager] = seen.removed
        if taken and not force:
            raise Conflicts(conflicts_of(taken))
        for sets in (taken, removed):
            for manager, fields in sets.items():
                owned = managers[manager]
                managers[manager] = Owned(difference(owned.fields, fields), owned.api_version, owned.time)
        return {manager: owned for manager, owned in managers.items() if owned.fields}, found

    def _filtered(self, found: FieldComparison) -> FieldComparison:
        if not self._reset:
            return found
        return FieldComparison(*(exclude(part, self._reset) for part in (found.removed, found.modified, found.added)))

    def _pruned(self, merged: Object, managers: Managers, last: Owned) -> Object:
        """Without what was applied before, is no longer, and nobody else owns."""
        if last.api_version == self._version and not difference(last.fields, all_fields(managers.values())):
            return merged
        if not self._versions.serves(last.api_version):
            return merged
        type_ = self._versions.type_of(last.api_version)
        converted = self._versions.convert(merged, last.api_version)
        pruned = remove(converted, with_named_fields(last.fields, type_), type_) or {}
        pruned = self._with_owned(converted, _typed_like(pruned, converted), managers, last.api_version)
        pruned = _with_dangling(converted, pruned, last, type_)
        return self._versions.convert(pruned, self._version)

    def _with_owned(self, merged: Object, pruned: Object, managers: Managers, version: str) -> Object:
        """What some manager owns comes back (``addBackOwnedItems``)."""
        owners: dict[str, list[Owned]] = {version: []}
        for owned in managers.values():
            owners.setdefault(owned.api_version, []).append(owned)
        for each, sets in owners.items():
            if not sets:
                continue
            type_ = self._versions.type_of(each)
            merged, pruned = self._versions.convert(merged, each), self._versions.convert(pruned, each)
            kept = union(with_named_fields(field_set(pruned, type_), type_), with_named_fields(all_fields(sets), type_))
            gone = difference(with_named_fields(field_set(merged, type_), type_), kept)
            pruned = _typed_like(remove(merged, gone, type_) or {}, merged)
        return self._versions.convert(pruned, version)


def _with_dangling(merged: Object, pruned: Object, last: Owned, type_: Type) -> Object:
    """Only what was applied before may be gone (``addBackDanglingItems``)."""
    left = with_named_fields(field_set(pruned, type_), type_)
    gone = intersection(
        difference(with_named_fields(field_set(merged, type_), type_), left), with_named_fields(last.fields, type_)
    )
    return _typed_like(remove(merged, gone, type_) or {}, merged)


def _typed_like(obj: Object, other: Object) -> Object:
    """An object keeps its kind, whoever owned it."""
    if "apiVersion" in obj and "kind" in obj:
        return obj
    return {"apiVersion": other.get("apiVersion"), "kind": other.get("kind"), **obj}


def _strip(managers: Managers, who: Manager) -> None:
    owned = managers.get(who)
    if owned is None:
        return
    fields = difference(owned.fields, NEVER_OWNED)
    if fields:
        managers[who] = Owned(fields, owned.api_version, owned.time)
    else:
        del managers[who]


def last_applied(obj: Object) -> str:
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    text = annotations.get(LAST_APPLIED)
    return text if isinstance(text, str) else ""

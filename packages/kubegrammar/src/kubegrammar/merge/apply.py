"""Writes and their ownership: server-side apply and update (structured-merge-diff ``merge``, apimachinery
``util/managedfields``)."""

from collections.abc import Sequence
from typing import Any, Final, Protocol

import msgspec

from kubegrammar.merge.comparison import Comparison, compare
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
    applier,
    capped,
    is_reset,
    read,
    updater,
    write,
)
from kubegrammar.merge.reconcile import reconciled
from kubegrammar.merge.schema import Type
from kubegrammar.merge.typed import TypedError, field_set, merge, remove, validate

Object = dict[str, Any]
Path = tuple[str, ...]

_BEFORE: Final = "before-first-apply"
_KUBECTL: Final = "kubectl"
_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_NEVER_OWNED: Final[FieldSet] = {
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
_SORTED: Final = msgspec.json.Encoder(order="sorted").encode


class Versions(Protocol):
    """The versions of a kind."""

    def type_of(self, api_version: str) -> Type: ...

    def serves(self, api_version: str) -> bool:
        """Whether there is such a version; managers of others are forgotten."""
        ...

    def convert(self, obj: Object, api_version: str) -> Object:
        """The object in a version; itself where it is in it already."""
        ...


def apply(
    live: Object | None,
    config: Object,
    versions: Versions,
    *,
    manager: str,
    force: bool,
    now: str,
    subresource: str = "",
    reset: Sequence[Path] = (),
) -> Object:
    """What a server-side apply makes of an object, ``metadata.managedFields`` included; nothing of it is shared.

    Args:
        live: in the version of ``config``; None where there is none.
        config: what is applied; has no managedFields.
        now: as RFC 3339.
        reset: paths that this way of writing never owns.

    Raises:
        TypedError: ``config`` or ``live`` does not fit the schema.
        Conflicts: others own fields, and ``force`` is not set.
        ValueError: the live managedFields cannot be read.
    """
    version = str(config.get("apiVersion", ""))
    current = live or {"apiVersion": version, "kind": config.get("kind")}
    managers = _read_served(_managed_fields(current), versions)
    current = _without_managed_fields(current)
    writing = _Writing(versions, version, tuple(reset))
    if not managers:
        empty = {"apiVersion": version, "kind": current.get("kind")}
        before = updater(_BEFORE, version, subresource)
        managers = writing.updated(empty, current, managers, before, now)
    who = applier(manager, subresource)
    merged, owners = _applied(writing, current, config, managers, who, manager, force=force)
    if merged is not current and who in owners:
        owners[who] = Owned(owners[who].fields, owners[who].api_version, now)
    obj: Object = msgspec.json.decode(_SORTED(merged))
    if manager == _KUBECTL and _last_applied(obj):
        obj["metadata"]["annotations"][_LAST_APPLIED] = _as_last_applied(config)
    return _with_managers(obj, owners)


def track_update(
    live: Object | None,
    new: Object,
    versions: Versions,
    *,
    manager: str,
    now: str,
    subresource: str = "",
    reset: Sequence[Path] = (),
    blank: Object | None = None,
) -> None:
    """Sets ``metadata.managedFields`` of an object as a write other than an apply leaves them.

    Those a client sends take the place of the stored ones, unless it writes to a subresource; an empty list, or one
    empty entry, forgets all of them. What cannot be read or compared leaves the stored ones as they are.

    Args:
        live: what was stored, in the version of ``new``; None for a new object.
        blank: what a new object is compared with: an object of the kind in which nothing is set.
    """
    version = str(new.get("apiVersion", ""))
    stored = _managed_fields(live) if live is not None else None
    sent = new["metadata"].pop("managedFields", None)
    managers = _chosen(stored, None if subresource else sent, versions)
    forgotten = not managers and live is not None and live["metadata"].get("uid")
    if not forgotten:
        before = (
            _without_managed_fields(live)
            if live is not None
            else {
                **(blank or {}),
                "apiVersion": version,
                "kind": new.get("kind"),
            }
        )
        who = updater(manager, version, subresource)
        try:
            managers = capped(_Writing(versions, version, tuple(reset)).updated(before, new, managers, who, now))
        except (TypedError, ValueError):
            if stored:
                new["metadata"]["managedFields"] = stored
            return
    _with_managers(new, managers)


def predict(live: Object | None, config: Object, versions: Versions, *, manager: str, force: bool = True) -> Object:
    """What a forced apply would return, up to what the server adds and normalises; the live object itself where
    nothing would change. The result shares parts with both.

    Raises:
        TypedError, Conflicts, ValueError: as :func:`apply`.
    """
    if live is not None and is_unchanged(live, config, versions.type_of(str(config.get("apiVersion", ""))), manager):
        return live
    return apply(live, config, versions, manager=manager, force=force, now="")


def is_unchanged(live: Object, config: Object, type_: Type, manager: str) -> bool:
    """Whether an apply is certain to change nothing: the manager owns just what it declares, and all has its value.

    Raises:
        TypedError: ``config`` does not fit the schema.
    """
    entry = _entry_of(_managed_fields(live), manager)
    if entry is None or entry.get("apiVersion") != config.get("apiVersion"):
        return False
    if difference(field_set(config, type_), _NEVER_OWNED) != entry.get("fieldsV1"):
        return False
    # The fields are those of an apply that was accepted; values alone may not fit, and then they differ.
    return merge(live, config, type_) is live


def _entry_of(entries: Any, manager: str) -> Object | None:
    """The one entry of an applier."""
    found = [
        entry
        for entry in entries or ()
        if entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource")
    ]
    return found[0] if len(found) == 1 else None


def _applied(
    writing: "_Writing",
    live: Object,
    config: Object,
    managers: Managers,
    who: Manager,
    name: str,
    *,
    force: bool,
) -> tuple[Object, Managers]:
    """As ``applied``; kubectl may take what it set itself by client-side apply (``lastappliedmanager``)."""
    try:
        return writing.applied(live, config, dict(managers), who, force=force)
    except Conflicts as error:
        if name != _KUBECTL:
            raise
        allowed = set(writing.set_by_last_applied(live))
        left = [conflict for conflict in error.conflicts if conflict.field not in allowed]
        if left:
            raise Conflicts(left) from None
        return writing.applied(live, config, dict(managers), who, force=True)


class _Writing:
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
        fields = difference(fields, _NEVER_OWNED)
        if fields:
            previous = managers.get(who)
            owned = union(fields, previous.fields) if previous else fields
            managers[who] = Owned(owned, self._version, now)
        return managers

    def set_by_last_applied(self, live: Object) -> list[str]:
        """Fields that still are as the annotation of client-side apply says."""
        text = _last_applied(live)
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
    ) -> tuple[Managers, Comparison]:
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

    def _filtered(self, found: Comparison) -> Comparison:
        if not self._reset:
            return found
        return Comparison(*(exclude(part, self._reset) for part in (found.removed, found.modified, found.added)))

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
    fields = difference(owned.fields, _NEVER_OWNED)
    if fields:
        managers[who] = Owned(fields, owned.api_version, owned.time)
    else:
        del managers[who]


def _chosen(stored: Any, sent: Any, versions: Versions) -> Managers:
    """The managers a write begins with."""
    if is_reset(sent):
        return {}
    for entries in (sent, stored):
        try:
            managers = _read_served(entries, versions)
        except (ValueError, msgspec.DecodeError):
            continue
        if managers:
            return managers
    return {}


def _read_served(entries: Any, versions: Versions) -> Managers:
    return {manager: owned for manager, owned in read(entries).items() if versions.serves(owned.api_version)}


def _managed_fields(obj: Object) -> Any:
    metadata = obj.get("metadata")
    return metadata.get("managedFields") if isinstance(metadata, dict) else None


def _without_managed_fields(obj: Object) -> Object:
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict) or "managedFields" not in metadata:
        return obj
    return {**obj, "metadata": {name: value for name, value in metadata.items() if name != "managedFields"}}


def _with_managers(obj: Object, managers: Managers) -> Object:
    if managers:
        obj.setdefault("metadata", {})["managedFields"] = write(managers)
    return obj


def _last_applied(obj: Object) -> str:
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    text = annotations.get(_LAST_APPLIED)
    return text if isinstance(text, str) else ""


def _as_last_applied(config: Object) -> str:
    annotations = (config.get("metadata") or {}).get("annotations")
    if annotations and _LAST_APPLIED in annotations:
        kept = {name: value for name, value in annotations.items() if name != _LAST_APPLIED}
        config = {**config, "metadata": {**config["metadata"], "annotations": kept}}
    return _SORTED(config).decode() + "\n"

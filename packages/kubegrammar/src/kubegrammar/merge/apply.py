"""Writes and their ownership: server-side apply and update (structured-merge-diff ``merge``, apimachinery
``util/managedfields``)."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from kubegrammar.merge.conflicts import Conflicts
from kubegrammar.merge.fieldset import (
    difference,
)
from kubegrammar.merge.managed import (
    Manager,
    Managers,
    Owned,
    applier,
    capped,
    is_reset,
    read,
    updater,
    write,
)
from kubegrammar.merge.schema import Type
from kubegrammar.merge.typed import TypedError, field_set, merge
from kubegrammar.merge.writing import LAST_APPLIED, NEVER_OWNED, Object, Path, VersionedWrite, Versions, last_applied

_BEFORE: Final = "before-first-apply"
_KUBECTL: Final = "kubectl"
_SORTED: Final = msgspec.json.Encoder(order="sorted").encode


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
    writing = VersionedWrite(versions, version, tuple(reset))
    if not managers:
        empty = {"apiVersion": version, "kind": current.get("kind")}
        before = updater(_BEFORE, version, subresource)
        managers = writing.updated(empty, current, managers, before, now)
    who = applier(manager, subresource)
    merged, owners = _applied(writing, current, config, managers, who, manager, force=force)
    if merged is not current and who in owners:
        owners[who] = Owned(owners[who].fields, owners[who].api_version, now)
    obj: Object = msgspec.json.decode(_SORTED(merged))
    if manager == _KUBECTL and last_applied(obj):
        obj["metadata"]["annotations"][LAST_APPLIED] = _as_last_applied(config)
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
            managers = capped(VersionedWrite(versions, version, tuple(reset)).updated(before, new, managers, who, now))
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
    if difference(field_set(config, type_), NEVER_OWNED) != entry.get("fieldsV1"):
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
    writing: "VersionedWrite",
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


def _as_last_applied(config: Object) -> str:
    annotations = (config.get("metadata") or {}).get("annotations")
    if annotations and LAST_APPLIED in annotations:
        kept = {name: value for name, value in annotations.items() if name != LAST_APPLIED}
        config = {**config, "metadata": {**config["metadata"], "annotations": kept}}
    return _SORTED(config).decode() + "\n"

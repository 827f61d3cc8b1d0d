"""Update, whatever it comes from: PUT, a patch, an apply (k8s.io/apiserver ``registry/generic/registry/store.go``)."""

from collections.abc import Callable
from typing import Any

from kubegrammar.merge import track_update
from kubegrammar.patch import equal
from pocketkube.cluster.api.admission import admit_create
from pocketkube.cluster.api.calls import VerbCall, WriteAnswer
from pocketkube.cluster.api.core import Core
from pocketkube.cluster.api.create import insert
from pocketkube.cluster.api.errors import internal, modified
from pocketkube.cluster.api.metadata import (
    carry_over,
    check_name,
    distinct_owners,
    metadata_of,
    place,
    problems_of,
    problems_of_change,
    wipe,
)
from pocketkube.cluster.api.strategies import created_by_put, needs_revision, storage_key
from pocketkube.cluster.failure import conflict, invalid, not_found
from pocketkube.cluster.kinds.problems import Problems
from pocketkube.cluster.resource import Object, Resource
from pocketkube.cluster.storage import Changed, StoredObject

Change = Callable[[Object | None, StoredObject | None], Object]
"""Makes the new object of the present one, both in the version of the request, with managedFields; None where there is
none. The present object must stay as it is; ``Entry.object()`` gives another copy."""


def replace(core: Core, call: VerbCall, obj: Object) -> WriteAnswer:
    """PUT.

    Args:
        obj: decoded and defaulted, in the version of the request; it is taken over.

    Raises:
        Failure: as the real server refuses it.
    """
    resource, metadata = call.resource, metadata_of(obj)
    place(metadata, resource, call.namespace)
    check_name(metadata, call.name)
    call.warn(distinct_owners(metadata))

    def change(live: Object | None, _: StoredObject | None) -> Object:
        track(core, call, live, obj)
        return obj

    create = not call.subresource and created_by_put(resource)
    return update(core, call, change, uid=metadata.get("uid") or "", create=create)


def track(core: Core, call: VerbCall, live: Object | None, obj: Object) -> None:
    """Sets managedFields as an update by the caller leaves them."""
    resource = call.resource
    track_update(
        live,
        obj,
        core.versions(resource),
        manager=call.options.manager,
        now=core.now_text(),
        subresource=call.subresource,
        reset=resource.behaviour.reset_fields(resource.api_version, call.subresource),
        blank=resource.behaviour.blank(resource.api_version) if live is None else None,
    )


def update(core: Core, call: VerbCall, change: Change, *, uid: str = "", create: bool = False) -> WriteAnswer:
    """Changes a stored object.

    Args:
        uid: the object must have it, where given.
        create: an object that is not there is made.

    Raises:
        Failure: NotFound, Conflict, Invalid, or what ``change`` raises.
    """
    resource, storage = call.resource, core.storage
    entry = storage.get(resource.stored_as, call.namespace, call.name)
    if entry is None:
        if not create:
            raise not_found(resource.plural, resource.group, call.name)
        return _create(core, call, change)
    if uid and uid != entry.uid:
        text = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {entry.uid}"
        raise conflict(resource.plural, resource.group, call.name, _invalid_object(call, text))
    live = core.read(resource, entry)
    new = change(live, entry)
    _check_revision(call, entry, metadata_of(new))
    prepare(core, call, live, new)
    _keep_times(live, new)
    if _is_last_finalizer(resource, live, new):
        if not call.options.dry_run:
            storage.delete(resource.stored_as, call.namespace, call.name, entry.revision)
        return WriteAnswer(new)
    if new == live and equal(new, live):
        return core.written(resource, entry)
    if call.options.dry_run:
        return WriteAnswer(new)
    stored = resource.behaviour.convert(new, resource.storage_version)
    try:
        return core.written(
            resource, storage.update(resource.stored_as, call.namespace, call.name, stored, entry.revision)
        )
    except Changed:
        raise modified(resource, call.name) from None


def prepare(core: Core, call: VerbCall, live: Object, new: Object) -> None:
    """What the server itself decides of a change, and the checks of it.

    Raises:
        Failure: Invalid.
    """
    resource, behaviour = call.resource, call.resource.behaviour
    metadata, version = metadata_of(new), resource.api_version
    place(metadata, resource, call.namespace)
    _set(metadata, "generation", live["metadata"].get("generation"))
    behaviour.prepare_update(live, new, version, call.subresource)
    metadata = metadata_of(new)
    carry_over(live, new)
    problems = Problems()
    if metadata != live["metadata"]:
        problems = problems_of(new, resource, custom=core.registry.is_custom(resource))
        problems.extend(problems_of_change(live, new))
        if core.registry.is_custom(resource):
            # The real server looks at these twice, and says so.
            problems.extend(problems_of_change(live, new))
    problems.extend(behaviour.validate_update(live, new, version, call.subresource))
    if problems:
        raise invalid(resource.kind, resource.stored_group, metadata.get("name") or "", problems)
    call.warn(*behaviour.warnings(new, version))


def _create(core: Core, call: VerbCall, change: Change) -> WriteAnswer:
    obj = change(None, None)
    metadata = metadata_of(obj)
    if metadata.get("uid"):
        text = f"uid mismatch: the provided object specified uid {metadata['uid']}, and no existing object was found"
        raise conflict(call.resource.plural, call.resource.group, call.name, text)
    metadata.pop("resourceVersion", None)
    wipe(metadata)
    place(metadata, call.resource, call.namespace)
    check_name(metadata, call.name)
    admit_create(core.storage, call.resource, call.namespace, call.name)
    return insert(core, call, obj)


def _check_revision(call: VerbCall, entry: StoredObject, metadata: dict[str, Any]) -> None:
    resource, given = call.resource, metadata.get("resourceVersion") or ""
    if given and not (given.isascii() and given.isdigit()):
        raise internal(f'strconv.ParseUint: parsing "{given}": invalid syntax')
    if not given or int(given) == 0:
        if needs_revision(resource):
            problems = Problems()
            problems.invalid("metadata.resourceVersion", 0, "must be specified for an update")
            raise invalid(resource.plural, resource.group, call.name, problems)
        metadata["resourceVersion"] = str(entry.revision)
    elif int(given) != entry.revision:
        raise modified(resource, call.name)


def _keep_times(live: Object, new: Object) -> None:
    """The times of managedFields alone are no change (``IgnoreManagedFieldsTimestampsTransformer``)."""
    before, after = live["metadata"].get("managedFields"), new["metadata"].get("managedFields")
    if not before or not after or len(before) != len(after) or before == after:
        return
    for old, present in zip(before, after, strict=True):
        if old is present:
            continue
        if old.keys() | {"time"} != present.keys() | {"time"}:
            return
        if any(old[key] != present[key] for key in old if key != "time"):
            return
    if {**new, "metadata": {**new["metadata"], "managedFields": before}} == live:
        new["metadata"]["managedFields"] = before


def _is_last_finalizer(resource: Resource, live: Object, new: Object) -> bool:
    before = live["metadata"]
    if new["metadata"].get("finalizers") or not before.get("deletionTimestamp"):
        return False
    if resource.stored_as == "namespaces" and (new.get("spec") or {}).get("finalizers"):
        return False
    return not before.get("deletionGracePeriodSeconds")


def _invalid_object(call: VerbCall, text: str) -> str:
    key = storage_key(call.resource, call.namespace, call.name)
    return f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: {text}"


def _set(mapping: dict[str, Any], key: str, value: Any) -> None:
    if value is None:
        mapping.pop(key, None)
    else:
        mapping[key] = value

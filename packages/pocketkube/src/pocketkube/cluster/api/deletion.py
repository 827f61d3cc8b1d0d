"""Delete (k8s.io/apiserver ``registry/generic/registry/store.go``, ``registry/rest/delete.go``)."""

from datetime import timedelta
from typing import Any, Final

from kubegrammar.time import format_time, parse_time
from pocketkube.cluster.api.admission import admit_delete
from pocketkube.cluster.api.calls import VerbCall
from pocketkube.cluster.api.core import Core
from pocketkube.cluster.api.metadata import FOREGROUND, ORPHAN
from pocketkube.cluster.api.options import DeleteOptions
from pocketkube.cluster.api.strategies import NOT_COLLECTED, ORPHANS, RETURNED_WHEN_DELETED
from pocketkube.cluster.custom import marked_for_deletion
from pocketkube.cluster.failure import conflict, not_found
from pocketkube.cluster.resource import Object, Resource
from pocketkube.cluster.storage import StoredObject

_JOBS_ORPHAN: Final = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set"
    " propagationPolicy=Orphan to suppress this warning"
)


def delete(core: Core, call: VerbCall, options: DeleteOptions) -> tuple[int, Object]:
    """Deletes an object, or marks it where finalizers or a grace period keep it.

    Returns:
        The code, and the object as it is now or a ``Status``.

    Raises:
        Failure: NotFound, Conflict where a precondition does not hold, Forbidden.
    """
    resource = call.resource
    admit_delete(resource, call.name)
    entry = core.storage.get(resource.stored_as, call.namespace, call.name)
    if entry is None:
        raise not_found(resource.plural, resource.group, call.name)
    if options.grace is not None and options.grace < 0:
        options.grace = 1
    obj = entry.object()
    if resource.stored_as == "namespaces":
        kept = _terminate(core, entry, obj, options)
        if kept is not None:
            return _answer(core, call, kept, options, gone=False)
    if resource.stored_as == "jobs.batch" and options.orphan is None and not options.propagation:
        call.warn(_JOBS_ORPHAN)
    _check_preconditions(resource, entry, obj, options)
    before = entry.object()["metadata"]
    if resource.stored_as == "customresourcedefinitions.apiextensions.k8s.io" and not before.get("deletionTimestamp"):
        obj = marked_for_deletion(obj, core.now_text())
    metadata = obj["metadata"]
    graceful = False
    if resource.stored_as == "pods":
        pending = metadata.get("deletionTimestamp") and metadata.get("deletionGracePeriodSeconds")
        graceful = _grace(core, obj, options)
        if pending and not graceful:
            return _answer(core, call, obj, options, gone=False)
    finalizers = _finalizers(resource, metadata.get("finalizers") or [], options)
    _put(metadata, "finalizers", finalizers)
    if finalizers and not graceful:
        _mark(core, metadata)
    if finalizers or (graceful and metadata.get("deletionGracePeriodSeconds")):
        if metadata != before:
            obj = _store(core, resource, entry, obj, options)
        return _answer(core, call, obj, options, gone=False)
    if not options.dry_run:
        if graceful and metadata != before:
            # The moment of death is seen by watchers before the end.
            obj = _store(core, resource, entry, obj, options)
            entry = core.storage.get(resource.stored_as, call.namespace, call.name) or entry
        gone = core.storage.delete(resource.stored_as, call.namespace, call.name, entry.revision)
        obj = gone.object()
    return _answer(core, call, obj, options, gone=True)


def _answer(core: Core, call: VerbCall, obj: Object, options: DeleteOptions, *, gone: bool) -> tuple[int, Object]:
    resource = call.resource
    code = 202 if not gone and options.orphan is False else 200
    if not gone or resource.stored_as in RETURNED_WHEN_DELETED:
        return code, resource.behaviour.convert(obj, resource.api_version)
    metadata = obj["metadata"]
    details = {"name": metadata["name"], "group": resource.group, "kind": resource.plural, "uid": metadata["uid"]}
    return code, {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {key: value for key, value in details.items() if value},
    }


def _check_preconditions(resource: Resource, entry: StoredObject, obj: Object, options: DeleteOptions) -> None:
    name = obj["metadata"]["name"]
    if options.uid is not None and options.uid != entry.uid:
        text = f"the UID in the precondition ({options.uid}) does not match the UID in record ({entry.uid})"
        raise conflict(
            resource.kind, resource.stored_group, name, f"{text}. The object might have been deleted and then recreated"
        )
    if options.revision is not None and options.revision != str(entry.revision):
        text = (
            f"the ResourceVersion in the precondition ({options.revision}) does not match the ResourceVersion in record"
        )
        raise conflict(
            resource.kind,
            resource.stored_group,
            name,
            f"{text} ({entry.revision}). The object might have been modified",
        )


def _terminate(core: Core, entry: StoredObject, obj: Object, options: DeleteOptions) -> Object | None:
    """A namespace goes in two steps (``pkg/registry/core/namespace/storage``); None where this is the second."""
    metadata, name = obj["metadata"], entry.name
    for given, present, what in (
        (options.uid, entry.uid, "UID"),
        (options.revision, str(entry.revision), "ResourceVersion"),
    ):
        if given is not None and given != present:
            text = f"Precondition failed: {what} in precondition: {given}, {what} in object meta: {present}"
            raise conflict("namespaces", "", name, text)
    if metadata.get("deletionTimestamp"):
        return obj if (obj.get("spec") or {}).get("finalizers") else None
    metadata["deletionTimestamp"] = core.now_text()
    obj["status"] = {**(obj.get("status") or {}), "phase": "Terminating"}
    finalizers: list[str] = metadata.get("finalizers") or []
    wanted = {
        ORPHAN: options.orphan if options.orphan is not None else _policy(options, "Orphan", ORPHAN in finalizers),
        FOREGROUND: not options.orphan
        if options.orphan is not None
        else _policy(options, "Foreground", FOREGROUND in finalizers),
    }
    kept = [finalizer for finalizer in finalizers if finalizer not in wanted]
    _put(metadata, "finalizers", kept + [finalizer for finalizer, there in wanted.items() if there])
    return _store(core, _storage_resource(core, "namespaces"), entry, obj, options)


def _policy(options: DeleteOptions, policy: str, otherwise: bool) -> bool:
    return options.propagation == policy if options.propagation is not None else otherwise


def _grace(core: Core, pod: Object, options: DeleteOptions) -> bool:
    """Sets the times of a Pod's end; False where nothing changes or it has no grace period left.

    Raises nothing; ``BeforeDelete`` and the Pod's ``CheckGracefulDelete`` are its source.
    """
    metadata, now = pod["metadata"], core.now()
    left = metadata.get("deletionGracePeriodSeconds")
    if metadata.get("deletionTimestamp"):
        if not left or options.grace is None or options.grace >= left:
            return False
        end = parse_time(metadata["deletionTimestamp"]) + timedelta(seconds=options.grace - left)
        grace = options.grace
        if end < now:
            end, grace = now, 1 if grace else 0
        metadata["deletionTimestamp"], metadata["deletionGracePeriodSeconds"] = format_time(end), grace
        return True
    spec, phase = pod.get("spec") or {}, (pod.get("status") or {}).get("phase")
    grace = options.grace if options.grace is not None else spec.get("terminationGracePeriodSeconds") or 0
    if not spec.get("nodeName") or phase in ("Succeeded", "Failed"):
        grace = 0
    metadata["deletionTimestamp"] = format_time(now + timedelta(seconds=grace))
    metadata["deletionGracePeriodSeconds"] = grace
    if metadata.get("generation"):
        metadata["generation"] += 1
    return True


def _mark(core: Core, metadata: dict[str, Any]) -> None:
    """``markAsDeleting``."""
    current = metadata.get("deletionTimestamp")
    if not current and metadata.get("generation"):
        metadata["generation"] += 1
    if not current or parse_time(current) > core.now():
        metadata["deletionTimestamp"] = core.now_text()
    metadata["deletionGracePeriodSeconds"] = 0


def _finalizers(resource: Resource, finalizers: list[str], options: DeleteOptions) -> list[str]:
    """The finalizers of an object being deleted, with those the garbage collector works by."""
    if resource.stored_as in NOT_COLLECTED:
        return [one for one in finalizers if one not in (ORPHAN, FOREGROUND)]
    orphan, foreground = resource.stored_as in ORPHANS, False
    for finalizer in finalizers:
        if finalizer in (ORPHAN, FOREGROUND):
            orphan, foreground = finalizer == ORPHAN, finalizer == FOREGROUND
            break
    if options.orphan is not None:
        orphan, foreground = options.orphan, False
    elif options.propagation is not None:
        orphan, foreground = options.propagation == "Orphan", options.propagation == "Foreground"
    kept = [one for one in finalizers if one not in (ORPHAN, FOREGROUND)]
    wanted = [*kept, *([ORPHAN] if orphan else []), *([FOREGROUND] if foreground else [])]
    return finalizers if set(wanted) == set(finalizers) else wanted


def _store(core: Core, resource: Resource, entry: StoredObject, obj: Object, options: DeleteOptions) -> Object:
    if options.dry_run:
        return obj
    stored = core.storage.update(resource.stored_as, entry.namespace, entry.name, obj, entry.revision)
    return stored.object()


def _storage_resource(core: Core, stored_as: str) -> Resource:
    resource = core.registry.in_storage(stored_as)
    assert resource is not None, f"{stored_as} is not served"
    return resource


def _put(metadata: dict[str, Any], key: str, value: Any) -> None:
    if value:
        metadata[key] = value
    else:
        metadata.pop(key, None)

"""Hook objects: created once per run, released and deleted when the plan says so."""

import msgspec

from trueup.apply.cluster import Cluster, known_type, served_type
from trueup.apply.remove import delete_object
from trueup.apply.write import ObjectWriter, Written
from trueup.kube.errors import AlreadyExists, Conflict, NotFound
from trueup.model.annotations import FIELD_MANAGER, HOOK_FINALIZER
from trueup.model.hooks import HookDeletePolicy
from trueup.model.live import LiveObject
from trueup.plan.hooks import belongs, takes_along
from trueup.plan.task import DeleteHookTask, ReleaseHookTask, RunHookTask

ATTEMPTS = 5


async def run_hook(task: RunHookTask, cluster: Cluster, *, dry_run: bool = False) -> Written | None:
    """Creates the object of a hook; one of the same run that is already there is that run, never a second.

    A POST, not an apply: an apply would stamp this run's identity on the finished object of an earlier one that
    the cache has not shown yet.

    Returns:
        None when an object of an earlier run is in the way and has to be deleted first: the task comes again.

    Raises:
        ApiError: the server refused.
    """
    type_ = await served_type(cluster, task.manifest, task.key)
    writer = ObjectWriter(cluster, type_, task.manifest, task.writing, dry_run=dry_run)
    try:
        return await writer.create()
    except AlreadyExists:
        found = await cluster.client.get(type_, task.key.namespace, task.key.name)
        if not dry_run:
            cluster.cache.stored(found)
        if belongs(found, task.run_id) or (dry_run and HookDeletePolicy.BEFORE_HOOK_CREATION in task.policies):
            return Written(found, "created")
        if takes_along(found):
            told = f"{task.key} is there, and no hook made it: a hook's object is deleted, with everything in it"
            raise Conflict(told, code=409, hint="declare it without the hook annotation") from None
        if HookDeletePolicy.BEFORE_HOOK_CREATION in task.policies:
            return None
        return await writer.write(found)


async def delete_hook(task: DeleteHookTask, cluster: Cluster) -> None:
    """Takes our finalizer off and deletes the object, and no other of its name. An object that is gone is fine.

    Raises:
        ApiError: the server refused.
    """
    await release_hook(task, cluster)
    await delete_object(cluster, task.key, task.api_version, task.uid, "Foreground")


async def release_hook(task: DeleteHookTask | ReleaseHookTask, cluster: Cluster) -> None:
    """Takes our finalizer off the very object a task names.

    Raises:
        ApiError: the server refused, or the object changed faster than it could be patched.
    """
    type_ = known_type(cluster, task.api_version, task.key.kind)
    if type_ is None:
        return
    key = task.key
    known = cluster.cache.known(key)
    live = known if isinstance(known, LiveObject) else None
    for attempt in range(ATTEMPTS):
        try:
            if live is None or attempt:
                live = await cluster.client.get(type_, key.namespace, key.name)
            if live.uid != task.uid or HOOK_FINALIZER not in live.finalizers:
                return
            kept = [name for name in live.finalizers if name != HOOK_FINALIZER]
            metadata = {"resourceVersion": live.resource_version, "finalizers": kept or None}
            body = msgspec.json.encode({"metadata": metadata})
            after = await cluster.client.patch(
                type_, key.namespace, key.name, body, kind="merge", manager=FIELD_MANAGER
            )
        except NotFound:
            cluster.cache.removed(key, task.uid)
            return
        except Conflict:
            if attempt + 1 == ATTEMPTS:
                raise
            continue
        if after.deletion_timestamp and not after.finalizers:
            cluster.cache.removed(key, after.uid)
        else:
            cluster.cache.stored(after)
        return

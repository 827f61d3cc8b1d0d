"""The garbage collector: what has lost its owners goes, and owners wait for what they own where they were asked to."""

from typing import Any

from pocketkube.cluster.failure import Failure
from pocketkube.cluster.resource import Object, Resource
from pocketkube.cluster.upkeep.graph import (
    FOREGROUND,
    ORPHAN,
    Graph,
    GraphNode,
    OwnerReference,
    State,
    Verdict,
    judge,
    read_node,
)
from pocketkube.cluster.upkeep.paths import path_of
from pocketkube.cluster.upkeep.ports import UpkeepApi, UpkeepEvent, UpkeepStorage
from pocketkube.queue import WorkQueue

RETRY_SECONDS = 0.5
UNKNOWN_SECONDS = 30.0
"""Pause before an owner of a kind that is not served is looked for again."""
WORKERS = 8


class Collector:
    """Follows every change of the storage and deletes by ownerReferences."""

    def __init__(self, api: UpkeepApi, storage: UpkeepStorage) -> None:
        self._api, self._storage = api, storage
        self._graph = Graph()
        self._waiting: dict[str, tuple[str, str, str]] = {}
        self._queue = WorkQueue("garbage collector", self._work, workers=WORKERS)

    async def run(self) -> None:
        """Works until cancelled."""
        await self._queue.run()

    def idle(self) -> bool:
        """Whether nothing is due."""
        return self._queue.idle()

    def changed(self, stored_as: str, event: UpkeepEvent) -> None:
        """Takes a change. Most objects have no owner and are passed over by a look at their bytes."""
        entry = event.entry
        if event.type == "DELETED":
            self._gone(entry.uid)
            return
        body = entry.body
        owned = b'"ownerReferences"' in body
        leaving = b'"deletionTimestamp"' in body
        if not owned and not leaving and self._graph.get(entry.uid) is None:
            return
        node = read_node(body)
        known = self._graph.get(node.uid)
        if self._graph.put(stored_as, node):
            self._queue.add(node.uid)
            self._look_at_owners(known[1] if known else None)
        elif known is not None and known[1].deletion_timestamp != node.deletion_timestamp:
            self._look_at_owners(node)
        if node.waits_for(FOREGROUND) or node.waits_for(ORPHAN):
            self._waiting[node.uid] = (stored_as, entry.namespace, entry.name)
            self._queue.add(node.uid)
        else:
            self._waiting.pop(node.uid, None)

    def _gone(self, uid: str) -> None:
        self._waiting.pop(uid, None)
        node = self._graph.drop(uid)
        self._queue.forget(uid)
        for dependent in self._graph.dependents(uid):
            self._queue.add(dependent)
        self._look_at_owners(node)

    def _look_at_owners(self, node: GraphNode | None) -> None:
        """An owner that waits for its dependents may have waited for this one."""
        for reference in node.owners if node else ():
            if reference.uid in self._waiting:
                self._queue.add(reference.uid)

    async def _work(self, uid: str) -> float | None:
        try:
            if uid in self._waiting:
                await self._release(uid, *self._waiting[uid])
            elif (found := self._graph.get(uid)) is not None:
                return await self._attempt(*found)
        except Failure as failure:
            if failure.code not in (404, 409):
                raise
            return RETRY_SECONDS if failure.code == 409 else None
        return None

    async def _release(self, uid: str, stored_as: str, namespace: str, name: str) -> None:
        """An object that waits for its dependents, or for their release."""
        entry = self._storage.get(stored_as, namespace, name)
        resource = self._api.registry.in_storage(stored_as)
        if entry is None or resource is None or entry.uid != uid:
            return
        node = read_node(entry.body)
        if node.waits_for(ORPHAN):
            for dependent in self._graph.dependents(uid):
                if (found := self._graph.get(dependent)) is not None:
                    await self._untie(*found, {uid})
            await self._unblock(resource, entry.object(), ORPHAN)
        elif node.waits_for(FOREGROUND):
            blocking = self._graph.blocking(uid)
            if not blocking:
                await self._unblock(resource, entry.object(), FOREGROUND)
            for dependent in self._graph.dependents(uid):
                if dependent not in self._waiting:
                    self._queue.add(dependent)

    async def _attempt(self, stored_as: str, node: GraphNode) -> float | None:
        """An object that may have lost its owners."""
        if node.deletion_timestamp:
            return None
        has_dependents = bool(self._graph.dependents(node.uid))
        verdict, gone = judge(node, lambda owner: self._state_of(node, owner), has_dependents=has_dependents)
        match verdict:
            case Verdict.UNTIE:
                await self._untie(stored_as, node, gone)
            case Verdict.DELETE | Verdict.DELETE_FOREGROUND:
                policy = "Foreground" if verdict is Verdict.DELETE_FOREGROUND else _policy(node)
                await self._delete(stored_as, node, policy)
            case Verdict.KEEP if any(self._state_of(node, owner) is State.UNKNOWN for owner in node.owners):
                return UNKNOWN_SECONDS
        return None

    def _state_of(self, node: GraphNode, owner: OwnerReference) -> State:
        resource = self._api.registry.of_kind(owner.api_version, owner.kind)
        if resource is None or (resource.namespaced and not node.namespace):
            # A kind that nobody serves, or an owner in a namespace nobody can name: nothing is deleted for it.
            return State.UNKNOWN
        namespace = node.namespace if resource.namespaced else ""
        entry = self._storage.get(resource.stored_as, namespace, owner.name)
        if entry is None or entry.uid != owner.uid:
            return State.DANGLING
        return (
            State.WAITING if owner.uid in self._waiting and read_node(entry.body).waits_for(FOREGROUND) else State.SOLID
        )

    async def _delete(self, stored_as: str, node: GraphNode, policy: str) -> None:
        resource = self._api.registry.in_storage(stored_as)
        if resource is None:
            return
        options: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": policy,
            "preconditions": {"uid": node.uid},
        }
        await self._api.call("DELETE", path_of(resource, node.namespace, node.name), options)

    async def _untie(self, stored_as: str, node: GraphNode, owners: set[str]) -> None:
        """Takes owners out of an object's references."""
        resource = self._api.registry.in_storage(stored_as)
        entry = self._storage.get(stored_as, node.namespace, node.name)
        if resource is None or entry is None or entry.uid != node.uid:
            return
        obj = entry.object()
        references = obj["metadata"].get("ownerReferences") or []
        left = [reference for reference in references if reference.get("uid") not in owners]
        if len(left) == len(references):
            return
        obj["metadata"]["ownerReferences"] = left
        if not left:
            del obj["metadata"]["ownerReferences"]
        await self._api.call("PUT", path_of(resource, node.namespace, node.name), obj)

    async def _unblock(self, resource: Resource, obj: Object, finalizer: str) -> None:
        """Removes a finalizer from an object that is being deleted."""
        metadata = obj["metadata"]
        metadata["finalizers"] = [one for one in metadata.get("finalizers") or () if one != finalizer]
        await self._api.call("PUT", path_of(resource, metadata.get("namespace", ""), metadata["name"]), obj)


def _policy(node: GraphNode) -> str:
    """An object that has a finalizer of a propagation policy already keeps to it."""
    finalizers = node.finalizers or ()
    if ORPHAN in finalizers:
        return "Orphan"
    return "Foreground" if FOREGROUND in finalizers else "Background"

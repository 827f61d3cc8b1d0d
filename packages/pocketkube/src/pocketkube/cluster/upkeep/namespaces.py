"""Namespaces: what each has from the start, and how it empties before it goes (pkg/controller/namespace)."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from kubegrammar.time import format_time
from pocketkube.cluster.failure import Failure
from pocketkube.cluster.resource import Object, Resource
from pocketkube.cluster.upkeep.paths import path_of
from pocketkube.cluster.upkeep.ports import UpkeepApi, UpkeepEntry, UpkeepEvent, UpkeepStorage, stores_of
from pocketkube.queue import WorkQueue

FINALIZER = "kubernetes"
ACCOUNT = "default"
ROOT_CA = "kube-root-ca.crt"
DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes "
    "clusters."
)
RECHECK_SECONDS = 5.0
RETRY_SECONDS = 0.2
REMAINING = "NamespaceContentRemaining"
HELD = "NamespaceFinalizersRemaining"
FINE = {
    "NamespaceDeletionDiscoveryFailure": ("ResourcesDiscovered", "All resources successfully discovered"),
    "NamespaceDeletionGroupVersionParsingFailure": (
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
    ),
    "NamespaceDeletionContentFailure": (
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ),
    REMAINING: ("ContentRemoved", "All content successfully removed"),
    HELD: ("ContentHasNoFinalizers", "All content-preserving finalizers finished"),
}
"""Conditions of a namespace that goes, with reason and message where all is well."""


class NamespaceUpkeep:
    """Follows namespaces.

    Args:
        ca: the PEM certificates that clients in the cluster trust.
        now: the time.
    """

    def __init__(self, api: UpkeepApi, storage: UpkeepStorage, *, ca: str, now: Callable[[], datetime]) -> None:
        self._api, self._storage, self._ca, self._now = api, storage, ca, now
        self._going: set[str] = set()
        self._queue = WorkQueue("namespaces", self._work, workers=4)

    async def run(self) -> None:
        """Works until cancelled."""
        await self._queue.run()

    def idle(self) -> bool:
        """Whether nothing is due."""
        return self._queue.idle()

    def changed(self, stored_as: str, event: UpkeepEvent) -> None:
        """Takes a change of the storage."""
        entry = event.entry
        if stored_as == "namespaces":
            if event.type == "DELETED":
                self._going.discard(entry.name)
                self._queue.forget(entry.name)
            else:
                if b'"deletionTimestamp"' in entry.body:
                    self._going.add(entry.name)
                self._queue.add(entry.name)
        elif entry.namespace in self._going:
            if event.type == "DELETED":
                self._queue.add(entry.namespace)
        elif (stored_as, entry.name) in (
            ("serviceaccounts", ACCOUNT),
            ("configmaps", ROOT_CA),
        ) and event.type != "ADDED":
            self._queue.add(entry.namespace)

    async def furnish(self, namespace: str) -> None:
        """Makes what every namespace has, where it is missing or was changed."""
        if self._storage.get("serviceaccounts", namespace, ACCOUNT) is None:
            account = {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {"name": ACCOUNT, "namespace": namespace},
            }
            await self._create("serviceaccounts", namespace, account)
        bundle = {"ca.crt": self._ca}
        current = self._storage.get("configmaps", namespace, ROOT_CA)
        if current is None:
            metadata = {
                "name": ROOT_CA,
                "namespace": namespace,
                "annotations": {"kubernetes.io/description": DESCRIPTION},
            }
            await self._create(
                "configmaps", namespace, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": bundle}
            )
        elif (found := current.object()).get("data") != bundle:
            await self._api.call(
                "PUT", f"/api/v1/namespaces/{namespace}/configmaps/{ROOT_CA}", {**found, "data": bundle}
            )

    async def _create(self, plural: str, namespace: str, obj: Object) -> None:
        try:
            await self._api.call("POST", f"/api/v1/namespaces/{namespace}/{plural}", obj)
        except Failure as failure:
            if failure.reason != "AlreadyExists":
                raise

    async def _work(self, name: str) -> float | None:
        entry = self._storage.get("namespaces", "", name)
        if entry is None:
            return None
        namespace = entry.object()
        try:
            if not namespace["metadata"].get("deletionTimestamp"):
                await self.furnish(name)
                return None
            return await self._empty(namespace)
        except Failure as failure:
            if failure.code not in (403, 404, 409):
                raise
            return RETRY_SECONDS

    async def _empty(self, namespace: Object) -> float | None:
        """Deletes what is in a namespace; Pods first, since others may serve them while they end."""
        name = namespace["metadata"]["name"]
        finalizers = (namespace.get("spec") or {}).get("finalizers") or ()
        if FINALIZER not in finalizers:
            return None
        stores = [one for one in stores_of(self._api.registry) if one.namespaced and "delete" in one.verbs]
        stores.sort(key=lambda one: one.stored_as != "pods")
        left: list[tuple[Resource, Sequence[UpkeepEntry]]] = []
        for resource in stores:
            remaining = await self._clear(resource, name)
            if remaining:
                left.append((resource, remaining))
                if resource.stored_as == "pods":
                    break
        namespace = await self._report(namespace, content_conditions(left))
        if left:
            return RECHECK_SECONDS
        kept = [finalizer for finalizer in finalizers if finalizer != FINALIZER]
        await self._api.call("PUT", f"/api/v1/namespaces/{name}/finalize", {**namespace, "spec": {"finalizers": kept}})
        return None

    async def _clear(self, resource: Resource, namespace: str) -> Sequence[UpkeepEntry]:
        """Deletes the objects of a store; returns those that are still there."""
        options: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        entries = self._storage.list(resource.stored_as, namespace).entries
        for entry in entries:
            if b'"deletionTimestamp"' in entry.body:
                continue
            try:
                await self._api.call("DELETE", path_of(resource, namespace, entry.name), options)
            except Failure as failure:
                if failure.code != 404:
                    raise
        return self._storage.list(resource.stored_as, namespace).entries if entries else ()

    async def _report(self, namespace: Object, found: dict[str, tuple[str, str]]) -> Object:
        """Writes the conditions where they changed; returns the namespace as it is then."""
        status = namespace.get("status") or {}
        conditions = with_conditions(status.get("conditions") or (), found, format_time(self._now()))
        if conditions == (status.get("conditions") or []):
            return namespace
        changed = {**namespace, "status": {**status, "phase": "Terminating", "conditions": conditions}}
        return await self._api.call("PUT", f"/api/v1/namespaces/{namespace['metadata']['name']}/status", changed)


def content_conditions(left: Sequence[tuple[Resource, Sequence[UpkeepEntry]]]) -> dict[str, tuple[str, str]]:
    """Reason and message of each condition that is True, by what remains in a namespace."""
    if not left:
        return {}
    counts = sorted(f"{one.plural}.{one.group} has {len(entries)} resource instances" for one, entries in left)
    found = {REMAINING: ("SomeResourcesRemain", f"Some resources are remaining: {', '.join(counts)}")}
    finalizers = Counter(
        finalizer
        for _, entries in left
        for entry in entries
        for finalizer in entry.object()["metadata"].get("finalizers") or ()
    )
    if finalizers:
        held = ", ".join(sorted(f"{name} in {count} resource instances" for name, count in finalizers.items()))
        text = f"Some content in the namespace has finalizers remaining: {held}"
        found[HELD] = ("SomeFinalizersRemain", text)
    return found


def with_conditions(current: Sequence[Object], found: dict[str, tuple[str, str]], moment: str) -> list[Object]:
    """All conditions of a namespace that goes, those that did not change as they were."""
    known = {condition["type"]: condition for condition in current}
    for type_, fine in FINE.items():
        status = "True" if type_ in found else "False"
        reason, message = found.get(type_, fine)
        old = known.get(type_)
        moved = moment if old is None or old["status"] != status else old["lastTransitionTime"]
        known[type_] = {
            "type": type_,
            "status": status,
            "lastTransitionTime": moved,
            "reason": reason,
            "message": message,
        }
    return list(known.values())

"""Volumes and claims that are deleted go when nobody uses them (the controllers ``pvc-protection`` and
``pv-protection``)."""

import asyncio
from typing import Any, Final

from pocketkube.cluster.failure import Failure
from pocketkube.cluster.resource import Object
from pocketkube.cluster.upkeep.paths import path_of
from pocketkube.cluster.upkeep.ports import UpkeepApi, UpkeepEntry, UpkeepEvent, UpkeepStorage

CLAIMS: Final = "persistentvolumeclaims"
VOLUMES: Final = "persistentvolumes"
FINALIZERS: Final = {CLAIMS: "kubernetes.io/pvc-protection", VOLUMES: "kubernetes.io/pv-protection"}
RETRY_SECONDS: Final = 0.5
_OVER: Final = ("Succeeded", "Failed")


class Protection:
    """Releases claims and volumes that are being deleted and not in use."""

    def __init__(self, api: UpkeepApi, storage: UpkeepStorage) -> None:
        self._api, self._storage = api, storage
        self._wake = asyncio.Event()
        self._due: set[tuple[str, str, str]] = set()

    def changed(self, stored_as: str, event: UpkeepEvent) -> None:
        """Takes a change of the storage."""
        entry = event.entry
        if stored_as in FINALIZERS and event.type != "DELETED" and b'"deletionTimestamp"' in entry.body:
            self._due.add((stored_as, entry.namespace, entry.name))
            self._wake.set()
        elif stored_as in ("pods", CLAIMS) and self._due:
            self._wake.set()

    def idle(self) -> bool:
        """Whether nothing is due."""
        return not self._wake.is_set()

    async def run(self) -> None:
        """Releases until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            for place in tuple(self._due):
                await self._look(place)

    async def _look(self, place: tuple[str, str, str]) -> None:
        stored_as, namespace, name = place
        entry = self._storage.get(stored_as, namespace, name)
        obj = entry.object() if entry is not None else {"metadata": {}}
        finalizers: list[str] = obj["metadata"].get("finalizers") or []
        if not obj["metadata"].get("deletionTimestamp") or FINALIZERS[stored_as] not in finalizers:
            self._due.discard(place)
            return
        if self._is_used(stored_as, obj):
            return
        try:
            await self._release(stored_as, obj)
        except Failure as failure:
            if failure.code == 409:
                # Somebody wrote in between, which is looked at in turn.
                asyncio.get_running_loop().call_later(RETRY_SECONDS, self._wake.set)
            elif failure.code != 404:
                raise

    async def _release(self, stored_as: str, obj: Object) -> None:
        resource = self._api.registry.in_storage(stored_as)
        assert resource, f"{stored_as} are built in"
        metadata = obj["metadata"]
        metadata["finalizers"] = [name for name in metadata["finalizers"] if name != FINALIZERS[stored_as]]
        await self._api.call("PUT", f"{path_of(resource, metadata.get('namespace', ''))}/{metadata['name']}", obj)

    def _is_used(self, stored_as: str, obj: Object) -> bool:
        metadata = obj["metadata"]
        if stored_as == VOLUMES:
            return bool((obj.get("status") or {}).get("phase") == "Bound")
        pods = self._storage.list("pods", metadata["namespace"]).entries
        return any(_mounts(entry, metadata["name"]) for entry in pods)


def _mounts(entry: UpkeepEntry, claim: str) -> bool:
    if b'"persistentVolumeClaim"' not in entry.body and b'"ephemeral"' not in entry.body:
        return False
    pod: dict[str, Any] = entry.object()
    if (pod.get("status") or {}).get("phase") in _OVER:
        return False
    volumes = pod["spec"].get("volumes") or ()
    return any(_claim_of(pod, volume) == claim for volume in volumes)


def _claim_of(pod: Object, volume: Object) -> str:
    if "ephemeral" in volume:
        return f"{pod['metadata']['name']}-{volume['name']}"
    claim: str = (volume.get("persistentVolumeClaim") or {}).get("claimName", "")
    return claim

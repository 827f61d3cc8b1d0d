"""Events go after an hour, as etcd's leases have them go on a real server."""

import asyncio
from collections import deque

from pocketkube.cluster.failure import Failure
from pocketkube.cluster.upkeep.ports import UpkeepApi, UpkeepEvent

TTL_SECONDS = 3600.0
SWEEP_SECONDS = 15.0


class EventExpiry:
    """Deletes each Event an hour after it was last written.

    Args:
        ttl: seconds.
    """

    def __init__(self, api: UpkeepApi, *, ttl: float = TTL_SECONDS, sweep: float = SWEEP_SECONDS) -> None:
        self._api, self._ttl, self._sweep = api, ttl, sweep
        self._due: deque[tuple[float, str, str, str]] = deque()
        self._written: dict[str, float] = {}

    def changed(self, stored_as: str, event: UpkeepEvent) -> None:
        """Takes a change of the storage."""
        if not stored_as.startswith("events"):
            return
        entry = event.entry
        if event.type == "DELETED":
            self._written.pop(entry.uid, None)
            return
        due = asyncio.get_running_loop().time() + self._ttl
        if entry.uid not in self._written:
            self._due.append((due, entry.uid, entry.namespace, entry.name))
        self._written[entry.uid] = due

    async def run(self) -> None:
        """Sweeps until cancelled."""
        while True:
            await asyncio.sleep(self._sweep)
            await self._expire(asyncio.get_running_loop().time())

    async def _expire(self, now: float) -> None:
        while self._due and self._due[0][0] <= now:
            _, uid, namespace, name = self._due.popleft()
            due = self._written.get(uid)
            if due is None:
                continue
            if due > now:
                # Written again since: it waits once more.
                self._due.append((due, uid, namespace, name))
                continue
            try:
                options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
                await self._api.call("DELETE", f"/api/v1/namespaces/{namespace}/events/{name}", options)
            except Failure as failure:
                if failure.code not in (404, 409):
                    raise

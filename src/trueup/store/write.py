"""One merge patch for one pass: what a reconcile learnt and decided about an Application."""

from datetime import datetime
from typing import Any

import msgspec

from trueup.formats.patch import merge_diff
from trueup.formats.time import format_time
from trueup.kube.cache import WatchCache
from trueup.kube.client import Client
from trueup.model.annotations import REFRESH, REFRESH_TIMESTAMP
from trueup.model.live import LiveObject
from trueup.model.status import Condition, HealthStatus
from trueup.store.applications import StoredApplication
from trueup.store.install import APPLICATION

# Conditions that a pass re-states; others (somebody else's) are left as they are.
OWN_CONDITIONS = frozenset(
    {
        "ComparisonError",
        "DeletionError",
        "ExcludedResourceWarning",
        "InvalidSpecError",
        "OrphanedResourceWarning",
        "RenderWarning",
        "RepeatedResourceWarning",
        "SharedResourceWarning",
        "SelfHealLoopWarning",
        "SyncError",
        "UnknownError",
    }
)


class ApplicationWrite:
    """Collects changes of an Application; :meth:`flush` sends what differs from what is stored, once.

    Attributes:
        status: the status as it will be, free to change.
    """

    def __init__(self, stored: StoredApplication, client: Client, cache: WatchCache, now: datetime) -> None:
        self.stored = stored
        self.now = now
        self._client = client
        self._cache = cache
        self._written = stored.raw_status
        self.status: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(stored.raw_status))
        self._found: list[tuple[str, str]] = []
        self._metadata: dict[str, Any] = {}
        self._operation: Any = msgspec.UNSET
        self._decided = False
        self._refreshed = False
        self.live: LiveObject = stored.live

    def set(self, field: str, value: Any) -> None:
        """A status field, from a Struct or plain data; None removes it."""
        plain = msgspec.to_builtins(value)
        if plain is None:
            self.status.pop(field, None)
        else:
            self.status[field] = plain

    def health(self, status: str, message: str = "") -> None:
        """Application health; the transition time moves only with the status."""
        before = self.status.get("health") or {}
        moved = before.get("status") != status or not before.get("lastTransitionTime")
        when = format_time(self.now) if moved else before["lastTransitionTime"]
        self.set("health", HealthStatus(status=status, message=message, last_transition_time=when))

    def conditions(self, found: list[tuple[str, str]]) -> None:
        """Conditions of this pass as (type, message); transition times of those that stay are kept.

        An error keeps its time while its words change: it tells since when something is wrong.
        """
        self._found = found
        stored = self.stored.raw_status.get("conditions") or []
        before = {(c.get("type"), c.get("message")): c.get("lastTransitionTime") for c in stored}
        errors = {c.get("type"): c.get("lastTransitionTime") for c in stored if str(c.get("type")).endswith("Error")}
        kept = [c for c in stored if c.get("type") not in OWN_CONDITIONS]
        for kind, message in sorted(set(found)):
            since = before.get((kind, message)) or errors.get(kind) or format_time(self.now)
            kept.append(msgspec.to_builtins(Condition(type=kind, message=message, last_transition_time=since)))
        self.set("conditions", kept or None)

    def condition(self, kind: str, message: str) -> None:
        """One more condition of this pass."""
        self.conditions([*self._found, (kind, message)])

    def operation(self, value: Any) -> None:
        """``.operation``: an Operation to record, or None to clear it. Guards the patch by the resourceVersion."""
        self._operation = msgspec.to_builtins(value)
        self._decided = True

    def decided(self) -> None:
        """The patch carries a decision: it must not land on a newer object than the one decided on."""
        self._decided = True

    def refreshed(self) -> None:
        """The refresh that was asked for has been done."""
        self._refreshed = True
        if REFRESH in self.stored.app.metadata.annotations:
            for name in {REFRESH, REFRESH_TIMESTAMP} & self.stored.app.metadata.annotations.keys():
                self._metadata.setdefault("annotations", {})[name] = None
            # Somebody may have asked again meanwhile, by the same value: that request must survive.
            self._decided = True

    def finalizers(self, names: list[str]) -> None:
        """Replace the finalizers."""
        self._metadata["finalizers"] = names
        self._decided = True

    async def flush(self) -> bool:
        """Send what differs; False when nothing did.

        Raises:
            Conflict: the object moved under a decision.
            NotFound: the application is gone.
        """
        changes = merge_diff(self._written, self.status)
        if changes or self._refreshed:
            self.status["reconciledAt"] = format_time(self.now)
            changes = merge_diff(self._written, self.status)
        patch: dict[str, Any] = {}
        if changes:
            patch["status"] = changes
        if self._operation is not msgspec.UNSET:
            patch["operation"] = self._operation
        metadata = dict(self._metadata)
        if not patch and not metadata:
            return False
        if self._decided:
            metadata["resourceVersion"] = self.live.resource_version
        if metadata:
            patch["metadata"] = metadata
        key = self.stored.live.key
        self.live = await self._client.patch(
            APPLICATION, key.namespace, key.name, msgspec.json.encode(patch), kind="merge"
        )
        self._cache.stored(self.live)
        self._written = msgspec.json.decode(msgspec.json.encode(self.status))
        self._metadata = {}
        self._operation = msgspec.UNSET
        self._decided = self._refreshed = False
        return True

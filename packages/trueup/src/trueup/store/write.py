"""One merge patch for one pass: what a reconcile learnt and decided about an Application."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from kubegrammar.patch import merge_diff
from kubegrammar.time import format_exact_time, format_time, past_time
from trueup.kube.errors import ApiError
from trueup.model.annotations import REFRESH, REFRESH_TIMESTAMP
from trueup.model.live import LiveObject
from trueup.model.progress import Change, Told
from trueup.model.resource import ResourceKey
from trueup.model.status import Condition, HealthStatus, OperationState
from trueup.runtime.secrecy import told, told_messages
from trueup.store.applications import StoredApplication
from trueup.store.refusal import CONDITION, StatusRefused, barest, essential, is_refusal, refused, remedy
from trueup.store.verdicts import changes_of

# Conditions that a pass re-states; others (somebody else's) are left as they are.
OWN_CONDITIONS = frozenset(
    {
        "ComparisonError",
        "DeletionError",
        "DeletionHeldWarning",
        "ExcludedResourceWarning",
        "InvalidSpecError",
        "OrphanedResourceWarning",
        "PruningHeldWarning",
        "RenderWarning",
        "RepeatedResourceWarning",
        "SharedResourceWarning",
        "SelfHealLoopWarning",
        "SyncError",
        "TrackingMarkWarning",
        "UnknownError",
        "UnsupportedFieldError",
    }
)
LONGEST_CONDITION = 1999
"""Characters of a condition's message: a table of them stays readable, and Argo CD's UI shows it whole."""
_END = 400
_RECOGNISED = 1000
"""Characters by which a message is known again."""


def shortened(message: str) -> str:
    """A message for a condition. What is too long loses its middle: the cause stands first, the remedy last."""
    if len(message) <= LONGEST_CONDITION:
        return message
    head = message[: LONGEST_CONDITION - _END - 40]
    cut = len(message) - len(head) - _END
    return f"{head} … ({cut} characters more) … {message[-_END:]}"


class Patched(Protocol):
    """Where Applications are stored."""

    async def __call__(self, key: ResourceKey, patch: bytes) -> LiveObject:
        """Merge-patch one; as it is from now on, which the next read of it shows.

        Raises:
            ApiError: it is not taken.
        """


class Telling(Protocol):
    """Who reads what becomes of Applications. Neither raises."""

    async def happened(self, stored: StoredApplication, told: Sequence[Told]) -> None:
        """What a pass has seen and done, which the status does not have yet."""

    def recorded(self, stored: StoredApplication, live: LiveObject, told: Sequence[Told]) -> None:
        """The same once the status has it, with what became of the status by it."""


class ApplicationWrite:
    """Collects changes of an Application; :meth:`flush` sends what differs from what is stored, once.

    Attributes:
        status: the status as it will be, free to change.
        held: a change of health is kept back.
    """

    def __init__(
        self,
        stored: StoredApplication,
        patched: Patched,
        now: datetime,
        telling: Telling | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.stored = stored
        self.now = now
        self._patched, self._telling = patched, telling
        self._clock = clock or (lambda: now)
        self._news: list[Told] = []
        self._handed_on: list[Told] = []
        self._written = stored.raw_status
        self.status = _copy(stored.raw_status)
        self._found: list[tuple[str, str]] = []
        self._metadata: dict[str, Any] = {}
        self._operation: Any = msgspec.UNSET
        self._decided = False
        self._refreshed = False
        self.live: LiveObject = stored.live
        self.held = False
        self._seen: dict[str, Any] = {}

    def set(self, field: str, value: Any) -> None:
        """A status field, from a Struct or plain data; None removes it."""
        plain = msgspec.to_builtins(value)
        if plain is None:
            self.status.pop(field, None)
        else:
            self.status[field] = plain

    def health(self, status: str, message: str = "") -> None:
        """Application health; the transition time moves only with the status."""
        self.held = False
        before = self.status.get("health") or {}
        when = format_time(self.now) if before.get("status") != status else self._kept(before.get("lastTransitionTime"))
        self.set("health", HealthStatus(status=status, message=message, last_transition_time=when))

    def health_differs(self) -> bool:
        """Whether the health of the application or of one of its objects is another than the stored one."""
        return _health_of(self.status) != _health_of(self.stored.raw_status)

    def keep_health(self) -> None:
        """Leave the health of the application and of its objects as it is stored, for a later write to tell."""
        self.held = True
        self._seen = _copy({name: self.status.get(name) for name in ("health", "resources")})
        self.set("health", self.stored.raw_status.get("health"))
        _, before = _health_of(self.stored.raw_status)
        for line in self.status.get("resources") or []:
            key = _line_key(line)
            if key in before:
                line.pop("health", None)
                line.update({"health": before[key]} if before[key] is not None else {})

    def tell_health(self) -> None:
        """Take back :meth:`keep_health`: with the end of an operation its health is told, not that of before it."""
        if self.held:
            self.held = False
            for name, value in self._seen.items():
                self.set(name, value)

    def conditions(self, found: list[tuple[str, str]]) -> None:
        """Conditions of this pass as (type, message); transition times of those that stay are kept.

        An error keeps its time while its words change: it tells since when something is wrong. A time that lies ahead
        tells nothing: what is counted from it is counted from now.
        """
        self._found = found
        stored = self.stored.raw_status.get("conditions") or []
        before = {(c.get("type"), c.get("message")): c.get("lastTransitionTime") for c in stored}
        errors = {c.get("type"): c.get("lastTransitionTime") for c in stored if str(c.get("type")).endswith("Error")}
        kept = [c for c in stored if not self._restated(c)]
        for kind, message in sorted({(kind, shortened(told(message))) for kind, message in found}):
            since = self._kept(before.get((kind, message)) or errors.get(kind))
            kept.append(msgspec.to_builtins(Condition(type=kind, message=message, last_transition_time=since)))
        self.set("conditions", kept or None)

    def condition(self, kind: str, message: str) -> None:
        """One more condition of this pass."""
        self.conditions([*self._found, (kind, message)])

    def since(self, kind: str) -> str:
        """Since when there is a condition of this kind: now, where it is none yet."""
        stored = self.stored.raw_status.get("conditions") or []
        return self._kept(next((c.get("lastTransitionTime") for c in stored if c.get("type") == kind), None))

    def is_news(self, kind: str, message: str) -> bool:
        """Whether no condition that is stored says this already. What stands behind the message is no news."""
        begins = told(message)[:_RECOGNISED]
        stored = self.stored.raw_status.get("conditions") or []
        return not any(c.get("type") == kind and str(c.get("message")).startswith(begins) for c in stored)

    def _kept(self, time: Any) -> str:
        """A transition time that is stored, or now where it is none."""
        known = isinstance(time, str) and past_time(time, self.now) is not None
        return time if known else format_time(self.now)

    def _restated(self, condition: dict[str, Any]) -> bool:
        if condition.get("type") != CONDITION:
            return condition.get("type") in OWN_CONDITIONS
        # What is missing from the record of an operation stays missing until another operation is on record.
        state = self.status.get("operationState") or {}
        return not str(state.get("message") or "").endswith(str(condition.get("message")))

    def operation(self, value: Any) -> None:
        """``.operation``: an Operation to record, or None to clear it. Guards the patch by the resourceVersion."""
        self._operation = msgspec.to_builtins(value)
        self._decided = True

    def told(self, *changes: Change) -> list[Told]:
        """Changes as they are told, now."""
        at = format_exact_time(self._clock())
        return [Told(self.stored.key, at, change, self.stored.project) for change in changes]

    def tell(self, *changes: Change) -> None:
        """Tell what happened, with what is written or before."""
        self._news += self.told(*changes)

    async def hand_on(self) -> None:
        """Have what was told so far on the trail, before something follows from it."""
        news, self._news = self._news, []
        if self._telling is not None:
            await self._telling.happened(self.stored, news)
        self._handed_on += news

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

    def annotation(self, name: str, value: str) -> None:
        """An annotation of ours; empty for none."""
        if value != self.stored.app.metadata.annotations.get(name, ""):
            self._metadata.setdefault("annotations", {})[name] = value or None

    def finalizers(self, names: list[str]) -> None:
        """Replace the finalizers."""
        self._metadata["finalizers"] = names
        self._decided = True

    async def flush(self) -> bool:
        """Send what differs; False when nothing did.

        Raises:
            Conflict: the object moved under a decision.
            NotFound: the application is gone.
            StatusRefused: the API server does not take the patch; what it took instead says so.
            ApiError: it takes nothing, or could not answer.
        """
        await self.hand_on()
        told_messages(_apart(self.status, self._written)[0], known=self._written)
        patch, before = self._patch(self.status), self._written
        if not patch:
            self._recorded(before)
            return False
        try:
            await self._send(patch)
        except ApiError as error:
            if not self._refuses(error, patch):
                raise
            refusal = await self._refused(error, remedy(error, self._size(patch)))
            self._recorded(before)
            raise refusal from error
        self._written = _copy(self.status)
        self._metadata = {}
        self._operation = msgspec.UNSET
        self._decided = self._refreshed = False
        self._recorded(before)
        return True

    def _recorded(self, before: dict[str, Any]) -> None:
        news, self._handed_on = self._handed_on, []
        if self._telling is not None:
            verdicts = self.told(*changes_of(before, self.status))
            self._telling.recorded(self.stored, self.live, [*news, *verdicts])

    def _patch(self, status: dict[str, Any]) -> dict[str, Any]:
        """What turns the stored object into one with this status, and what else is to be written; empty for nothing."""
        after, before = _apart(status, self._written)
        changes = merge_diff(before, after)
        if changes or self._refreshed:
            at = status["reconciledAt"] = format_time(self.now)
            if self._written.get("reconciledAt") != at:
                changes["reconciledAt"] = at
        patch: dict[str, Any] = {}
        if changes:
            patch["status"] = changes
        if self._operation is not msgspec.UNSET:
            patch["operation"] = self._operation
        metadata = dict(self._metadata)
        if not patch and not metadata:
            return {}
        if self._decided:
            metadata["resourceVersion"] = self.live.resource_version
        if metadata:
            patch["metadata"] = metadata
        return patch

    async def _send(self, patch: dict[str, Any]) -> None:
        self.live = await self._patched(self.stored.live.key, msgspec.json.encode(patch))

    def _refuses(self, error: ApiError, patch: dict[str, Any]) -> bool:
        return is_refusal(error, self._size(patch))

    def _size(self, patch: dict[str, Any]) -> int:
        return len(msgspec.json.encode(patch)) + len(self.live.body)

    async def _refused(self, error: ApiError, hint: str) -> StatusRefused:
        """Write as much as the server takes. What was refused for good is not tried again in another spelling.

        Raises:
            ApiError: it takes nothing.
        """
        message, before = told(f"{refused(error)} ({hint})"), self._written
        status = essential(before, self.status, message, format_time(self.now))
        ended = _ended(self.status, status)
        if ended:
            self.operation(None)
        for less in (status, barest(before, status)):
            patch = self._patch(less)
            try:
                if patch:
                    await self._send(patch)
            except ApiError as again:
                if not self._refuses(again, patch):
                    raise
                continue
            news = less["conditions"] != before.get("conditions")
            self.status, self._written = less, _copy(less)
            return StatusRefused(message, told=news, ended=ended)
        raise error


def _ended(wanted: dict[str, Any], written: dict[str, Any]) -> OperationState | None:
    """The operation that a refusal has ended."""
    phases = [(status.get("operationState") or {}).get("phase") for status in (wanted, written)]
    return msgspec.convert(written["operationState"], type=OperationState) if phases[0] != phases[1] else None


def _apart(one: dict[str, Any], other: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Those fields of two statuses that are not just so in both. Most are, and need not be walked through."""
    encode = msgspec.json.encode
    same = {name for name, value in one.items() if name in other and encode(value) == encode(other[name])}
    return (
        {name: value for name, value in one.items() if name not in same},
        {name: value for name, value in other.items() if name not in same},
    )


def _copy(status: dict[str, Any]) -> dict[str, Any]:
    copied: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(status))
    return copied


def _health_of(status: dict[str, Any]) -> tuple[Any, dict[tuple[str, ...], Any]]:
    """Application health, without its time, and that of the objects that both may list."""
    health = {name: value for name, value in (status.get("health") or {}).items() if name != "lastTransitionTime"}
    return health, {_line_key(line): line.get("health") for line in status.get("resources") or []}


def _line_key(line: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(line.get(name) or "") for name in ("group", "kind", "namespace", "name"))

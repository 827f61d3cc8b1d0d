"""What a command asks of the engine, and why it may get no answer."""

from datetime import datetime

import msgspec

from kubegrammar.time import parse_time
from trueup import policy
from trueup.cli.app.access import ApplicationView, Handle, read_view
from trueup.kube.errors import ApiError, NotFound
from trueup.model.annotations import REFRESH
from trueup.model.errors import TrueupError
from trueup.runtime.clock import SystemClock
from trueup.store.kinds import LEASE, LEASE_NAME

NOT_RUNNING = "is the engine running? `trueup server` starts it"
TOLERANCE = 5.0
"""Seconds by which this machine's clock may differ from the engine's."""


class _Spec(msgspec.Struct, rename="camel"):
    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    renew_time: str | None = None


class _Lease(msgspec.Struct):
    spec: _Spec | None = None


async def refreshed(handle: Handle, *, hard: bool, timeout: float = 60.0) -> ApplicationView:
    """Ask the engine to look again, and wait until it has.

    Raises:
        TrueupError: it has not within ``timeout`` seconds.
    """
    # What only waits need not know how to ask.
    from trueup.cli.app.requests import asked

    with asked(handle) as requests:
        view = read_view((await requests.refresh(handle.key, hard=hard)).body)
    async for view in handle.follow(timeout):
        if REFRESH not in view.app.metadata.annotations:
            return view
    hint = await why_untouched(handle, view)
    raise TrueupError(f"application {handle.name} was not refreshed within {timeout:g} s", hint=hint)


async def why_untouched(handle: Handle, view: ApplicationView) -> str:
    """A hint for who waits for an engine to take up an application."""
    now = SystemClock().now()
    entries = (view.raw.get("metadata") or {}).get("managedFields") or []
    if reason := policy.hands_off(view.app.metadata.annotations, policy.last_write_by(entries), now):
        return f"it is left alone: {reason}"
    try:
        live = await handle.client.get(LEASE, handle.control_namespace, LEASE_NAME)
    except NotFound:
        return NOT_RUNNING
    except ApiError:
        return f"whether the engine runs could not be read; `trueup app get {handle.name}` shows where it stands"
    if not alive(live.body, now):
        return NOT_RUNNING
    return f"the engine is running; `trueup app get {handle.name}` shows where it stands"


def alive(lease: bytes, now: datetime) -> bool:
    """Whether a Lease is held at this time; one that cannot be read is held by nobody."""
    try:
        spec = msgspec.json.decode(lease, type=_Lease).spec or _Spec()
        renewed = parse_time(spec.renew_time or "")
    except (msgspec.DecodeError, ValueError):
        return False
    age = (now - renewed).total_seconds()
    return bool(spec.holder_identity) and age < (spec.lease_duration_seconds or 0) + TOLERANCE

"""The engine's lease in the control namespace: a ``Lease`` of coordination.k8s.io."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from kubegrammar.time import format_exact_time
from trueup.kube.client import Client
from trueup.kube.errors import AlreadyExists, Conflict, Forbidden, NotFound
from trueup.model.errors import Stalled
from trueup.model.live import LiveObject
from trueup.runtime.lease import HeldLease
from trueup.store.kinds import LEASE, lease_name

_INT32 = 2**31


class ControlLease:
    """Reads and writes it; a write names the version that it replaces.

    Args:
        client: one of its own: no queue of other requests may delay a renewal, and no fence may stop it.
        now: for the times that people read; nobody decides by them.
        shard: whose engines contend for it.
    """

    def __init__(self, client: Client, namespace: str, now: Callable[[], datetime], *, shard: int = 0) -> None:
        self._client, self._namespace, self._now = client, namespace, now
        self._name = lease_name(shard)

    async def read(self) -> HeldLease | None:
        """The lease; None when there is none.

        Raises:
            Stalled: it may not be read.
        """
        try:
            return _held(await self._client.get(LEASE, self._namespace, self._name))
        except NotFound:
            return None
        except Forbidden as error:
            raise self._denied(error) from error

    async def write(self, wanted: HeldLease, over: HeldLease | None) -> HeldLease | None:
        """Create it, or replace one version of it; None when somebody else was quicker.

        Raises:
            Stalled: it may not be written, or there is no control namespace.
        """
        spec = self._spec(wanted, over)
        metadata: dict[str, Any] = {"name": self._name, "namespace": self._namespace}
        try:
            if over is None:
                body = {"apiVersion": LEASE.api_version, "kind": LEASE.kind, "metadata": metadata, "spec": spec}
                return _held(await self._client.create(LEASE, self._namespace, msgspec.json.encode(body)))
            body = {"metadata": {"resourceVersion": over.version}, "spec": spec}
            return _held(
                await self._client.patch(LEASE, self._namespace, self._name, msgspec.json.encode(body), kind="merge")
            )
        except (AlreadyExists, Conflict):
            return None
        except NotFound as error:
            if over is not None:
                return None
            raise Stalled(
                f"there is no control namespace {self._namespace}: {error.message}", hint="run `trueup install` first"
            ) from error
        except Forbidden as error:
            raise self._denied(error) from error

    def _spec(self, wanted: HeldLease, over: HeldLease | None) -> dict[str, Any]:
        now = format_exact_time(self._now())
        spec: dict[str, Any] = {
            "holderIdentity": wanted.holder,
            "leaseDurationSeconds": max(1, int(wanted.seconds)),
            "leaseTransitions": wanted.transitions if 0 <= wanted.transitions < _INT32 else 0,
            "renewTime": now,
        }
        if over is None or over.holder != wanted.holder:
            spec["acquireTime"] = now
        return spec

    def _denied(self, error: Forbidden) -> Stalled:
        return Stalled(
            f"the engine may not hold its lease: {error.message}",
            hint=f"allow it to get, create and patch leases.coordination.k8s.io in namespace {self._namespace}",
        )


class _Spec(msgspec.Struct, rename="camel"):
    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    lease_transitions: int | None = None


class _Lease(msgspec.Struct):
    spec: _Spec | None = None


def _held(live: LiveObject) -> HeldLease:
    spec = msgspec.json.decode(live.body, type=_Lease).spec or _Spec()
    return HeldLease(
        holder=spec.holder_identity or "",
        seconds=float(spec.lease_duration_seconds or 0),
        transitions=spec.lease_transitions or 0,
        version=live.resource_version,
    )

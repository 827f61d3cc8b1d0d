"""The engine's lease on an API server: one has it, a stale version of it replaces nothing."""

import pytest
from tests.conftest import Cluster, on_kubernetes

from trueup.kube.client import Client
from trueup.kube.config import load_kubeconfig
from trueup.model.errors import Stalled
from trueup.runtime.clock import SystemClock
from trueup.runtime.lease import HeldLease, Lease, Terms
from trueup.store.kinds import LEASE, LEASE_NAME
from trueup.store.lease import ControlLease

TERMS = Terms(lease=2.0, renew=1.0, pause=0.1)


@pytest.fixture
def record(client: Client, namespace: str) -> ControlLease:
    return ControlLease(client, namespace, SystemClock().now)


async def test_a_version_that_was_replaced_replaces_nothing(record: ControlLease) -> None:
    assert await record.read() is None
    first = await record.write(HeldLease("a", 9.0), None)
    assert first is not None
    assert await record.write(HeldLease("b", 9.0), None) is None, "created once"
    second = await record.write(HeldLease("a", 9.0), first)
    assert second is not None
    assert second.version != first.version
    assert await record.write(HeldLease("b", 9.0, 1), first) is None
    assert await record.read() == second


async def test_the_lease_is_as_other_tools_read_it(record: ControlLease, client: Client, namespace: str) -> None:
    await record.write(HeldLease("host_1_abc", 9.0, 3), None)
    spec = (await client.get(LEASE, namespace, LEASE_NAME)).object()["spec"]
    assert spec["holderIdentity"] == "host_1_abc"
    assert spec["leaseDurationSeconds"] == 9
    assert spec["leaseTransitions"] == 3
    assert spec["acquireTime"] == spec["renewTime"]


async def test_a_deleted_lease_is_taken_anew(record: ControlLease, client: Client, namespace: str) -> None:
    lease = Lease(record, "a", terms=TERMS)
    assert await lease.attempt() is None
    await client.delete(LEASE, namespace, LEASE_NAME, propagation="Background")
    assert await lease.renew() == "", "nobody has it, and whoever comes first takes it"
    assert await Lease(record, "b", terms=TERMS).attempt() is None


async def test_given_back_it_has_no_holder(record: ControlLease) -> None:
    lease = Lease(record, "a", terms=TERMS)
    assert await lease.attempt() is None
    await lease.release()
    stored = await record.read()
    assert stored is not None
    assert stored.holder == ""


async def test_a_control_namespace_that_is_not_there_is_named(client: Client) -> None:
    record = ControlLease(client, "nowhere", SystemClock().now)
    with pytest.raises(Stalled, match=r"no control namespace nowhere.*trueup install"):
        await Lease(record, "a", terms=TERMS).acquire()


@on_kubernetes
async def test_who_may_not_hold_it_learns_which_right_is_missing(cluster: Cluster, namespace: str) -> None:
    async with Client(load_kubeconfig(cluster.kubeconfig_of("guest"), None)) as guest:
        with pytest.raises(
            Stalled, match=rf"get, create and patch leases.coordination.k8s.io in namespace {namespace}"
        ):
            await Lease(ControlLease(guest, namespace, SystemClock().now), "a", terms=TERMS).acquire()

"""``trueup doctor`` on a cluster."""

from pathlib import Path

from tests.conftest import Cluster

from trueup.cli.connect import ClusterAccess
from trueup.cli.preflight import PreflightRequest, examine
from trueup.kube.client import Client
from trueup.store.install import install


async def test_a_cluster_with_the_definitions_and_an_administrator_lacks_nothing(
    cluster: Cluster, admin: Client, tmp_path: Path
) -> None:
    await install(admin, "doctor", lambda _: None)
    access = ClusterAccess(str(cluster.kubeconfig), "", "doctor")
    found = await examine(PreflightRequest(access=access, data=tmp_path, state=tmp_path, isolated=False))
    states = {finding.name: finding.state for finding in found}
    assert (states["cluster"], states["rights"]) == ("ok", "ok"), found

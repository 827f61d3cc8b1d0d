"""Argo CD's own definitions of our kinds, which every migration brings along, on both clusters.

The tests exist only where a copy of them lies beside the checkout: ``tests/support/argocd.py``.
"""

import pytest
from tests.conftest import EMBEDDED, KUBERNETES
from tests.e2e.conftest import Migrate
from tests.e2e.manifests import config, hook, job
from tests.support import argocd

from trueup.store.install import DEFINITION

__test__ = argocd.PRESENT

CLUSTER_ROLE = """apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: NAME}
rules: []
"""


@pytest.mark.parametrize("kind", [EMBEDDED, KUBERNETES])
async def test_a_sync_of_core_and_cluster_scoped_objects_and_hooks_is_on_record_on_argo_cds_definitions(
    migrate: Migrate, kind: str
) -> None:
    definitions = argocd.definition("application"), argocd.definition("appproject")
    estate = await migrate(kind, definitions)
    files = {
        "app/settings.yaml": config(),
        "app/role.yaml": CLUSTER_ROLE.replace("NAME", estate.name),
        "app/migrate.yaml": job("migrate", annotations=hook("PreSync")),
    }
    revision = await estate.given(files)
    await estate.app("app", spec={"ignoreDifferences": [{"kind": "*", "jsonPointers": ["/metadata/labels/x"]}]})
    view = await estate.settled(revision)
    state = view.status.operation_state
    result = state.sync_result if state else None
    assert result is not None
    expected = {("ConfigMap", "settings"), ("ClusterRole", estate.name), ("Job", "migrate"), ("Namespace", estate.name)}
    assert {(line.kind, line.name) for line in result.resources} == expected
    assert [entry.revision for entry in view.status.history] == [revision]
    assert view.status.conditions == []
    await estate.sync(resources=[{"kind": "ConfigMap", "name": "settings"}])
    kept = await estate.client.get(DEFINITION, "", "applications.argoproj.io")
    assert kept.object()["spec"]["versions"] == definitions[0]["spec"]["versions"]

"""An engine with narrow rights: what RBAC denies is told for the object, and the rest goes on."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
from tests.e2e.conftest import POLLING, prepare
from tests.e2e.estate import Estate, engine_process, play_repository
from tests.e2e.manifests import config
from tests.support.patience import stretched

from pocketkube.controlplane import ControlPlane
from trueup.cli.connect import ClusterAccess
from trueup.cli.preflight import LOOKS, PreflightFinding, PreflightRequest
from trueup.kube.client import Client
from trueup.kube.config import load_kubeconfig
from trueup.kube.discovery import Discovery

NAMESPACE = "narrow-control"
RBAC = "rbac.authorization.k8s.io"
ALL_READ = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}
OWN = {"apiGroups": ["argoproj.io"], "resources": ["*"], "verbs": ["*"]}
SOME = {"apiGroups": [""], "resources": ["configmaps", "namespaces", "events"], "verbs": ["create", "patch", "delete"]}
LEASES = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "patch"]}


async def grant(client: Client, discovery: Discovery, rules: list[dict[str, Any]]) -> None:
    """Let the user ``guest`` do this much, and no more."""
    role = {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": "narrow"}, "rules": rules}
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "narrow"},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "narrow"},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": "guest"}],
    }
    for manifest in (role, binding):
        resource = discovery.find(RBAC, str(manifest["kind"]))
        assert resource is not None
        await client.apply(resource, "", "narrow", msgspec.json.encode(manifest), manager="tests")


async def rights(kubeconfig: Path) -> PreflightFinding:
    """What ``trueup doctor`` finds of them."""
    asked = PreflightRequest(
        access=ClusterAccess(str(kubeconfig), "", NAMESPACE), data=None, state=None, isolated=False
    )
    return await LOOKS["rights"](asked)


async def test_an_object_that_rbac_denies_is_named_and_the_others_are_applied(
    spare: ControlPlane, tmp_path: Path
) -> None:
    (tmp_path / "engine").mkdir()
    repositories = tmp_path / "repositories"
    repositories.mkdir()
    async with Client(load_kubeconfig(spare.kubeconfig, None)) as client:
        await prepare(client, NAMESPACE, POLLING)
        discovery = Discovery(client)
        await discovery.refresh()
        guest = spare.kubeconfig_of("guest")
        await grant(client, discovery, [ALL_READ, OWN, SOME])
        async with engine_process(guest, tmp_path / "engine", repositories, NAMESPACE) as engine:
            assert engine.process is not None
            assert await asyncio.wait_for(engine.process.wait(), stretched(30)) == 20
            assert "may not create leases.coordination.k8s.io in " in (await rights(guest)).found
            assert (
                f"allow it to get, create and patch leases.coordination.k8s.io in namespace {NAMESPACE}"
                in engine.tail()
            )
        await grant(client, discovery, [ALL_READ, OWN, SOME, LEASES])
        assert "may not create, patch, delete limitranges and " in (await rights(guest)).found
        async with engine_process(guest, tmp_path / "engine", repositories, NAMESPACE) as engine:
            estate = Estate(client, discovery, engine, play_repository(repositories / "narrow"), "narrow")
            account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: denied}\n"
            await estate.given({"app/denied.yaml": account, "app/good.yaml": config("good")})
            await estate.app("app", policy={"retry": {"limit": 0}})
            view = await estate.until(
                lambda v: v.status.operation_state is not None and v.status.operation_state.phase.completed,
                what="ended",
            )
            state = view.status.operation_state
            assert state is not None and state.phase == "Failed" and state.sync_result is not None
            failed = [r for r in state.sync_result.resources if r.status == "SyncFailed"]
            assert [(r.kind, r.name) for r in failed] == [("ServiceAccount", "denied")]
            assert "forbidden" in failed[0].message
            assert await estate.live("ServiceAccount", "denied") is None
            assert await estate.live("ConfigMap", "good") is not None

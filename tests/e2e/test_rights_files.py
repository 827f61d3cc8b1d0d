"""Engines with exactly the rights of the files: each does its whole job, and the API server refuses it the rest."""

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from tests.e2e.conftest import POLLING, prepare
from tests.e2e.estate import Estate, engine_process, play_repository
from tests.e2e.manifests import config
from tests.support.tiers import everywhere

from pocketkube.controlplane import ControlPlane
from trueup.cli.connect import ClusterAccess
from trueup.cli.preflight import LOOKS, PreflightFinding, PreflightRequest
from trueup.kube.client import Client
from trueup.kube.config import load_kubeconfig
from trueup.kube.discovery import Discovery
from trueup.model.annotations import RESOURCES_FINALIZER
from trueup.model.application import Application
from trueup.model.errors import TrueupError
from trueup.model.status import OperationPhase
from trueup.store.install import install_rights
from trueup.store.rights import CUSTOM_LABEL, MANAGER, MANAGER_NAMESPACE, RBAC, Shape, rights

ENABLED = {"application.sync.impersonation.enabled": "true"}
SERVER = "https://kubernetes.default.svc"

Right = tuple[str, str, str, str]
"""Verb, group, resource with its subresource, namespace; an empty namespace is the whole cluster."""


@pytest_asyncio.fixture(scope="module")
async def root(spare: ControlPlane) -> AsyncIterator[Client]:
    """The administrator of a spare cluster: rights that are given here would be everybody's."""
    async with Client(load_kubeconfig(spare.kubeconfig, None)) as client:
        yield client


async def account_kubeconfig(plane: ControlPlane, root: Client, namespace: str, name: str, folder: Path) -> Path:
    """A kubeconfig with a token of a service account, as a Pod would have it."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
    answer = msgspec.json.decode(await root.request("POST", path, body=b'{"spec":{}}'))
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": plane.url, "insecure-skip-tls-verify": True}}],
        "users": [{"name": "u", "user": {"token": answer["status"]["token"]}}],
    }
    file = folder / f"{namespace}-{name}.kubeconfig"
    file.write_text(json.dumps(document))
    return file


async def allowed(kubeconfig: Path, wanted: Iterable[Right]) -> list[Right]:
    """Of these rights, the ones that the account of a kubeconfig has, by the API server's own word."""
    found = []
    async with Client(load_kubeconfig(kubeconfig, None)) as client:
        for verb, group, resource, namespace in wanted:
            kind, _, subresource = resource.partition("/")
            about = {"verb": verb, "group": group, "resource": kind, "subresource": subresource, "namespace": namespace}
            body = {"spec": {"resourceAttributes": about}}
            answer = await client.request(
                "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body=msgspec.json.encode(body)
            )
            if msgspec.json.decode(answer)["status"]["allowed"]:
                found.append((verb, group, resource, namespace))
    return found


async def doctor(kubeconfig: Path, namespace: str, *managed: str) -> PreflightFinding:
    """What ``trueup doctor`` says of the rights of a kubeconfig's account."""
    access = ClusterAccess(str(kubeconfig), "", namespace)
    return await LOOKS["rights"](
        PreflightRequest(access=access, data=None, state=None, isolated=False, namespaces=managed)
    )


NOBODYS: list[Right] = [
    ("create", "", "pods/exec", "team"),
    ("get", "", "pods/exec", "team"),
    ("get", "", "pods/log", "team"),
    ("create", "", "pods/portforward", "team"),
    ("create", "", "serviceaccounts/token", "team"),
    ("get", "", "nodes/proxy", ""),
    ("list", "", "nodes", ""),
    ("impersonate", "", "users", ""),
    ("impersonate", "", "groups", ""),
    ("impersonate", "", "serviceaccounts", "kube-system"),
    ("escalate", RBAC, "clusterroles", ""),
    ("bind", RBAC, "clusterroles", ""),
    ("deletecollection", "", "secrets", "team"),
    ("delete", "coordination.k8s.io", "leases", "kube-system"),
    ("create", "certificates.k8s.io", "certificatesigningrequests", ""),
    ("create", "argoproj.io", "applications", "team"),
    ("create", "", "events", "team"),
    ("*", "*", "*", ""),
]
"""What no engine may do, whatever the shape of its installation."""
WRITES: list[Right] = [
    ("patch", "", "configmaps", "team"),
    ("create", "", "secrets", "team"),
    ("delete", "apps", "deployments", "team"),
    ("create", RBAC, "rolebindings", "team"),
]


@asynccontextmanager
async def running(
    plane: ControlPlane, root: Client, shape: Shape, namespace: str, folder: Path, *managed: str, **settings: str
) -> AsyncIterator[tuple[Estate, Path]]:
    """An installation in a control namespace of its own, and the engine with these rights."""
    await prepare(root, namespace, POLLING | settings)
    impersonating = settings.items() >= ENABLED.items()
    await install_rights(root, rights(shape, namespace, managed, impersonating=impersonating), lambda _: None)
    kubeconfig = await account_kubeconfig(plane, root, namespace, "trueup", folder)
    repositories = folder / "repositories"
    for each in (repositories, folder / "engine"):
        each.mkdir()
    scope = managed if shape is Shape.NAMESPACED else (namespace,) if shape is Shape.MANY_CLUSTERS else ()
    arguments = [word for name in scope for word in ("--managed-namespace", name)]
    async with engine_process(
        kubeconfig, folder / "engine", repositories, namespace, 0.2, arguments=arguments
    ) as engine:
        discovery = Discovery(root)
        await discovery.refresh()
        name = f"{namespace}-app"
        yield Estate(root, discovery, engine, play_repository(repositories / name), name), kubeconfig


async def make(root: Client, *manifests: dict[str, Any]) -> None:
    """Objects that an administrator puts there."""
    discovery = Discovery(root)
    await discovery.refresh()
    for manifest in manifests:
        group, _, version = str(manifest["apiVersion"]).rpartition("/")
        resource = discovery.find(group, manifest["kind"], version)
        assert resource is not None
        metadata = manifest["metadata"]
        body = msgspec.json.encode(manifest)
        await root.apply(resource, metadata.get("namespace", ""), metadata["name"], body, manager="tests")


def place(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def role(name: str, namespace: str, rules: list[dict[str, Any]], account: str) -> list[dict[str, Any]]:
    """A role for a service account of its namespace, and the binding."""
    metadata = {"name": name, "namespace": namespace}
    return [
        {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": metadata, "rules": rules},
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
        },
    ]


SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: b}\n"
CLUSTER_ROLE = f"apiVersion: {RBAC}/v1\nkind: ClusterRole\nmetadata: {{name: NAME}}\nrules: []\n"
DEFINITION: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "gadgets.rights.example"},
    "spec": {
        "group": "rights.example",
        "scope": "Namespaced",
        "names": {"kind": "Gadget", "plural": "gadgets"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}
GADGET = "apiVersion: rights.example/v1\nkind: Gadget\nmetadata: {name: g}\n"
GADGETS = {
    "apiVersion": f"{RBAC}/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "gadgets", "labels": {CUSTOM_LABEL: "true"}},
    "rules": [
        {
            "apiGroups": ["rights.example"],
            "resources": ["gadgets"],
            "verbs": ["get", "list", "watch", "create", "patch", "delete"],
        }
    ],
}


async def lived(estate: Estate, files: dict[str, str], gone: tuple[str, str], **options: Any) -> None:
    """The whole life of an application: created, synced, pruned, told in Events, deleted with what it deployed."""
    revision = await estate.given({f"app/{name}.yaml": text for name, text in files.items()})
    await estate.app("app", **options)
    await estate.settled(revision)
    await estate.event("OperationCompleted", "Succeeded")
    kind, name = gone
    revision = await estate.commit({f"app/{name}.yaml": None})
    await estate.settled(revision)
    await estate.gone(kind, name)
    await estate.remove_application()
    await estate.application_gone()


async def test_the_rights_for_a_single_cluster_are_enough_and_not_more(
    spare: ControlPlane, root: Client, tmp_path: Path
) -> None:
    await make(root, DEFINITION, GADGETS)
    async with running(spare, root, Shape.SINGLE_CLUSTER, "rights-single", tmp_path) as (estate, kubeconfig):
        files = {
            "a": config("a"),
            "s": SECRET,
            "g": GADGET,
            "role": CLUSTER_ROLE.replace("NAME", "rights-single"),
            "hook": config("hook", annotations={"argocd.argoproj.io/hook": "PreSync"}),
        }
        # Without waiting for the garbage collector, which takes its time to learn of a new kind.
        await lived(estate, files, ("ConfigMap", "a"), finalizer=f"{RESOURCES_FINALIZER}/background")
        await estate.gone("ClusterRole", "rights-single", group=RBAC)
        found = await doctor(kubeconfig, "rights-single")
        assert (found.state, found.found) == ("ok", "what the engine needs, over the usual kinds")
        assert await allowed(kubeconfig, WRITES) == WRITES
        assert await allowed(kubeconfig, NOBODYS) == []


@everywhere
async def test_the_rights_for_some_namespaces_are_enough_and_nothing_is_of_the_cluster(
    spare: ControlPlane, root: Client, tmp_path: Path
) -> None:
    await make(root, place("team"), place("rights-other"))
    every = rights(Shape.NAMESPACED, "rights-narrow", ["team"])
    assert {m["metadata"].get("namespace") for m in every} == {"rights-narrow", "team"}
    async with running(spare, root, Shape.NAMESPACED, "rights-narrow", tmp_path, "team") as (estate, kubeconfig):
        here = {"destination": {"server": SERVER, "namespace": "team"}}
        revision = await estate.given({"app/a.yaml": config("a"), "app/s.yaml": SECRET, "far/f.yaml": config("f")})
        await estate.app("app", spec=here)
        far = {"destination": {"server": SERVER, "namespace": "rights-other"}}
        await estate.app("far", name="far", spec=far, policy={"retry": {"limit": 0}})
        await estate.settled(revision)
        assert await estate.live("Secret", "s", namespace="team") is not None
        view = await estate.until(
            lambda v: v.status.operation_state is not None and v.status.operation_state.phase.completed,
            "far",
            what="refused",
        )
        state = view.status.operation_state
        assert state is not None and state.phase is OperationPhase.FAILED and state.sync_result is not None
        told = [result.message for result in state.sync_result.resources]
        assert told == ['Namespace "rights-other" for ConfigMap "f" is not managed']
        revision = await estate.commit({"app/a.yaml": None})
        await estate.settled(revision)
        await estate.gone("ConfigMap", "a", namespace="team")
        await estate.remove_application()
        await estate.application_gone()
        await estate.gone("Secret", "s", namespace="team")
        found = await doctor(kubeconfig, "rights-narrow", "team")
        assert (found.state, found.found) == ("ok", "what the engine needs, over the usual kinds in team")
        found = await doctor(kubeconfig, "rights-narrow")
        assert found.state == "warning" and "--managed-namespace" in found.hint
        assert await allowed(kubeconfig, WRITES) == WRITES
        elsewhere = [(verb, group, resource, "rights-other") for verb, group, resource, _ in WRITES]
        of_the_cluster = [
            ("list", "", "configmaps", ""),
            ("list", "", "secrets", ""),
            ("get", "", "namespaces", ""),
            ("get", "", "secrets", "rights-other"),
            ("list", "apiextensions.k8s.io", "customresourcedefinitions", ""),
            ("list", "argoproj.io", "applications", ""),
        ]
        assert await allowed(kubeconfig, [*NOBODYS, *elsewhere, *of_the_cluster]) == []


async def test_the_rights_for_many_clusters_are_over_applications_here_and_over_objects_there(
    spare: ControlPlane, root: Client, tmp_path: Path
) -> None:
    async with running(spare, root, Shape.MANY_CLUSTERS, "rights-many", tmp_path) as (estate, kubeconfig):
        await estate.given({"app/a.yaml": config("a")})
        await estate.app("app", spec={"destination": {"server": "https://far.example", "namespace": "team"}})
        assert "there is no cluster 'https://far.example'" in await estate.condition("InvalidSpecError")
        await estate.remove_application()
        await estate.application_gone()
        assert (await doctor(kubeconfig, "rights-many", "rights-many")).state == "ok"
        assert await allowed(kubeconfig, [*NOBODYS, *WRITES, ("list", "", "secrets", "")]) == []
    await install_rights(root, rights(Shape.DESTINATION, ""), lambda _: None)
    there = await account_kubeconfig(spare, root, MANAGER_NAMESPACE, MANAGER, tmp_path)
    assert await allowed(there, WRITES) == WRITES
    ours: list[Right] = [("get", "argoproj.io", "applications", "rights-many"), ("get", "", "events", "rights-many")]
    assert await allowed(there, [*NOBODYS, *ours]) == []


async def test_another_shape_takes_away_what_the_former_gave_and_another_engine_keeps_its_own(
    spare: ControlPlane, root: Client, tmp_path: Path
) -> None:
    await make(root, place("rights-one"), place("rights-two"), place("rights-team"))
    told: list[str] = []
    for namespace in ("rights-one", "rights-two"):
        await install_rights(root, rights(Shape.SINGLE_CLUSTER, namespace), told.append)
    one, two = [
        await account_kubeconfig(spare, root, name, "trueup", tmp_path) for name in ("rights-one", "rights-two")
    ]
    assert [await allowed(each, WRITES) for each in (one, two)] == [WRITES, WRITES]
    impersonating = rights(Shape.SINGLE_CLUSTER, "rights-one", ["rights-team"], impersonating=True)
    await install_rights(root, impersonating, told.append)
    assert "clusterrolebinding trueup-writes-rights-one deleted: it gave more than this" in told
    assert await allowed(one, WRITES) == []
    for shape in (Shape.NAMESPACED, Shape.MANY_CLUSTERS):
        await install_rights(root, rights(shape, "rights-one", ["rights-team"]), told.append)
        reads: list[Right] = [("list", "", "pods", ""), ("impersonate", "", "serviceaccounts", "rights-team")]
        assert await allowed(one, [*WRITES, *reads]) == []
        writes = await allowed(one, [("patch", "", "configmaps", "rights-team")])
        assert bool(writes) is (shape is Shape.NAMESPACED)
    assert await allowed(two, WRITES) == WRITES
    with pytest.raises(TrueupError, match="there is no namespace rights-none: no rights were given") as missing:
        await install_rights(root, rights(Shape.NAMESPACED, "rights-one", ["rights-none"]), told.append)
    assert "kubectl create namespace rights-none" in missing.value.hint


def project_of(name: str, namespace: str, *accounts: tuple[str, str]) -> dict[str, Any]:
    """A project whose destinations are written to as these service accounts: (namespace glob, account)."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "sourceRepos": ["*"],
            "destinations": [{"server": "*", "namespace": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
            "destinationServiceAccounts": [
                {"server": SERVER, "namespace": glob, "defaultServiceAccount": account} for glob, account in accounts
            ],
        },
    }


async def test_what_a_tenant_deploys_is_written_with_the_tenants_rights(
    spare: ControlPlane, root: Client, tmp_path: Path
) -> None:
    deployer = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "deployer", "namespace": "tenant"}}
    verbs = ["get", "create", "patch", "delete"]
    some = role("deployer", "tenant", [{"apiGroups": [""], "resources": ["configmaps"], "verbs": verbs}], "deployer")
    await make(root, place("tenant"), deployer, *some)
    scene = running(spare, root, Shape.SINGLE_CLUSTER, "rights-tenant", tmp_path, "tenant", **ENABLED)
    async with scene as (estate, kubeconfig):
        await make(root, project_of("team", "rights-tenant", ("tenant", "deployer"), ("evil", "a:b:c")))
        crb = (
            f"apiVersion: {RBAC}/v1\nkind: ClusterRoleBinding\nmetadata: {{name: tenant-admin}}\n"
            f"roleRef: {{apiGroup: {RBAC}, kind: ClusterRole, name: cluster-admin}}\n"
            "subjects: [{kind: ServiceAccount, name: deployer, namespace: tenant}]\n"
        )
        hook = config("hook", annotations={"argocd.argoproj.io/hook": "PreSync"})
        revision = await estate.given({"app/a.yaml": config("a"), "app/b.yaml": config("b"), "app/hook.yaml": hook})

        def at(namespace: str) -> dict[str, Any]:
            return {"project": "team", "destination": {"server": SERVER, "namespace": namespace}}

        await estate.app("app", spec=at("tenant"), policy={"retry": {"limit": 0}})
        await estate.settled(revision)
        revision = await estate.commit({"app/b.yaml": None})
        await estate.settled(revision)
        await estate.gone("ConfigMap", "b", namespace="tenant")
        changed = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "tenant"}}
        await make(root, {**changed, "data": {"colour": "changed"}})

        async def healed() -> bool:
            live = await estate.live("ConfigMap", "a", namespace="tenant")
            return live is not None and live.object()["data"] == {"colour": "red"}

        await estate.eventually(healed, what="healed")

        await estate.commit({"app/crb.yaml": crb})
        view = await estate.until(lambda v: _failed(v.app, v.status.operation_state), what="refused")
        state = view.status.operation_state
        assert state is not None and state.sync_result is not None
        refused = [r for r in state.sync_result.resources if r.status == "SyncFailed"]
        assert [(r.kind, r.name) for r in refused] == [("ClusterRoleBinding", "tenant-admin")]
        assert 'User "system:serviceaccount:tenant:deployer" cannot' in refused[0].message
        assert await estate.live("ClusterRoleBinding", "tenant-admin", group=RBAC) is None

        for name, namespace, told in (
            ("nobody", "rights-none", "no matching service account found for destination server"),
            ("evil", "evil", "default service account contains invalid chars"),
        ):
            await estate.app("app", name=name, spec=at(namespace), policy={"retry": {"limit": 0}})
            view = await estate.until(lambda v: _failed(v.app, v.status.operation_state), name, what="refused")
            state = view.status.operation_state
            assert state is not None and state.phase is OperationPhase.ERROR
            assert state.message.startswith(f"failed to find a matching service account to impersonate: {told}")
            assert view.status.sync is not None and view.status.sync.status == "OutOfSync"
            assert await estate.live("Namespace", namespace) is None

        await make(root, *role("deployer", "tenant", [], "deployer"))
        await estate.remove_application()
        assert 'User "system:serviceaccount:tenant:deployer" cannot delete' in await estate.condition("DeletionError")
        assert await estate.live("ConfigMap", "a", namespace="tenant") is not None
        await make(root, *some)
        await estate.application_gone()
        await estate.gone("ConfigMap", "a", namespace="tenant")

        found = await doctor(kubeconfig, "rights-tenant")
        assert found.state == "ok" and "it writes as service accounts" in found.found
        assert await allowed(kubeconfig, [("impersonate", "", "serviceaccounts", "tenant")]) != []
        assert await allowed(kubeconfig, [*NOBODYS, *WRITES]) == []


def _failed(app: Application, state: Any) -> bool:
    return app.operation is None and state is not None and state.phase in (OperationPhase.FAILED, OperationPhase.ERROR)

"""``trueup cluster``: a cluster is made known by a context, shown, changed, given a new token and forgotten."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
import yaml
from tests.conftest import EMBEDDED, Cluster
from tests.e2e.estate import Estate
from tests.e2e.manifests import config
from tests.e2e.test_cli import Shell
from tests.support.tiers import everywhere

from pocketkube.cluster.embedded import EmbeddedCluster
from trueup.kube.client import Client
from trueup.kube.config import load_kubeconfig
from trueup.kube.discovery import ResourceType
from trueup.store.credentials import SECRET

NAMESPACE = "argocd"
ROLES = ResourceType("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", False)
LABELLED = "argocd.argoproj.io/secret-type=cluster"
pytestmark = pytest.mark.parametrize("cluster", [EMBEDDED], indirect=True)


def contexts(**files: Path) -> dict[str, Any]:
    """Several kubeconfigs as one, each a context of this name; the first is the current one."""
    merged: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "current-context": next(iter(files))}
    merged |= {"contexts": [], "clusters": [], "users": []}
    for name, file in files.items():
        one = yaml.safe_load(file.read_text())
        merged["contexts"].append({"name": name, "context": {"cluster": name, "user": name}})
        merged["clusters"].append({"name": name, "cluster": one["clusters"][0]["cluster"]})
        merged["users"].append({"name": name, "user": one["users"][0]["user"]})
    return merged


@pytest_asyncio.fixture
async def far() -> AsyncIterator[EmbeddedCluster]:
    async with EmbeddedCluster() as cluster:
        yield cluster


@pytest_asyncio.fixture
async def shell(cluster: Cluster, far: EmbeddedCluster, tmp_path: Path, client: Client) -> AsyncIterator[Shell]:
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(contexts(here=cluster.kubeconfig, far=far.kubeconfig)))
    await forget(client)
    yield Shell(file, tmp_path)
    await forget(client)


async def forget(client: Client) -> None:
    """Take the Secrets of clusters away: those of other tests too."""
    for live in (await client.list(SECRET, NAMESPACE, LABELLED)).objects:
        await client.delete(SECRET, NAMESPACE, live.key.name, propagation="Background")


async def secrets(client: Client) -> list[dict[str, str]]:
    """The values of the cluster Secrets."""
    found = (await client.list(SECRET, NAMESPACE, LABELLED)).objects
    return [{k: base64.b64decode(v).decode() for k, v in live.object()["data"].items()} for live in found]


async def test_a_cluster_is_added_and_an_application_goes_there(
    shell: Shell, far: EmbeddedCluster, client: Client, estate: Estate
) -> None:
    server = load_kubeconfig(far.kubeconfig, None).server
    added = await shell("cluster", "add", "far", "--name", "north", "--label", "env=prod", "-y")
    assert (added.code, added.out) == (0, f"Cluster '{server}' added\n"), added.err
    said = (await secrets(client))[0]
    assert (said["name"], said["server"]) == ("north", server)
    shown = msgspec.json.decode(said["config"])
    assert shown["bearerToken"] != far.token
    assert "argocd-manager" in base64.b64decode(shown["bearerToken"].split(".")[1] + "==").decode()
    async with Client(load_kubeconfig(far.kubeconfig, None)) as there:
        assert await there.get(ROLES, "", "argocd-manager-role")

    listed = await shell("cluster", "list", "-o", "json")
    by_name = {each["name"]: each for each in listed.json()}
    assert by_name["north"]["connectionState"]["status"] == "Successful"
    assert by_name["north"]["labels"] == {"env": "prod"}
    assert by_name["in-cluster"]["server"] == "https://kubernetes.default.svc"
    assert shown["bearerToken"] not in listed.out

    await estate.given({"app/settings.yaml": config()})
    made = await shell(
        "app", "create", estate.name, "--repo", estate.repository.url, "--path", "app", "--dest-name", "north",
        "--dest-namespace", "default", "--sync-policy", "automated",
    )  # fmt: skip
    assert made.code == 0, made.err
    estate.made.append(estate.name)
    await estate.settled()
    tree = await shell("app", "resources", estate.name, "-o", "json")
    assert [each["name"] for each in tree.json()] == ["settings"], tree.err
    differing = await shell("app", "diff", estate.name)
    assert (differing.code, differing.out) == (0, ""), differing.err
    await estate.remove_application()
    await estate.application_gone()


@everywhere
async def test_a_cluster_is_changed_given_a_new_token_and_forgotten(shell: Shell, client: Client) -> None:
    await shell("cluster", "add", "far", "-y")
    twice = await shell("cluster", "add", "far", "-y")
    assert twice.code == 20 and "--upsert replaces it" in twice.err
    assert (await shell("cluster", "add", "far", "-y", "--upsert", "--name", "north")).code == 0

    changed = await shell("cluster", "set", "north", "--namespace", "web", "--namespace", "shop", "--label", "a=b")
    assert changed.code == 0, changed.err
    assert (await secrets(client))[0]["namespaces"] == "web,shop"
    table = await shell("cluster", "list")
    assert "(2 namespaces)" in table.out
    assert (await shell("cluster", "set", "north", "--namespace", "*")).code == 0
    assert "namespaces" not in (await secrets(client))[0]

    before = msgspec.json.decode((await secrets(client))[0]["config"])["bearerToken"]
    rotated = await shell("cluster", "rotate-auth", "north")
    assert rotated.code == 0, rotated.err
    assert msgspec.json.decode((await secrets(client))[0]["config"])["bearerToken"] != before
    seen = await shell("cluster", "get", "north", "-o", "yaml")
    assert seen.code == 0 and "status: Successful" in seen.out

    assert (await shell("cluster", "rm", "north")).code == 20, "nobody is there to be asked"
    assert (await shell("cluster", "rm", "north", "-y")).out == "Cluster 'north' removed\n"
    gone = await shell("cluster", "get", "north")
    assert gone.code == 20 and "there is no cluster 'north'" in gone.err


async def test_what_cannot_be_is_refused_with_the_remedy(shell: Shell, client: Client) -> None:
    nowhere = await shell("cluster", "add", "nowhere", "-y")
    assert nowhere.code == 20 and "context nowhere does not exist" in nowhere.err and "here, far" in nowhere.err
    asked = await shell("cluster", "add", "far")
    assert asked.code == 20 and "nothing was added" in asked.err
    assert await secrets(client) == []
    own = await shell("cluster", "rm", "in-cluster", "-y")
    assert own.code == 20 and "cluster.inClusterEnabled" in own.err
    unknown = await shell(
        "app", "create", "x", "--repo", "https://git.example/x", "--path", ".", "--dest-name", "nowhere",
        "--dest-namespace", "x",
    )  # fmt: skip
    assert unknown.code == 20 and "there is no cluster 'nowhere'" in unknown.err


async def test_a_program_of_a_secret_is_the_engines_to_run(shell: Shell, client: Client, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    added = await shell(
        "cluster", "add", "far", "--exec-command", "touch", "--exec-command-args", str(mark), "-y"
    )  # fmt: skip
    assert added.code == 0, added.err
    seen = await shell("cluster", "list")
    assert "the engine runs touch for its credential" in seen.out
    assert not mark.exists()
    said = msgspec.json.decode((await secrets(client))[0]["config"])
    assert said["execProviderConfig"]["args"] == [str(mark)]
    assert "bearerToken" not in said

"""Every renderer in a running engine, and a restart while Git is away: what is known already is healed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from tests.conftest import Cluster, on_embedded
from tests.e2e.conftest import prepare
from tests.e2e.estate import Estate, engine_process, play_repository
from tests.e2e.manifests import config
from tests.e2e.test_operations import healed

from trueup.kube.client import Client
from trueup.kube.discovery import Discovery
from trueup.workers.kept import held

NAMESPACE = "renderers"
PLUGIN = """apiVersion: argoproj.io/v1alpha1
kind: ConfigManagementPlugin
metadata: {name: shouting}
spec:
  generate:
    command: [sh, -c]
    args: ["echo '{apiVersion: v1, kind: ConfigMap, metadata: {name: p}, data: {colour: '$(tr a-z A-Z < word)'}}'"]
"""
PROGRAM = "{apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: 'j'}, data: {colour: importstr '../word'}}"


@pytest_asyncio.fixture
async def own(cluster: Cluster, admin: Client, tmp_path: Path) -> AsyncIterator[Estate]:
    await prepare(admin, NAMESPACE, {})
    discovery = Discovery(admin)
    await discovery.refresh()
    for folder in ("engine", "repositories", "plugins"):
        (tmp_path / folder).mkdir()
    (tmp_path / "plugins" / "shouting.yaml").write_text(PLUGIN)
    arguments = ("--plugins", str(tmp_path / "plugins"))
    async with engine_process(
        cluster.kubeconfig_of("trueup"), tmp_path / "engine", tmp_path / "repositories", NAMESPACE, arguments=arguments
    ) as engine:
        made = Estate(admin, discovery, engine, play_repository(tmp_path / "repositories" / "own"), "renderers-app")
        yield made
        await made.close()


@on_embedded
async def test_a_restart_without_git_heals_what_every_renderer_has_made(own: Estate) -> None:
    revision = await own.given(
        {
            "word": "blue",
            "all/j.jsonnet": PROGRAM,
            "kustomized/kustomization.yaml": "resources: [k.yaml]\n",
            "kustomized/k.yaml": config("k", "blue"),
            "plugged/word": "blue",
        }
    )
    names = {"j": await own.app("all"), "k": await own.app("kustomized", name=f"{own.name}-k")}
    names["p"] = await own.app("plugged", name=f"{own.name}-p", plugin={"name": "shouting"})
    for name in names.values():
        await own.settled(revision, name=name)
    plugged = await own.live("ConfigMap", "p", namespace=names["p"])
    assert plugged is not None and plugged.object()["data"] == {"colour": "BLUE"}
    await own.engine.stop()
    assert held(own.engine.folder / "data" / "renders").entries == 2, "what a plugin makes is not written down"
    own.repository.folder.rename(own.repository.folder.with_name("away"))
    await own.engine.start()
    await own.change("ConfigMap", "j", {"data": {"colour": "drifted"}})
    await healed(own, "j", "blue")

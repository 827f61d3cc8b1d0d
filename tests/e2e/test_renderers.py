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
from trueup.model.annotations import POST_BUILD, VALUES_FROM
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


CHARTED = """apiVersion: v1
kind: ConfigMap
metadata:
  name: lent
data:
  password: {{ .Values.password | quote }}
  region: ${region:=nowhere}
"""
VALUES = "[{kind: Secret, name: db, valuesKey: password, targetPath: password}]"


@on_embedded
async def test_what_the_destination_lends_is_awaited_and_followed(estate: Estate) -> None:
    chart = {"c/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n", "c/templates/x.yaml": CHARTED}
    revision = await estate.given(chart)
    post = "{substitute: {own: x}, substituteFrom: [{kind: ConfigMap, name: vars, optional: true}]}"
    name = await estate.app("c", annotations={VALUES_FROM: VALUES, POST_BUILD: post})
    assert f"Secret db does not exist in namespace {name}" in await estate.condition("ComparisonError")
    await estate.make({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}}
    await estate.make({**secret, "stringData": {"password": "hunter22"}})
    await estate.settled(revision)

    async def lent() -> dict[str, str]:
        live = await estate.live("ConfigMap", "lent")
        return dict(live.object()["data"]) if live is not None else {}

    assert await lent() == {"password": "hunter22", "region": "nowhere"}
    await estate.change("Secret", "db", {"stringData": {"password": "other-22"}})
    await estate.make({**secret, "kind": "ConfigMap", "metadata": {"name": "vars"}, "data": {"region": "north"}})

    async def follows() -> bool:
        return await lent() == {"password": "other-22", "region": "north"}

    await estate.eventually(follows, what="as the destination has it now")
    view = await estate.settled(revision)
    assert "hunter22" not in str(view.raw) and "other-22" not in str(view.raw) + estate.engine.tail(2000)

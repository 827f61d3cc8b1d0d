"""Refreshes: a push is seen within seconds, whatever was asked for already; what cannot be read is told at once."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest_asyncio
from tests.conftest import Cluster, on_embedded
from tests.e2e.conftest import prepare
from tests.e2e.estate import Estate, engine_process, play_repository
from tests.e2e.manifests import config
from tests.support.httpserver import free_port
from tests.support.patience import looks

from trueup.kube.client import Client
from trueup.kube.discovery import Discovery
from trueup.model.annotations import REFRESH

NEVER = {"timeout.reconciliation": "0", "statusbadge.enabled": "true"}
NAMESPACE = "seldom"
ROUNDS = 4
METRICS = free_port()
SOON = 20.0
"""Seconds; no poll would come."""


@pytest_asyncio.fixture
async def seldom(cluster: Cluster, admin: Client, tmp_path: Path) -> AsyncIterator[Estate]:
    """An estate whose engine does not poll."""
    await prepare(admin, NAMESPACE, NEVER)
    discovery = Discovery(admin)
    await discovery.refresh()
    for folder in ("engine", "repositories"):
        (tmp_path / folder).mkdir()
    async with engine_process(
        cluster.kubeconfig_of("trueup"),
        tmp_path / "engine",
        tmp_path / "repositories",
        NAMESPACE,
        arguments=("--listen", "127.0.0.1:0", "--insecure", "--metrics-listen", f"127.0.0.1:{METRICS}"),
    ) as engine:
        made = Estate(admin, discovery, engine, play_repository(tmp_path / "repositories" / "seldom"), "seldom-app")
        yield made
        await made.close()


@on_embedded
async def test_a_push_within_the_time_of_another_ones_refresh_is_seen_within_seconds(seldom: Estate) -> None:
    await seldom.given({"app/a.yaml": config("a", "0")})
    await seldom.app("app")
    await seldom.settled()
    ask = {"metadata": {"annotations": {REFRESH: "normal"}}}
    for number in range(ROUNDS):
        await seldom.commit({"app/a.yaml": config("a", f"{number} first")})
        await seldom.patch(ask)
        await asyncio.sleep(0.02 * number)
        revision = await seldom.commit({"app/a.yaml": config("a", f"{number} second")})
        await seldom.patch(ask)
        await seldom.settled(revision, patience=SOON)


@on_embedded
async def test_a_push_that_a_webhook_tells_of_is_looked_at_at_once(seldom: Estate) -> None:
    await seldom.given({"app/a.yaml": config("a", "0")})
    await seldom.app("app", targetRevision="main")
    await seldom.settled()
    revision = await seldom.commit({"app/a.yaml": config("a", "1")})
    lines = seldom.engine.log.read_text().splitlines()
    port = next(json.loads(line)["port"] for line in lines if "API served" in line)
    repository = {"clone_url": f"file://{seldom.repository.folder}", "default_branch": "main"}
    push = {"ref": "refs/heads/main", "after": revision, "repository": repository}
    headers = {"x-github-event": "push"}
    url = f"http://127.0.0.1:{port}/api/webhook"
    async with aiohttp.ClientSession() as session, session.post(url, json=push, headers=headers) as answer:
        assert (answer.status, await answer.text()) == (200, "taken")
    await seldom.settled(revision, patience=SOON)
    async with aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{port}/api/badge?name={seldom.name}&revision=true") as answer:
            badge = await answer.text()
            assert all(f">{shown}<" in badge for shown in ("Healthy", "Synced", f"({revision[:7]})"))
        of = f'namespace="{NAMESPACE}",name="{seldom.name}",project="default"'
        wanted = {
            f"argocd_app_info{{{of}",
            f"argocd_app_sync_total{{{of}",
            "argocd_cluster_api_resource_objects{",
            "trueup_commit_to_healthy_seconds_count{",
            "trueup_engine_acting 1",
        }
        async for _ in looks():
            async with session.get(f"http://127.0.0.1:{METRICS}/metrics") as answer:
                numbers = await answer.text()
            missing = {name for name in wanted if f"\n{name}" not in numbers}
            if not missing:
                break
        assert not missing, numbers
    told = [json.loads(line) for line in seldom.engine.log.read_text().splitlines() if "push told" in line]
    assert [(each["commit"], each["applications"]) for each in told] == [(revision, 1)]


@on_embedded
async def test_a_new_application_is_compared_with_what_its_repository_holds_now(seldom: Estate) -> None:
    await seldom.given({"app/a.yaml": config("a")})
    await seldom.app("app")
    await seldom.settled()
    revision = await seldom.commit({"later/b.yaml": config("b")})
    later = await seldom.app("later", name=f"{seldom.name}-later")
    await seldom.settled(revision, name=later, patience=SOON)
    assert "app path does not exist" not in seldom.engine.log.read_text(), "it was first compared with an older commit"


@on_embedded
async def test_a_repository_that_cannot_be_read_is_unknown_at_once_to_who_asks_and_after_a_while_to_polls(
    estate: Estate,
) -> None:
    revision = await estate.given({"app/a.yaml": config("a", "red")})
    await estate.app("app")
    await estate.settled(revision)
    folder, away = estate.repository.folder, estate.repository.folder.with_name(f"{estate.name}-away")
    folder.rename(away)
    message = await estate.condition("ComparisonError")
    assert estate.name in message
    view = await estate.view()
    assert view.status.sync is not None and view.status.sync.status == "Synced", "the last good state is kept"
    view = await estate.refresh()
    assert view.status.sync is not None and view.status.sync.status == "Unknown"
    assert view.status.sync.revision == revision
    assert [c.type for c in view.status.conditions] == ["ComparisonError"]
    assert await estate.live("ConfigMap", "a") is not None
    away.rename(folder)
    view = await estate.settled(revision)
    assert view.status.conditions == []


@on_embedded
async def test_the_ref_of_a_pull_request_and_a_commit_that_it_alone_leads_to_are_deployed(estate: Estate) -> None:
    await estate.given({"app/a.yaml": config("a", "red")})
    git = estate.repository.git
    shas = []
    for number, colour in ((7, "blue"), (8, "green")):
        await git("checkout", "--quiet", "--detach", "main")
        shas.append(await estate.commit({"app/a.yaml": config("a", colour)}))
        await git("update-ref", f"refs/pull/{number}/head", shas[-1])
    await git("checkout", "--quiet", "main")
    # The repository is known by now, and so is that it has no such branch.
    await estate.app("app", name=f"{estate.name}-main")
    await estate.settled(name=f"{estate.name}-main")
    await estate.app("app", targetRevision="refs/pull/7/head")
    await estate.settled(shas[0])
    await estate.patch({"spec": {"source": {"targetRevision": shas[1]}}})
    await estate.settled(shas[1])
    live = await estate.live("ConfigMap", "a")
    assert live is not None and live.object()["data"] == {"colour": "green"}

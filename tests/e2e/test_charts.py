"""An Application whose source is a chart of a Helm repository: resolved, kept, followed, rolled back."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest_asyncio
from tests.conftest import Cluster, on_embedded
from tests.e2e.estate import Estate
from tests.e2e.manifests import config
from tests.e2e.test_cli import Shell
from tests.e2e.test_credentials import put_secret
from tests.support.helmrepo import HelmRepo, chart, helm_repo, packed
from tests.support.httpserver import serving

from trueup.cli.app.access import ApplicationView
from trueup.kube.client import Client
from trueup.sources.credential import Credential
from trueup.sources.registry import Access, RegistryClient
from trueup.sources.registry.build import LAYER, MANIFEST
from trueup.sources.registry.library import HELM
from trueup.workshop.registry import SandboxRegistry

LET_IN = Access(username="ada", password="canary")


@pytest_asyncio.fixture
async def charts() -> AsyncIterator[HelmRepo]:
    async with helm_repo() as made:
        made.authorization = Credential(username="ada", password="canary").authorization
        yield made


async def shown(estate: Estate, name: str = "r-web") -> dict[str, str]:
    live = await estate.live("ConfigMap", name)
    return dict(live.object()["data"]) if live else {}


@on_embedded
async def test_a_chart_has_its_values_from_git_and_follows_both(charts: HelmRepo, estate: Estate) -> None:
    charts.authorization = ""
    charts.add("web", "1.0.0", {"values-production.yaml": "b: chart\nc: chart\n"})
    first = await estate.given({"web/production.yaml": "c: git\n"})
    helm = {"releaseName": "r", "valueFiles": ["values-production.yaml", "$values/web/production.yaml"]}
    sources = [
        {"repoURL": charts.url, "chart": "web", "targetRevision": "1.x", "helm": helm},
        {"repoURL": estate.repository.url, "targetRevision": "main", "ref": "values"},
    ]
    await estate.app("", spec={"source": None, "sources": sources})

    async def settled(version: str, commit: str, values: str) -> None:
        def holds(view: ApplicationView) -> bool:
            sync, state = view.status.sync, view.status.operation_state
            return bool(sync and sync.revisions == [version, commit] and state and state.phase.completed)

        async def declared() -> bool:
            return await shown(estate) == {"chart": f"web-{version}", "values": values}

        await estate.until(holds, what=f"{version} with {commit}")
        await estate.eventually(declared, what=f"{version} with {values}")
        await estate.settled()

    await settled("1.0.0", first, '{"a":1,"b":"chart","c":"git","m":{"x":1}}')
    second = await estate.commit({"web/production.yaml": "c: other\n"})
    await settled("1.0.0", second, '{"a":1,"b":"chart","c":"other","m":{"x":1}}')
    charts.add("web", "1.1.0", {"values-production.yaml": "b: newer\n"})
    await settled("1.1.0", second, '{"a":1,"b":"newer","c":"other","m":{"x":1}}')


@on_embedded
async def test_charts_by_verbs(charts: HelmRepo, estate: Estate, cluster: Cluster, tmp_path: Path) -> None:
    shell, secret = Shell(cluster.kubeconfig, tmp_path), {"TRUEUP_GIT_PASSWORD": "canary"}
    charts.add("web", "1.0.0")
    add = ("repo", "add", charts.url, "--type", "helm", "--name", "stable")
    refused = await shell(*add, "--username", "eve", environment=secret)
    assert refused.code == 20 and "answers 401" in refused.err and "canary" not in refused.err
    assert (await shell(*add, "--username", "ada", environment=secret)).code == 0
    assert "Successful" in (await shell("repo", "get", charts.url)).out
    create = ("app", "create", estate.name, "--repo", charts.url, "--dest-namespace", estate.name)
    hooked = ("--sync-policy", "auto", "--sync-option", "CreateNamespace=true", "--helm-set", "a=7", "--set-finalizer")
    missing = await shell(*create, "--helm-chart", "web", "--revision", "3.x")
    assert missing.code == 20 and "chart web 3.x of" in missing.err and "1.0.0" in missing.err
    assert (await shell(*create, "--helm-chart", "web", "--revision", "1.x", "--release-name", "r", *hooked)).code == 0
    estate.made.append(estate.name)
    await estate.settled("1.0.0")
    hook = "metadata: {generateName: before-, annotations: {argocd.argoproj.io/hook: PreSync}}\n"
    charts.add("web", "1.1.0+b.1", {"templates/hook.yaml": f"apiVersion: v1\nkind: ConfigMap\n{hook}"})
    assert (await shell("app", "get", estate.name, "--refresh")).code == 0
    await estate.settled("1.1.0+b.1")
    told = (await shell("app", "get", estate.name)).out
    assert "Synced to 1.1.0+b.1" in told and "web" in told
    history = (await shell("app", "history", estate.name)).out
    assert "1.0.0" in history and "1.1.0+b.1" in history
    assert (await shell("app", "set", estate.name, "--sync-policy", "none")).code == 0
    back = await shell("app", "rollback", estate.name, "0")
    assert back.code == 0, back.err
    assert (await shown(estate))["chart"] == "web-1.0.0"
    differs = await shell("app", "diff", estate.name)
    assert differs.code == 1 and "web-1.1.0+b.1" in differs.out
    assert (await shell("app", "set", estate.name, "--revision", "1.0.0")).code == 0
    await estate.settled("1.0.0")
    assert (await shell("repo", "rm", charts.url)).code == 0


@pytest_asyncio.fixture
async def registry(tmp_path: Path) -> AsyncIterator[tuple[str, RegistryClient]]:
    """A registry on this machine that wants a password, and who pushes to it."""
    store = SandboxRegistry(tmp_path, admit=lambda asked: asked.headers.get("Authorization") == LET_IN.basic)
    async with RegistryClient() as client, serving(store.handle) as host:
        yield host, client


@on_embedded
async def test_charts_and_artifacts_of_a_registry_are_sources(
    registry: tuple[str, RegistryClient], estate: Estate, client: Client
) -> None:
    host, pushing = registry

    async def push(name: str, tag: str, content: bytes, media_type: str) -> str:
        blob = await pushing.push_blob(host, name, content, LET_IN)
        empty = await pushing.push_blob(host, name, b"{}", LET_IN)
        layer = {"mediaType": media_type, "digest": blob, "size": len(content)}
        manifest = {"schemaVersion": 2, "config": {"mediaType": "x/y", "digest": empty, "size": 2}, "layers": [layer]}
        body = msgspec.json.encode(manifest | {"mediaType": MANIFEST})
        return await pushing.push_manifest(host, name, tag, MANIFEST, body, LET_IN)

    await push("team/web", "1.0.0_b1", packed(chart("web", "1.0.0+b1")), HELM)
    first = await push("team/app", "latest", packed({"app/a.yaml": config("plain", "red")}), LAYER)
    known = {"type": "helm", "enableOCI": "true", "url": f"{host}/team", "username": "ada", "password": "canary"}
    await put_secret(client, estate.name, "repo-creds", **known)
    sources = [
        {"repoURL": f"{host}/team", "chart": "web", "targetRevision": "1.x", "helm": {"releaseName": "r"}},
        {"repoURL": f"oci://{host}/team/app", "targetRevision": "latest", "path": "app"},
    ]
    await estate.app("", spec={"source": None, "sources": sources})

    async def at(*revisions: str) -> None:
        def holds(view: ApplicationView) -> bool:
            return view.status.sync is not None and view.status.sync.revisions == list(revisions)

        await estate.until(holds, what=f"at {revisions}")
        await estate.settled()

    await at("1.0.0+b1", first)
    assert (await shown(estate))["chart"] == "web-1.0.0+b1" and (await shown(estate, "plain"))["colour"] == "red"
    second = await push("team/app", "latest", packed({"app/a.yaml": config("plain", "blue")}), LAYER)
    await push("team/web", "1.1.0", packed(chart("web", "1.1.0")), HELM)
    await at("1.1.0", second)
    assert (await shown(estate))["chart"] == "web-1.1.0" and (await shown(estate, "plain"))["colour"] == "blue"


@on_embedded
async def test_a_chart_in_a_range_is_followed_kept_while_its_server_is_gone_and_rolled_back(
    charts: HelmRepo, estate: Estate, client: Client
) -> None:
    charts.add("web", "1.0.0")
    helm = {"releaseName": "r", "valuesObject": {"a": 7}, "parameters": [{"name": "m.x", "value": "2"}]}
    await estate.app("", repoURL=charts.url, chart="web", targetRevision="^1.0", helm=helm)
    message = await estate.condition("ComparisonError")
    assert "answers 401" in message and "type: helm" in message
    await put_secret(client, estate.name, "repository", type="helm", url=charts.url, username="ada", password="canary")
    view = await estate.settled("1.0.0")
    assert view.raw["status"]["sourceType"] == "Helm"
    assert await shown(estate) == {"chart": "web-1.0.0", "values": '{"a":7,"m":{"x":2}}'}
    charts.add("web", "2.0.0")
    charts.add("web", "1.1.0")
    await estate.settled("1.1.0")
    charts.out_of_order = True
    await estate.engine.kill()
    await estate.engine.start()
    await estate.remove("ConfigMap", "r-web")

    async def healed() -> bool:
        return (await shown(estate)).get("chart") == "web-1.1.0"

    await estate.eventually(healed, what="healed without a server")
    message = await estate.condition("ComparisonError")
    assert "answers 503" in message and "canary" not in message
    # What is asked for while another sync runs may be taken for that one's.
    await estate.settled("1.1.0")
    await estate.patch({"spec": {"syncPolicy": {"automated": None}}})
    await estate.sync(revision="1.0.0")
    assert await shown(estate) == {"chart": "web-1.0.0", "values": '{"a":7,"m":{"x":2}}'}
    history = (await estate.view()).status.history
    assert [each.revision for each in history] == ["1.0.0", "1.1.0", "1.0.0"]
    charts.out_of_order = False

    def well(view: ApplicationView) -> bool:
        return not view.status.conditions and view.status.sync is not None and view.status.sync.revision == "1.1.0"

    await estate.until(well, what="read again")

"""A base in another repository: permitted by the project, followed by its branch, held by its commit; and a chart."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from aiohttp import web
from tests.conftest import on_embedded
from tests.e2e.estate import Estate, play_repository
from tests.e2e.manifests import config
from tests.e2e.test_credentials import put_secret
from tests.support.githttp import GitHttpServer
from tests.support.gitrepo import GitRepo
from tests.support.helmrepo import HelmRepo, helm_repo
from tests.support.httpserver import serving

from trueup.cli.app.access import ApplicationView
from trueup.kube.client import Client
from trueup.sources.credential import Credential
from trueup.store.credentials import CONFIG_MAP
from trueup.store.install import PROJECT
from trueup.workshop.repository import PlayRepository


async def base_of(estate: Estate, value: str) -> PlayRepository:
    made = play_repository(estate.repository.folder.with_name(f"{estate.name}-base"))
    made.folder.mkdir(parents=True)
    await made.git("init", "--quiet", "--initial-branch=main")
    await change(made, value)
    return made


async def change(base: PlayRepository, value: str) -> str:
    (base.folder / "deploy").mkdir(exist_ok=True)
    (base.folder / "deploy" / "kustomization.yaml").write_text("resources: [settings.yaml]\n")
    (base.folder / "deploy" / "settings.yaml").write_text(config("settings", value))
    return await base.commit(value)


async def submodule(estate: Estate, sha: str) -> None:
    """Stage a submodule at a commit."""
    await estate.repository.git("update-index", "--add", "--cacheinfo", f"160000,{sha},app/module")


async def colour(estate: Estate, name: str) -> str:
    live = await estate.live("ConfigMap", name)
    return str(live.object()["data"]["colour"]) if live else ""


@on_embedded
async def test_a_base_elsewhere_is_followed_by_its_branch_and_held_by_its_commit_and_so_is_a_submodule(
    estate: Estate,
) -> None:
    base = await base_of(estate, "red")
    held = await base.head()
    await estate.given(
        {
            "app/kustomization.yaml": "resources: [branch, commit]\n",
            "app/branch/kustomization.yaml": f"nameSuffix: -branch\nresources: ['{base.url}//deploy?ref=main']\n",
            "app/commit/kustomization.yaml": f"nameSuffix: -commit\nresources: ['{base.url}//deploy?ref={held}']\n",
        }
    )
    await estate.app("app")
    await estate.settled()
    assert [await colour(estate, f"settings-{way}") for way in ("branch", "commit")] == ["red", "red"]
    await change(base, "blue")

    async def blue() -> bool:
        return await colour(estate, "settings-branch") == "blue"

    await estate.eventually(blue, what="the base's commit deployed")
    await estate.settled()
    assert await colour(estate, "settings-commit") == "red"

    # The same repository as a submodule, which stays at its commit until another commit moves it.
    (estate.repository.folder / "app" / "module").mkdir()
    await submodule(estate, held)
    url = f'[submodule "m"]\n\tpath = app/module\n\turl = {base.url}\n'
    nested = "nameSuffix: -module\nresources: [../module/deploy]\n"
    named = "resources: [branch, commit, nested]\n"
    files = {".gitmodules": url, "app/nested/kustomization.yaml": nested, "app/kustomization.yaml": named}
    await estate.settled(await estate.commit(files))
    assert await colour(estate, "settings-module") == "red"
    await submodule(estate, await base.head())
    await estate.settled(await estate.commit({"app/nested/kustomization.yaml": f"{nested}# moved\n"}))
    assert await colour(estate, "settings-module") == "blue"


class Served:
    """A file on a web server.

    Attributes:
        times: how often it has been asked for.
    """

    def __init__(self) -> None:
        self.url, self.value, self.times = "", "one", 0

    async def answer(self, request: web.BaseRequest) -> web.Response:
        self.times += 1
        return web.Response(text=config("settings", self.value))


@pytest_asyncio.fixture
async def served() -> AsyncIterator[Served]:
    made = Served()
    async with serving(made.answer) as address:
        made.url = f"http://{address}/settings.yaml"
        yield made


@on_embedded
async def test_a_file_elsewhere_is_fetched_with_each_commit_of_the_source(served: Served, estate: Estate) -> None:
    named = f"resources: ['{served.url}']\n"
    await estate.given({"app/kustomization.yaml": named})
    await estate.app("app")
    await estate.settled()
    served.value = "two"
    await estate.refresh()
    assert (await colour(estate, "settings"), served.times) == ("one", 1)
    await estate.settled(await estate.commit({"app/kustomization.yaml": f"{named}namePrefix: next-\n"}))
    assert (await colour(estate, "next-settings"), served.times) == ("two", 2)
    served.value = "three"
    await estate.refresh(kind="hard")

    async def healed() -> bool:
        return await colour(estate, "next-settings") == "three"

    await estate.eventually(healed, what="the file's change deployed")
    await estate.settled()


@on_embedded
async def test_what_the_project_does_not_permit_elsewhere_is_named_by_its_field_and_stops_what_ran(
    served: Served, estate: Estate
) -> None:
    base, project = await base_of(estate, "red"), f"{estate.name}-narrow"
    await estate.given(
        {
            "app/kustomization.yaml": f"resources: ['{base.url}//deploy', file]\n",
            "app/file/kustomization.yaml": f"namePrefix: file-\nresources: ['{served.url}']\n",
        }
    )

    def permitted(*urls: str) -> dict[str, object]:
        repositories = [estate.repository.url, *urls]
        return {
            "spec": {
                "sourceRepos": repositories,
                "destinations": [{"server": "*", "namespace": "*"}],
                "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
            }
        }

    made = await estate.make(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AppProject",
            "metadata": {"name": project, "namespace": estate.engine.namespace},
            **permitted(),
        }
    )

    async def permit(*urls: str) -> None:
        body = msgspec.json.encode(permitted(*urls))
        await estate.client.patch(PROJECT, made.key.namespace, project, body, kind="merge")

    async def refused(field: str) -> None:
        def told(view: ApplicationView) -> bool:
            return any(field in each.message and "spec.sourceRepos" in each.message for each in view.status.conditions)

        await estate.until(told, what=f"refused by {field}")

    await estate.app("app", spec={"project": project})
    await refused("app/kustomization.yaml: resources[0]")
    assert await colour(estate, "settings") == ""
    await permit(base.url, served.url)
    await estate.settled()
    await permit(served.url)
    await refused("app/kustomization.yaml: resources[0]")
    await change(base, "blue")
    await estate.remove("ConfigMap", "settings")
    await estate.refresh()
    assert await colour(estate, "settings") == ""
    await permit(base.url)
    await refused("app/file/kustomization.yaml: resources[0]")
    await permit(base.url, served.url)
    await estate.settled()
    assert await colour(estate, "settings") == "blue"


@pytest.fixture
def git(tmp_path: Path) -> Iterator[GitHttpServer]:
    with GitHttpServer(tmp_path / "remote") as server:
        server.credentials = "ada:canary"
        yield server


@on_embedded
async def test_a_private_base_is_read_as_soon_as_its_repository_has_a_secret(
    git: GitHttpServer, estate: Estate, client: Client
) -> None:
    base = GitRepo(git.root / f"{estate.name}.git")
    manifest = config("settings", "red").encode()
    base.commit({"deploy/kustomization.yaml": b"resources: [a.yaml]\n", "deploy/a.yaml": manifest})
    url = f"{git.url}/{estate.name}.git"
    await estate.given({"app/kustomization.yaml": f"resources: ['{url}//deploy?ref=main']\n"})
    await estate.app("app")
    message = await estate.condition("ComparisonError")
    assert "canary" not in message and f"resources[0]: repository {url}" in message
    await put_secret(client, estate.name, "repository", url=url, username="ada", password="canary")
    await estate.settled()
    assert await colour(estate, "settings") == "red"


@pytest_asyncio.fixture
async def charts() -> AsyncIterator[HelmRepo]:
    async with helm_repo() as made:
        made.authorization = Credential(username="ada", password="canary").authorization
        yield made


@on_embedded
async def test_a_chart_of_a_private_helm_repository_is_inflated_where_argocd_cm_says_so(
    charts: HelmRepo, estate: Estate, client: Client
) -> None:
    charts.add("web", "1.0.0")
    chart = f"{{name: web, repo: '{charts.url}', version: 1.x, releaseName: r, namespace: {estate.name}, "
    await estate.given({"app/kustomization.yaml": f"helmCharts: [{chart}valuesInline: {{a: 7}}}}]\n"})
    await estate.app("app")
    assert "--enable-helm in argocd-cm" in await estate.condition("ComparisonError")
    switch = msgspec.json.encode({"data": {"kustomize.buildOptions": "--enable-helm"}})
    await client.patch(CONFIG_MAP, estate.engine.namespace, "argocd-cm", switch, kind="merge")

    def asks(view: ApplicationView) -> bool:
        return any(
            "helmCharts[0]: " in each.message and "answers 401" in each.message for each in view.status.conditions
        )

    await estate.until(asks, what="refused by the Helm repository")
    known = {"type": "helm", "url": charts.url, "username": "ada", "password": "canary"}
    await put_secret(client, estate.name, "repository", **known)
    await estate.settled()

    async def data() -> dict[str, str]:
        live = await estate.live("ConfigMap", "r-web")
        return dict(live.object()["data"]) if live else {}

    assert await data() == {"chart": "web-1.0.0", "values": '{"a":7,"m":{"x":1}}'}
    charts.add("web", "1.1.0")
    await estate.refresh(kind="hard")

    async def newer() -> bool:
        return (await data())["chart"] == "web-1.1.0"

    await estate.eventually(newer, what="the newer version deployed")
    await estate.settled()

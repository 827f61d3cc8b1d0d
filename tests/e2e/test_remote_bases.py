"""A base in another repository: permitted by the project, followed by its branch, held by its commit."""

from collections.abc import AsyncIterator

import pytest_asyncio
from aiohttp import web
from tests.conftest import on_embedded
from tests.e2e.estate import Estate, play_repository
from tests.e2e.manifests import config
from tests.support.httpserver import serving

from trueup.sandbox.repository import PlayRepository


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


async def colour(estate: Estate, name: str) -> str:
    live = await estate.live("ConfigMap", name)
    return str(live.object()["data"]["colour"]) if live else ""


@on_embedded
async def test_a_base_elsewhere_is_followed_by_its_branch_and_held_by_its_commit(estate: Estate) -> None:
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

    await estate.comes_true(blue, what="the base's commit deployed")
    await estate.settled()
    assert await colour(estate, "settings-commit") == "red"


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

    await estate.comes_true(healed, what="the file's change deployed")
    await estate.settled()


@on_embedded
async def test_a_base_that_the_project_does_not_permit_is_named_by_its_field(estate: Estate) -> None:
    base = await base_of(estate, "red")
    await estate.given({"app/kustomization.yaml": f"resources: ['{base.url}//deploy']\n"})
    project = f"{estate.name}-narrow"
    await estate.make(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AppProject",
            "metadata": {"name": project, "namespace": estate.engine.namespace},
            "spec": {
                "sourceRepos": [estate.repository.url],
                "destinations": [{"server": "*", "namespace": "*"}],
            },
        }
    )
    await estate.app("app", spec={"project": project})
    told = await estate.condition("ComparisonError")
    assert "app/kustomization.yaml: resources[0]" in told and "spec.sourceRepos of the project" in told
    assert await colour(estate, "settings") == ""

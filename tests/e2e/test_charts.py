"""An Application whose source is a chart of a Helm repository: resolved, kept, followed, rolled back."""

from collections.abc import AsyncIterator

import pytest_asyncio
from tests.conftest import on_embedded
from tests.e2e.estate import Estate
from tests.e2e.test_credentials import put_secret
from tests.support.helmrepo import HelmRepo, helm_repo

from trueup.cli.app.access import View
from trueup.kube.client import Client
from trueup.sources.credential import Credential


@pytest_asyncio.fixture
async def charts() -> AsyncIterator[HelmRepo]:
    async with helm_repo() as made:
        made.authorization = Credential(username="ada", password="canary").authorization
        yield made


async def shown(estate: Estate, name: str = "r-web") -> dict[str, str]:
    live = await estate.live("ConfigMap", name)
    return dict(live.object()["data"]) if live else {}


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
    await estate.remove("ConfigMap", "r-web")

    async def healed() -> bool:
        return (await shown(estate)).get("chart") == "web-1.1.0"

    await estate.comes_true(healed, what="healed without a server")
    message = await estate.condition("ComparisonError")
    assert "answers 503" in message and "canary" not in message
    await estate.patch({"spec": {"syncPolicy": {"automated": None}}})
    await estate.sync(revision="1.0.0")
    assert await shown(estate) == {"chart": "web-1.0.0", "values": '{"a":7,"m":{"x":2}}'}
    history = (await estate.view()).status.history
    assert [each.revision for each in history] == ["1.0.0", "1.1.0", "1.0.0"]
    charts.out_of_order = False

    def well(view: View) -> bool:
        return not view.status.conditions and view.status.sync is not None and view.status.sync.revision == "1.1.0"

    await estate.until(well, what="read again")

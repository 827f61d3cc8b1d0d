"""The API as it is served by ``trueup server``."""

import json
from pathlib import Path

import pytest
from tests.conftest import Cluster
from tests.e2e.conftest import NAMESPACE
from tests.e2e.estate import engine_process
from tests.support.apiserver import RestClient, Served
from tests.support.patience import looks

from trueup.kube.client import Client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


async def test_the_api_lets_nobody_in_that_has_not_signed_in(cluster: Cluster, client: Client, folder: Path) -> None:
    arguments = ("--listen", "127.0.0.1:0", "--insecure", "--no-engine")
    async with engine_process(
        cluster.kubeconfig_of("trueup"), folder, folder, NAMESPACE, arguments=arguments
    ) as engine:
        lines: list[str] = []
        async for _ in looks():
            lines = [line for line in engine.log.read_text().splitlines() if "API served" in line]
            if lines:
                break
        assert lines, engine.tail()
        served = Served(json.loads(lines[0])["port"], [])
        async with RestClient(served, "") as rest:
            status, version = await rest.ask("GET", "/api/version")
            assert (status, set(version)) == (200, {"Version"})
            assert (await rest.ask("GET", "/api/v1/applications"))[0] == 401
            assert (await rest.ask("POST", "/api/v1/applications/web/sync"))[0] == 401
        assert await engine.stop() == 0

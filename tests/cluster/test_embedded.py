"""The embedded cluster as a process: what it acknowledged outlives a crash, and hostile requests do not end it."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from tests.conformance.exchange import Server

from pocketkube.cluster.embedded import SERVER, EmbeddedCluster
from pocketkube.errors import ProcessFailed

MAPS = "/api/v1/namespaces/default/configmaps"


def config_map(name: str, value: str = "x") -> dict[str, Any]:
    return {"metadata": {"name": name}, "data": {"value": value}}


async def test_a_crash_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    async with EmbeddedCluster(data=tmp_path / "data") as cluster, aiohttp.ClientSession() as session:
        acknowledged: set[str] = set()

        async def write(worker: int) -> None:
            server = Server(session, cluster)
            for number in range(10_000):
                name = f"w{worker}-{number}"
                answer = await server.ask("POST", MAPS, config_map(name))
                assert answer.code == 201, answer.body
                acknowledged.add(name)

        writers = [asyncio.create_task(write(worker)) for worker in range(4)]
        while len(acknowledged) < 200:
            await asyncio.sleep(0.01)
        os.kill(cluster.pids[SERVER], signal.SIGKILL)
        await asyncio.gather(*writers, return_exceptions=True)
        kept = set(acknowledged)
        await cluster.stop_apiserver()
        await cluster.start_apiserver()
        answer = await Server(session, cluster).ask("GET", MAPS)
        assert kept <= {item["metadata"]["name"] for item in answer.body["items"]}


async def test_a_restart_keeps_port_trust_and_tokens(tmp_path: Path) -> None:
    async with EmbeddedCluster(data=tmp_path / "data") as cluster, aiohttp.ClientSession() as session:
        server = Server(session, cluster)
        await server.ask("POST", MAPS, config_map("a"))
        before = (await server.ask("GET", f"{MAPS}/a")).body["metadata"]["resourceVersion"]
        await cluster.stop_apiserver()
        await cluster.start_apiserver()
        # The same client goes on: its certificate authority, token and address hold.
        assert (await server.ask("GET", f"{MAPS}/a")).body["metadata"]["resourceVersion"] == before
        expired = await server.watch(f"{MAPS}?watch=1&resourceVersion={before}", 1)
        assert expired[0]["object"]["code"] == 410


async def test_two_processes_do_not_share_a_folder(tmp_path: Path) -> None:
    async with EmbeddedCluster(data=tmp_path / "data"):
        with pytest.raises(ProcessFailed, match="another process uses it"):
            async with EmbeddedCluster(data=tmp_path / "data"):
                pass


@pytest.fixture(scope="module")
def oversized() -> bytes:
    return msgspec.json.encode(config_map("a", "y" * 3_300_000))


async def test_hostile_requests_are_refused_and_the_server_lives(oversized: bytes) -> None:
    async with EmbeddedCluster() as cluster, aiohttp.ClientSession() as session:
        server = Server(session, cluster)
        assert (await server.ask("POST", MAPS, oversized)).code == 413
        for body in (b"\xff\xfe", b'{"a":' * 100_000, b"[" * 100_000, b"k8s\0" + b"\x0a\xff" * 50):
            kind = "application/vnd.kubernetes.protobuf" if body.startswith(b"k8s") else "application/json"
            assert (await server.ask("POST", MAPS, body, {"Content-Type": kind})).code == 400
        selector = "labelSelector=" + "a," * 20_000
        assert (await server.ask("GET", f"{MAPS}?{selector[:4000]}")).code == 400
        assert (await server.ask("GET", "/readyz")).body == "ok"


async def test_strangers_are_refused() -> None:
    async with EmbeddedCluster() as cluster, aiohttp.ClientSession() as session:
        server = Server(session, cluster)
        for headers in ({"Authorization": "Bearer nothing"}, {"Authorization": "Basic x"}, {"Authorization": ""}):
            assert (await server.ask("GET", MAPS, headers=headers)).code == 401


async def test_many_watchers_that_read_nothing_hold_nobody_up() -> None:
    async with EmbeddedCluster() as cluster, aiohttp.ClientSession() as session:
        server = Server(session, cluster)
        idle = [
            await session.get(cluster.url + f"{MAPS}?watch=1", headers=server.headers, ssl=server.trust)
            for _ in range(20)
        ]
        try:
            for number in range(60):
                assert (await server.ask("POST", MAPS, config_map(f"c{number}", "z" * 100_000))).code == 201
        finally:
            for response in idle:
                response.close()
        listed = await server.ask("GET", MAPS)
        assert len(listed.body["items"]) >= 60

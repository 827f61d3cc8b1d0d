"""The embedded cluster against the real API server, doing the same."""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec

from bench.result import Result, median, result
from pocketkube.cluster.embedded import EmbeddedCluster
from trueup.demo.playground import Playground
from trueup.kube.client import Client
from trueup.kube.config import ClusterConfig, load_kubeconfig
from trueup.kube.discovery import Discovery, ResourceType
from trueup.kube.transport import Transport

CREATED = 2000
CONNECTIONS = 8
LISTED = 5000
WATCHERS = 100
EVENTS = 1000
LISTS = 5
NAMESPACE = "bench-sandbox"
PATIENCE = 120.0


async def sandbox(ground: Playground) -> list[Result]:
    """Creates, lists and watches; ``floor`` is the real API server's figure in the same run."""
    began = time.perf_counter()
    async with EmbeddedCluster() as cluster:
        ready = (time.perf_counter() - began) * 1000
        pid = cluster.pids["cluster"]
        embedded = await _figures(load_kubeconfig(cluster.kubeconfig, None), lambda: _resident(pid))
    real = await _figures(load_kubeconfig(ground.kubeconfig, ground.site.context or None), lambda: 0)
    return [
        result("sandbox: process start → ready", ready, "ms"),
        result(f"sandbox: ConfigMaps created over {CONNECTIONS} connections", embedded[0], "1/s", real[0]),
        result(f"sandbox: list of {LISTED} ConfigMaps", embedded[1], "ms", real[1]),
        result(f"sandbox: {WATCHERS} watchers × {EVENTS} events", embedded[2], "events/s", real[2]),
        result("sandbox: memory per stored ConfigMap", embedded[3], "bytes"),
    ]


async def _figures(config: ClusterConfig, resident: Callable[[], int]) -> tuple[float, float, float, float]:
    async with Client(config) as client:
        discovery = Discovery(client)
        await discovery.refresh()
        maps, namespaces = discovery.find("", "ConfigMap"), discovery.find("", "Namespace")
        assert maps is not None and namespaces is not None
        await client.create(namespaces, "", b'{"metadata":{"name":"%s"}}' % NAMESPACE.encode())
        before = resident()
        rate = await _created(config, maps, 0, CREATED)
        await _created(config, maps, CREATED, LISTED)
        memory = (resident() - before) / LISTED
        spans = []
        for _ in range(LISTS):
            began = time.perf_counter()
            listing = await client.list(maps, NAMESPACE)
            spans.append((time.perf_counter() - began) * 1000)
            assert len(listing.objects) >= LISTED
        return rate, median(spans), await _watched(config, client, maps), memory


async def _created(config: ClusterConfig, maps: ResourceType, first: int, last: int) -> float:
    """Creates ConfigMaps over several connections; how many a second."""

    async def some(start: int) -> None:
        async with Client(config) as client:
            for number in range(start, last, CONNECTIONS):
                name = f"c{number:05}"
                body = {"metadata": {"name": name, "labels": {"app": "bench"}}, "data": {"value": "x" * 200}}
                await client.create(maps, NAMESPACE, msgspec.json.encode(body))

    began = time.perf_counter()
    await asyncio.gather(*(some(start) for start in range(first, first + CONNECTIONS)))
    return (last - first) / (time.perf_counter() - began)


async def _watched(config: ClusterConfig, client: Client, maps: ResourceType) -> float:
    """Events that all watchers together received a second, from the first write to the last event seen."""
    listing = await client.list(maps, NAMESPACE)
    path = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
    query = {"watch": "1", "resourceVersion": listing.resource_version}
    ready = [asyncio.Event() for _ in range(WATCHERS)]

    async def watch(index: int) -> None:
        async with Transport(config) as transport:
            seen = 0
            with closing(await transport.open_stream(path, query, "watch")) as stream:
                ready[index].set()
                # Lines are counted, not read: the client shares the machine with the server.
                while seen < EVENTS and (chunk := await stream.read()):
                    seen += chunk.count(b"\n")

    watchers = [asyncio.create_task(watch(index)) for index in range(WATCHERS)]
    try:
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(event.wait() for event in ready))
            began = time.perf_counter()
            await _created(config, maps, LISTED, LISTED + EVENTS)
            await asyncio.gather(*watchers)
            return WATCHERS * EVENTS / (time.perf_counter() - began)
    finally:
        for task in watchers:
            task.cancel()


def _resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")

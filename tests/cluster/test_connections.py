"""Destinations that are slow, dead, lying, or another one than before: what is known of each."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from aiohttp import web
from tests.support.httpserver import serving
from tests.support.patience import stretched

from pocketkube.cluster.embedded import EmbeddedCluster
from trueup.clusters import connection
from trueup.clusters.connection import ClusterOpening, ClusterOutOfReach, Connection, Surroundings
from trueup.kube.config import ClusterConfig, load_kubeconfig
from trueup.kube.plugin import no_plugins
from trueup.model.resource import GroupKind
from trueup.runtime.clock import SystemClock
from trueup.store.clusters.secret import ClusterEntry

CONFIG_MAPS = GroupKind("", "ConfigMap")


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(connection, "ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(connection, "FIRST_PAUSE", 0.1)
    monkeypatch.setattr(connection, "LONGEST_PAUSE", 2.0)


class Opened:
    """A connection that is kept open, with what it told."""

    def __init__(self, config: ClusterConfig, **entry: Any) -> None:
        self.answered = self.failed = 0
        self._told = asyncio.Event()
        around = Surroundings(
            clock=SystemClock(),
            plugins=no_plugins,
            excluded=lambda group, kind, server: False,
            changed=lambda server, old, new: None,
            turned=self._turned,
        )
        self.connection = Connection(
            ClusterEntry(secret="far", name="far", server=config.server, config=config, **entry), around
        )

    def _turned(self, entry: ClusterEntry) -> None:
        if self.connection.trouble is None:
            self.answered += 1
            self._told.set()
        else:
            self.failed += 1

    async def answers(self) -> None:
        """Wait until it says once more that the cluster answers."""
        async with asyncio.timeout(stretched(30)):
            await self._told.wait()
        self._told.clear()

    async def fails(self) -> str:
        """Wait until it cannot be used; gives why."""
        async with asyncio.timeout(stretched(30)):
            while True:
                try:
                    self.connection.usable()
                except ClusterOutOfReach as error:
                    return str(error)
                except ClusterOpening:
                    pass
                await asyncio.sleep(0.02)


@asynccontextmanager
async def opened(config: ClusterConfig, **entry: Any) -> AsyncIterator[Opened]:
    found = Opened(config, **entry)
    task = asyncio.create_task(found.connection.run())
    try:
        yield found
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_cluster_is_opened_and_says_so_once() -> None:
    async with EmbeddedCluster() as cluster, opened(load_kubeconfig(cluster.kubeconfig, None)) as far:
        with pytest.raises(ClusterOpening):
            far.connection.usable()
        await far.answers()
        usable = far.connection.usable()
        await usable.cache.ensure([CONFIG_MAPS])
        assert usable.serves("v1", "ConfigMap")
        assert far.connection.version.startswith("v1.")
        assert far.answered == 1


async def test_one_that_freezes_is_out_of_reach_and_back_with_the_caches_it_had() -> None:
    async with EmbeddedCluster() as cluster, opened(load_kubeconfig(cluster.kubeconfig, None)) as far:
        await far.answers()
        before = far.connection.usable()
        began = SystemClock().now()
        os.kill(cluster.pids["cluster"], signal.SIGSTOP)
        try:
            told = await far.fails()
        finally:
            os.kill(cluster.pids["cluster"], signal.SIGCONT)
        assert "cluster far cannot be used since" in told
        assert "no answer in 1 s" in told
        trouble = far.connection.trouble
        assert trouble is not None
        assert trouble.since >= began
        await far.answers()
        assert far.connection.usable() is before
        assert (far.answered, far.failed) == (2, 1)


async def test_one_that_is_replaced_at_its_address_is_read_anew() -> None:
    # Two clusters of one certificate authority behind one door: which of them answers is changed in the middle.
    async with EmbeddedCluster() as first, EmbeddedCluster() as second:
        clusters = {"now": first}

        async def door(request: web.BaseRequest) -> web.StreamResponse:
            from trueup.kube.client import Client

            config = load_kubeconfig(clusters["now"].kubeconfig, None)
            if "watch" in request.query:
                return web.Response(status=503)
            async with Client(config) as client:
                answer = await client.send(request.method, request.path, params=dict(request.query), attempts=1)
            return web.Response(body=answer.body, content_type="application/json")

        async with serving(door) as address, opened(ClusterConfig(server=f"http://{address}")) as far:
            await far.answers()
            before = far.connection.usable()
            clusters["now"] = second
            await far.answers()
            assert far.connection.usable() is not before


def answering(status: int, body: bytes = b"", **headers: str) -> Any:
    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers=headers)

    return answer


async def _silent(_: web.BaseRequest) -> web.StreamResponse:
    await asyncio.sleep(60)
    raise AssertionError


async def _half(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"kind": "Name')
    if request.transport is not None:
        request.transport.close()
    return response


LYING = {
    "500": (answering(500, b"out of order"), "out of order"),
    "429": (answering(429, b"{}"), ""),
    "a login page": (answering(200, b"<html>sign in</html>"), "cannot be read"),
    "a redirect": (answering(302, Location="http://127.0.0.1:1/"), "redirects"),
    "JSON of another kind": (answering(200, b"[]"), "cannot be read"),
    "an object of no name, whatever is asked": (answering(200, b'{"kind":"Namespace"}'), "no Kubernetes API"),
    "silence": (_silent, "no answer in 2 s"),
    "half an answer": (_half, ""),
    "no right": (answering(401, b"who are you"), "who are you"),
}


@pytest.mark.parametrize(("handler", "text"), LYING.values(), ids=LYING)
async def test_one_that_lies_is_out_of_reach_with_the_reason(handler: Any, text: str) -> None:
    async with serving(handler) as address, opened(ClusterConfig(server=f"http://{address}")) as far:
        told = await far.fails()
        assert "cluster far cannot be used since" in told
        assert text in told


async def test_a_wrong_certificate_is_named() -> None:
    async with EmbeddedCluster() as cluster, EmbeddedCluster() as other:
        config = msgspec.structs.replace(load_kubeconfig(cluster.kubeconfig, None), ca_data=other.ca_data)
        async with opened(config) as far:
            assert "its certificate is not trusted" in await far.fails()


async def test_a_namespaced_cluster_watches_its_namespaces_alone() -> None:
    async with EmbeddedCluster() as cluster:
        config = load_kubeconfig(cluster.kubeconfig, None)
        async with opened(config, namespaces=("default",)) as far:
            await far.answers()
            usable = far.connection.usable()
            await usable.cache.ensure([CONFIG_MAPS, GroupKind("", "Namespace")])
            found = usable.cache.of_kind(CONFIG_MAPS)
            assert {each.key.namespace for each in found} == {"default"}
            assert not usable.cache.of_kind(GroupKind("", "Namespace"))
            told = {
                key.namespace: usable.unmanaged(key)
                for key in (msgspec.structs.replace(found[0].key, namespace=name) for name in ("default", "web", ""))
            }
            assert told == {
                "default": "",
                "web": 'Namespace "web" for ConfigMap "kube-root-ca.crt" is not managed',
                "": 'Cluster level ConfigMap "kube-root-ca.crt" can not be managed when in namespaced mode',
            }

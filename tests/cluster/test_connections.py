"""Destinations that are slow, dead, lying, or another one than before: what is known of each."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
import pytest
from aiohttp import web
from tests.support.httpserver import serving
from tests.support.patience import stretched

from pocketkube.cluster.embedded import EmbeddedCluster
from trueup.clusters import connection
from trueup.clusters.connection import ClusterOpening, ClusterOutOfReach, Connection, Surroundings
from trueup.kube import client as kube_client
from trueup.kube.client import Client
from trueup.kube.config import ClusterConfig, load_kubeconfig
from trueup.kube.discovery import ResourceType
from trueup.kube.plugin import no_plugins
from trueup.kube.schemas import Schemas
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

    def __init__(self, config: ClusterConfig, memory: int = connection.MEMORY, **entry: Any) -> None:
        self.answered = self.failed = 0
        self._told = asyncio.Event()
        around = Surroundings(
            clock=SystemClock(),
            plugins=no_plugins,
            excluded=lambda group, kind, server: False,
            changed=lambda server, old, new: None,
            turned=self._turned,
            memory=memory,
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
            found = usable.cache.nodes(CONFIG_MAPS)
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


class Liar:
    """A server of two kinds that answers what a test wants in place of lists, watches and schemas."""

    def __init__(self, *, page: str = "", events: str = "", schemas: bytes = b"") -> None:
        self.page, self.events, self.schemas = page, events, schemas
        self.sent = 0

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        match request.path:
            case "/version":
                return web.json_response({"gitVersion": "v1.37.2"})
            case "/api":
                types = [
                    _served("namespaces", "Namespace", "Cluster"),
                    _served("configmaps", "ConfigMap", "Namespaced"),
                ]
                version = {"version": "v1", "resources": types}
                return web.json_response(
                    {"kind": "APIGroupDiscoveryList", "items": [{"metadata": {"name": ""}, "versions": [version]}]}
                )
            case "/openapi/v3":
                return web.json_response({"paths": {"api/v1": {"serverRelativeURL": "/openapi/v3/api/v1?hash=1"}}})
            case "/openapi/v3/api/v1":
                return web.Response(body=self.schemas)
            case "/api/v1/configmaps" if "watch" in request.query and self.events:
                return await self._stream(request)
            case "/api/v1/configmaps" if "watch" in request.query:
                return web.json_response({"kind": "Status", "code": 400, "message": "no streams"}, status=400)
            case "/api/v1/configmaps" if self.page:
                self.sent += 1
                return web.Response(text=self.page % {"number": self.sent}, content_type="application/json")
        return web.json_response({"kind": "APIGroupDiscoveryList", "items": []})

    async def _stream(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):
            while True:
                self.sent += 1
                await response.write((self.events % {"number": self.sent}).encode() + b"\n")
        return response


def _served(plural: str, kind: str, scope: str) -> dict[str, Any]:
    kinds = {"group": "", "version": "v1", "kind": kind}
    return {"resource": plural, "responseKind": kinds, "scope": scope, "verbs": ["list", "watch", "get"]}


OBJECT = (
    '{"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "c%(number)d", "namespace": "n",'
    ' "uid": "u%(number)d", "resourceVersion": "%(number)d"}, "data": {"a": "' + "x" * 4000 + '"}}'
)
COMPLETE = (
    '{"type": "BOOKMARK", "object": {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"resourceVersion": "1",'
    ' "annotations": {"k8s.io/initial-events-end": "true"}}}}'
)
ENDLESS = {
    "a list of pages": {
        "page": '{"metadata": {"resourceVersion": "1", "continue": "more"}, "items": [' + OBJECT + "]}"
    },
    "a stream that begins": {"events": '{"type": "ADDED", "object": ' + OBJECT + "}"},
    "a stream that goes on": {"events": COMPLETE + '\n{"type": "MODIFIED", "object": ' + OBJECT + "}"},
}


@pytest.mark.parametrize("answers", ENDLESS.values(), ids=ENDLESS)
async def test_objects_without_end_fill_the_room_of_their_cluster_and_no_more(answers: dict[str, str]) -> None:
    liar = Liar(page=answers.get("page", ""), events=answers.get("events", ""))
    async with serving(liar) as address, opened(ClusterConfig(server=f"http://{address}"), memory=1 << 20) as far:
        await far.answers()
        cache = far.connection.usable().cache
        await cache.ensure([CONFIG_MAPS])
        async with asyncio.timeout(stretched(30)):
            while CONFIG_MAPS not in cache.failed_kinds():
                await asyncio.sleep(0.02)
        assert "memory budget for cluster exceeded" in str(cache.failed_kinds()[CONFIG_MAPS])
        kept = sum(len(found.body) for found in cache.of_kind(CONFIG_MAPS))
        assert kept <= 1 << 20
        assert far.connection.trouble is None


_KIND = {"x-kubernetes-group-version-kind": [{"group": "", "version": "v1", "kind": "ConfigMap"}]}


def _nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


NO_SCHEMAS = {
    "no JSON": b"<html>",
    "a list": b"[]",
    "a number": {"c": 5},
    "no kinds": {"c": {"x-kubernetes-group-version-kind": 7}},
    "properties that are none": {"c": {**_KIND, "type": "object", "properties": [1]}},
    "a reference to nothing": {
        "c": {**_KIND, "type": "object", "properties": {"a": {"$ref": "#/components/schemas/d"}}}
    },
    "levels without end": {"c": {**_nested(400), **_KIND}},
    "a description without end": {"c": {**_KIND, "type": "object", "description": "x" * 5_000_000}},
}


@pytest.mark.parametrize("answer", NO_SCHEMAS.values(), ids=NO_SCHEMAS)
async def test_what_is_no_schema_gives_no_type_and_fails_nobody(answer: Any) -> None:
    body = answer if isinstance(answer, bytes) else msgspec.json.encode({"components": {"schemas": answer}})
    async with serving(Liar(schemas=body)) as address, Client(ClusterConfig(server=f"http://{address}")) as client:
        schemas = Schemas(client)
        await schemas.learn([("v1", "ConfigMap")])
        assert schemas.type_of("v1", "ConfigMap") is None


async def test_a_page_of_large_objects_is_asked_for_as_several(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def server(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.query["limit"])
        first = int(request.query.get("continue", "0"))
        numbers = range(first, min(10, first + int(request.query["limit"])))
        more = {"continue": str(numbers.stop)} if numbers.stop < 10 else {}
        items = [
            {"metadata": {"name": f"c{number}", "uid": str(number)}, "data": {"a": "x" * 1000}} for number in numbers
        ]
        return web.json_response({"metadata": {"resourceVersion": "1", **more}, "items": items})

    monkeypatch.setattr(kube_client, "PAGE_LIMIT", 3000)
    async with serving(server) as address, Client(ClusterConfig(server=f"http://{address}")) as client:
        listing = await client.list(ResourceType("", "v1", "ConfigMap", "configmaps", True), page=10)
    assert [found.key.name for found in listing.objects] == [f"c{number}" for number in range(10)]
    assert asked == ["10"] + ["1"] * 10

"""The watch cache against a real API server: nothing is lost, nothing is forgotten, one kind never stops another."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from aiohttp import web
from tests.conftest import Cluster, on_embedded, on_kubernetes
from tests.support.faultproxy import FaultProxy
from tests.support.patience import stretched
from tests.support.tiers import everywhere

from pocketkube.controlplane import ControlPlane
from trueup.kube.cache import BodyUnread, WatchCache
from trueup.kube.client import Client
from trueup.kube.config import load_kubeconfig
from trueup.kube.discovery import Discovery, ResourceType
from trueup.kube.errors import Forbidden, NotFound, Unreachable
from trueup.kube.reflector import Timing
from trueup.model.live import LiveObject, Node, Seen
from trueup.model.resource import GroupKind, ResourceKey

CONFIG_MAPS = ResourceType("", "v1", "ConfigMap", "configmaps", True)
CONFIG_MAP = GroupKind("", "ConfigMap")
NAMESPACE = GroupKind("", "Namespace")
SECRET = GroupKind("", "Secret")
SECRETS = ResourceType("", "v1", "Secret", "secrets", True)
DEFINITIONS = ResourceType("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", False)
ROLES = ResourceType("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", False)
BINDINGS = ResourceType("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", False)


def config_map(name: str, **metadata: Any) -> bytes:
    return msgspec.json.encode({"metadata": {"name": name, **metadata}})


def key(namespace: str, name: str) -> ResourceKey:
    return ResourceKey("", "ConfigMap", namespace, name)


@asynccontextmanager
async def caching(client: Client, timing: Timing | None = None, **options: Any) -> AsyncIterator[WatchCache]:
    cache = WatchCache(
        client, Discovery(client), classify=lambda found: found.labels.get("app"), timing=timing, **options
    )
    await cache.start()
    try:
        yield cache
    finally:
        await cache.close()


async def until(what: Callable[[], object], seconds: float = 15.0) -> None:
    async with asyncio.timeout(stretched(seconds)):
        while not what():
            await asyncio.sleep(0.01)


@pytest_asyncio.fixture
async def proxy(cluster: Cluster) -> AsyncIterator[FaultProxy]:
    async with FaultProxy.before(load_kubeconfig(cluster.kubeconfig, None)) as running:
        yield running


class Losses:
    """Notes every object that the view loses."""

    def __init__(self, cache: WatchCache) -> None:
        self.keys: list[ResourceKey] = []
        cache.subscribe(self._change)

    def _change(self, old: Seen | None, new: Seen | None) -> None:
        if old is not None and new is None:
            self.keys.append(old.key)


async def test_what_is_there_and_what_changes_is_seen_by_key_group_and_owner(admin: Client, namespace: str) -> None:
    parent = await admin.create(CONFIG_MAPS, namespace, config_map("parent", labels={"app": "shop"}))
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "parent", "uid": parent.uid}
    async with caching(admin) as cache:
        await cache.ensure([CONFIG_MAP])
        assert cache.synced(CONFIG_MAP)
        assert list(cache.group("shop")) == [parent.key]
        await admin.create(CONFIG_MAPS, namespace, config_map("child", ownerReferences=[owner]))
        await until(lambda: [found.key.name for found in cache.children(parent.uid)] == ["child"])
        await admin.delete(CONFIG_MAPS, namespace, "child", propagation="Background")
        await until(lambda: cache.children(parent.uid) == [])


async def test_the_response_to_a_write_is_seen_at_once_and_its_event_tells_nothing_new(
    admin: Client, namespace: str
) -> None:
    async with caching(admin) as cache:
        await cache.ensure([CONFIG_MAP])
        told: list[str] = []

        def note(_: Seen | None, new: Seen | None) -> None:
            if new is not None and new.key == key(namespace, "x"):
                told.append(new.resource_version)

        cache.subscribe(note)
        made = await admin.create(CONFIG_MAPS, namespace, config_map("x"))
        cache.stored(made)
        assert cache.get(made.key) is not None
        changed = await admin.patch(CONFIG_MAPS, namespace, "x", b'{"data":{"a":"1"}}', kind="merge")
        cache.stored(changed)
        marker = await admin.create(CONFIG_MAPS, namespace, config_map("marker"))
        await until(lambda: cache.get(marker.key))
        assert told == [made.resource_version, changed.resource_version]


async def test_a_response_that_comes_after_the_deletion_brings_nothing_back(admin: Client, namespace: str) -> None:
    async with caching(admin) as cache:
        await cache.ensure([CONFIG_MAP])
        made = await admin.create(CONFIG_MAPS, namespace, config_map("x"))
        await admin.delete(CONFIG_MAPS, namespace, "x", propagation="Background")
        marker = await admin.create(CONFIG_MAPS, namespace, config_map("marker"))
        await until(lambda: cache.get(marker.key))
        cache.stored(made)
        assert cache.get(made.key) is None


@on_kubernetes
async def test_one_kind_that_may_not_be_listed_never_blocks_the_rest(
    cluster: ControlPlane, admin: Client, namespace: str
) -> None:
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list", "watch"]}]
    await admin.create(ROLES, "", msgspec.json.encode({"metadata": {"name": f"read-{namespace}"}, "rules": rules}))
    binding = {
        "metadata": {"name": f"read-{namespace}"},
        "roleRef": {"apiGroup": ROLES.group, "kind": "ClusterRole", "name": f"read-{namespace}"},
        "subjects": [{"kind": "User", "apiGroup": ROLES.group, "name": "guest"}],
    }
    await admin.create(BINDINGS, "", msgspec.json.encode(binding))
    try:
        async with Client(load_kubeconfig(cluster.kubeconfig_of("guest"), None)) as guest:
            await until_listed(guest)
            async with caching(guest) as cache:
                await asyncio.wait_for(cache.ensure([SECRET, CONFIG_MAP]), stretched(5))
                assert {kind: type(error) for kind, error in cache.failed_kinds().items()} == {SECRET: Forbidden}
                assert not cache.synced(SECRET)
                made = await admin.create(CONFIG_MAPS, namespace, config_map("x"))
                await until(lambda: cache.get(made.key))
    finally:
        await admin.delete(BINDINGS, "", f"read-{namespace}", propagation="Background")
        await admin.delete(ROLES, "", f"read-{namespace}", propagation="Background")


async def until_listed(guest: Client) -> None:
    """RBAC takes a moment to learn of a binding."""
    async with asyncio.timeout(stretched(10)):
        while True:
            try:
                await guest.list(CONFIG_MAPS)
                return
            except Forbidden:
                await asyncio.sleep(0.05)


def definition(plural: str, kind: str) -> bytes:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    spec = {
        "group": "kube-test.example.com",
        "names": {"plural": plural, "singular": plural[:-1], "kind": kind, "listKind": f"{kind}List"},
        "scope": "Namespaced",
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
    }
    return msgspec.json.encode({"metadata": {"name": f"{plural}.kube-test.example.com"}, "spec": spec})


async def test_a_kind_that_is_defined_later_is_followed_and_one_that_goes_is_forgotten(
    admin: Client, namespace: str
) -> None:
    kind = GroupKind("kube-test.example.com", "Later")
    type_ = ResourceType(kind.group, "v1", kind.kind, "laters", True)
    async with caching(admin) as cache:
        await asyncio.wait_for(cache.ensure([kind, CONFIG_MAP]), stretched(5))
        assert type(cache.failed_kinds()[kind]) is NotFound
        await admin.create(DEFINITIONS, "", definition("laters", "Later"))
        try:
            await until(lambda: cache.synced(kind) and kind not in cache.failed_kinds())
            body = {"apiVersion": "kube-test.example.com/v1", "kind": "Later", "metadata": {"name": "x"}}
            made = await admin.create(type_, namespace, msgspec.json.encode(body))
            await until(lambda: cache.get(made.key))
        finally:
            await admin.delete(DEFINITIONS, "", "laters.kube-test.example.com", propagation="Background")
        await until(lambda: cache.of_kind(kind) == [] and kind in cache.failed_kinds(), 30)
        assert cache.synced(CONFIG_MAP)


async def test_excluded_kinds_are_neither_followed_nor_failures(admin: Client) -> None:
    async with caching(admin, excluded=lambda type_: type_.kind == "Secret") as cache:
        await asyncio.wait_for(cache.ensure([SECRET, CONFIG_MAP]), stretched(5))
        assert cache.of_kind(SECRET) == []
        assert cache.failed_kinds() == {}


async def test_a_subscriber_that_raises_ends_neither_the_watch_nor_the_others(admin: Client, namespace: str) -> None:
    async with caching(admin) as cache:

        def broken(_: Seen | None, __: Seen | None) -> None:
            raise ValueError("a fault of the subscriber")

        cache.subscribe(broken)
        told: list[ResourceKey] = []
        cache.subscribe(lambda _, new: told.append(new.key) if new else None)
        await cache.ensure([CONFIG_MAP])
        made = await admin.create(CONFIG_MAPS, namespace, config_map("x"))
        await until(lambda: made.key in told)


async def test_a_watch_resumes_where_its_connection_was_cut_without_a_new_list(
    proxy: FaultProxy, admin: Client, namespace: str
) -> None:
    async with Client(proxy.config) as client, caching(client) as cache:
        await cache.ensure([CONFIG_MAP])
        losses = Losses(cache)
        before = {live.key for live in cache.of_kind(CONFIG_MAP) if live.key.namespace == namespace}
        down = True

        async def refuse(request: web.Request) -> web.StreamResponse | None:
            if down and request.transport is not None:
                request.transport.abort()
            return None

        proxy.fault = refuse
        proxy.cut()
        made = await admin.create(CONFIG_MAPS, namespace, config_map("x"))
        await until(lambda: isinstance(cache.failed_kinds().get(CONFIG_MAP), Unreachable))
        assert before <= {live.key for live in cache.of_kind(CONFIG_MAP)}, "the old view is served meanwhile"
        down = False
        await until(lambda: cache.get(made.key) and not cache.failed_kinds())
        # The namespaces of earlier tests go meanwhile, with what is in them.
        assert [key for key in losses.keys if key.namespace == namespace] == []
        assert proxy.count("GET", "sendInitialEvents") == 1
        assert proxy.count("GET", "/api/v1/configmaps", without="watch=true") == 0


@on_embedded
async def test_a_list_that_breaks_off_in_the_middle_loses_nothing(
    proxy: FaultProxy, admin: Client, namespace: str
) -> None:
    for name in ("a", "b", "c"):
        await admin.create(CONFIG_MAPS, namespace, config_map(name))
    async with Client(proxy.config) as client, caching(client, Timing(resync=0.1)) as cache:
        await cache.ensure([CONFIG_MAP])
        losses = Losses(cache)
        lines = 0

        def half(line: bytes) -> bytes:
            nonlocal lines
            lines += 1
            proxy.cut()
            return line

        proxy.line = half
        await until(lambda: lines >= 5)
        assert {"a", "b", "c"} <= {live.key.name for live in cache.of_kind(CONFIG_MAP)}
        assert [key for key in losses.keys if key.namespace == namespace] == []
        proxy.line = None
        made = await admin.create(CONFIG_MAPS, namespace, config_map("d"))
        await until(lambda: cache.get(made.key))


async def test_an_expired_watch_lists_again_once_and_loses_nothing(spare: ControlPlane) -> None:
    config = load_kubeconfig(spare.kubeconfig, None)
    async with (
        FaultProxy.before(config) as proxy,
        Client(proxy.config) as client,
        Client(config) as direct,
        caching(client) as cache,
    ):
        stays = await direct.create(CONFIG_MAPS, "default", config_map("expired-stays"))
        goes = await direct.create(CONFIG_MAPS, "default", config_map("expired-goes"))
        await cache.ensure([CONFIG_MAP])
        losses = Losses(cache)

        async def hold(request: web.Request) -> web.StreamResponse | None:
            return web.json_response({"kind": "Status", "message": "held", "code": 503}, status=503)

        proxy.fault = hold
        proxy.cut()
        await direct.delete(CONFIG_MAPS, "default", "expired-goes", propagation="Background")
        comes = await direct.create(CONFIG_MAPS, "default", config_map("expired-comes"))
        await spare.compact()
        await spare.stop_apiserver()
        await spare.start_apiserver()
        assert cache.get(stays.key) is not None, "the old view is served until the new list is complete"
        assert cache.get(goes.key) is not None
        proxy.fault = None
        await until(lambda: cache.get(comes.key) and not cache.failed_kinds(), 20)
        assert losses.keys == [goes.key]
        lists = [path for _, path in proxy.requests if "/configmaps" in path and "sendInitialEvents" in path]
        assert len(lists) == 2


async def test_a_server_that_does_not_send_the_initial_state_is_listed_and_watched(
    proxy: FaultProxy, admin: Client, namespace: str
) -> None:
    made = await admin.create(CONFIG_MAPS, namespace, config_map("x"))
    proxy.line = lambda line: None if b"initial-events-end" in line else line
    async with Client(proxy.config) as client, caching(client, Timing(initial=0.5)) as cache:
        await cache.ensure([CONFIG_MAP])
        assert cache.get(made.key) is not None
        assert proxy.count("GET", "/configmaps?limit=") >= 1
        later = await admin.create(CONFIG_MAPS, namespace, config_map("later"))
        await until(lambda: cache.get(later.key))
        await cache.ensure([NAMESPACE])
        assert proxy.count("GET", "sendInitialEvents") == 1, "it is not asked for again"


async def test_a_server_that_refuses_to_send_the_initial_state_is_listed_and_watched(
    proxy: FaultProxy, admin: Client, namespace: str
) -> None:
    async def refuse(request: web.Request) -> web.StreamResponse | None:
        if "sendInitialEvents" not in request.raw_path:
            return None
        body = {"kind": "Status", "reason": "Invalid", "message": "sendInitialEvents: Forbidden", "code": 422}
        return web.json_response(body, status=422)

    proxy.fault = refuse
    made = await admin.create(CONFIG_MAPS, namespace, config_map("x"))
    async with Client(proxy.config) as client, caching(client) as cache:
        await cache.ensure([CONFIG_MAP])
        assert cache.get(made.key) is not None
        later = await admin.create(CONFIG_MAPS, namespace, config_map("later"))
        await until(lambda: cache.get(later.key))
        assert cache.failed_kinds() == {}


async def test_a_watch_resumes_from_its_last_bookmark(proxy: FaultProxy, admin: Client, namespace: str) -> None:
    async with Client(proxy.config) as client, caching(client, Timing(resync=6.0)) as cache:
        bookmarks: list[str] = []

        def note(line: bytes) -> bytes:
            if b'"BOOKMARK"' in line and b'"ConfigMap"' in line and b"initial-events-end" not in line:
                bookmarks.append(msgspec.json.decode(line)["object"]["metadata"]["resourceVersion"])
                # The connection breaks when this line is through.
                asyncio.get_running_loop().call_later(0.1, proxy.cut)
            return line

        proxy.line = note
        await cache.ensure([CONFIG_MAP])
        # Another kind moves the storage on, and a consistent read lets the server notice that this one is as far.
        await admin.create(SECRETS, namespace, config_map("other"))
        await admin.list(CONFIG_MAPS, namespace)
        # An event that came after one, before the connection broke, is resumed from instead: the next one will do.
        await until(lambda: any(proxy.count("GET", f"resourceVersion={each}") for each in bookmarks), 30)
        made = await admin.create(CONFIG_MAPS, namespace, config_map("x"))
        await until(lambda: cache.get(made.key))


async def test_a_watch_that_never_says_anything_is_not_believed_and_the_kind_is_listed(
    proxy: FaultProxy, admin: Client, namespace: str
) -> None:
    async with Client(proxy.config) as client, caching(client, Timing(read=1.0, initial=1.0)) as cache:
        await cache.ensure([CONFIG_MAP])
        proxy.line = lambda _: None  # as after a restore, when the version watched from lies in the future
        unseen = await admin.create(CONFIG_MAPS, namespace, config_map("unseen"))
        await until(lambda: cache.get(unseen.key))


async def test_events_that_are_lost_are_made_good_by_the_periodic_list(
    proxy: FaultProxy, admin: Client, namespace: str
) -> None:
    ghost = await admin.create(CONFIG_MAPS, namespace, config_map("ghost"))
    async with Client(proxy.config) as client, caching(client, Timing(resync=3.0)) as cache:
        await cache.ensure([CONFIG_MAP])
        proxy.line = lambda line: None if b'"DELETED"' in line or b'"unseen"' in line else line
        await admin.delete(CONFIG_MAPS, namespace, "ghost", propagation="Background")
        unseen = await admin.create(CONFIG_MAPS, namespace, config_map("unseen"))
        marker = await admin.create(CONFIG_MAPS, namespace, config_map("marker"))
        await until(lambda: cache.get(marker.key))
        assert cache.get(ghost.key) is not None
        assert cache.get(unseen.key) is None
        proxy.line = None
        await until(lambda: cache.get(ghost.key) is None and cache.get(unseen.key) is not None, 10)


async def test_a_server_that_was_stopped_is_caught_up_with_within_ten_seconds(spare: ControlPlane) -> None:
    async with Client(load_kubeconfig(spare.kubeconfig, None)) as client, caching(client) as cache:
        await cache.ensure([CONFIG_MAP, NAMESPACE, SECRET])
        losses = Losses(cache)
        await spare.stop_apiserver()
        await until(lambda: len(cache.failed_kinds()) == 3)
        assert all(isinstance(error, Unreachable) for error in cache.failed_kinds().values())
        await asyncio.sleep(8)
        await spare.start_apiserver()
        back = time.monotonic()
        made = await client.create(CONFIG_MAPS, "default", config_map("caught-up"))
        await until(lambda: cache.get(made.key) and not cache.failed_kinds(), 10)
        assert time.monotonic() - back < stretched(10)
        assert losses.keys == []


@everywhere
async def test_a_frozen_server_is_noticed_by_its_silence_and_recovered_from(spare: ControlPlane) -> None:
    async with (
        Client(load_kubeconfig(spare.kubeconfig, None)) as client,
        caching(client, Timing(read=2.0)) as cache,
    ):
        await cache.ensure([CONFIG_MAP])
        losses = Losses(cache)
        os.kill(spare.pids["kube-apiserver"], signal.SIGSTOP)
        try:
            await until(lambda: cache.failed_kinds())
        finally:
            os.kill(spare.pids["kube-apiserver"], signal.SIGCONT)
        made = await client.create(CONFIG_MAPS, "default", config_map("frozen"))
        await until(lambda: cache.get(made.key) and not cache.failed_kinds(), 10)
        assert losses.keys == []


@everywhere
async def test_with_a_dead_conversion_webhook_another_version_is_followed(admin: Client, namespace: str) -> None:
    kind = GroupKind("kube-test.example.com", "Broken")
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    webhook = {"clientConfig": {"url": "https://127.0.0.1:1"}, "conversionReviewVersions": ["v1"]}
    spec = {
        "group": kind.group,
        "names": {"plural": "brokens", "singular": "broken", "kind": "Broken", "listKind": "BrokenList"},
        "scope": "Namespaced",
        "versions": [
            {"name": "v1", "served": True, "storage": True, "schema": schema},
            {"name": "v2", "served": True, "storage": False, "schema": schema},
        ],
        "conversion": {"strategy": "Webhook", "webhook": webhook},
    }
    body = {"metadata": {"name": "brokens.kube-test.example.com"}, "spec": spec}
    await admin.create(DEFINITIONS, "", msgspec.json.encode(body))
    try:
        stored = ResourceType(kind.group, "v1", kind.kind, "brokens", True)
        made = await create_when_served(admin, stored, namespace)
        async with caching(admin) as cache:
            await asyncio.wait_for(cache.ensure([kind, CONFIG_MAP]), stretched(30))
            await until(lambda: cache.get(made.key), 30)
            assert kind not in cache.failed_kinds()
            assert cache.synced(CONFIG_MAP)
    finally:
        await admin.patch(
            DEFINITIONS,
            "",
            "brokens.kube-test.example.com",
            b'{"spec":{"conversion":{"strategy":"None","webhook":null}}}',
            kind="merge",
        )
        await admin.delete(DEFINITIONS, "", "brokens.kube-test.example.com", propagation="Background")


async def create_when_served(client: Client, type_: ResourceType, namespace: str) -> LiveObject:
    body = msgspec.json.encode({"apiVersion": type_.api_version, "kind": type_.kind, "metadata": {"name": "x"}})
    async with asyncio.timeout(stretched(15)):
        while True:
            try:
                return await client.create(type_, namespace, body)
            except NotFound:
                await asyncio.sleep(0.05)


@pytest.mark.timeout(60)
async def test_every_built_in_kind_is_listed_in_a_moment(admin: Client) -> None:
    discovery = Discovery(admin)
    await discovery.refresh()
    built_in = [type_ for type_ in discovery.types() if "." not in type_.group or type_.group.endswith(".k8s.io")]
    kinds = [type_.group_kind for type_ in built_in if {"list", "watch"} <= type_.verbs]
    assert len(kinds) > 50
    async with caching(admin) as cache:
        begun = time.monotonic()
        await cache.ensure(kinds)
        assert time.monotonic() - begun < stretched(10)
        assert cache.failed_kinds() == {}
        assert all(cache.synced(kind) for kind in kinds)


async def test_a_cache_of_some_namespaces_sees_those_alone_and_kinds_of_the_cluster(
    admin: Client, namespace: str
) -> None:
    seen, unseen = key(namespace, "seen"), key("default", f"unseen-{namespace}")
    async with caching(admin, namespaces=[namespace, "kube-system"]) as cache:
        await cache.ensure([CONFIG_MAP, NAMESPACE])
        await admin.create(CONFIG_MAPS, unseen.namespace, config_map(unseen.name))
        await admin.create(CONFIG_MAPS, namespace, config_map("seen"))
        await until(lambda: cache.get(seen))
        assert cache.get(ResourceKey("", "Namespace", "", "default")) is not None
        assert cache.synced(CONFIG_MAP) and cache.covers(namespace) and not cache.covers("default")
        await admin.delete(CONFIG_MAPS, namespace, "seen")
        await until(lambda: cache.get(seen) is None)
        assert cache.get(unseen) is None


async def test_the_body_of_what_nobody_manages_is_read_when_it_is_asked_for_and_kept_from_then_on(
    admin: Client, namespace: str
) -> None:
    for name in ("asked", "looked-for", "left", "gone"):
        await admin.create(CONFIG_MAPS, namespace, config_map(name))
    async with caching(admin, keep=lambda _: False) as cache:
        await cache.ensure([CONFIG_MAP])
        assert isinstance(cache.known(key(namespace, "left")), Node)
        await cache.whole([key(namespace, "asked"), key(namespace, "is-not-there")])
        found = cache.get(key(namespace, "asked"))
        assert found is not None and found.object()["metadata"]["name"] == "asked"
        with pytest.raises(BodyUnread):
            cache.get(key(namespace, "looked-for"))
        await until(lambda: not isinstance(cache.known(key(namespace, "looked-for")), Node))
        assert cache.get(key(namespace, "looked-for")) is not None
        await admin.patch(CONFIG_MAPS, namespace, "asked", b'{"data":{"a":"1"}}', kind="merge")
        await until(lambda: (cache.get(key(namespace, "asked")) or found).object().get("data") == {"a": "1"})
        await admin.delete(CONFIG_MAPS, namespace, "gone", propagation="Background")
        await cache.whole([key(namespace, "gone")])
        assert cache.get(key(namespace, "gone")) is None

"""The client when the server, or the way to it, misbehaves: a proxy before a real API server makes the faults."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
import pytest
import pytest_asyncio
from aiohttp import web
from tests.conftest import Cluster
from tests.support.faultproxy import Fault, FaultProxy

from pocketkube.controlplane import ControlPlane
from trueup.kube.client import Client
from trueup.kube.config import load_kubeconfig
from trueup.kube.discovery import Discovery, ResourceType
from trueup.kube.errors import (
    AlreadyExists,
    ApiError,
    Gone,
    ResponseTooLarge,
    ServerError,
    TooManyRequests,
    UndeclaredField,
    Unreachable,
)
from trueup.kube.plainwire import PlainWire
from trueup.kube.transport import pooled

CONFIG_MAPS = ResourceType("", "v1", "ConfigMap", "configmaps", True)


@pytest_asyncio.fixture
async def proxy(cluster: Cluster) -> AsyncIterator[FaultProxy]:
    async with FaultProxy.before(load_kubeconfig(cluster.kubeconfig, None)) as running:
        yield running


WIRES = {"pooled": pooled, "plain": PlainWire}


@pytest_asyncio.fixture(params=WIRES.values(), ids=WIRES.keys())
async def client(proxy: FaultProxy, request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    async with Client(proxy.config, wire=request.param) as opened:
        yield opened


def config_map(name: str, **fields: object) -> bytes:
    return msgspec.json.encode({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, **fields})


def answering(status: int, times: int, *, headers: dict[str, str] | None = None, code: bool = True) -> Fault:
    """The first requests get this status instead of the server's answer."""
    left = [times]

    async def fault(request: web.Request) -> web.StreamResponse | None:
        if left[0] == 0:
            return None
        left[0] -= 1
        body = {"kind": "Status", "status": "Failure", "message": "injected", "code": status} if code else {}
        return web.json_response(body, status=status, headers=headers)

    return fault


Call = Callable[[Client, str], Awaitable[object]]

CALLS: dict[str, tuple[str, Call]] = {
    "a read": ("GET", lambda c, ns: c.list(CONFIG_MAPS, ns)),
    "an apply": ("PATCH", lambda c, ns: c.apply(CONFIG_MAPS, ns, "x", config_map("x"), manager="tests")),
    "a create": ("POST", lambda c, ns: c.create(CONFIG_MAPS, ns, config_map("x"))),
    "a dry run of a create": ("POST", lambda c, ns: c.create(CONFIG_MAPS, ns, config_map("x"), dry_run=True)),
}


@pytest.mark.parametrize(("method", "call"), CALLS.values(), ids=CALLS.keys())
async def test_a_429_is_sent_again_whatever_it_was(
    client: Client, proxy: FaultProxy, namespace: str, method: str, call: Call
) -> None:
    proxy.fault = answering(429, 2)
    await call(client, namespace)
    assert proxy.count(method, "/configmaps") == 3


AGAIN = {
    ("a read", 503): 3,
    ("an apply", 503): 3,
    ("a create", 503): 1,
    ("a dry run of a create", 503): 3,
    ("a read", 500): 3,
    ("an apply", 500): 1,
    ("a create", 500): 1,
}


@pytest.mark.parametrize(
    ("what", "status", "sent"),
    [(what, status, sent) for (what, status), sent in AGAIN.items()],
    ids=[f"{what} after a {status} is sent {sent} times" for (what, status), sent in AGAIN.items()],
)
async def test_after_a_fault_of_the_server(
    client: Client, proxy: FaultProxy, namespace: str, what: str, status: int, sent: int
) -> None:
    method, call = CALLS[what]
    proxy.fault = answering(status, 2)
    if sent == 1:
        with pytest.raises(ServerError, match="injected"):
            await call(client, namespace)
    else:
        await call(client, namespace)
    assert proxy.count(method, "/configmaps") == sent


async def test_retry_after_is_obeyed(client: Client, proxy: FaultProxy, namespace: str) -> None:
    proxy.fault = answering(429, 1, headers={"Retry-After": "1"})
    begun = time.monotonic()
    await client.list(CONFIG_MAPS, namespace)
    assert time.monotonic() - begun >= 1.0


async def test_trying_ends_with_the_servers_own_words(client: Client, proxy: FaultProxy, namespace: str) -> None:
    proxy.fault = answering(429, 100)
    with pytest.raises(TooManyRequests, match="injected"):
        await client.list(CONFIG_MAPS, namespace)
    assert proxy.count("GET", "/configmaps") == 5


async def test_an_apply_that_cannot_be_typed_is_sent_once(client: Client, proxy: FaultProxy, namespace: str) -> None:
    with pytest.raises(UndeclaredField):
        await client.apply(CONFIG_MAPS, namespace, "x", config_map("x", bogus=1), manager="tests")
    assert proxy.count("PATCH", "/configmaps/x") == 1


async def test_a_create_whose_answer_is_lost_is_not_sent_again(
    client: Client, proxy: FaultProxy, namespace: str
) -> None:
    proxy.loses_answers = True
    with pytest.raises(Unreachable) as caught:
        await client.create(CONFIG_MAPS, namespace, config_map("x"))
    assert caught.value.connected
    assert proxy.count("POST", "/configmaps") == 1
    proxy.loses_answers = False
    with pytest.raises(AlreadyExists):
        await client.create(CONFIG_MAPS, namespace, config_map("x"))


@pytest.mark.parametrize("wire", WIRES)
async def test_an_answer_over_the_limit_is_dropped_and_the_client_lives(
    proxy: FaultProxy, admin: Client, namespace: str, wire: str
) -> None:
    await admin.create(CONFIG_MAPS, namespace, config_map("x", data={"a": "b" * 200_000}))
    async with Client(proxy.config, response_limit=100_000, wire=WIRES[wire]) as client:
        with pytest.raises(ResponseTooLarge):
            await client.list(CONFIG_MAPS, namespace)
        assert b"gitVersion" in await client.request("GET", "/version")
        with pytest.raises(ResponseTooLarge):
            async for _ in client.watch(CONFIG_MAPS, "", namespace=namespace, initial_events=True):
                pass
        assert b"gitVersion" in await client.request("GET", "/version")


async def test_a_redirect_is_refused_and_the_token_stays(client: Client, proxy: FaultProxy, namespace: str) -> None:
    async with FaultProxy.before(proxy.config) as elsewhere:

        async def redirect(request: web.Request) -> web.StreamResponse | None:
            raise web.HTTPTemporaryRedirect(elsewhere.url + request.raw_path)

        proxy.fault = redirect
        with pytest.raises(ApiError, match="redirects"):
            await client.list(CONFIG_MAPS, namespace)
        with pytest.raises(ApiError, match="redirects"):
            async for _ in client.watch(CONFIG_MAPS, "", namespace=namespace):
                pass
        assert elsewhere.requests == []


@pytest.mark.parametrize("wire", WIRES)
async def test_no_more_requests_are_in_flight_than_allowed(proxy: FaultProxy, namespace: str, wire: str) -> None:
    now, most = 0, 0

    async def slow(request: web.Request) -> web.StreamResponse | None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        return None

    proxy.fault = slow
    async with Client(proxy.config, in_flight=3, wire=WIRES[wire]) as client:
        await asyncio.gather(*(client.list(CONFIG_MAPS, namespace) for _ in range(20)))
    assert most == 3


async def test_an_answer_that_nobody_waits_for_is_not_the_next_ones(client: Client, proxy: FaultProxy) -> None:
    asked, answered = asyncio.Event(), asyncio.Event()

    async def hold(request: web.Request) -> web.StreamResponse | None:
        if "held" not in request.query:
            return None
        asked.set()
        await answered.wait()
        return web.json_response({"of": "another request"})

    proxy.fault = hold
    given_up = asyncio.create_task(client.request("GET", "/version", params={"held": "1"}))
    await asked.wait()
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    answered.set()
    assert b"gitVersion" in await client.request("GET", "/version")


async def test_nothing_is_compressed_on_loopback(client: Client, proxy: FaultProxy, namespace: str) -> None:
    seen: list[str] = []

    async def look(request: web.Request) -> web.StreamResponse | None:
        seen.append(request.headers.get("Accept-Encoding", ""))
        return None

    proxy.fault = look
    await client.list(CONFIG_MAPS, namespace)
    assert seen == ["identity"]


async def test_nobody_listens(cluster: Cluster, proxy: FaultProxy) -> None:
    config = msgspec.structs.replace(proxy.config, server="http://127.0.0.1:9")
    async with Client(config) as client:
        with pytest.raises(Unreachable, match=r"http://127\.0\.0\.1:9 cannot be reached") as caught:
            await client.request("POST", "/api/v1/namespaces", body=b"{}", attempts=2)
    assert not caught.value.connected
    assert cluster.token not in str(caught.value)


async def test_an_expired_continue_token_restarts_the_list_with_larger_pages(
    client: Client, proxy: FaultProxy, admin: Client, namespace: str
) -> None:
    names = {f"c{number}" for number in range(30)}
    await asyncio.gather(*(admin.create(CONFIG_MAPS, namespace, config_map(name)) for name in names))
    expired = [2]

    async def expire(request: web.Request) -> web.StreamResponse | None:
        if "continue=" not in request.raw_path or expired[0] == 0:
            return None
        expired[0] -= 1
        # As a server answers, with a token that would go on at another version.
        metadata = {"continue": "inconsistent-token"}
        body = {"kind": "Status", "metadata": metadata, "reason": "Expired", "message": "expired", "code": 410}
        return web.json_response(body, status=410)

    proxy.fault = expire
    listing = await client.list(CONFIG_MAPS, namespace, page=4)
    listed = [found.key.name for found in listing.objects]
    assert len(listed) == len(set(listed))
    assert names <= set(listed)
    assert proxy.count("GET", "inconsistent-token") == 0
    firsts = [path for _, path in proxy.requests if "continue=" not in path]
    assert [path.partition("limit=")[2] for path in firsts] == ["4", "16", "64"]


async def test_after_compaction_continue_tokens_and_watches_of_the_past_are_gone(
    spare: ControlPlane,
) -> None:
    async with Client(load_kubeconfig(spare.kubeconfig, None)) as client:
        await asyncio.gather(*(client.create(CONFIG_MAPS, "default", config_map(f"c{n}")) for n in range(10)))
        path = CONFIG_MAPS.path("default")
        page = msgspec.json.decode(await client.request("GET", path, params={"limit": "2"}))
        await client.create(CONFIG_MAPS, "default", config_map("later"))
        await spare.compact()
        await spare.stop_apiserver()
        await spare.start_apiserver()
        with pytest.raises(Gone):
            await client.request("GET", path, params={"limit": "2", "continue": page["metadata"]["continue"]})
        with pytest.raises(Gone):
            async for _ in client.watch(CONFIG_MAPS, page["metadata"]["resourceVersion"], namespace="default"):
                pass
        assert len((await client.list(CONFIG_MAPS, "default", page=2)).objects) >= 11


async def test_discovery_without_aggregation_finds_the_same(
    proxy: FaultProxy, client: Client, admin: Client, discovery: Discovery
) -> None:
    async def strip(request: web.Request) -> web.StreamResponse | None:
        # An old server does not know the aggregated form and answers in the form it knows.
        if "apidiscovery" not in request.headers.get("Accept", ""):
            return None
        answer = await admin.send("GET", request.raw_path)
        return web.Response(body=answer.body, content_type="application/json")

    proxy.fault = strip
    legacy = Discovery(client)
    await legacy.refresh()
    await discovery.refresh()
    assert sorted(map(repr, legacy.types())) == sorted(map(repr, discovery.types()))
    assert legacy.api_versions() == discovery.api_versions()
    assert legacy.unavailable == frozenset()


async def test_a_group_whose_service_is_down_keeps_its_known_kinds_and_hides_no_other(
    proxy: FaultProxy, client: Client, admin: Client
) -> None:
    down = False

    async def old_server(request: web.Request) -> web.StreamResponse | None:
        if down and request.path == "/apis/batch/v1":
            return web.json_response({"kind": "Status", "message": "no endpoints", "code": 503}, status=503)
        if "apidiscovery" not in request.headers.get("Accept", ""):
            return None
        answer = await admin.send("GET", request.raw_path)
        return web.Response(body=answer.body, content_type="application/json")

    proxy.fault = old_server
    discovery = Discovery(client)
    await discovery.refresh()
    down = True
    await discovery.refresh()
    assert discovery.unavailable == frozenset(("batch/v1",))
    assert discovery.find("batch", "Job") is not None
    assert discovery.find("apps", "Deployment") is not None


async def test_an_unchanged_discovery_is_not_sent_again(client: Client, proxy: FaultProxy) -> None:
    discovery = Discovery(client)
    await discovery.refresh()
    tags: list[str] = []

    async def look(request: web.Request) -> web.StreamResponse | None:
        tags.append(request.headers.get("If-None-Match", ""))
        return None

    proxy.fault = look
    types = discovery.types()
    await discovery.refresh()
    assert sum(1 for tag in tags if tag) == 2
    assert discovery.types() == types

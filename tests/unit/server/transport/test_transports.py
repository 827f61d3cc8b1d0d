"""One function, asked over REST, gRPC-web and gRPC on one port."""

import asyncio
import ssl
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from grpclib.exceptions import GRPCError
from tests.support.apiserver import ByHand, GrpcClient, RestClient, Served, api_server, ask_web, raw
from yarl import URL

from trueup.runtime.clock import SystemClock
from trueup.server.errors import Code, Fault, denied
from trueup.server.request import Functions, Json, Request, Stream
from trueup.server.transport import body, port
from trueup.server.transport.certificate import context_of, self_made

APP = {"metadata": {"name": "web", "labels": {"a": "b"}}, "spec": {"project": "shop"}}


async def _list(request: Request) -> Json:
    if request.message.get("selector") == "broken":
        raise RuntimeError("postgres://admin:hunter2@db")
    if request.message.get("selector") == "forbidden":
        raise denied()
    return {"metadata": {"resourceVersion": "7"}, "items": [APP], "asked": [request.caller.name, request.message]}


async def _watch(request: Request) -> Stream:
    async def items() -> AsyncIterator[Json]:
        yield {"type": "ADDED", "application": APP}
        if request.message.get("name") == "ends":
            return
        if request.message.get("name") == "fails":
            raise Fault(Code.ABORTED, "list again")
        ended.clear()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()

    return Stream(items())


async def _peer(request: Request) -> Json:
    return {"username": request.peer}


async def _echo(request: Request) -> Json:
    return {"echo": request.message}


ended = asyncio.Event()
FUNCTIONS: Functions = {
    "ApplicationService.List": _list,
    "ApplicationService.Watch": _watch,
    "ApplicationService.Sync": _echo,
    "ApplicationService.Update": _echo,
    "ClusterService.Get": _echo,
    "SessionService.GetUserInfo": _peer,
    "VersionService.Version": _echo,
}


@pytest_asyncio.fixture(scope="module")
async def served() -> AsyncIterator[Served]:
    async with api_server(FUNCTIONS) as found:
        yield found


async def test_rest_answers_json(served: Served) -> None:
    async with RestClient(served) as client:
        status, found = await client.ask("GET", "/api/v1/applications?projects=a&projects=b&selector=x%3Dy&unknown=1")
    assert (status, found["items"]) == (200, [APP])
    assert found["asked"] == ["admin", {"projects": ["a", "b"], "selector": "x=y"}]


async def test_where_a_request_comes_from_is_known_whatever_it_says(served: Served) -> None:
    async with RestClient(served) as rest, GrpcClient(served) as grpc:
        assert await rest.ask("GET", "/api/v1/session/userinfo") == (200, {"username": "127.0.0.1"})
        assert await grpc.ask("SessionService.GetUserInfo", {}) == {"username": "127.0.0.1"}
    (found,) = await ask_web(served, "SessionService.GetUserInfo", {})
    assert found == {"username": "127.0.0.1"}
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(b"GET /api/v1/session/userinfo HTTP/1.1\r\nHost: x\r\n:peer: 192.0.2.1\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    assert b"192.0.2.1" not in answer


async def test_headers_are_strict(served: Served) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{served.url}/api/v1/applications") as response:
        assert response.status == 401
        assert await response.json() == {
            "error": "no session information",
            "code": 16,
            "message": "no session information",
        }
        headers = response.headers
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "server" not in headers


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ("items.metadata.name", {"metadata": {"resourceVersion": "7"}, "items": [{"metadata": {"name": "web"}}]}),
        ("items.spec,items.spec.project", {"metadata": {"resourceVersion": "7"}, "items": [{"spec": APP["spec"]}]}),
        ("-items.metadata,asked", {"metadata": {"resourceVersion": "7"}, "items": [{"spec": {"project": "shop"}}]}),
    ],
)
async def test_fields_choose_parts_of_an_answer(served: Served, fields: str, found: Json) -> None:
    async with RestClient(served) as client:
        assert (await client.ask("GET", f"/api/v1/applications?fields={fields}"))[1] == found


@pytest.mark.parametrize(
    ("verb", "path", "sent", "message"),
    [
        ("POST", "/api/v1/applications/web/sync", {"prune": True, "name": "other"}, {"prune": True, "name": "web"}),
        (
            "PUT",
            "/api/v1/applications/web?validate=false",
            {"spec": {"project": "x"}},
            {"validate": False, "application": {"spec": {"project": "x"}, "metadata": {"name": "web"}}},
        ),
        (
            "GET",
            "/api/v1/clusters/https%3A%2F%2Fkubernetes.default.svc?id.type=server",
            None,
            {"id": {"value": "https://kubernetes.default.svc", "type": "server"}},
        ),
    ],
    ids=["a body of all, and a path that wins", "a body of one field", "a segment that holds slashes"],
)
async def test_rest_fills_the_message(served: Served, verb: str, path: str, sent: Json, message: Json) -> None:
    async with RestClient(served) as client:
        assert await client.ask(verb, path, sent) == (200, {"echo": message})


@pytest.mark.parametrize(
    ("verb", "path", "sent", "status", "found"),
    [
        ("GET", "/api/v1/nothing", None, 404, {"error": "Not Found", "code": 5, "message": "Not Found"}),
        ("POST", "/api/v2", {}, 404, {"error": "Not Found", "code": 5, "message": "Not Found"}),
        ("PUT", "/api/v1/applications", {}, 405, "Method Not Allowed"),
        ("POST", "/api/v1/applications/web/sync", {"prune": "yes"}, 400, "prune has to be true or false"),
        ("GET", "/api/v1/applications?selector=forbidden", None, 403, "permission denied"),
        ("GET", "/api/v1/applications?selector=broken", None, 500, "internal error"),
        ("GET", "/api/v1/gpgkeys", None, 501, "GPGKeyService.List is not built in Trueup yet"),
        ("GET", "/api/v1/applications?selector=%ff", None, 400, "the query cannot be read"),
    ],
)
async def test_what_cannot_be_answered(
    served: Served, verb: str, path: str, sent: Json, status: int, found: str | Json
) -> None:
    async with RestClient(served) as client:
        code, answer = await client.ask(verb, path, sent)
    assert code == status
    if isinstance(found, str):
        assert found in (answer if isinstance(answer, str) else answer["message"])
    else:
        assert answer == found


async def test_q35_a_form_of_another_site_changes_nothing(served: Served) -> None:
    async with RestClient(served) as client:
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            path = "/api/v1/applications/web/sync"
            assert await client.ask("POST", path, {}, headers={"content-type": kind}) == (415, "Invalid content type")
            path = "/api/v1/applications/web/operation"
            assert await client.ask("DELETE", path, {}, headers={"content-type": kind}) == (415, "Invalid content type")
    headers = {"authorization": "Bearer token"}
    async with aiohttp.ClientSession(served.url, headers=headers, skip_auto_headers=["content-type"]) as session:
        for verb, path, status in (("POST", "web/sync", 415), ("DELETE", "web/operation", 501)):
            async with session.request(verb, f"/api/v1/applications/{path}") as response:
                assert response.status == status


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (b'{"prune":true} x', "Extra data at offset 15"),
        (b'{"prune":true,"prune":false}', "a key comes twice"),
        (b'{"retryStrategy":{"limit":NaN}}', "NaN is no number"),
        (b"[" * 200_000, "no JSON"),
        (b'{"revision":"\xff"}', "no JSON"),
        (b'{"retryStrategy":{"limit":' + b"9" * 5000 + b"}}", "no JSON"),
    ],
)
async def test_q37_a_body_that_two_read_in_two_ways_is_refused(served: Served, sent: bytes, error: str) -> None:
    headers = {"authorization": "Bearer token", "content-type": "application/json"}
    url = f"{served.url}/api/v1/applications/web/sync"
    async with aiohttp.ClientSession() as session, session.post(url, data=sent, headers=headers) as response:
        assert response.status == 400
        assert error in (await response.json())["message"]


async def test_streams(served: Served) -> None:
    async with RestClient(served) as client:
        path = "/api/v1/stream/applications"
        assert await client.lines(f"{path}?name=ends&fields=result.application.metadata.name", 2) == [
            '{"result":{"application":{"metadata":{"name":"web"}}}}'
        ]
        assert (await client.lines(f"{path}?name=fails", 2))[1] == (
            '{"error":{"grpc_code":10,"http_code":409,"message":"list again","http_status":"Conflict"}}'
        )
        events = await client.lines(f"{path}?name=ends", 1, {"accept": "text/event-stream"})
        assert events[0].startswith('data: {"result":{"type":"ADDED"')


async def test_a_stream_ends_with_its_reader(served: Served) -> None:
    async with RestClient(served) as client:
        await client.lines("/api/v1/stream/applications", 1)
    await ended.wait()
    async with GrpcClient(served) as grpc:
        async for item in grpc.follow("ApplicationService.Watch", {}):
            assert item["type"] == "ADDED"
            break
    await ended.wait()


async def test_grpc_web(served: Served) -> None:
    assert (await ask_web(served, "ApplicationService.List", {}))[0]["items"] == [APP]
    assert [each["type"] for each in await ask_web(served, "ApplicationService.Watch", {"name": "ends"})] == ["ADDED"]
    for name, message in (("List", {"selector": "forbidden"}), ("Watch", {"name": "fails"})):
        with pytest.raises(Fault, match=r"permission denied|list again"):
            await ask_web(served, f"ApplicationService.{name}", message)


async def test_grpc(served: Served) -> None:
    async with GrpcClient(served) as client:
        assert (await client.ask("ApplicationService.List", {}))["items"] == [APP]
        found = [each["type"] async for each in client.follow("ApplicationService.Watch", {"name": "ends"})]
        assert found == ["ADDED"]
        with pytest.raises(GRPCError, match="permission denied"):
            await client.ask("ApplicationService.List", {"selector": "forbidden"})
        with pytest.raises(GRPCError, match="list again"):
            [each async for each in client.follow("ApplicationService.Watch", {"name": "fails"})]
    async with GrpcClient(served, "") as client:
        with pytest.raises(GRPCError, match="no session information"):
            await client.ask("ApplicationService.List", {})


async def test_a_method_that_is_none_is_unimplemented_over_grpc(served: Served) -> None:
    async with GrpcClient(served) as client:
        for path in ("/application.ApplicationService/Nope", "/x.Y/Z", "/" + "x" * 5000):
            with pytest.raises(GRPCError, match="unknown method") as refused:
                await client.ask_path(path)
            assert refused.value.status.value == Code.UNIMPLEMENTED
            assert len(refused.value.message or "") < 300


async def test_what_needs_nobody(served: Served) -> None:
    async with RestClient(served, "") as client:
        assert await client.ask("GET", "/api/version") == (200, {"echo": {}})
    async with RestClient(served, "wrong") as client:
        assert (await client.ask("GET", "/api/version"))[0] == 200
        assert (await client.ask("GET", "/api/v1/applications"))[0] == 401


async def test_each_request_is_audited(served: Served) -> None:
    served.asked.clear()
    async with RestClient(served) as client:
        await client.ask("GET", "/api/v1/applications?selector=forbidden")
        await client.ask("POST", "/api/v1/applications/web/sync", {"name": "web"})
    async with RestClient(served, "wrong") as client:
        await client.ask("POST", "/api/v1/applications/web/sync", {"name": "web"})
    found = [(each.subject, each.method.name, each.code, each.writes) for each in served.asked]
    assert found == [
        ("admin", "List", Code.PERMISSION_DENIED, False),
        ("admin", "Sync", None, True),
        ("", "Sync", Code.UNAUTHENTICATED, True),
    ]


async def test_probes_and_the_description_are_for_all(served: Served) -> None:
    async with RestClient(served, "") as client:
        assert await client.ask("GET", "/healthz") == (200, "ok")
        assert await client.ask("GET", "/readyz") == (200, "ok")
        status, document = await client.ask("GET", "/swagger.json")
    assert status == 200
    assert len(document["paths"]) > 80
    node = document["definitions"]["v1alpha1ResourceNode"]["properties"]
    assert {"kind", "parentRefs"} <= set(node)


async def test_below_a_path() -> None:
    async with api_server(FUNCTIONS, root="/argocd") as served:
        async with RestClient(served) as client:
            assert (await client.ask("GET", "/argocd/api/v1/applications"))[0] == 200
            assert (await client.ask("GET", "/api/v1/applications"))[0] == 404
            assert (await client.ask("GET", "/healthz"))[0] == 200
        assert (await ask_web(served, "ApplicationService.List", {}, root="/argocd"))[0]["items"]


async def test_the_path_of_all_leads_to_its_pages() -> None:
    async with api_server(FUNCTIONS, root="/argocd") as served, aiohttp.ClientSession(served.url) as session:
        for asked, status, location in (
            ("/argocd", 307, "/argocd/"),
            ("/argocd?a=%2F&b", 307, "/argocd/?a=%2F&b"),
            ("/argocde", 404, None),
        ):
            async with session.get(URL(asked, encoded=True), allow_redirects=False) as response:
                assert (response.status, response.headers.get("location")) == (status, location)


async def test_who_is_not_ready_says_so() -> None:
    async with api_server(FUNCTIONS, ready=lambda: False) as served, RestClient(served, "") as client:
        assert await client.ask("GET", "/readyz") == (503, "not ready")
        assert await client.ask("GET", "/healthz") == (200, "ok")


async def test_tls_speaks_both() -> None:
    certificate, key = self_made(SystemClock().now())
    async with api_server(FUNCTIONS, context=context_of(certificate, key)) as served:
        trusting = ssl.create_default_context(cadata=certificate.decode())
        async with aiohttp.ClientSession() as session, session.get(f"{served.url}/healthz", ssl=trusting) as response:
            assert response.status == 200
        trusting.set_alpn_protocols(["h2"])
        async with GrpcClient(served, context=trusting) as client:
            assert (await client.ask("ApplicationService.List", {}))["items"] == [APP]


HEAD = b"POST /api/v1/applications/web/sync HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
SIGNED = HEAD + b"authorization: Bearer token\r\n"


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"\x16\x03\x01\x02\x00", b"HTTP/1.1 400"),
        (b"GET / HTTP/9.9\r\n\r\n", b"HTTP/1.1 400"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnonsense that is no frame at all", b""),
        (b"PRI * HTTP/1.1\r\n\r\n", b""),
        (SIGNED + b"content-length: 99999999999\r\nconnection: close\r\n\r\n", b"HTTP/1.1 429"),
        (SIGNED + b"authorization: Bearer x\r\nconnection: close\r\n\r\n", b"HTTP/1.1 400"),
        (b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 20_000, b""),
        (SIGNED + b"connection: close\r\ncontent-length: 8\r\n\r\n[[[[[[[[", b"HTTP/1.1 400"),
    ],
    ids=[
        "TLS where plain text is spoken",
        "a version that is none",
        "HTTP/2 that is none",
        "half a preface",
        "a body that is too large is not read",
        "two tokens are none",
        "a head without an end",
        "a body that is no JSON",
    ],
)
async def test_what_is_broken_ends(served: Served, sent: bytes, answer: bytes) -> None:
    assert (await raw(served, sent, end=True)).startswith(answer)


async def test_a_body_larger_than_it_says_is_refused(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trueup.server.transport.rest.LARGEST", 1000)
    chunk = b"400\r\n" + b" " * 1024 + b"\r\n"
    sent = SIGNED + b"connection: close\r\ntransfer-encoding: chunked\r\n\r\n" + chunk * 3
    assert (await raw(served, sent)).startswith(b"HTTP/1.1 429")


async def test_who_says_nothing_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port, "FIRST_BYTES", 0.05)
    monkeypatch.setattr(port, "HEAD_SECONDS", 0.05)
    monkeypatch.setattr(body, "PATIENCE", 0.05)
    async with api_server(FUNCTIONS) as served:
        assert await raw(served, b"") == b""
        assert await raw(served, b"GET / HT") == b""
        assert (await raw(served, SIGNED + b"connection: close\r\ncontent-length: 10\r\n\r\n{")).startswith(
            b"HTTP/1.1 504"
        )


async def test_http_2_that_asks_for_nothing_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port, "IDLE", 0.05)
    async with api_server(FUNCTIONS) as served:
        settings = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
        assert await raw(served, port.PREFACE + settings)


async def test_connections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port, "MOST", 2)
    async with api_server(FUNCTIONS) as served:
        first = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(2)]
        for _, writer in first:
            writer.write(b"G")
        assert await raw(served, b"") == b""
        for reader, writer in first:
            writer.write(b"ET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            assert (await reader.read()).startswith(b"HTTP/1.1 200")
            writer.close()


async def test_a_message_that_is_too_large_is_not_taken(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trueup.server.transport.grpc.LARGEST", 100)
    async with GrpcClient(served) as client:
        with pytest.raises(GRPCError, match="larger than 100 bytes"):
            await client.ask("ApplicationService.List", {"selector": "x" * 1000})


async def test_q39_who_takes_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "STALLED", 0.05)
    gone = asyncio.Event()

    async def watch(request: Request) -> Stream:
        async def items() -> AsyncIterator[Json]:
            try:
                while True:
                    yield {"type": "ADDED", "application": {"metadata": {"name": "x" * 100_000}}}
            finally:
                gone.set()

        return Stream(items())

    async with api_server({"ApplicationService.Watch": watch}) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port, limit=1024)
        writer.write(b"GET /api/v1/stream/applications HTTP/1.1\r\nhost: a\r\nauthorization: Bearer token\r\n\r\n")
        await gone.wait()
        writer.close()
        assert not reader.at_eof()


def test_a_caller_by_hand_is_one() -> None:
    assert ByHand().may("applications", "get", "a/b")

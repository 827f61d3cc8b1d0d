"""Registries that are broken, slow or hostile: each is survived, and no password goes where it does not belong."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from tests.support.httpserver import serving
from tests.support.patience import stretched

from trueup.model.errors import InvalidSpec, SourceUnavailable, Stalled, TrueupError, Waiting
from trueup.sources.registry import Access, RegistryClient, access_from_dockerconfig
from trueup.sources.registry.challenge import read_challenges
from trueup.sources.registry.errors import AccessRefused, NoSuchImage

ACCESS = Access(username="ada", password="s3cret")
BASIC = "Basic " + base64.b64encode(b"ada:s3cret").decode()

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def always(status: int, body: bytes = b"", **headers: str) -> Answer:
    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return answer


async def endless(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    try:
        while True:
            await response.write(b"x" * 65536)
    except ConnectionError:
        pass
    return response


async def slow(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b'{"tags": [')
    await asyncio.sleep(5)
    return response


async def cut(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"tags": [')
    assert request.transport
    request.transport.close()
    return response


SLOW = "a slow answer"
"""The one that is told when the time is up."""
FAULTS: dict[str, tuple[Answer, type[TrueupError], str]] = {
    "401 for ever": (always(401, WWW_Authenticate='Basic realm="x"'), AccessRefused, "pull secret"),
    "401 without a way in": (always(401), AccessRefused, "pull secret"),
    "a challenge that is garbage": (always(401, WWW_Authenticate='Bearer realm="ftp://x"'), SourceUnavailable, "token"),
    "403": (always(403), AccessRefused, "pull secret"),
    "404": (always(404), NoSuchImage, "team/app"),
    "429": (always(429), Waiting, "too many requests"),
    "429 with a time to wait": (always(429, Retry_After="7"), Waiting, "7 s"),
    "503 with a time to wait": (always(503, Retry_After="9"), Waiting, "9 s"),
    "500": (always(500, b"<html>secret stack trace</html>"), SourceUnavailable, "answers 500"),
    "garbage": (always(200, b"\xff\xfe{]"), SourceUnavailable, "nonsense"),
    "deep garbage": (always(200, b'{"tags":' + b"[" * 100_000), SourceUnavailable, "nonsense"),
    "an error nested deep": (always(500, b"[" * 1500 + b"]" * 1500), SourceUnavailable, "answers 500"),
    "an error that is no text": (always(404, b'{"errors":[{"code":"\xff"}]}'), NoSuchImage, "team/app"),
    "another type": (always(200, b'{"tags": {"a": 1}}'), SourceUnavailable, "nonsense"),
    "an endless answer": (endless, SourceUnavailable, "larger than"),
    SLOW: (slow, SourceUnavailable, "no answer within"),
    "a cut answer": (cut, SourceUnavailable, "registry"),
    "a redirect without end": (always(302, Location="/v2/again"), SourceUnavailable, "without end"),
    "a redirect to a file": (always(302, Location="file:///etc/passwd"), SourceUnavailable, "nobody may follow"),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_has_a_type_and_names_the_registry(fault: str) -> None:
    answer, kind, text = FAULTS[fault]
    timeout = 1.5 if fault == SLOW else stretched(10)
    async with serving(answer) as host, RegistryClient(timeout=timeout) as client:
        with pytest.raises(kind, match=text) as caught:
            await client.tags(host, "team/app", ACCESS)
    assert type(caught.value) is kind
    assert host in str(caught.value)
    assert "s3cret" not in str(caught.value) and "html" not in str(caught.value)


async def test_nobody_listens() -> None:
    async with RegistryClient(timeout=stretched(10)) as client:
        with pytest.raises(SourceUnavailable, match=r"127\.0\.0\.1:9"):
            await client.tags("127.0.0.1:9", "a", Access())


async def test_a_registry_that_asked_for_peace_gets_it() -> None:
    asked: list[str] = []
    now = [0.0]

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.path)
        if len(asked) == 1 or request.path == "/v2/":
            return web.Response(status=429, headers={"Retry-After": "30"})
        return web.json_response({"tags": ["v1"]})

    async with serving(answer) as host, RegistryClient(timeout=stretched(10), now=lambda: now[0]) as client:
        access = Access(plain_http=True)
        with pytest.raises(Waiting):
            await client.tags(host, "a", access)
        with pytest.raises(Waiting) as caught:
            await client.tags(host, "b", access)
        assert 0 < caught.value.after <= 30
        assert len(asked) == 1
        now[0] = 31.0
        assert await client.tags(host, "b", access) == ["v1"]


class TestOtherHosts:
    """A second host sees what it is asked, but never who asks."""

    @staticmethod
    async def seen_by_second(first: Callable[[str], Answer], **access: Any) -> tuple[list[dict[str, str]], str]:
        seen: list[dict[str, str]] = []

        async def second(request: web.BaseRequest) -> web.StreamResponse:
            seen.append(dict(request.headers))
            return web.json_response({"tags": ["stolen"], "token": "t"})

        error = ""
        async with (
            serving(second) as other,
            serving(first(other)) as host,
            RegistryClient(timeout=stretched(10)) as client,
        ):
            try:
                await client.tags(host, "team/app", Access(username="ada", password="s3cret", **access))
            except TrueupError as caught:
                error = str(caught)
        return seen, error

    async def test_a_redirect_loses_the_header(self) -> None:
        def first(other: str) -> Answer:
            async def answer(request: web.BaseRequest) -> web.StreamResponse:
                if request.headers.get("Authorization") != BASIC:
                    return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
                return web.Response(status=307, headers={"Location": f"http://{other}/v2/team/app/tags/list"})

            return answer

        seen, _ = await self.seen_by_second(first)
        assert seen and not any("Authorization" in headers for headers in seen)

    async def test_who_comes_back_from_another_host_shows_nothing(self) -> None:
        shown: list[str] = []

        async def second(request: web.BaseRequest) -> web.StreamResponse:
            return web.Response(status=307, headers={"Location": f"http://{home[0]}/v2/admin"})

        async def first(request: web.BaseRequest) -> web.StreamResponse:
            if request.path == "/v2/admin":
                shown.append(request.headers.get("Authorization", ""))
                return web.json_response({"tags": []})
            if request.headers.get("Authorization") != BASIC:
                return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
            return web.Response(status=307, headers={"Location": f"http://{other}/"})

        home = [""]
        async with serving(second) as other, serving(first) as host, RegistryClient(timeout=stretched(10)) as client:
            home[0] = host
            await client.tags(host, "team/app", ACCESS)
        assert shown == [""]

    async def test_what_another_host_wants_to_be_shown_is_not_answered(self) -> None:
        seen: list[str] = []

        async def second(request: web.BaseRequest) -> web.StreamResponse:
            seen.append(request.headers.get("Authorization", ""))
            return web.Response(status=401, headers={"WWW-Authenticate": f'Bearer realm="http://{request.host}/t"'})

        async def first(request: web.BaseRequest) -> web.StreamResponse:
            return web.Response(status=307, headers={"Location": f"http://{other}/"})

        async with serving(second) as other, serving(first) as host, RegistryClient(timeout=stretched(10)) as client:
            with pytest.raises(AccessRefused):
                await client.tags(host, "team/app", ACCESS)
        assert set(seen) == {""}

    @pytest.mark.parametrize("name", ["127.0.0.1:{}", "localhost:{}", "user@127.0.0.1:{}"])
    @pytest.mark.parametrize("access", [{}, {"token": "identity"}], ids=["a password", "an identity token"])
    async def test_a_token_server_on_another_host_sees_nothing(self, name: str, access: dict[str, str]) -> None:
        def first(other: str) -> Answer:
            realm = f"http://{name.format(other.rpartition(':')[2])}/token"
            return always(401, WWW_Authenticate=f'Bearer realm="{realm}",service="s"')

        seen, error = await self.seen_by_second(first, **access)
        assert seen == [] and error

    async def test_an_upload_elsewhere_takes_the_blob_without_a_password(self) -> None:
        seen: list[str] = []

        async def second(request: web.BaseRequest) -> web.StreamResponse:
            seen.append(request.headers.get("Authorization", ""))
            return web.Response(status=201)

        async def first(request: web.BaseRequest) -> web.StreamResponse:
            if request.headers.get("Authorization") != BASIC:
                return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
            if request.method == "POST":
                return web.Response(status=202, headers={"Location": f"http://{other}/upload"})
            return web.Response(status=404)

        async with serving(second) as other, serving(first) as host, RegistryClient(timeout=stretched(10)) as client:
            with pytest.raises(SourceUnavailable, match="nobody may follow"):
                await client.push_blob(host, "a", b"data", ACCESS)
        assert seen == []

    async def test_a_password_of_the_users_files_is_shown_to_nobody(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("default login ada password canary\n")
        netrc.chmod(0o600)
        monkeypatch.setenv("NETRC", str(netrc))
        shown: list[str] = []

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            shown.append(request.headers.get("Authorization", ""))
            return web.json_response({"tags": ["v1"]})

        async with serving(answer) as host, RegistryClient(timeout=stretched(10)) as client:
            await client.tags(host, "team/app", Access())
        assert set(shown) == {""}

    async def test_a_link_to_another_host_is_not_followed(self) -> None:
        def first(other: str) -> Answer:
            async def answer(_: web.BaseRequest) -> web.StreamResponse:
                link = f'<http://{other}/v2/team/app/tags/list?last=a>; rel="next"'
                return web.json_response({"tags": ["a"]}, headers={"Link": link})

            return answer

        seen, _ = await self.seen_by_second(first)
        assert seen == []

    async def test_a_token_server_without_tls_elsewhere_sees_no_password(self) -> None:
        async def answer(_: web.BaseRequest) -> web.StreamResponse:
            challenge = 'Bearer realm="http://tokens.example.com/t",service="s"'
            return web.Response(status=401, headers={"WWW-Authenticate": challenge})

        async with serving(answer) as host, RegistryClient(timeout=stretched(10)) as client:
            with pytest.raises(AccessRefused, match="no TLS"):
                await client.tags(host, "team/app", ACCESS)


async def test_a_token_is_bought_used_and_bought_again_when_it_has_expired() -> None:
    bought: list[str] = []
    now = [0.0]
    valid = [""]

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/token":
            if request.headers.get("Authorization") != BASIC:
                return web.Response(status=401)
            bought.append(request.query["scope"])
            valid[0] = f"token-{len(bought)}"
            return web.json_response({"token": valid[0], "expires_in": 300})
        if request.headers.get("Authorization") != f"Bearer {valid[0]}":
            realm = f"http://{request.host}/token"
            challenge = f'Bearer realm="{realm}",service="reg",scope="repository:team/app:pull"'
            return web.Response(status=401, headers={"WWW-Authenticate": challenge})
        return web.json_response({"tags": ["v1"]})

    async with serving(answer) as host, RegistryClient(timeout=stretched(10), now=lambda: now[0]) as client:
        for _ in range(3):
            assert await client.tags(host, "team/app", ACCESS) == ["v1"]
        assert bought == ["repository:team/app:pull"]
        now[0] = 400.0
        await client.tags(host, "team/app", ACCESS)
        assert len(bought) == 2
        valid[0] = "revoked"
        await client.tags(host, "team/app", ACCESS)
        assert len(bought) == 3
        with pytest.raises(AccessRefused):
            await client.tags(host, "team/app", Access(username="ada", password="wrong"))


NO_TOKENS = {"deep": b"[" * 1500 + b"]" * 1500, "no text": b'{"token":"\xff"}', "no mapping": b"[]"}


@pytest.mark.parametrize("token", NO_TOKENS.values(), ids=NO_TOKENS)
async def test_a_token_that_is_none_is_a_fault_of_its_registry(token: bytes) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/token":
            return web.Response(body=token)
        realm = f'Bearer realm="http://{request.host}/token",service="s"'
        return web.Response(status=401, headers={"WWW-Authenticate": realm})

    async with serving(answer) as host, RegistryClient() as client:
        with pytest.raises(SourceUnavailable, match="nonsense"):
            await client.tags(host, "team/app", ACCESS)


async def test_an_identity_token_buys_a_token() -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/token":
            form = dict(part.split("=", 1) for part in (await request.text()).split("&"))
            good = form["grant_type"] == "refresh_token" and form["refresh_token"] == "identity"
            return web.json_response({"access_token": "bought"}) if good else web.Response(status=401)
        if request.headers.get("Authorization") != "Bearer bought":
            realm = f'Bearer realm="http://{request.host}/token"'
            return web.Response(status=401, headers={"WWW-Authenticate": realm})
        return web.json_response({"tags": None})

    async with serving(answer) as host, RegistryClient(timeout=stretched(10)) as client:
        assert await client.tags(host, "team/app", Access(token="identity")) == []


async def test_what_is_not_what_its_digest_says_is_refused() -> None:
    async with serving(always(200, b"other")) as host, RegistryClient(timeout=stretched(10)) as client:
        with pytest.raises(SourceUnavailable, match="is not sha256"):
            await client.pull_blob(host, "a", "sha256:" + "0" * 64, Access())


CHALLENGES = {
    "basic": ('Basic realm="x"', [("basic", {"realm": "x"})]),
    "bearer": (
        'Bearer realm="https://a/t",service="s",scope="repository:a:pull,push"',
        [("bearer", {"realm": "https://a/t", "service": "s", "scope": "repository:a:pull,push"})],
    ),
    "both": ('Basic realm="x", Bearer realm="y"', [("basic", {"realm": "x"}), ("bearer", {"realm": "y"})]),
    "escaped": (r'Bearer realm="a\"b"', [("bearer", {"realm": 'a"b'})]),
    "no quotes": ("Bearer realm=https://a/t,service=s", [("bearer", {"realm": "https://a/t", "service": "s"})]),
    "nothing": ("", []),
    "garbage": ('="', []),
}


@pytest.mark.parametrize("rule", CHALLENGES)
def test_challenges_are_read(rule: str) -> None:
    header, expected = CHALLENGES[rule]
    assert [(each.scheme, each.parameters) for each in read_challenges([header])] == expected


def auth(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


DOCKER_CONFIGS: dict[str, tuple[Any, str, str, str]] = {
    "auth": ({"auths": {"ghcr.io": {"auth": auth("u:p:q")}}}, "ghcr.io", "a/b", "u p:q"),
    "user and password": ({"auths": {"ghcr.io": {"username": "u", "password": "p"}}}, "ghcr.io", "a/b", "u p"),
    "with a scheme and a path": ({"auths": {"https://ghcr.io/v2/": {"auth": auth("u:p")}}}, "ghcr.io", "a", "u p"),
    "the longest path wins": (
        {"auths": {"r.io": {"auth": auth("a:1")}, "r.io/team": {"auth": auth("b:2")}}},
        "r.io",
        "team/app",
        "b 2",
    ),
    "a path is a whole one": (
        {"auths": {"r.io": {"auth": auth("a:1")}, "r.io/tea": {"auth": auth("b:2")}}},
        "r.io",
        "team/app",
        "a 1",
    ),
    "Docker's registry by its old name": (
        {"auths": {"https://index.docker.io/v1/": {"auth": auth("u:p")}}},
        "docker.io",
        "library/nginx",
        "u p",
    ),
    "the older form": ({"r.io": {"auth": auth("u:p")}}, "r.io", "a", "u p"),
    "another registry": ({"auths": {"other.io": {"auth": auth("u:p")}}}, "r.io", "a", ""),
    "a longer host": ({"auths": {"r.io.evil.com": {"auth": auth("u:p")}}}, "r.io", "a", ""),
}


@pytest.mark.parametrize("rule", DOCKER_CONFIGS)
def test_docker_configurations_are_read(rule: str) -> None:
    config, registry, repository, expected = DOCKER_CONFIGS[rule]
    access = access_from_dockerconfig(msgspec.json.encode(config), registry, repository)
    assert (f"{access.username} {access.password}" if access else "") == expected
    assert "p" not in repr(access).removeprefix("Access") or access is None


@pytest.mark.parametrize(
    "data",
    [
        *(b"no", b"[]", b'{"auths": 1}', b'{"auths": {"r.io": 1}}', b'{"auths": {"r.io": {"auth": "!"}}}'),
        b'{"auths": {"r.io": {"username": 1}}}',
        b"[" * 1500 + b"]" * 1500,
        b'{"auths": "\xff"}',
    ],
)
def test_a_pull_secret_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidSpec, match="pull secret"):
        access_from_dockerconfig(data, "r.io", "a")


def test_a_stalled_error_is_no_waiting() -> None:
    assert issubclass(AccessRefused, Stalled)

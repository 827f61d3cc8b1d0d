"""Pull requests by the APIs of GitHub, GitLab and Gitea: opened once, refused with a remedy."""

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web
from tests.support.httpserver import serving

from trueup.model.errors import SourceUnavailable, Stalled, TrueupError
from trueup.sources.credential import Credential
from trueup.sources.pulls import PullRequest, open_pull_request

TOKEN = Credential(username="bot", password="t0ken")


class Host:
    """A host of one kind: it keeps the pull requests that were opened."""

    def __init__(self, provider: str) -> None:
        self.provider = provider
        self.opened: list[dict[str, Any]] = []
        self.paths: list[str] = []

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.paths.append(request.path_qs.partition("?")[0])
        shown = {
            "github": request.headers.get("Authorization") == "Bearer t0ken",
            "gitlab": request.headers.get("PRIVATE-TOKEN") == "t0ken",
            "gitea": request.headers.get("Authorization") == "token t0ken",
        }[self.provider]
        if not shown:
            return web.json_response({"message": "Bad credentials"}, status=401)
        if request.method == "GET":
            size, number = (int(request.query.get(name, 1)) for name in ("limit", "page"))
            listed = self.opened[size * (number - 1) :][:size] if self.provider == "gitea" else self.opened
            return web.json_response(listed)
        body = msgspec.json.decode(await request.read())
        number = len(self.opened) + 1
        page = f"http://{request.host}/pull/{number}"
        made = {"html_url": page, "web_url": page, "head": {"ref": body.get("head")}, **body}
        if self.provider == "github" or self.provider == "gitea":
            made["head"] = {"ref": body["head"]}
        self.opened.append(made)
        return web.json_response(made, status=201)


def asked(url: str, provider: str = "") -> PullRequest:
    return PullRequest(url=url, provider=provider, head="trueup/images-1", base="main", title="Update", body="web to 2")


@pytest.mark.parametrize(
    ("provider", "path"),
    [
        ("github", "/api/v3/repos/team/shop/pulls"),
        ("gitlab", "/api/v4/projects/team%2Fshop/merge_requests"),
        ("gitea", "/api/v1/repos/team/shop/pulls"),
    ],
)
async def test_one_is_opened_and_found_again(provider: str, path: str) -> None:
    host = Host(provider)
    async with serving(host.handle) as place, aiohttp.ClientSession() as session:
        request = asked(f"http://{place}/team/shop.git", provider)
        first = await open_pull_request(request, TOKEN, session)
        second = await open_pull_request(request, TOKEN, session)
    assert first == second == f"http://{place}/pull/1"
    assert len(host.opened) == 1
    assert set(host.paths) == {path} or set(host.paths) == {path.replace("%2F", "/")}
    made = host.opened[0]
    assert (made.get("title"), made.get("base") or made.get("target_branch")) == ("Update", "main")


async def test_one_of_gitea_is_found_behind_many_others() -> None:
    host = Host("gitea")
    host.opened = [{"html_url": "other", "head": {"ref": f"other-{number}"}} for number in range(120)]
    async with serving(host.handle) as place, aiohttp.ClientSession() as session:
        request = asked(f"http://{place}/team/shop.git", "gitea")
        first = await open_pull_request(request, TOKEN, session)
        assert await open_pull_request(request, TOKEN, session) == first
    assert len(host.opened) == 121


async def test_a_wrong_token_is_refused_with_a_remedy_and_not_shown() -> None:
    host = Host("github")
    async with serving(host.handle) as place, aiohttp.ClientSession() as session:
        with pytest.raises(Stalled, match=r"401.*Bad credentials") as caught:
            await open_pull_request(
                asked(f"http://{place}/team/shop", "github"), Credential(password="s3cret"), session
            )
    assert caught.value.hint and "s3cret" not in str(caught.value)


Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


async def down(_: web.BaseRequest) -> web.StreamResponse:
    return web.Response(status=502, text="<html>")


async def garbage(_: web.BaseRequest) -> web.StreamResponse:
    return web.Response(status=422, body=b"\xff{")


@pytest.mark.parametrize(("answer", "kind"), [(down, SourceUnavailable), (garbage, Stalled)])
async def test_a_host_that_is_down_or_odd(answer: Answer, kind: type[TrueupError]) -> None:
    async with serving(answer) as place, aiohttp.ClientSession() as session:
        with pytest.raises(kind, match=place):
            await open_pull_request(asked(f"http://{place}/team/shop", "gitea"), TOKEN, session)


DEEP = b'{"a":' * 1500 + b"1" + b"}" * 1500
ODD = [
    b"[1]",
    b"[null]",
    b"[[]]",
    b'["x"]',
    b'[{"head":"x"}]',
    b'[{"head":[1]}]',
    b'[{"head":{"ref":{}},"source_branch":7}]',
    b'[{"source_branch":"trueup/images-1","head":{"ref":"trueup/images-1"},"html_url":[1],"web_url":{}}]',
    DEEP,
    b"[" + DEEP + b"]",
    b"[" * 5000,
    b'{"html_url":1,"message":[2]}',
    b'"\xff"',
    b'"\\ud800"',
    b"1e999",
    b"",
]


@pytest.mark.parametrize("provider", ["github", "gitlab", "gitea"])
@pytest.mark.parametrize("status", [200, 422])
async def test_an_answer_that_is_none_names_no_page_and_breaks_nothing(provider: str, status: int) -> None:
    for body in ODD:

        async def answer(_: web.BaseRequest, body: bytes = body) -> web.StreamResponse:
            return web.Response(status=status, body=body)

        async with serving(answer) as place, aiohttp.ClientSession() as session:
            request = asked(f"http://{place}/team/shop", provider)
            if status == 200:
                assert await open_pull_request(request, TOKEN, session) == ""
            else:
                with pytest.raises(Stalled, match="no pull request"):
                    await open_pull_request(request, TOKEN, session)


async def test_one_is_found_in_a_list_that_comes_in_pieces() -> None:
    known = {"head": {"ref": "trueup/images-1"}, "html_url": "https://git.example/pull/7"}
    others = [{"head": {"ref": f"b{number}"}, "body": "x" * 1000} for number in range(500)]

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        assert request.method == "GET"
        return web.json_response([*others, known])

    async with serving(answer) as place, aiohttp.ClientSession() as session:
        page = await open_pull_request(asked(f"http://{place}/team/shop", "gitea"), TOKEN, session)
    assert page == "https://git.example/pull/7"


async def test_without_a_token_or_a_known_host_nobody_is_asked() -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(Stalled, match="needs a token"):
            await open_pull_request(asked("https://github.com/a/b"), None, session)
        with pytest.raises(Stalled, match="git-provider"):
            await open_pull_request(asked("git@git.example.com:a/b.git"), TOKEN, session)

"""Streams that end with what they were asked with."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest
from grpclib.exceptions import GRPCError
from tests.support.apiserver import ByHand, GrpcClient, RestClient, Served, Tokens, ask_web
from tests.support.signing import BEGIN, KEY, House, Secrets, hashed, stored

from trueup.server import lasting
from trueup.server.api import Api, Asked
from trueup.server.caller import Authenticator
from trueup.server.description.read import description
from trueup.server.errors import Code, Fault
from trueup.server.request import Json, Request, Stream
from trueup.server.serve import Listening, serving
from trueup.server.session.tokens import LocalClaims, issue

NOW = int(BEGIN)
WATCH = next(each for each in description().methods() if each.key == "ApplicationService.Watch")
ROLES = {"spec": {"roles": [{"name": "ci"}]}}


class Watched:
    """A stream by hand: an item, and then one whenever a test says so."""

    def __init__(self) -> None:
        self.opened = asyncio.Semaphore(0)
        self.more = asyncio.Event()
        self.ended = asyncio.Event()

    async def __call__(self, request: Request) -> Stream:
        self.opened.release()
        return Stream(self.items())

    async def items(self) -> AsyncIterator[Json]:
        try:
            while True:
                yield {"type": "ADDED"}
                await self.more.wait()
                self.more.clear()
        finally:
            self.ended.set()


class Counted:
    """Counts how often it is asked who somebody is."""

    def __init__(self, inner: Authenticator) -> None:
        self._inner = inner
        self.asked = asyncio.Semaphore(0)

    async def authenticate(self, headers: Mapping[str, str]) -> Any:
        self.asked.release()
        return await self._inner.authenticate(headers)


async def audit(asked: Asked) -> None:
    pass


async def nothing() -> Json:
    return {}


async def opened(house: Authenticator, watched: Watched, headers: Mapping[str, str]) -> AsyncIterator[Json]:
    answer = await Api(house, {WATCH.key: watched}, audit).call(WATCH, headers, nothing)
    assert isinstance(answer, Stream)
    assert await anext(answer.items) == {"type": "ADDED"}
    return answer.items


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lasting, "RECHECK_SECONDS", 0.001)


def installation() -> House:
    secret = {"server.secretkey": KEY, "admin.password": hashed("x"), "accounts.ci.tokens": '[{"id":"t","iat":1}]'}
    house = House({"accounts.ci": "apiKey", "users.anonymous.enabled": "true"}, Secrets(argocd_secret=secret))
    listed = {"status": {"jwtTokensByRole": {"ci": {"items": [{"id": "r", "iat": 1}]}}}}
    house.projects["team"] = stored("AppProject", "team", {**ROLES, **listed})
    return house


def _move(house: House) -> None:
    house.time.at += 61


def _change(house: House, key: str, value: str) -> None:
    secret = house.secrets.data["argocd-secret"]
    house.secrets.data["argocd-secret"] = {**secret, key: value}


async def _leave(house: House, headers: Mapping[str, str]) -> None:
    caller = await house.sign_in.authenticate(headers)
    assert caller is not None
    await house.sign_in.logout(caller)


SESSION, TOKEN, ROLE = "admin:login", "ci:apiKey", "proj:team:ci"
ENDS: dict[str, tuple[str, Callable[[House, Mapping[str, str]], Any]]] = {
    "its token has come to its end": (SESSION, lambda house, _: _move(house)),
    "a role's token has come to its end": (ROLE, lambda house, _: _move(house)),
    "the session was left": (SESSION, _leave),
    "the token was given up": (TOKEN, _leave),
    "the token was deleted": (TOKEN, lambda house, _: _change(house, "accounts.ci.tokens", "[]")),
    "the key is another": (SESSION, lambda house, _: _change(house, "server.secretkey", "k" * 40)),
    "the password is another": (
        SESSION,
        lambda house, _: _change(house, "admin.passwordMtime", "2027-01-15T08:00:01Z"),
    ),
    "the account is disabled": (SESSION, lambda house, _: setattr(house, "settings", {"admin.enabled": "false"})),
    "the account is gone": (TOKEN, lambda house, _: setattr(house, "settings", {"a": "b"})),
    "the role's token is deleted": (
        ROLE,
        lambda house, _: house.projects.update(team=stored("AppProject", "team", ROLES, "2")),
    ),
    "the project is gone": (ROLE, lambda house, _: house.projects.clear()),
    "nobody comes in unknown any more": ("", lambda house, _: setattr(house, "settings", {"a": "b"})),
}


@pytest.mark.parametrize(("subject", "end"), ENDS.values(), ids=ENDS.keys())
async def test_a_stream_ends_with_what_it_was_asked_with(subject: str, end: Any) -> None:
    house, watched = installation(), Watched()
    ids = {SESSION: "s", TOKEN: "t", ROLE: "r"}
    headers = {}
    if subject:
        claims = LocalClaims(sub=subject, iat=NOW, exp=NOW + 60, jti=ids[subject])
        headers = {"authorization": f"Bearer {issue(claims, KEY)}"}
    items = await opened(house.sign_in, watched, headers)
    done = end(house, headers)
    if done is not None:
        await done
    with pytest.raises(Fault) as refused:
        await anext(items)
    assert refused.value.code is Code.UNAUTHENTICATED
    assert watched.ended.is_set()


async def test_a_stream_goes_on_for_who_would_be_let_in() -> None:
    watched, counted = Watched(), Counted(Tokens({"token": ByHand()}))
    items = await opened(counted, watched, {"authorization": "Bearer token"})
    for _ in range(3):
        for _ in range(3):
            await counted.asked.acquire()
        watched.more.set()
        assert await anext(items) == {"type": "ADDED"}
    await items.aclose()  # type: ignore[attr-defined]
    assert watched.ended.is_set()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "reader"]


async def test_who_comes_late_for_the_next_item_gets_none() -> None:
    watched, callers = Watched(), {"token": ByHand()}
    counted = Counted(Tokens(callers))
    items = await opened(counted, watched, {"authorization": "Bearer token"})
    callers.clear()
    await counted.asked.acquire()
    await counted.asked.acquire()
    watched.more.set()
    with pytest.raises(Fault, match="invalid session"):
        await anext(items)


async def test_a_timeout_of_a_stream_is_its_own() -> None:
    async def items() -> AsyncIterator[Json]:
        yield {}
        raise TimeoutError("mine")

    followed = lasting.lasting(items(), nothing)
    assert await anext(followed) == {}
    with pytest.raises(TimeoutError, match="mine"):
        await anext(followed)


async def test_a_stream_ends_so_by_each_protocol() -> None:
    watched, callers = Watched(), {"token": ByHand()}
    functions = [{WATCH.key: watched}]
    async with serving(Listening("127.0.0.1", 0), None, Tokens(callers), functions, audit=audit) as port:
        served = Served(port.number, [])
        async with RestClient(served) as rest, GrpcClient(served) as grpc:
            lines = asyncio.create_task(rest.lines("/api/v1/stream/applications", 2))
            web = asyncio.create_task(ask_web(served, WATCH.key, {}))
            with pytest.raises(GRPCError, match="invalid session"):
                async for _ in grpc.follow(WATCH.key, {}):
                    for _ in range(3):
                        await watched.opened.acquire()
                    callers.clear()
            told = await asyncio.gather(lines, web, return_exceptions=True)
    assert isinstance(told[0], list)
    assert json.loads(told[0][-1])["error"]["grpc_code"] == int(Code.UNAUTHENTICATED)
    assert isinstance(told[1], Fault)
    assert told[1].code is Code.UNAUTHENTICATED

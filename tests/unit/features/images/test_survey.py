"""Rounds over registries: one that does not answer costs its own images, once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from aiohttp import web
from tests.support.httpserver import serving
from tests.support.patience import stretched

from trueup.features.images import survey
from trueup.features.images.annotations import image_rules
from trueup.features.images.settings import ImageSettings
from trueup.model.errors import SourceUnavailable
from trueup.sources.registry import RegistryClient

IMAGE_LIST = "argocd-image-updater.argoproj.io/image-list"
MANY = 40


class Registries:
    """A good registry, and one that says nothing for a while."""

    def __init__(self, silent: Callable[[], Awaitable[None]]) -> None:
        self.silent = silent
        self.asked: list[str] = []

    async def tags(self, registry: str, repository: str, access: object) -> list[str]:
        self.asked.append(registry)
        if registry == "silent.example":
            await self.silent()
            raise SourceUnavailable("registry silent.example: no answer within 20 s")
        return ["1.0.0", "1.1.0"]


async def nothing(namespace: str, name: str) -> None:
    return None


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "SLOW", 0.0)


@pytest.mark.usefixtures("hasty")
async def test_a_registry_that_does_not_answer_is_asked_a_few_times_and_holds_up_no_other() -> None:
    good_done = asyncio.Event()

    async def silent() -> None:
        # It does not end before the good one has been asked: who waited for it would wait for ever.
        await good_done.wait()

    registries = Registries(silent)
    images = [f"silent.example/app{number}:1.x" for number in range(MANY)] + ["good.example/app:1.x"]
    rules = image_rules({IMAGE_LIST: ",".join(f"a{number}={image}" for number, image in enumerate(images))})
    asking = survey.Survey(cast(Any, registries), nothing)
    looking = asyncio.create_task(asking.look([(rule, frozenset()) for rule in rules], ImageSettings()))
    async with asyncio.timeout(stretched(60)):
        while "good.example" not in registries.asked:
            await asyncio.sleep(0.01)
        good_done.set()
        findings = await looking
    assert [finding.newest.tag for finding in findings if finding.newest is not None] == ["1.1.0"]
    assert sum("no answer within" in finding.problem for finding in findings) == MANY
    assert len(registries.asked) < MANY, "those that waited for it were answered by what was known"
    before = len(registries.asked)
    await asking.look([(rules[0], frozenset())], ImageSettings())
    assert len(registries.asked) == before, "it is left alone for a while"


async def test_a_fault_of_ours_is_the_problem_of_one_image() -> None:
    async def broken() -> None:
        raise RecursionError

    rules = image_rules({IMAGE_LIST: "a=silent.example/app:1.x,b=good.example/app:1.x"})
    asking = survey.Survey(cast(Any, Registries(broken)), nothing)
    bad, good = await asking.look([(rule, frozenset()) for rule in rules], ImageSettings())
    assert "internal error: RecursionError" in bad.problem
    assert good.newest is not None and good.newest.tag == "1.1.0"


DEEP = b'{"a":' * 1500 + b"1" + b"}" * 1500
ODD = {
    "nested": DEEP,
    "nested within": b'{"token":"abc","tags":["1.0.0"],"errors":[' + DEEP + b'],"x":' + DEEP + b"}",
    "nested code": b'{"errors":[{"code":' + b"[" * 600 + b"]" * 600 + b"}]}",
    "never closed": b"[" * 9000,
    "other types": b'{"token":[],"tags":{},"errors":[7]}',
    "no text": b'{"token":"\xff","tags":["\xff"],"errors":["\xff"]}',
    "half a character": b'{"token":"\\ud800","tags":["\\ud800"],"errors":[{"code":"\\ud800"}]}',
    "numbers": b'{"token":"abc","expires_in":1e999,"tags":[1e999]}',
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
@pytest.mark.parametrize("place", ["token", "error", "missing", "tags", "wait"])
async def test_whatever_a_registry_answers_is_its_own_problem(place: str, body: bytes) -> None:
    async def odd(request: web.BaseRequest) -> web.StreamResponse:
        if place == "token" and not request.path.startswith("/token"):
            challenge = f'Bearer realm="http://{request.host}/token",service="x"'
            return web.Response(status=401, headers={"WWW-Authenticate": challenge})
        status = {"error": 500, "missing": 404, "wait": 429}.get(place, 200)
        return web.Response(status=status, body=body, headers={"Retry-After": "\u00b2"})

    async def good(_: web.BaseRequest) -> web.StreamResponse:
        return web.json_response({"name": "app", "tags": ["1.0.0"]})

    async with serving(odd) as bad, serving(good) as other, RegistryClient() as client:
        rules = image_rules({IMAGE_LIST: f"a={bad}/app,b={other}/app"})
        asking = survey.Survey(client, nothing, local=True)
        found = await asking.look([(rule, frozenset()) for rule in rules], ImageSettings())
    assert [finding.newest.tag if finding.newest else None for finding in found] == [None, "1.0.0"]
    assert found[0].problem and "internal error" not in found[0].problem

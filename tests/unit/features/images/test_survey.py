"""Rounds over registries: one that does not answer costs its own images, once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from trueup.features.images import survey
from trueup.features.images.annotations import image_rules
from trueup.features.images.settings import ImageSettings
from trueup.model.errors import SourceUnavailable

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
    async with asyncio.timeout(60):
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

"""Questions to repositories: one account's keep no other's waiting."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.support.apiserver import ByHand, Tokens

from trueup.engine.repository_reads import AT_ONCE, MOST_OF_ONE, OF_ONE, EngineRepositories
from trueup.model.repository import RepositoryOf
from trueup.server.api import Api, Asked
from trueup.server.caller import ASKING
from trueup.server.description.read import description
from trueup.server.errors import Code, Fault
from trueup.server.request import Json, Request


class Hosts:
    """Git hosts, of which some are slow."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers = asyncio.Event()

    def get(self, repository: RepositoryOf) -> Any:
        async def remote_refs() -> dict[str, str]:
            self.asked.append(repository.url)
            if "slow" in repository.url:
                await self.answers.wait()
            return {"refs/heads/main": "f" * 40}

        return SimpleNamespace(remote_refs=remote_refs)


async def test_slow_hosts_of_one_account_keep_no_other_waiting() -> None:
    hosts = Hosts()
    engine = SimpleNamespace(lasting=SimpleNamespace(git=SimpleNamespace(mirrors=hosts)))
    repositories = EngineRepositories(cast(Any, engine), cast(Any, None))

    def ask(name: str, url: str) -> asyncio.Task[Any]:
        async def asked() -> Any:
            ASKING.set(name)
            return await repositories.refs(url, "default")

        return asyncio.create_task(asked())

    async def settle() -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    slow = [ask("ro", f"https://slow.example/{number}.git") for number in range(MOST_OF_ONE)]
    await settle()
    assert len(hosts.asked) == OF_ONE < AT_ONCE
    for name in ("admin", "alice", "bob"):
        quick = ask(name, "https://quick.example/a.git")
        await settle()
        assert quick.done(), name
        assert quick.result() == (["main"], [])
    with pytest.raises(Fault) as raised:
        await ask("ro", "https://slow.example/one-more.git")
    assert raised.value.code is Code.RESOURCE_EXHAUSTED
    hosts.answers.set()
    await asyncio.gather(*slow)
    assert len(hosts.asked) == MOST_OF_ONE + 3


async def test_a_request_takes_the_share_of_whoever_has_sent_it() -> None:
    method = next(each for each in description().methods() if each.key == "RepositoryService.ListRefs")
    took: list[str] = []

    async def answered(_: Request) -> Json:
        took.append(ASKING.get())
        return {}

    async def audit(_: Asked) -> None:
        pass

    async def nothing() -> Json:
        return {}

    tokens = Tokens({name: ByHand(name) for name in ("alice", "ro")})
    api = Api(tokens, {method.key: answered}, audit)
    for name in ("alice", "ro", "alice"):
        await api.call(method, {"authorization": f"Bearer {name}"}, nothing)
    assert took == ["alice", "ro", "alice"]

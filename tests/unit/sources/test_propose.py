"""A change is proposed: written, and asked for by a pull request where its branch is there."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from tests.support.gitrepo import GitRepo
from tests.support.httpserver import serving

from trueup.model.errors import Stalled
from trueup.sources.credential import Credential
from trueup.sources.mirror import Mirror
from trueup.sources.mirrors import Mirrors
from trueup.sources.propose import propose
from trueup.sources.writer import WantedCommit
from trueup.workers.git import run_git

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TOKEN = Credential(username="bot", password="t0ken")


class Host:
    """Keeps the pull requests that were opened; says no for as long as it is told to."""

    def __init__(self) -> None:
        self.opened: list[dict[str, Any]] = []
        self.refuses = False

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "GET":
            return web.json_response(self.opened)
        if self.refuses:
            return web.json_response({"message": "not now"}, status=403)
        body = msgspec.json.decode(await request.read())
        self.opened.append({**body, "html_url": "https://git.example.com/pull/1", "head": {"ref": body["head"]}})
        return web.json_response(self.opened[-1], status=201)


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    made = GitRepo(tmp_path / "remote.git")
    made.commit({"a": b"1"})
    return made


def ask(to: str, message: str = "Two\n\nbecause\n") -> WantedCommit:
    return WantedCommit(branch="", to=to, message=lambda _: message)


async def proposed(
    mirror: Mirror, host: Host, wanted: WantedCommit, changes: Mapping[str, bytes | None]
) -> tuple[bool, str]:
    async with serving(host.handle) as place:
        written, page = await propose(
            mirror,
            wanted,
            lambda tree: {path: new for path, new in changes.items() if content(tree, path) != new},
            now=lambda: NOW,
            credential=TOKEN,
            pull_of=f"http://{place}/team/shop.git",
            provider="github",
        )
    return bool(written.sha), page


def content(tree: Any, path: str) -> bytes | None:
    entry = tree.entry(path)
    return tree.read(entry) if entry is not None else None


async def test_a_change_is_pushed_to_its_branch_and_asked_for_once(repo: GitRepo, tmp_path: Path) -> None:
    host, mirror = Host(), Mirrors(tmp_path / "m", run_git, allowed_local=[repo.path.parent]).get(repo.url)
    page = "https://git.example.com/pull/1"
    assert await proposed(mirror, host, ask("two"), {"a": b"2"}) == (True, page)
    made = host.opened[0]
    assert (made["title"], made["body"], made["base"], made["head"]["ref"]) == ("Two", "because", "main", "two")
    assert await proposed(mirror, host, ask("two"), {"a": b"2"}) == (False, page), "the same again is the same page"
    assert len(host.opened) == 1
    assert repo.git("show", "main:a") == "1"


async def test_a_pull_request_that_was_refused_is_opened_the_next_time(repo: GitRepo, tmp_path: Path) -> None:
    host, mirror = Host(), Mirrors(tmp_path / "m", run_git, allowed_local=[repo.path.parent]).get(repo.url)
    host.refuses = True
    with pytest.raises(Stalled, match="no pull request: 403"):
        await proposed(mirror, host, ask("two"), {"a": b"2"})
    host.refuses = False
    assert (await proposed(mirror, host, ask("two"), {"a": b"2"}))[1]


NOTHING: dict[str, tuple[WantedCommit, dict[str, bytes | None]]] = {
    "no branch of its own": (ask(""), {"a": b"2"}),
    "no change, and no branch of an earlier one": (ask("two"), {"a": b"1"}),
    "nothing to say": (ask("two", ""), {"a": b"2"}),
}


@pytest.mark.parametrize("rule", NOTHING)
async def test_nothing_is_asked_for_where_there_is(rule: str, repo: GitRepo, tmp_path: Path) -> None:
    host, mirror = Host(), Mirrors(tmp_path / "m", run_git, allowed_local=[repo.path.parent]).get(repo.url)
    wanted, changes = NOTHING[rule]
    assert (await proposed(mirror, host, wanted, changes))[1] == ""
    assert not host.opened

"""Targets are resolved at whatever a source comes from: Git is one entry of several."""

from typing import Any, cast

import pytest
from tests.support.memtree import MemTree

from trueup.model.application import Application, ApplicationSpec, Source
from trueup.model.repository import RepositoryOf
from trueup.model.tree import Tree
from trueup.observe.remotes import NotFetched, Remotes
from trueup.observe.targets import Targets
from trueup.render.remote import Base
from trueup.sources.port import Origin, Pin
from trueup.sources.revision import UnknownRevision


class Shelf:
    """Numbered states of one folder; ``latest`` moves."""

    def __init__(self, *states: dict[str, str]) -> None:
        self.states = list(states)
        self.asked: list[str] = []

    def pin(self, revision: str, tag_prefix: str = "") -> Pin:
        self.asked.append(revision)
        if revision in ("", "latest"):
            return Pin(str(len(self.states)), moves=True)
        if not revision.isdecimal() or int(revision) > len(self.states):
            raise UnknownRevision(f"there is no {revision}")
        return Pin(revision)

    def answered(self, revision: str) -> bool:
        return revision != "later"

    async def locate(self, revision: str) -> None:
        self.pin(revision)

    def tree(self, revision: str) -> Tree:
        return MemTree(self.states[int(revision) - 1], revision)


class Shelves:
    """One origin for every repository."""

    def __init__(self, shelf: Shelf | None) -> None:
        self.shelf, self.looks = shelf, 1

    def identity(self, repository: str | RepositoryOf) -> str:
        return str(repository)

    def origin(self, repository: str | RepositoryOf) -> Origin | None:
        return self.shelf

    def state(self, repository: str | RepositoryOf) -> int:
        return self.looks

    async def obtain(self, repository: str | RepositoryOf, revision: str) -> bool:
        return False


def targets(shelves: Shelves) -> Targets:
    return Targets(shelves, cast(Any, None), cast(Any, None), cast(Any, None))


def app(*revisions: str) -> Application:
    sources = [Source(repo_url="https://example.com/a", path=".", target_revision=each) for each in revisions]
    return Application(spec=ApplicationSpec(sources=sources))


def test_a_revision_is_pinned_once_for_each_look() -> None:
    shelves = Shelves(Shelf({}, {}))
    assert shelves.shelf is not None
    found, given = targets(shelves), app("latest", "1")
    assert found.resolve(given, given.spec.sources) == ("2", "1")
    shelves.shelf.states.append({})
    assert found.resolve(given, given.spec.sources) == ("2", "1"), "nobody has looked since"
    assert shelves.shelf.asked == ["latest", "1"]
    shelves.looks += 1
    assert found.resolve(given, given.spec.sources, ["", "2"]) == ("3", "2")


def test_what_nobody_has_asked_for_yet_is_waited_for() -> None:
    found = targets(Shelves(Shelf({})))
    with pytest.raises(NotFetched):
        found.resolve(app("later"), app("later").spec.sources)
    with pytest.raises(UnknownRevision):
        found.resolve(app("9"), app("9").spec.sources)
    with pytest.raises(NotFetched):
        targets(Shelves(None)).resolve(app("1"), app("1").spec.sources)


@pytest.mark.parametrize(("ref", "moves"), [("latest", True), ("1", False)])
async def test_a_base_elsewhere_is_of_any_origin(ref: str, moves: bool) -> None:
    shelves = Shelves(Shelf({"a": "1"}))
    assert shelves.shelf is not None
    remotes = Remotes(shelves, cast(Any, None), cast(Any, None), guarded=False)
    used, tree = await remotes.tree(Base(url="https://example.com/a", path="", ref=ref), "default")
    assert (used.revision, used.moves, tree.entry("a") is not None) == ("1", moves, True)
    assert remotes.are_current([used])
    shelves.shelf.states.append({})
    assert remotes.are_current([used]) is not moves

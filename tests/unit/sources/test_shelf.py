"""A shelf asks for what is wished, brings what is new, and has what it had when its repository is gone."""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.helmrepo import HelmRepo, chart, helm_repo, packed

from trueup.model.errors import RenderFailed, SourceUnavailable, TrueupError
from trueup.model.repository import RepositoryOf
from trueup.model.tree import MEBIBYTE
from trueup.sources import shelf as shelves
from trueup.sources.download import downloading
from trueup.sources.helm_repository import HelmRepositories
from trueup.sources.mirrors import Charts, Mirrors
from trueup.sources.quota import Allowance
from trueup.sources.revision import UnknownRevision
from trueup.sources.shelf import Shelf, Wish, Wished
from trueup.workers.git import run_git
from trueup.workers.preparing import Inline

INDEX = "/charts/stable/index.yaml"


class Room:
    """A repository, and shelves of it in one folder.

    Attributes:
        wished: what the readers want.
    """

    def __init__(self, folder: Path, repo: HelmRepo) -> None:
        self.folder, self.repo = folder, repo
        self.wished: list[Wish] = []

    def mirrors(self, allowance: Allowance | None = None) -> Mirrors:
        library = HelmRepositories(downloading(guarded=False), Inline().find_charts)
        charts = Charts(library, library, Inline().check_archive, lambda _: [Wished(*wish) for wish in self.wished])
        return Mirrors(self.folder, run_git, charts=charts, allowance=allowance)

    def shelf(self, *wished: Wish, allowance: Allowance | None = None) -> Shelf:
        """As an engine that starts has it."""
        self.wished[:] = wished
        return self.mirrors(allowance).shelf(RepositoryOf(self.repo.url, "default", "web"))

    def asked(self) -> list[str]:
        """The paths that were asked for since the last time."""
        found = [path.removeprefix("/charts/stable/") for path in self.repo.asked]
        self.repo.asked.clear()
        return found


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with helm_repo() as repo:
        for version in ("1.0.0", "1.1.0", "2.0.0", "3.0.0-rc.1"):
            repo.add("web", version)
        repo.add("db", "0.1.0")
        yield Room(tmp_path, repo)


@pytest.mark.parametrize(
    ("revision", "version", "moves"),
    [
        ("1.0.0", "1.0.0", False),
        ("^1.0", "1.1.0", True),
        ("1.x", "1.1.0", True),
        (">=1 <2", "1.1.0", True),
        ("*", "2.0.0", True),
        ("", "2.0.0", True),
        (">=3.0.0-0", "3.0.0-rc.1", True),
    ],
)
async def test_a_version_a_range_and_nothing_mean_a_version(
    room: Room, revision: str, version: str, moves: bool
) -> None:
    shelf = room.shelf(("web", revision))
    assert await shelf.update()
    pin = shelf.pin("web", revision)
    assert (pin.revision, pin.moves) == (version, moves)
    tree = shelf.tree("web", pin.revision)
    assert tree.revision == version and version in str(tree.read(tree.children("")[0]))


async def test_one_look_at_the_index_is_for_all_charts_and_brings_what_is_new_alone(room: Room) -> None:
    shelf = room.shelf(("web", "1.x"), ("web", "1.0.0"), ("db", ""))
    assert await shelf.update()
    assert room.asked() == ["index.yaml", "db-0.1.0.tgz", "web-1.0.0.tgz", "web-1.1.0.tgz"]
    assert not await shelf.update() and room.asked() == ["index.yaml"]
    room.repo.add("web", "1.2.0")
    assert await shelf.update() and room.asked() == ["index.yaml", "web-1.2.0.tgz"]
    assert shelf.pin("web", "1.x").revision == "1.2.0"


async def test_who_starts_while_the_repository_is_gone_has_what_was_there(room: Room) -> None:
    assert await room.shelf(("web", "1.x")).update()
    room.repo.out_of_order = True
    later = room.shelf(("web", "1.x"), ("db", "1"))
    assert later.is_kept()
    with pytest.raises(SourceUnavailable, match="answers 503"):
        await later.update()
    assert later.pin("web", "1.x").revision == later.tree("web", "1.1.0").revision == "1.1.0"
    with pytest.raises(SourceUnavailable, match="answers 503"):
        later.pin("db", "1")


async def test_what_was_not_asked_for_is_not_said_to_be_missing(room: Room) -> None:
    shelf = room.shelf(("web", "1.x"))
    await shelf.update()
    room.wished.append(("web", "2.x"))
    with pytest.raises(UnknownRevision, match=r"chart web 2\.x of .* not asked for yet"):
        shelf.pin("web", "2.x")
    assert not shelf.answered("web", "2.x")
    await shelf.update()
    assert shelf.answered("web", "2.x") and shelf.pin("web", "2.x").revision == "2.0.0"


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        (("web", "4.x"), r"chart web 4\.x of http://.*stable: its index has no such version .*3\.0\.0-rc\.1, 2\.0\.0"),
        (("webb", ""), r"chart webb of http://.*: its index has no chart of this name .*it has web"),
    ],
)
async def test_what_a_repository_has_not_is_told_with_what_it_has(room: Room, wish: Wish, told: str) -> None:
    shelf = room.shelf(wish, ("web", "1.x"))
    await shelf.update()
    with pytest.raises(UnknownRevision, match=told):
        shelf.pin(*wish)
    assert shelf.pin("web", "1.x").revision == "1.1.0" and shelf.lacking is None


def _truncated(repo: HelmRepo, path: str) -> None:
    repo.files[path] = repo.files[path][:-20]


def _another(repo: HelmRepo, path: str) -> None:
    repo.files[path] = packed(chart("web", "1.2.0", {"values.yaml": "evil: 1\n"}))


def _gone(repo: HelmRepo, path: str) -> None:
    del repo.files[path]


def _no_chart(repo: HelmRepo, path: str) -> None:
    repo.files[path] = packed({"web/values.yaml": "a: 1\n"})
    repo.index["web"][-1].pop("digest")


def _cut_and_unsigned(repo: HelmRepo, path: str) -> None:
    _truncated(repo, path)
    repo.index["web"][-1].pop("digest")


def _outside(repo: HelmRepo, path: str) -> None:
    repo.files[path] = packed({"web/Chart.yaml": "name: web\n", "web/../../x": "a"})
    repo.index["web"][-1].pop("digest")


def _bomb(repo: HelmRepo, path: str) -> None:
    repo.files[path] = packed({"web/Chart.yaml": "name: web\n", "web/big": b"\0" * (6 * MEBIBYTE)})
    repo.index["web"][-1].pop("digest")


@pytest.mark.parametrize("spoil", [_truncated, _another, _gone, _no_chart, _cut_and_unsigned, _outside, _bomb])
async def test_a_new_version_that_cannot_be_had_leaves_the_last_good_one(room: Room, spoil: object) -> None:
    assert callable(spoil)
    shelf = room.shelf(("web", "1.x"), ("db", ""))
    await shelf.update()
    room.repo.add("web", "1.2.0")
    whole = dict(room.repo.files)
    entry = dict(room.repo.index["web"][-1])
    spoil(room.repo, "/charts/stable/web-1.2.0.tgz")
    assert await shelf.update(), "the trouble is news"
    assert shelf.pin("web", "1.x").revision == "1.1.0" and shelf.pin("db", "").revision == "0.1.0"
    assert "chart web 1.2.0" in str(shelf.problem("web")) and shelf.problem("db") is None
    assert shelf.lacking is shelf.problem("web")
    assert not await shelf.update(), "the same trouble is none"
    room.repo.files.update(whole)
    room.repo.index["web"][-1] = entry
    assert await shelf.update() and shelf.lacking is None
    assert shelf.pin("web", "1.x").revision == "1.2.0"


async def test_what_could_never_be_had_is_told_by_its_name(room: Room) -> None:
    _gone(room.repo, "/charts/stable/web-1.1.0.tgz")
    shelf = room.shelf(("web", "1.x"))
    await shelf.update()
    with pytest.raises(TrueupError, match=r"chart web 1\.1\.0 of http.*answers 404"):
        shelf.pin("web", "1.x")


async def test_a_version_that_is_published_anew_is_another_tree(room: Room) -> None:
    shelf = room.shelf(("web", "2.0.0"))
    await shelf.update()
    before = shelf.tree("web", "2.0.0").identity
    room.repo.index["web"] = [each for each in room.repo.index["web"] if each["version"] != "2.0.0"]
    room.repo.add("web", "2.0.0", {"values.yaml": "a: 2\n"})
    assert await shelf.update()
    assert shelf.tree("web", "2.0.0").identity != before


async def test_a_version_that_is_withdrawn_stays_where_it_is_in_use(room: Room) -> None:
    shelf = room.shelf(("web", "1.1.0"), ("web", "1.x"))
    await shelf.update()
    room.repo.index["web"] = [each for each in room.repo.index["web"] if each["version"] != "1.1.0"]
    assert await shelf.update()
    assert (shelf.pin("web", "1.1.0").revision, shelf.pin("web", "1.x").revision) == ("1.1.0", "1.0.0")


async def test_a_version_of_the_past_is_brought_when_it_is_asked_for(room: Room) -> None:
    shelf = room.shelf(("web", "2.x"))
    await shelf.update()
    room.asked()
    await shelf.locate("web", "1.0.0")
    assert room.asked() == ["index.yaml", "web-1.0.0.tgz"] and shelf.tree("web", "1.0.0").revision == "1.0.0"
    await shelf.locate("web", "1.0.0")
    assert room.asked() == []
    with pytest.raises(UnknownRevision, match="no such version"):
        await shelf.locate("web", "9.9.9")


async def test_what_nobody_wants_goes_after_a_while(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelves, "KEPT", 1)
    shelf = room.shelf(("web", "1.0.0"), ("web", "1.1.0"), ("db", ""))
    await shelf.update()
    shelf.tree("web", "1.0.0")
    room.wished[:] = [("web", "2.0.0")]
    await shelf.update()
    assert shelf.tree("web", "1.0.0").revision == "1.0.0"
    for gone in (("web", "1.1.0"), ("db", "0.1.0")):
        with pytest.raises(SourceUnavailable, match="not here"):
            shelf.tree(*gone)
    assert len(list(room.folder.rglob("*.tgz"))) == 2


async def test_an_archive_that_is_damaged_is_fetched_again(room: Room) -> None:
    shelf = room.shelf(("web", "1.0.0"))
    await shelf.update()
    (file,) = room.folder.rglob("*.tgz")
    file.write_bytes(b"x")
    tree = shelf.tree("web", "1.0.0")
    with pytest.raises(SourceUnavailable, match="damaged"):
        tree.entry("Chart.yaml")
    await shelf.update()
    assert shelf.tree("web", "1.0.0").entry("Chart.yaml") is not None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"answers": {"web\\n": 3}}'])
async def test_a_record_that_cannot_be_read_is_none(room: Room, text: str) -> None:
    await room.shelf(("web", "")).update()
    (file,) = room.folder.rglob("record.json")
    file.write_text(text)
    later = room.shelf(("web", ""))
    assert not later.is_kept()
    assert await later.update() and later.pin("web", "").revision == "2.0.0"


async def test_a_look_has_an_end_and_the_next_one_goes_on(room: Room) -> None:
    shelf = room.shelf(("db", ""), ("web", "1.x"))
    shelf.seconds = 0.0
    await shelf.update()
    problem = shelf.lacking
    assert isinstance(problem, SourceUnavailable) and "not fetched yet" in str(problem)
    shelf.seconds = 60.0
    assert await shelf.update() and shelf.lacking is None
    shelf.seconds = 0.0
    assert not await shelf.update() and shelf.lacking is None, "what is here takes no time"


async def test_a_shelf_has_its_quota(room: Room) -> None:
    room.repo.add("web", "1.4.0", {"files/x": random.Random(1).randbytes(MEBIBYTE).hex()})
    shelf = room.shelf(("web", "1.x"), allowance=Allowance(each=MEBIBYTE, total=MEBIBYTE))
    await shelf.update()
    with pytest.raises(RenderFailed, match=r"chart web 1\.x of .* may take \(--mirror"):
        shelf.pin("web", "1.x")
    assert not list(room.folder.rglob("*.tgz"))


async def test_charts_and_files_of_one_url_are_two_and_go_when_nobody_reads_them(room: Room) -> None:
    mirrors = room.mirrors()
    room.wished.append(("web", ""))
    one, other = (RepositoryOf(room.repo.url, "default", name) for name in ("web", "db"))
    assert mirrors.identity(one) == mirrors.identity(other) != mirrors.identity(room.repo.url)
    await mirrors.shelf(one).update()
    await mirrors.keep_only([other])
    assert list(room.folder.rglob("*.tgz"))
    await mirrors.keep_only([room.repo.url])
    assert not list(room.folder.iterdir())

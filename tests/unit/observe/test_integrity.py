"""Sources are looked at before anything of them is used, by a child, and once for all who use them."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from tests.support import pgp
from tests.support.gitrepo import GitRepo
from tests.support.pgp import PgpKey

from trueup.model.application import Application, Source
from trueup.model.project import Project
from trueup.model.repository import RepositoryOf
from trueup.observe.integrity import Integrity, SignatureMissing
from trueup.observe.remotes import NotFetched
from trueup.policy.integrity import Demand
from trueup.sources.mirrors import Mirrors
from trueup.sources.port import Origin
from trueup.sources.tree import GitTree
from trueup.store.preparing import Preparer
from trueup.workers.git import run_git

ADA, EVE = PgpKey(), PgpKey("Eve <eve@example.org>")
DAY = 24 * 3600


class Repositories:
    """Mirrors that have been looked at."""

    def __init__(self, mirrors: Mirrors) -> None:
        self.mirrors, self.there = mirrors, True

    def identity(self, repository: str | RepositoryOf) -> str:
        return self.mirrors.identity(repository)

    def origin(self, repository: str | RepositoryOf) -> Origin | None:
        return self.mirrors.origin(repository) if self.there else None

    def state(self, repository: str | RepositoryOf) -> int:
        return 1

    async def obtain(self, repository: str | RepositoryOf, revision: str) -> bool:
        return True


class Counting:
    """The child, and what it was asked for."""

    def __init__(self, preparer: Preparer) -> None:
        self.preparer = preparer
        self.asked: list[tuple[str, ...]] = []

    async def signatures(
        self,
        tree: GitTree,
        tag: tuple[str, str],
        demand: Demand,
        keyring: tuple[str, ...],
        known: tuple[str, ...],
        now: float,
    ) -> tuple[tuple[str, ...], float]:
        self.asked.append(known)
        return await self.preparer.signatures(tree, tag, demand, keyring, known, now)


class Setting:
    """A repository, who looks at it, and a project."""

    def __init__(self, tmp_path: Path) -> None:
        self.repo = GitRepo(tmp_path / "remote" / "repo.git")
        self.mirrors = Mirrors(tmp_path / "mirrors", run_git, allowed_local=[tmp_path / "remote"])
        self.repositories = Repositories(self.mirrors)
        self.looking = Counting(Preparer(tmp_path / "mirrors", 1))
        self.keyring: tuple[str, ...] = (ADA.public, EVE.public)
        self.now = 0.0
        self.integrity = Integrity(self.repositories, self.looking, lambda: self.keyring, lambda: self.now)
        self.mode, self.key = "head", ADA.id

    async def check(self, revision: str, target: str = "main") -> None:
        await self.mirrors.get(self.repo.url).update()
        source = Source(repo_url=self.repo.url, path=".", target_revision=target)
        gpg = {"mode": self.mode, "keys": [self.key]}
        spec = {"sourceIntegrity": {"git": {"policies": [{"repos": [{"url": "*"}], "gpg": gpg}]}}}
        project = msgspec.convert({"metadata": {"name": "team"}, "spec": spec}, Project)
        app = msgspec.convert({"metadata": {"name": "web"}, "spec": {"project": "team"}}, Application)
        await self.integrity.check(app, project, [source], [revision])


@pytest.fixture
async def setting(tmp_path: Path) -> AsyncIterator[Setting]:
    made = Setting(tmp_path)
    made.now = time.time()
    yield made
    await made.looking.preparer.close()


async def test_a_commit_that_is_signed_is_looked_at_once(setting: Setting) -> None:
    sha = pgp.commit(setting.repo, {"a": b"1"}, ADA.sign)
    await setting.check(sha)
    await setting.check(sha)
    assert len(setting.looking.asked) == 1


async def test_one_that_is_not_is_named_with_its_remedy(setting: Setting) -> None:
    sha = pgp.commit(setting.repo, {"a": b"1"}, EVE.sign)
    with pytest.raises(
        SignatureMissing, match=rf"{sha} by 'Ada <ada@example.org>': signed with unallowed key"
    ) as caught:
        await setting.check(sha)
    assert "project team" in caught.value.hint and "trueup gpg list" in caught.value.hint


async def test_a_key_that_is_taken_out_counts_no_more(setting: Setting) -> None:
    sha = pgp.commit(setting.repo, {"a": b"1"}, ADA.sign)
    await setting.check(sha)
    setting.keyring = (EVE.public,)
    with pytest.raises(SignatureMissing, match="not in keyring"):
        await setting.check(sha)


async def test_a_key_that_ends_counts_no_more(setting: Setting) -> None:
    short = PgpKey(seconds=DAY)
    setting.keyring, setting.key = (short.public,), short.id
    sha = pgp.commit(setting.repo, {"a": b"1"}, short.sign)
    await setting.check(sha)
    setting.now += DAY - 600
    await setting.check(sha)
    assert len(setting.looking.asked) == 1
    setting.now += 1200
    with pytest.raises(SignatureMissing, match="expired key"):
        await setting.check(sha)


async def test_the_signature_of_an_annotated_tag_counts_where_the_source_names_it(setting: Setting) -> None:
    sha = pgp.commit(setting.repo, {"a": b"1"}, None)
    pgp.tag(setting.repo, "v1.2.0", sha, ADA.sign)
    for target in ("v1.2.0", "1.x", "refs/tags/v1.2.0"):
        await setting.check(sha, target)
    for target in ("main", sha):
        with pytest.raises(SignatureMissing, match="unsigned"):
            await setting.check(sha, target)
    later = pgp.commit(setting.repo, {"a": b"2"}, None)
    with pytest.raises(SignatureMissing, match=f"{later}.*unsigned"):
        await setting.check(later, "v1.2.0")
    signed = pgp.commit(setting.repo, {"a": b"3"}, ADA.sign)
    await setting.check(signed, "a-branch-that-is-gone")


async def test_later_commits_are_looked_at_back_to_those_that_were(setting: Setting) -> None:
    setting.mode = "strict"
    first = pgp.commit(setting.repo, {"a": b"1"}, ADA.sign)
    await setting.check(first)
    second = pgp.commit(setting.repo, {"a": b"2"}, ADA.sign)
    await setting.check(second)
    assert setting.looking.asked == [(), (first,)]
    unsigned = pgp.commit(setting.repo, {"a": b"3"}, None)
    third = pgp.commit(setting.repo, {"a": b"4"}, ADA.sign)
    with pytest.raises(SignatureMissing, match=unsigned):
        await setting.check(third)


async def test_a_repository_that_is_not_there_yet_is_waited_for(setting: Setting) -> None:
    sha = pgp.commit(setting.repo, {"a": b"1"}, ADA.sign)
    setting.repositories.there = False
    with pytest.raises(NotFetched):
        await setting.check(sha)

"""Bases elsewhere at whatever git can fetch, as kustomize has it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from tests.support.gitrepo import GitRepo

from trueup.controllers.repository import Repositories
from trueup.model.repository import RepositoryOf
from trueup.observe.remotes import Remotes
from trueup.render.remote import Base
from trueup.sources.mirrors import Mirrors
from trueup.sources.revision import UnknownRevision
from trueup.store.settings import Settings
from trueup.workers.git import run_git


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    return GitRepo(tmp_path / "repo.git")


@pytest.fixture
async def mirrors(tmp_path: Path) -> AsyncIterator[Mirrors]:
    made = Mirrors(tmp_path / "data", run_git, allowed_local=(tmp_path,))
    yield made
    await made.close()


@pytest.mark.parametrize("ref", ["refs/pull/7/head", "pull/7/head", "SHA"])
async def test_a_base_is_read_at_a_ref_that_no_branch_or_tag_is(repo: GitRepo, mirrors: Mirrors, ref: str) -> None:
    repo.commit({"a": b"1"})
    sha = repo.commit({"a": b"2"}, branch="other")
    repo.commit({"more": b"3"})
    repo.git("update-ref", "refs/pull/7/head", sha)
    repo.git("branch", "-D", "other")
    repositories = Repositories(mirrors, users=lambda _: [], wake=lambda _: None, settings=Settings)
    remotes = Remotes(repositories, cast(Any, None), cast(Any, None), guarded=False)
    await repositories.look(RepositoryOf(repo.url, "default"), "argocd/web")
    used, tree = await remotes.tree(Base(repo.url, ref=sha if ref == "SHA" else ref), "default")
    assert (used.revision, tree.revision, used.moves) == (sha, sha, ref != "SHA")
    assert remotes.are_current([used])


@pytest.mark.parametrize("ref", ["refs/pull/8/head", "nope", "1" * 40])
async def test_a_base_at_a_ref_that_is_none_is_told_of(repo: GitRepo, mirrors: Mirrors, ref: str) -> None:
    repo.commit({"a": b"1"})
    repositories = Repositories(mirrors, users=lambda _: [], wake=lambda _: None, settings=Settings)
    remotes = Remotes(repositories, cast(Any, None), cast(Any, None), guarded=False)
    await repositories.look(RepositoryOf(repo.url, "default"), "argocd/web")
    for _ in range(2):
        with pytest.raises(UnknownRevision):
            await remotes.tree(Base(repo.url, ref=ref), "default")

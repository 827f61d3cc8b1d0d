"""Deployments are noted on their commits, beside what others noted."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.gitrepo import GitRepo

from trueup.model.errors import TrueupError
from trueup.model.repository import RepositoryOf
from trueup.sources.mirrors import Mirrors
from trueup.store.notes import REF, Deployed, Notes
from trueup.workers.git import run_git

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def notes(repo: GitRepo, folder: Path) -> tuple[Notes, Mirrors]:
    mirrors = Mirrors(folder, run_git, allowed_local=[repo.path.parent])
    return Notes(mirrors.get, lambda _: None, lambda: NOW), mirrors


async def test_lines_of_two_engines_stand_beside_each_other(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "remote.git")
    first, second = repo.commit({"a": b"1"}), repo.commit({"a": b"2"})
    engines = [notes(repo, tmp_path / name) for name in ("left", "right")]
    for _, mirrors in engines:
        await mirrors.get(repo.url).update()
    for number in range(3):
        await asyncio.gather(
            *(
                writer.write(Deployed(RepositoryOf(repo.url, "default"), sha, f"{name} {number}"))
                for (writer, _), name, sha in zip(engines, ("left", "right"), (second, second), strict=True)
            )
        )
    await engines[0][0].write(Deployed(RepositoryOf(repo.url, "default"), first, "earlier"))
    lines = repo.git("notes", f"--ref={REF}", "show", second).splitlines()
    assert sorted(lines) == sorted(f"{name} {n}" for name in ("left", "right") for n in range(3))
    assert repo.git("notes", f"--ref={REF}", "show", first) == "earlier"
    assert repo.git("rev-parse", "main") == second


async def test_a_server_that_takes_no_notes_is_named(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "remote.git")
    sha = repo.commit({"a": b"1"})
    repo.git("config", "receive.hideRefs", "refs/notes")
    writer, mirrors = notes(repo, tmp_path / "m")
    await mirrors.get(repo.url).update()
    with pytest.raises(TrueupError, match="refs/notes/trueup cannot be pushed"):
        await writer.write(Deployed(RepositoryOf(repo.url, "default"), sha, "x"))

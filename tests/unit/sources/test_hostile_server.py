"""Git servers that mean ill: silent, trickling, endless. Each costs a look, some time, and nothing that stays."""

import asyncio
import os
from pathlib import Path

import pytest
from tests.support.gitrepo import GitRepo
from tests.support.hostile import Answer, HostileServer, endless_pack, huge_refs, silent, trickling
from tests.support.patience import stretched

from trueup.model.errors import SourceUnavailable
from trueup.sources.mirrors import Mirrors
from trueup.sources.port import Timeouts
from trueup.sources.quota import Allowance, size_of
from trueup.workers.git import run_git

MEBIBYTE = 1 << 20
ALLOWANCE = Allowance(each=8 * MEBIBYTE, total=10 * MEBIBYTE)
HASTY = Timeouts(list_refs=2.0, fetch=2.0, idle=1.0)


def leftovers(folder: Path) -> list[str]:
    return [str(path) for path in folder.rglob("tmp_*")]


@pytest.mark.parametrize(
    ("answer", "says", "timeouts"),
    [
        pytest.param(silent, "not done after 2 s", HASTY, id="a silent server"),
        pytest.param(trickling, "not done after 2 s", HASTY, id="a byte a second"),
        pytest.param(huge_refs, "git ls-remote", Timeouts(list_refs=4.0), id="refs without end"),
        pytest.param(endless_pack, "--mirror-quota", Timeouts(), id="a pack without end"),
    ],
)
async def test_a_server_that_means_ill_is_an_error_of_its_repository_and_leaves_nothing(
    answer: Answer, says: str, timeouts: Timeouts, tmp_path: Path
) -> None:
    with HostileServer(answer) as server:
        mirrors = Mirrors(tmp_path / "mirrors", run_git, timeouts=timeouts, allowance=ALLOWANCE)
        with pytest.raises(SourceUnavailable, match=says):
            await mirrors.get(f"{server.url}/r.git").update()
        await mirrors.close()
    assert leftovers(tmp_path) == []
    assert size_of(tmp_path) < MEBIBYTE


async def test_mirrors_together_may_not_take_more_than_their_quota(tmp_path: Path) -> None:
    mirrors = Mirrors(tmp_path / "mirrors", run_git, allowed_local=[tmp_path], allowance=ALLOWANCE)
    repositories = []
    for number in range(3):
        repositories.append(GitRepo(tmp_path / f"r{number}.git"))
        repositories[-1].commit({"noise": os.urandom(4 * MEBIBYTE)})
    for repository in repositories[:2]:
        await mirrors.get(repository.url).update()
    with pytest.raises(SourceUnavailable, match="--mirrors-quota"):
        await mirrors.get(repositories[2].url).update()
    assert leftovers(tmp_path) == []
    assert await mirrors.get(repositories[0].url).update() is False, "the others go on"
    later = Mirrors(tmp_path / "mirrors", run_git, allowed_local=[tmp_path], allowance=ALLOWANCE)
    with pytest.raises(SourceUnavailable, match="--mirrors-quota"):
        await later.get(repositories[2].url).update()


async def test_a_fetch_that_is_given_up_leaves_no_part_of_a_pack(tmp_path: Path) -> None:
    with HostileServer(endless_pack) as server:
        mirrors = Mirrors(tmp_path / "mirrors", run_git)
        looking = asyncio.create_task(mirrors.get(f"{server.url}/r.git").update())
        async with asyncio.timeout(stretched(30)):
            while not leftovers(tmp_path):
                await asyncio.sleep(0.01)
        await mirrors.close()
        await asyncio.gather(looking, return_exceptions=True)
    assert leftovers(tmp_path) == []


async def test_a_mirror_that_nobody_reads_goes_after_a_while(tmp_path: Path) -> None:
    mirrors = Mirrors(tmp_path / "mirrors", run_git, allowed_local=[tmp_path])
    urls = []
    for name in ("read", "left"):
        repository = GitRepo(tmp_path / f"{name}.git")
        repository.commit({"a": b"1"})
        urls.append(repository.url)
        await mirrors.get(repository.url).update()
    await mirrors.keep_only(urls[:1], after=60.0)
    assert len(list((tmp_path / "mirrors").iterdir())) == 2, "it was used a moment ago"
    await mirrors.keep_only(urls[:1], after=1e-9)
    assert len(list((tmp_path / "mirrors").iterdir())) == 1
    assert await mirrors.get(urls[1]).update(), "whoever comes back has a new one"


async def test_a_disk_that_takes_nothing_is_an_error_of_the_repository(tmp_path: Path) -> None:
    repository = GitRepo(tmp_path / "r.git")
    repository.commit({"a": b"1"})
    (tmp_path / "mirrors").write_text("a file where the folder should be")
    with pytest.raises(SourceUnavailable, match=r"its mirror cannot be written: .* \(--data\)"):
        await Mirrors(tmp_path / "mirrors", run_git, allowed_local=[tmp_path]).get(repository.url).update()

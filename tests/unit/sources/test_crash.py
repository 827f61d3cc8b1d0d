"""Whatever is killed, and whatever it leaves, the next update succeeds with nothing done by hand."""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.support.githttp import GitHttpServer
from tests.support.gitrepo import GitRepo
from tests.support.tiers import everywhere

from trueup.model.errors import SourceUnavailable
from trueup.sources.mirror import Mirror
from trueup.sources.mirrors import Mirrors
from trueup.sources.port import Timeouts
from trueup.workers.git import run_git

KILLS = 5
ENGINE = """
import sys
from pathlib import Path
import uvloop
from trueup.sources.mirrors import Mirrors
from trueup.workers.git import run_git
async def main():
    mirror = Mirrors(Path(sys.argv[1]), run_git).get(sys.argv[2])
    while True:
        print("go", flush=True)
        await mirror.fetch()
uvloop.run(main())
"""


def mirror_of(root: Path, url: str, allowed: Path) -> Mirror:
    return Mirrors(root, run_git, allowed_local=[allowed], timeouts=Timeouts(fetch=20)).get(url)


def children(pid: int) -> list[int]:
    """Processes below one, deepest last."""
    found = []
    with contextlib.suppress(OSError):
        for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            found += [int(each), *children(int(each))]
    return found


def assert_whole(root: Path, mirror: Mirror, sha: str, files: int) -> None:
    assert mirror.resolve("main") == sha
    tree = mirror.tree(sha)
    assert sum(1 for entry in tree.walk("") if tree.read(entry)) == files
    (bare,) = root.glob("*/repo.git")
    assert not list(bare.rglob("*.lock"))
    assert not list(bare.rglob("tmp_*"))
    assert subprocess.run(["git", "-C", str(bare), "fsck", "--connectivity-only"], capture_output=True).returncode == 0


@everywhere
@pytest.mark.skipif(sys.platform != "linux", reason="finds the git processes in /proc")
@pytest.mark.parametrize(
    "victim", [pytest.param("git", marks=everywhere), pytest.param("engine", marks=everywhere), "engine and git"]
)
async def test_killed_at_random_moments(tmp_path: Path, victim: str) -> None:
    chance = random.Random(victim)
    repo = GitRepo(tmp_path / "remote" / "repo.git")
    files = 60
    repo.commit({f"f{number}": chance.randbytes(2000) for number in range(files)})
    root = tmp_path / "mirrors"
    struck = 0
    with GitHttpServer(tmp_path / "remote") as server:
        url = f"{server.url}/repo.git"
        for kill in range(KILLS):
            sha = repo.commit({f"n{kill}": chance.randbytes(500_000)})
            files += 1
            await asyncio.to_thread(_run_and_kill, root, url, victim, chance.uniform(0, 0.12))
            struck += is_marked(root)
            mirror = mirror_of(root, url, tmp_path)
            await mirror.update()
            assert_whole(root, mirror, sha, files)
            assert not is_marked(root)
    assert struck > 1  # a write was under way when the others were killed


def is_marked(root: Path) -> bool:
    """Whether a write of the mirror began and did not end."""
    return any(lock.read_bytes() for lock in root.glob("*/lock"))


def _run_and_kill(root: Path, url: str, victim: str, moment: float) -> None:
    engine = subprocess.Popen(
        [sys.executable, "-c", ENGINE, str(root), url],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert engine.stdout is not None
    assert engine.stdout.readline() == b"go\n"
    while not is_marked(root):
        time.sleep(0.002)
    time.sleep(moment)
    below = children(engine.pid)
    if victim != "git":
        engine.kill()
    if victim != "engine":
        for pid in below:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    engine.kill()
    engine.wait()
    engine.stdout.close()


@pytest.fixture
async def settled(tmp_path: Path) -> tuple[GitRepo, Mirror, Path, str]:
    """A repository, its mirror brought up to date, the mirror's bare folder, and a commit pushed since."""
    repo = GitRepo(tmp_path / "remote" / "repo.git")
    repo.commit({"a/one": b"1"})
    mirror = mirror_of(tmp_path / "mirrors", repo.url, tmp_path)
    await mirror.update()
    (bare,) = (tmp_path / "mirrors").glob("*/repo.git")
    return repo, mirror, bare, repo.commit({"a/two": b"2"})


async def test_locks_of_a_killed_git_are_removed(settled: tuple[GitRepo, Mirror, Path, str]) -> None:
    _, mirror, bare, sha = settled
    leftovers = ["packed-refs.lock", "shallow.lock", "config.lock", "HEAD.lock", "refs/heads/main.lock", "gc.pid"]
    for leftover in leftovers:
        (bare / leftover).write_text("")
    (bare / "objects/pack").mkdir(exist_ok=True)
    (bare / "objects/pack/tmp_pack_abc").write_bytes(b"PACK")
    (bare.parent / "lock").write_text("1")
    assert await mirror.update() is True
    assert_whole(bare.parent.parent, mirror, sha, 2)


async def test_a_lock_is_left_alone_while_a_git_lives_that_holds_the_mirror(
    settled: tuple[GitRepo, Mirror, Path, str], tmp_path: Path
) -> None:
    repo, _, bare, sha = settled
    holder = subprocess.Popen(["flock", str(bare.parent / "lock"), "sleep", "30"])
    try:
        await asyncio.sleep(0.2)
        (bare.parent / "lock").write_text("1")
        (bare / "packed-refs.lock").write_text("")
        hasty = Mirrors(tmp_path / "mirrors", run_git, allowed_local=[tmp_path], timeouts=Timeouts(fetch=0.5))
        with pytest.raises(SourceUnavailable, match="still writing"):
            await hasty.get(repo.url).update()
        assert (bare / "packed-refs.lock").exists()
    finally:
        for pid in [*children(holder.pid), holder.pid]:
            os.kill(pid, signal.SIGKILL)
        holder.wait()
    mirror = mirror_of(tmp_path / "mirrors", repo.url, tmp_path)
    assert await mirror.update() is True
    assert mirror.resolve("main") == sha


@pytest.mark.parametrize(
    "damage", ["objects gone", "empty ref", "no HEAD", "broken config", "folder gone", "half swapped", "half made"]
)
async def test_a_damaged_mirror_is_made_anew(
    settled: tuple[GitRepo, Mirror, Path, str], damage: str, tmp_path: Path
) -> None:
    _, mirror, bare, sha = settled
    match damage:
        case "objects gone":
            for each in [*bare.glob("objects/??/*"), *bare.glob("objects/pack/*")]:
                each.unlink()
        case "empty ref":
            (bare / "refs/heads/main").write_text("")
        case "no HEAD":
            (bare / "HEAD").unlink()
        case "broken config":
            (bare / "config").write_text("[core\n")
        case "folder gone":
            bare.rename(tmp_path / "elsewhere")
        case "half swapped":
            bare.rename(bare.with_name("repo.git.old"))
            (bare.parent / "lock").write_text("1")
        case "half made":
            bare.rename(bare.with_name("repo.git.new"))
            (bare.parent / "lock").write_text("1")
    assert await mirror.update() is True
    assert_whole(bare.parent.parent, mirror, sha, 2)
    assert sorted(path.name for path in bare.parent.iterdir()) == ["lock", "repo.git"]


async def test_a_lost_object_found_by_a_reader_is_mended_by_the_next_update_though_no_ref_moved(
    settled: tuple[GitRepo, Mirror, Path, str],
) -> None:
    _, mirror, bare, sha = settled
    await mirror.update()
    tree = mirror.tree(sha)
    entry = tree.entry("a/two")
    assert entry is not None
    (bare / "objects" / entry.oid[:2] / entry.oid[2:]).unlink()
    with pytest.raises(SourceUnavailable, match="damaged"):
        tree.read(entry)
    assert await mirror.update() is True
    assert mirror.tree(sha).read(entry) == b"2"


async def test_readers_never_see_half_an_update(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "remote" / "repo.git")
    repo.commit({"a": b"0", "b": b"0"})
    mirror = mirror_of(tmp_path / "mirrors", repo.url, tmp_path)
    await mirror.update()
    stop = asyncio.Event()
    reads = 0

    def read() -> bool:
        tree = mirror.tree(mirror.resolve("main"))
        contents = {tree.read(entry) for entry in tree.walk("")}
        return len(contents) == 1

    async def reader() -> None:
        nonlocal reads
        while not stop.is_set():
            assert await asyncio.to_thread(read)
            reads += 1

    readers = [asyncio.create_task(reader()) for _ in range(3)]
    for number in range(1, 11):
        await asyncio.to_thread(repo.commit, {"a": b"%d" % number, "b": b"%d" % number})
        await mirror.update()
    stop.set()
    await asyncio.gather(*readers)
    assert reads > 10

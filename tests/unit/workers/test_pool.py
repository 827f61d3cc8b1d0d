"""The pool: children are limited, killed, replaced, and leave nothing behind."""

import asyncio
import gc
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import uvloop
from tests.support.memtree import MemTree
from tests.support.patience import looks, stretched

from trueup.model.application import Source
from trueup.model.errors import RenderFailed, TrueupError
from trueup.model.manifest import Rendering
from trueup.render.job import Recipe
from trueup.render.recipe import RenderContext, make_recipe, read_inputs
from trueup.workers.childprocess import PACKAGES
from trueup.workers.pool import Pool, PoolLimits
from trueup.workers.process import MEBIBYTE

CM = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
PLAIN = {"a/x.yaml": CM}
CHART = {"a/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n", "a/values.yaml": ""}
ENDLESS = {
    **CHART,
    "a/templates/x.yaml": "{{ range $i, $e := until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}",
}
GREEDY = {**CHART, "a/templates/x.yaml": '{{ $x := repeat 700000000 "abc" }}{{ $y := repeat 9 $x }}{{ len $y }}'}


def recipe(files: Mapping[str, str | bytes]) -> tuple[Recipe, dict[str, bytes]]:
    tree = MemTree(files)
    made = make_recipe(Source(path="a"), tree, {}, RenderContext(app_name="shop", namespace="prod"))
    return made, read_inputs(made, tree, {})


async def render(pool: Pool, files: Mapping[str, str | bytes]) -> Rendering:
    return await pool.render(*recipe(files))


def descendants(pid: int) -> set[int]:
    """Processes below one, by /proc."""
    found: set[int] = set()
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found |= {int(child)} | descendants(int(child))
    return found


def folders(pids: set[int]) -> set[Path]:
    return {Path(f"/proc/{pid}/cwd").readlink() for pid in pids}


@pytest.fixture
async def single() -> AsyncIterator[Pool]:
    """One child, with time enough on a busy machine."""
    made = Pool(1, limits=PoolLimits(seconds=100.0, memory=1536 * MEBIBYTE))
    yield made
    await made.close()


async def test_a_child_is_reused(single: Pool) -> None:
    before = descendants(os.getpid())
    await render(single, PLAIN)
    first = descendants(os.getpid()) - before
    await render(single, PLAIN)
    assert descendants(os.getpid()) - before == first
    assert len(first) == 1


async def test_its_folder_may_be_named_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("render").mkdir()
    pool = Pool(1, root=Path("render"))
    try:
        await render(pool, PLAIN)
    finally:
        await pool.close()


async def test_a_child_is_replaced_after_its_jobs() -> None:
    pool = Pool(1, limits=PoolLimits(jobs=1))
    before = descendants(os.getpid())
    try:
        await pool.warm()
        first = descendants(os.getpid()) - before
        await render(pool, PLAIN)
        await render(pool, PLAIN)
        assert not first & descendants(os.getpid())
    finally:
        await pool.close()


@pytest.mark.parametrize(
    ("files", "memory", "says"),
    [
        # Memory enough that only the deadline can stop it: Go's runtime needs room for threads on a busy machine.
        pytest.param(ENDLESS, 8192, "took longer than 1 s", id="an endless template is stopped at its deadline"),
        pytest.param(GREEDY, 1536, "memory limit", id="a template that eats memory dies at its limit"),
    ],
)
async def test_a_bad_chart_costs_its_own_render_only(files: dict[str, str], memory: int, says: str) -> None:
    seconds = 1.0 if files is ENDLESS else 60.0
    pool = Pool(1, limits=PoolLimits(seconds=seconds, memory=memory * MEBIBYTE))
    try:
        await pool.warm()
        with pytest.raises(RenderFailed, match=f"rendering stopped: .*{says}"):
            await render(pool, files)
        assert len((await render(pool, PLAIN)).manifests) == 1
    finally:
        await pool.close()


async def test_a_killed_child_is_replaced(single: Pool) -> None:
    before = descendants(os.getpid())
    await single.warm()
    (child,) = descendants(os.getpid()) - before
    os.kill(child, signal.SIGKILL)
    try:
        await render(single, PLAIN)
    except RenderFailed as error:  # or its end was known before it was asked
        assert "crashed" in str(error)
    assert child not in descendants(os.getpid()) - before
    assert len((await render(single, PLAIN)).manifests) == 1


async def test_a_cancelled_render_frees_its_slot(single: Pool) -> None:
    task = asyncio.create_task(render(single, ENDLESS))
    await asyncio.sleep(0.4)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len((await render(single, PLAIN)).manifests) == 1


async def test_children_end_when_nothing_is_rendered_and_start_again() -> None:
    before = descendants(os.getpid())
    pool = Pool(2, limits=PoolLimits(rest=0.01))
    try:
        await asyncio.gather(*(render(pool, PLAIN) for _ in range(2)))
        async for _ in looks(60):
            if not descendants(os.getpid()) - before:
                break
        else:
            pytest.fail("children that nobody needs stay")
        assert (await render(pool, PLAIN)).manifests
    finally:
        await pool.close()


async def test_closing_leaves_no_process_and_no_folder() -> None:
    before = descendants(os.getpid())
    pool = Pool(2)
    await asyncio.gather(render(pool, PLAIN), render(pool, {**CHART, "a/templates/x.yaml": CM}))
    children = descendants(os.getpid()) - before
    places = folders(children)
    assert len(children) == 2 and all(place.is_dir() for place in places)
    await pool.close()
    assert not children & descendants(os.getpid())
    assert not any(place.exists() for place in places)


async def test_renders_beyond_the_size_wait_their_turn(single: Pool) -> None:
    results = await asyncio.gather(*(render(single, PLAIN) for _ in range(20)))
    assert {result.key for result in results} == {results[0].key}


async def test_a_child_is_made_ready_while_one_lasts() -> None:
    before = descendants(os.getpid())
    pool = Pool(2)
    try:
        await pool.warm()
        (first,) = descendants(os.getpid()) - before
        lasts, told = asyncio.Event(), asyncio.Event()

        def yielding(gentle: Callable[[], None]) -> Callable[[], None]:
            told.set()
            return lasts.set

        task = asyncio.create_task(pool.render(*recipe(ENDLESS), yielding))
        async with asyncio.timeout(stretched(60)):
            await lasts.wait()
        assert told.is_set() and os.getpriority(os.PRIO_PROCESS, first) > os.getpriority(os.PRIO_PROCESS, 0)
        async for _ in looks(60):
            if descendants(os.getpid()) - before - {first}:
                break
        else:
            pytest.fail("no child is made ready")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await render(pool, PLAIN)
        assert first not in descendants(os.getpid()), "who has let others first cannot be used again"
    finally:
        await pool.close()


async def test_who_gives_up_while_a_child_starts_leaves_none_behind() -> None:
    before = descendants(os.getpid())
    pool = Pool(1)
    try:
        task = asyncio.create_task(render(pool, PLAIN))
        async for _ in looks(60):
            if descendants(os.getpid()) - before:
                break
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await pool.warm()
        assert len(descendants(os.getpid()) - before) == 1
    finally:
        await pool.close()


async def test_a_child_has_no_environment(single: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "secret")
    before = descendants(os.getpid())
    await single.warm()
    (child,) = descendants(os.getpid()) - before
    assert b"secret" not in Path(f"/proc/{child}/environ").read_bytes()


async def test_a_child_finds_nothing_in_its_folder(single: Pool) -> None:
    before = descendants(os.getpid())
    await render(single, PLAIN)
    (place,) = folders(descendants(os.getpid()) - before)
    assert list(place.iterdir()) == []


async def test_a_worker_that_cannot_start_is_no_fault_of_the_source() -> None:
    pool = Pool(1, limits=PoolLimits(memory=8 * MEBIBYTE))
    try:
        with pytest.raises(TrueupError, match="did not start") as caught:
            await render(pool, PLAIN)
        assert not isinstance(caught.value, RenderFailed)
    finally:
        await pool.close()


PARENT = """
import asyncio, sys
from trueup.workers.pool import Pool
async def main():
    pool = Pool(1)
    await pool.warm()
    print("up", flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


async def test_children_die_with_a_killed_parent(tmp_path: Path) -> None:
    environment = {"PYTHONPATH": os.pathsep.join(PACKAGES), "TMPDIR": str(tmp_path)}
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, env=environment)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"up\n"
    children = descendants(parent.pid)
    assert len(children) == 1
    parent.kill()
    parent.wait()
    parent.stdout.close()
    async with asyncio.timeout(stretched(5)):
        while any(Path(f"/proc/{child}").exists() for child in children):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("turns", [1, 3, 10])
def test_a_pool_closed_while_a_child_is_being_started_leaves_no_process(tmp_path: Path, turns: int) -> None:
    async def start_and_close() -> None:
        pool = Pool(1, root=tmp_path)
        pool.expect()
        for _ in range(turns):
            await asyncio.sleep(0)
        await pool.close()

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(start_and_close())
        gc.collect()
    assert [str(each.message) for each in said if issubclass(each.category, ResourceWarning)] == []
    assert list(tmp_path.iterdir()) == []

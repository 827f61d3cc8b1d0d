"""The whole workflow: from a push of code to a running image, a write-back in a large repository, the audit trail."""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from bench.result import Result, median, result
from kubegrammar.image import Image
from kubegrammar.time import format_exact_time, parse_time
from trueup.cli.app.access import ApplicationView, read_view
from trueup.cli.circle import CODE, NAME, PAGE, Circle, is_running
from trueup.cli.demo import examples
from trueup.demo.playground import Playground, playground
from trueup.demo.sites import embedded
from trueup.features.images.rule import ImageRule, TargetKind, Update, WriteBack
from trueup.features.images.target import Editor, write_images
from trueup.kube.errors import NotFound
from trueup.model.application import Source
from trueup.model.audit import Action, AuditRecord
from trueup.runtime.clock import SystemClock
from trueup.sources.mirrors import Mirrors
from trueup.sources.tree import GitTree
from trueup.sources.writer import Edit, WantedCommit, write
from trueup.store.audit import Filter, Trail, query
from trueup.store.kinds import APPLICATION
from trueup.workers.git import run_git

ROUNDS = 5
FILES = 10_000
WRITERS = 8
RECORDS = 4_000
PATIENCE = 60.0
IDENTITY = ("-c", "user.name=bench", "-c", "user.email=bench@trueup.invalid")


async def workflow(_: Playground) -> list[Result]:
    """All three."""
    return [*await _circle(), *await _write_back(), *await _audit()]


async def _circle() -> list[Result]:
    """A push of code until its image is healthy, on an embedded cluster; the time of each stage from the records."""
    totals, stages = [], dict[str, list[float]]()
    async with (
        embedded(lambda _: None) as site,
        playground(site, git=run_git, content=examples(), url="", report=lambda _: None, workshop=True) as ground,
    ):
        assert ground.repository and ground.services

        async def until(name: str, what: str, holds: Callable[[ApplicationView], bool]) -> ApplicationView:
            deadline = time.monotonic() + PATIENCE
            while time.monotonic() < deadline:
                try:
                    live = await ground.client.get(APPLICATION, site.namespace, name)
                except NotFound:
                    await asyncio.sleep(0.02)
                    continue
                view = read_view(live.body)
                if holds(view):
                    return view
                await asyncio.sleep(0.02)
            raise TimeoutError(what)

        circle = Circle(ground, ground.repository, examples(), until)
        circle.code = await ground.code(CODE, examples() / CODE)
        await circle.application()
        await circle.runs("1.0.1")
        for number in range(2, ROUNDS + 2):
            pushed = SystemClock().now().timestamp()
            await circle.code.write(PAGE, f"<!doctype html>\n<p>Hello {number}.</p>\n", f"Page {number}")
            image = f"{circle.image}:1.0.{number}"
            await until(NAME, image, lambda view, image=image: is_running(view, image))  # type: ignore[misc]
            totals.append((SystemClock().now().timestamp() - pushed) * 1000)
            run = ground.services.ci.runs()[-1]
            entries = list(query(Path(circle.data) / "audit.db", Filter(application=f"{site.namespace}/{NAME}")))
            for stage, milliseconds in _stages(pushed, run.seconds, entries):
                stages.setdefault(stage, []).append(milliseconds)
    found = [result("code push → new image healthy", median(totals), "ms")]
    return found + [result(f"  of it: {name}", median(samples), "ms") for name, samples in stages.items()]


def _stages(pushed: float, pipeline: float, entries: list[AuditRecord]) -> list[tuple[str, float]]:
    """From the push on: the pipeline; until its tag is seen and committed; until that is applied; until healthy."""

    def last(action: Action) -> float:
        return max(parse_time(e.at).timestamp() for e in entries if e.action is action)

    built = pushed + pipeline
    committed, applied = last(Action.IMAGE), last(Action.APPLIED)
    healthy = max(parse_time(e.at).timestamp() for e in entries if e.action is Action.HEALTH and e.result == "Healthy")
    return [
        ("pipeline: test, build, push", pipeline * 1000),
        ("new tag seen and committed", (committed - built) * 1000),
        ("commit applied", (applied - committed) * 1000),
        ("healthy", (healthy - applied) * 1000),
    ]


async def _write_back() -> list[Result]:
    """One tag in a repository of 10,000 files: look at the branch, edit, commit, push; beside git doing the same."""
    with tempfile.TemporaryDirectory(prefix="trueup-bench-") as scratch:
        root = Path(scratch)
        remote, work = root / "remote.git", root / "work"
        await asyncio.to_thread(_fill, work)
        await run_git(["init", "--quiet", "--bare", "--initial-branch=main", str(remote)])
        await run_git(["init", "--quiet", "--initial-branch=main"], cwd=work)
        await run_git(["add", "--all"], cwd=work)
        await run_git([*IDENTITY, "commit", "--quiet", "-m", "first"], cwd=work)
        place = f"file://{remote}"
        await run_git(["push", "--quiet", place, "main"], cwd=work, protocols=("file",))
        mirrors = Mirrors(root / "mirrors", run_git, allowed_local=[root])
        mirror = mirrors.get(place)
        await mirror.update()
        ours, theirs = [], []
        for number in range(ROUNDS * 2):
            began = time.perf_counter()
            await write(mirror, _ask(), _edit(f"1.0.{number}"), now=SystemClock().now)
            ours.append((time.perf_counter() - began) * 1000)
            began = time.perf_counter()
            await run_git(["pull", "--quiet", "--ff-only", place, "main"], cwd=work, protocols=("file",))
            file = work / "apps" / "app-50" / "kustomization.yaml"
            text = await asyncio.to_thread(file.read_text)
            await asyncio.to_thread(file.write_text, text.replace("newTag: ", "newTag: x"))
            await run_git([*IDENTITY, "commit", "--quiet", "-am", "tag"], cwd=work)
            await run_git(["push", "--quiet", place, "main"], cwd=work, protocols=("file",))
            theirs.append((time.perf_counter() - began) * 1000)
        await mirrors.close()
    name = f"write-back of one tag, {FILES} files (floor: git pull, sed, commit, push)"
    return [result(name, median(ours), "ms", median(theirs))]


def _fill(work: Path) -> None:
    for number in range(FILES // 100):
        folder = work / "apps" / f"app-{number}"
        folder.mkdir(parents=True)
        (folder / "kustomization.yaml").write_text("images:\n- name: web\n  newTag: 0.0.0\n")
        for file in range(99):
            (folder / f"file-{file}.yaml").write_text(f"a: {number}\nb: {file}\n")


def _ask() -> WantedCommit:
    return WantedCommit(branch="main", message=lambda _: "Update web\n")


def _edit(tag: str) -> Edit:
    back = WriteBack(target=TargetKind.KUSTOMIZATION)
    rule = ImageRule(alias="web", image=Image("web"), origin="bench")
    update = Update(rule=rule, old=Image("web"), new=Image("web", tag))

    def edit(tree: GitTree) -> Mapping[str, bytes | None]:
        editor = Editor(tree)
        write_images(editor, Source(path="apps/app-7"), "web", back, [update])
        return editor.files

    return edit


async def _audit() -> list[Result]:
    """Records that eight writers each wait for, beside a bare loop of transactions of the same rows."""
    with tempfile.TemporaryDirectory(prefix="trueup-bench-") as scratch:
        trail = Trail(Path(scratch) / "audit.db", SystemClock().now)
        entry = AuditRecord(
            at=format_exact_time(SystemClock().now()),
            action=Action.APPLIED,
            application="argocd/web",
            object="apps/Deployment/web/web",
            revision="a" * 40,
            message="deployment.apps/web configured",
        )
        await trail.write(entry)

        async def one() -> None:
            for _ in range(RECORDS // WRITERS):
                await trail.write(entry, entry, entry)

        began = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(WRITERS)))
        ours = RECORDS * 3 / (time.perf_counter() - began)
        await trail.close()
        floor = await asyncio.to_thread(_bare, Path(scratch) / "bare.db")
    return [result("audit records, each waited for (floor: bare SQLite, 24 a transaction)", ours, "/s", floor)]


def _bare(path: Path) -> float:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=NORMAL")
        database.execute("CREATE TABLE entries (id INTEGER PRIMARY KEY, at INTEGER, application TEXT, body BLOB)")
        database.execute("CREATE INDEX by_application ON entries (application, id)")
        body = b"x" * 300
        began = time.perf_counter()
        for _ in range(RECORDS * 3 // 24):
            with database:
                database.executemany(
                    "INSERT INTO entries (at, application, body) VALUES (?, ?, ?)", [(1, "argocd/web", body)] * 24
                )
        return RECORDS * 3 / (time.perf_counter() - began)

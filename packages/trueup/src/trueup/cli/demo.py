"""``trueup demo``."""

import asyncio
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import click
import msgspec
import uvloop

import trueup
from kubegrammar.errors import Explained
from pocketkube.controlplane import default_folders
from trueup.cli import plugins
from trueup.cli.app.access import ApplicationView, list_applications, read_view
from trueup.cli.board import Board
from trueup.cli.connect import kubeconfig_files
from trueup.cli.examples import examples as help_examples
from trueup.cli.exits import FAILED
from trueup.cli.home import home
from trueup.cli.logs import configure_logs
from trueup.cli.scene import Happening, ScenePlace, by_hand, commands, happenings, lines
from trueup.cli.screen import canvas, plain
from trueup.cli.tour import walk
from trueup.cli.webui import handover, shows_browsers, web_ui
from trueup.demo.guest import guest
from trueup.demo.playground import ROOT, Playground, application, playground
from trueup.demo.sites import SandboxSite, embedded, real
from trueup.kube.config import context_names
from trueup.kube.errors import ApiError
from trueup.model.errors import TrueupError
from trueup.model.status import ResourceStatus
from trueup.store.audit import Filter, query
from trueup.store.audit.address import locate
from trueup.workers.git import run_git

if TYPE_CHECKING:
    from rich.console import Console  # noqa: TID251 - a type

READABLE = 120
REFRESH = 0.5
NEWEST = 200
"""Entries of the trail among which the last events are looked for."""

Rows = list[tuple[str, ...]]


class DemoRepository(msgspec.Struct, frozen=True):
    """Which repository to show: a folder to copy, or a URL to read, and where in it to begin."""

    content: Path | None
    url: str
    path: str


@click.command(epilog=help_examples("trueup demo", "trueup demo --tour", "trueup demo --repo . --path deploy"))
@click.option(
    "--cluster",
    default="embedded",
    metavar="embedded|kubernetes|CONTEXT",
    help="Where: on an embedded cluster (default), a real control plane, or a context of your kubeconfig.",
)
@click.option("--kubeconfig", default="", help="For a context: kubeconfig file (default: $KUBECONFIG, ~/.kube/config).")
@click.option("--tour", is_flag=True, help="Walk through commit, drift, a bad commit and a revert, then exit.")
@click.option("--repo", default="", metavar="PATH|URL", help="Another repository than the examples.")
@click.option("--path", default="", help="Folder in that repository (default: its root, searched recursively).")
@click.option("--browser/--no-browser", default=True, help="Open the web UI, signed in, where there is a display.")
def demo(cluster: str, kubeconfig: str, tour: bool, repo: str, path: str, browser: bool) -> None:
    """Bring up a cluster, a repository and the engine, and show them work.

    A cluster of yours gets namespaces of the demo's own, trueup-demo and trueup-demo-*, and loses them at the end.
    """
    began = time.monotonic()
    configure_logs("text", "warning")
    if tour and repo:
        raise click.UsageError("--tour walks through the examples: leave --repo out")
    choice = _choice(repo, path)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        held = runner.run(_run(_Stage(cluster, kubeconfig, began), choice, tour=tour, browser=browser))
    sys.exit(0 if held else FAILED)


def examples() -> Path:
    """The example repository: inside the installed package, or beside the source tree.

    Raises:
        TrueupError: neither is there.
    """
    package = Path(trueup.__file__).parent
    for folder in (package / "_examples", package.parents[3] / "examples"):
        if folder.is_dir():
            return folder
    raise TrueupError("the example repository is not installed", hint="name a repository by --repo")


def _choice(repo: str, path: str) -> DemoRepository:
    if not repo:
        return DemoRepository(examples(), "", path)
    folder = Path(repo).expanduser()
    if "://" in repo:
        return DemoRepository(None, repo, path)
    if not folder.is_dir():
        raise TrueupError(f"{repo} is neither a folder nor a URL", hint="name a folder, or an https:// URL")
    if (folder / ".git").exists() or (folder / "HEAD").is_file():
        return DemoRepository(None, folder.resolve().as_uri(), path)
    return DemoRepository(folder, "", path)


class _Stage(msgspec.Struct, frozen=True):
    """Where the demo runs, and when its command began (monotonic seconds)."""

    cluster: str
    kubeconfig: str
    began: float

    def site(self, report: Callable[[str], None]) -> AbstractAsyncContextManager[SandboxSite]:
        if self.cluster == "embedded":
            return embedded(report)
        if self.cluster == "kubernetes":
            return real(report, default_folders(os.environ, home()))
        files = kubeconfig_files(self.kubeconfig)
        file = next((each for each in files if self.cluster in context_names(each)), files[0])
        return guest(report, file.resolve(), self.cluster, plugins.run)


async def _run(stage: _Stage, choice: DemoRepository, *, tour: bool, browser: bool) -> bool:
    console = canvas()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def report(step: str) -> None:
        console.print(plain(f"• {step}"), soft_wrap=True)

    async with (
        stage.site(report) as site,
        playground(
            site,
            git=run_git,
            content=choice.content,
            url=choice.url,
            report=report,
            workshop=choice.content is not None,
            # Somebody else's cluster gets no accounts.
            listen="" if tour or site.guest else "127.0.0.1:0",
        ) as ground,
    ):
        custom = bool(choice.path) or choice.content is None or choice.content != _examples_or_none()
        if custom:
            recurse = {} if choice.path else {"directory": {"recurse": True}}
            namespace, path = f"{site.prefix}demo", choice.path or "."
            manifest = application(
                "demo", ground.repository_url, path, namespace=namespace, control=site.namespace, **recurse
            )
        else:
            values = {"repoURL": ground.repository_url, "targetRevision": "HEAD", "namespacePrefix": site.prefix}
            manifest = application(
                ROOT,
                ground.repository_url,
                "apps",
                namespace=site.namespace,
                control=site.namespace,
                helm={"valuesObject": values},
            )
        await ground.create(manifest)
        report(f"everything is up after {time.monotonic() - stage.began:.1f} s")
        if tour:
            walking = asyncio.create_task(walk(ground, console, examples()))
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({walking, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if not walking.done():
                walking.cancel()
                return False
            return walking.result()
        showing, place = _Showing(console), _place(ground, choice)
        name = "demo" if custom else "plain"
        showing.say("")
        for line in commands(place, name, examples=not custom, namespace=f"{site.prefix}{name}"):
            showing.say(plain(line))
        showing.say(f"The engine's log: {ground.engine.log}")
        showing.say("Ctrl-C stops everything.\n")
        telling = None if site.guest else asyncio.create_task(_tell_web_ui(showing, ground, browser=browser))
        try:
            await _watch(showing, ground, stop, stage.began, place if custom else None)
        finally:
            if telling:
                telling.cancel()
                await asyncio.gather(telling, return_exceptions=True)
        console.print("stopping; nothing is left behind")
        return True


async def _tell_web_ui(showing: "_Showing", ground: Playground, *, browser: bool) -> None:
    """Say where it is as soon as it is there, and open it; nothing waits for it."""
    with suppress(ApiError):
        found = await web_ui(ground.engine.log, ground.client, ground.site.namespace)
        showing.say(plain(f"The web UI: {found.url}, as admin with the password {found.password}"))
        if browser and shows_browsers(os.environ, sys.platform, terminal=sys.stdout.isatty()):
            import webbrowser

            page = await asyncio.to_thread(handover, found, ground.folder)
            await asyncio.to_thread(webbrowser.open, page.as_uri())


def _examples_or_none() -> Path | None:
    try:
        return examples()
    except Explained:
        return None


def _place(ground: Playground, choice: DemoRepository) -> ScenePlace:
    programs = Path(sys.executable).parent
    found = shutil.which("trueup")
    local = Path(unquote(choice.url.removeprefix("file://"))) if choice.url.startswith("file://") else None
    return ScenePlace(
        programs=None if found and Path(found).parent == programs else programs,
        kubeconfig=ground.kubeconfig,
        context=ground.site.context,
        namespace=ground.site.namespace if ground.site.context else "",
        data=ground.folder / "data",
        folder=ground.repository.folder if ground.repository else local,
        pushed=ground.repository is not None,
    )


class _Showing:
    """Tells what goes on: drawn over on a terminal; elsewhere a line for each thing that changed."""

    def __init__(self, console: "Console") -> None:
        self._console = console
        self._board = Board(console) if console.is_terminal else None
        self._seen: set[tuple[str, ...]] = set()
        self._last = 0

    def say(self, line: str) -> None:
        if self._board:
            self._board.say(line)
        else:
            self._console.print(line, soft_wrap=True)

    def show(self, rows: Rows, happened: Sequence[Happening]) -> None:
        if self._board:
            self._board.show(lines(rows, happened, self._console.width))
            return
        for row in rows:
            if row not in self._seen:
                self.say("  ".join(cell for cell in row if cell))
        self._seen = set(rows)
        for each in happened:
            if each.id > self._last:
                self._last = each.id
                self.say(each.line)


async def _watch(
    showing: _Showing, ground: Playground, stop: asyncio.Event, began: float, unknown: ScenePlace | None
) -> None:
    """Show the applications until told to stop, and once when the first, and when all of them, run as declared.

    Args:
        unknown: where the repository is somebody's, a change to try is made up from what it deploys.
    """
    trail = await locate(ground.client, ground.folder / "state", ground.site.namespace)
    told: set[str] = set()
    while not stop.is_set():
        if not ground.engine.alive:
            raise TrueupError("the engine has stopped", hint=_tail(ground.engine.log))
        views = sorted(
            map(read_view, await list_applications(ground.client, ground.site.namespace)),
            key=lambda view: view.app.metadata.name,
        )
        rows = list(map(_row, views))
        showing.show(rows, await asyncio.to_thread(_happened, trail))
        settled = [row[1:3] == ("Synced", "Healthy") for row in rows]
        for what, holds in (
            ("the first application", any(settled)),
            ("every application", settled and all(settled)),
        ):
            if holds and what not in told:
                told.add(what)
                showing.say(f"• {what} is Synced and Healthy after {time.monotonic() - began:.1f} s")
                if unknown and what == "the first application":
                    _suggest(showing, unknown, views[settled.index(True)].status.resources)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), REFRESH)


def _suggest(showing: _Showing, place: ScenePlace, resources: Sequence[ResourceStatus]) -> None:
    if command := by_hand(place, resources):
        showing.say("Change something by hand, and see it put back:")
        showing.say(f"  {plain(command)}")


def _happened(trail: Path) -> list[Happening]:
    """The newest of the trail; the engine makes it when it has something to say."""
    try:
        return happenings(query(trail, Filter(limit=NEWEST)))
    except Explained:
        return []


def _row(view: ApplicationView) -> tuple[str, ...]:
    sync, health, state = view.status.sync, view.status.health, view.status.operation_state
    message = "; ".join(c.message for c in view.status.conditions) or (state.message if state else "")
    verdicts = (str(sync.status) if sync else "Unknown", (health.status if health else "") or "Unknown")
    cells = (view.app.metadata.name, *verdicts, sync.revision[:8] if sync else "", message)
    return tuple(plain(cell.replace("\n", " "), keep="")[:READABLE] for cell in cells)


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return "its last words: " + (lines[-1] if lines else "none")

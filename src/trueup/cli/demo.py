"""``trueup demo``."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
import uvloop
from rich.live import Live
from rich.table import Table
from rich.text import Text

import trueup
from trueup.cli.app.access import list_applications, read_view
from trueup.cli.app.read import list_row
from trueup.cli.exits import FAILED
from trueup.cli.home import home
from trueup.cli.logs import configure_logs
from trueup.cli.output import COLOURS
from trueup.cli.screen import canvas, plain
from trueup.cli.tour import walk
from trueup.model.errors import TrueupError
from trueup.sandbox.controlplane import default_folders
from trueup.sandbox.guest import guest
from trueup.sandbox.playground import ROOT, Playground, application, playground
from trueup.sandbox.sites import Site, embedded, real
from trueup.workers.git import run_git

if TYPE_CHECKING:
    from rich.console import Console  # noqa: TID251 - a type

READABLE = 120
REFRESH = 0.5

Rows = list[tuple[str, ...]]


class Choice(msgspec.Struct, frozen=True):
    """Which repository to show: a folder to copy, or a URL to read, and where in it to begin."""

    content: Path | None
    url: str
    path: str


@click.command()
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
def demo(cluster: str, kubeconfig: str, tour: bool, repo: str, path: str) -> None:
    """Bring up a cluster, a repository and the engine, and show them work.

    A cluster of yours gets namespaces of the demo's own, trueup-demo and trueup-demo-*, and loses them at the end.
    """
    began = time.monotonic()
    configure_logs("text", "warning")
    if tour and repo:
        raise click.UsageError("--tour walks through the examples: leave --repo out")
    choice = _choice(repo, path)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        held = runner.run(_run(_Stage(cluster, kubeconfig, began), choice, tour=tour))
    sys.exit(0 if held else FAILED)


def examples() -> Path:
    """The example repository: inside the installed package, or beside the source tree.

    Raises:
        TrueupError: neither is there.
    """
    package = Path(trueup.__file__).parent
    for folder in (package / "_examples", package.parent.parent / "examples"):
        if folder.is_dir():
            return folder
    raise TrueupError("the example repository is not installed", hint="name a repository by --repo")


def _choice(repo: str, path: str) -> Choice:
    if not repo:
        return Choice(examples(), "", path)
    folder = Path(repo).expanduser()
    if "://" in repo:
        return Choice(None, repo, path)
    if not folder.is_dir():
        raise TrueupError(f"{repo} is neither a folder nor a URL", hint="name a folder, or an https:// URL")
    if (folder / ".git").exists() or (folder / "HEAD").is_file():
        return Choice(None, folder.resolve().as_uri(), path)
    return Choice(folder, "", path)


class _Stage(msgspec.Struct, frozen=True):
    """Where the demo runs, and when its command began (monotonic seconds)."""

    cluster: str
    kubeconfig: str
    began: float

    def site(self, report: Callable[[str], None]) -> AbstractAsyncContextManager[Site]:
        if self.cluster == "embedded":
            return embedded(report)
        if self.cluster == "kubernetes":
            return real(report, default_folders(os.environ, home()))
        named = self.kubeconfig or os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
        return guest(report, Path(named or home() / ".kube" / "config").resolve(), self.cluster)


async def _run(stage: _Stage, choice: Choice, *, tour: bool) -> bool:
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
        _commands(console, ground)
        await _watch(console, ground, stop, stage.began)
        console.print("stopping; nothing is left behind")
        return True


def _examples_or_none() -> Path | None:
    try:
        return examples()
    except TrueupError:
        return None


def _commands(console: "Console", ground: Playground) -> None:
    console.print("\nIn another terminal:\n", style="bold")
    binary = Path(sys.executable).parent / "trueup"
    program = str(binary) if binary.exists() else f"{sys.executable} -m trueup"
    kubectl = Path(sys.executable).parent / "kubectl"
    site = ground.site
    context = f" --context {site.context}" if site.context else ""
    ours = f" --kube-context {site.context} --namespace {site.namespace}" if site.context else ""
    lines = [
        f"export KUBECONFIG={ground.kubeconfig}",
        f"{program} app list{ours}",
        f"{program} app get {ROOT if ground.repository else 'demo'}{ours}",
    ]
    if ground.repository:
        folder = ground.repository.folder
        lines += [
            f"{program} app wait plain --timeout 60{ours}",
            f"{kubectl}{context} -n {site.prefix}plain scale deployment web --replicas 5    # Trueup puts it back",
            f"cd {folder}",
            "sed -i 's/replicas: .*/replicas: 3/' plain/deployment.yaml && git commit -am 'Three replicas' && git push",
            "git revert --no-edit HEAD && git push",
            f"{program} app timeline plain --data {ground.folder / 'data'}{ours}",
        ]
    for line in lines:
        console.print(plain(f"  {line}"), soft_wrap=True)
    console.print(f"\nThe engine's log: {ground.engine.log}\nCtrl-C stops everything.\n", soft_wrap=True)


async def _watch(console: "Console", ground: Playground, stop: asyncio.Event, began: float) -> None:
    """Show the applications until told to stop, and once when the first, and when all of them, run as declared."""
    with _screen(console) as update:
        before = ""
        told: set[str] = set()
        while not stop.is_set():
            if not ground.engine.alive:
                raise TrueupError("the engine has stopped", hint=_tail(ground.engine.log))
            rows = await _rows(ground)
            text = repr(rows)
            if text != before:
                update(rows)
                before = text
                settled = [row[1:3] == ("Synced", "Healthy") for row in rows]
                for what, holds in (
                    ("the first application", any(settled)),
                    ("every application", settled and all(settled)),
                ):
                    if holds and what not in told:
                        told.add(what)
                        console.print(f"• {what} is Synced and Healthy after {time.monotonic() - began:.1f} s")
            try:
                await asyncio.wait_for(stop.wait(), REFRESH)
            except TimeoutError:
                continue


@contextmanager
def _screen(console: "Console") -> Iterator[Callable[[Rows], None]]:
    """A table that is drawn over; where nobody watches a terminal, a line for each row that changed."""
    if console.is_terminal:
        with Live(Text("waiting for applications…"), console=console, auto_refresh=False) as live:
            yield lambda rows: live.update(_table(rows), refresh=True)
        return
    seen: set[tuple[str, ...]] = set()

    def tell(rows: Rows) -> None:
        for row in rows:
            if row not in seen:
                console.print("  ".join(cell for cell in row if cell), soft_wrap=True)
        seen.clear()
        seen.update(rows)

    yield tell


async def _rows(ground: Playground) -> Rows:
    rows = []
    for view in map(read_view, await list_applications(ground.client, ground.site.namespace)):
        row = list_row(view)
        revision = view.status.sync.revision[:8] if view.status.sync else ""
        state = view.status.operation_state
        message = "; ".join(c.message for c in view.status.conditions) or (state.message if state else "")
        cells = (view.app.metadata.name, row[4], row[5], revision, message)
        rows.append(tuple(plain(cell.replace("\n", " "), keep="")[:READABLE] for cell in cells))
    return sorted(rows)


def _table(rows: Rows) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("APPLICATION", "SYNC", "HEALTH", "REVISION", "MESSAGE"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*[Text(cell, style=COLOURS.get(cell, "")) for cell in row])
    return table


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return "its last words: " + (lines[-1] if lines else "none")

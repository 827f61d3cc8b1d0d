"""``trueup sandbox repo|ci|env``: the sandbox's Git server, CI runner and registry."""

import asyncio
import shutil
import tempfile
import time
from pathlib import Path

import aiohttp
import click

from pocketkube.background import Background
from trueup.cli.data import state_folder
from trueup.cli.examples import examples
from trueup.cli.output import output_option, show, table
from trueup.cli.screen import plain, raw, say
from trueup.model.errors import TrueupError
from trueup.workers.git import run_git
from trueup.workshop.ci import PipelineRun, Runner
from trueup.workshop.services import USER, ServicePlace, read_place

POLL_SECONDS = 0.2
IDENTITY = ("-c", "user.name=Trueup sandbox", "-c", "user.email=sandbox@trueup.invalid", "-c", "commit.gpgsign=false")

name_option = click.option("--name", "sandbox_name", default="default", show_default=True, help="Which sandbox.")


@click.group()
def repo() -> None:
    """Repositories on the sandbox's Git server."""


@repo.command(epilog=examples("trueup sandbox repo create shop"))
@click.argument("repository")
@click.option(
    "--from",
    "content",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=None,
    help="Begin with the files of this folder.",
)
@name_option
def create(repository: str, content: Path | None, sandbox_name: str) -> None:
    """Make a repository, and print its URL."""
    place, _ = _services(sandbox_name)
    url = asyncio.run(_create(place, repository))
    if content is not None:
        asyncio.run(_fill(place, url, content.resolve()))
    say(url)


@repo.command("list", epilog=examples("trueup sandbox repo list"))
@output_option("text", "json", "yaml")
@name_option
def list_(sandbox_name: str, output: str) -> None:
    """List the repositories."""
    place, folder = _services(sandbox_name)
    names = sorted(each.name.removesuffix(".git") for each in (folder / "git").glob("*.git"))
    urls = [place.repository(name) for name in names]
    if output == "text":
        for url in urls:
            say(url)
    else:
        show(urls, output)


@repo.command(epilog=examples("trueup sandbox repo clone shop"))
@click.argument("repository")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@name_option
def clone(repository: str, folder: Path | None, sandbox_name: str) -> None:
    """Clone a repository; the clone may push. The token is kept in its configuration, for its owner only."""
    place, _ = _services(sandbox_name)
    target = (folder or Path(repository)).absolute()
    if target.exists() and any(target.iterdir()):
        raise TrueupError(f"{target} is there already", hint="name another folder")
    asyncio.run(_clone(place, place.repository(repository), target))
    say(f"cloned into {target}")


@click.group()
def ci() -> None:
    """Runs of the sandbox's CI: pushes to a repository with a .trueup/pipeline.yaml."""


@ci.command("list", epilog=examples("trueup sandbox ci list"))
@output_option("wide", "json", "yaml")
@name_option
def list_runs(sandbox_name: str, output: str) -> None:
    """List the runs, oldest first."""
    runs = _runs(sandbox_name)
    if output != "wide":
        show(runs, output)
    elif not runs:
        say("no run yet: push to a repository that has .trueup/pipeline.yaml", err=True)
    else:
        rows = [
            (str(r.id), r.repository, r.commit[:8], r.status, f"{r.seconds:.1f}s", r.problem or r.step) for r in runs
        ]
        table(("ID", "REPOSITORY", "COMMIT", "STATUS", "TOOK", "NOTE"), rows)


@ci.command(epilog=examples("trueup sandbox ci logs 1"))
@click.argument("number", type=int, required=False)
@click.option("--follow", "-f", is_flag=True, help="Until the run has ended.")
@name_option
def logs(number: int | None, follow: bool, sandbox_name: str) -> None:
    """Print what a run said; the last one's without a number."""
    runs = _runs(sandbox_name)
    if not runs or (number is not None and number not in {run.id for run in runs}):
        raise TrueupError("there is no such run", hint="`trueup sandbox ci list` shows those that are kept")
    wanted = number if number is not None else runs[-1].id
    _, folder = _services(sandbox_name)
    file, shown = folder / "ci" / f"{wanted}.log", 0
    while True:
        run = next(run for run in _runs(sandbox_name) if run.id == wanted)
        log = file.read_bytes() if file.exists() else b""
        raw(plain(log[shown:].decode("utf-8", "replace"), keep="\n\t"), end=False)
        shown = len(log)
        if run.status in ("succeeded", "failed") or not follow:
            break
        time.sleep(POLL_SECONDS)
    say(f"run {run.id}: {run.status}{f': {run.problem}' if run.problem else ''}", err=True)


@click.command(epilog=examples("trueup sandbox env"))
@name_option
def env(sandbox_name: str) -> None:
    """Print the variables that a pipeline has, to be evaluated by a shell."""
    place, _ = _services(sandbox_name)
    for name, value in (
        ("TRUEUP_GIT", place.git),
        ("TRUEUP_GIT_USERNAME", USER),
        ("TRUEUP_GIT_PASSWORD", place.token),
        ("TRUEUP_REGISTRY", place.host),
        ("TRUEUP_REGISTRY_USERNAME", USER),
        ("TRUEUP_REGISTRY_PASSWORD", place.token),
    ):
        raw(f"export {name}={value}")


async def _create(place: ServicePlace, name: str) -> str:
    headers = {"Authorization": place.basic}
    try:
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(f"http://{place.host}/repositories/{name}") as answer,
        ):
            told = await answer.json()
    except aiohttp.ClientError as error:
        raise TrueupError("the sandbox's Git server does not answer", hint="`trueup sandbox status`") from error
    if "url" not in told:
        raise TrueupError(told["problem"], hint="choose another name")
    return str(told["url"])


async def _fill(place: ServicePlace, url: str, content: Path) -> None:
    work = Path(tempfile.mkdtemp(prefix="trueup-"))
    try:
        target = work / "files"
        await asyncio.to_thread(shutil.copytree, content, target, ignore=shutil.ignore_patterns(".git"), symlinks=True)
        await run_git(["init", "--quiet", "--initial-branch=main"], cwd=target)
        await run_git(["add", "--all"], cwd=target)
        await run_git([*IDENTITY, "commit", "--quiet", "--allow-empty", "-m", "The first state"], cwd=target)
        config = {f"http.http://{place.host}/.extraHeader": f"Authorization: {place.basic}"}
        await run_git(["push", "--quiet", "--", url, "main"], cwd=target, protocols=("http",), config=config)
    finally:
        await asyncio.to_thread(shutil.rmtree, work, ignore_errors=True)


async def _clone(place: ServicePlace, url: str, target: Path) -> None:
    header = f"http.http://{place.host}/.extraHeader"
    config = {header: f"Authorization: {place.basic}"}
    parent = target.parent
    await run_git(["clone", "--quiet", "--", url, str(target)], cwd=parent, protocols=("http",), config=config)
    file = target / ".git" / "config"
    file.chmod(0o600)
    for key, value in ((header, config[header]), ("user.name", "You"), ("user.email", "you@example.com")):
        await run_git(["config", "--local", key, value], cwd=target)
    await run_git(["symbolic-ref", "HEAD", "refs/heads/main"], cwd=target)


def _runs(sandbox_name: str) -> list[PipelineRun]:
    _, folder = _services(sandbox_name)
    return Runner.kept(folder / "ci")


def _services(sandbox_name: str) -> tuple[ServicePlace, Path]:
    cluster = Background(state_folder() / "sandbox", sandbox_name)
    running = cluster.running()
    folder = (Path(running.data) if running and running.data else cluster.folder) / "services"
    place = read_place(folder) if running else None
    if place is None:
        raise TrueupError(f"sandbox {sandbox_name} does not run", hint="`trueup sandbox up` starts it")
    return place, folder

"""``trueup sandbox``."""

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec
import uvloop

from kubegrammar import pattern
from kubegrammar.time import format_time
from pocketkube.background import POLL_SECONDS, Background, Running
from pocketkube.folder import own_folder
from trueup.cli.connect import CONTROL_NAMESPACE
from trueup.cli.data import state_folder
from trueup.cli.examples import examples
from trueup.cli.home import resolved
from trueup.cli.logs import configure_logs
from trueup.cli.output import output_option, show
from trueup.cli.screen import raw, say
from trueup.cli.workshop import ci, env, repo
from trueup.kube.client import Client
from trueup.kube.config import load_kubeconfig
from trueup.model.errors import TrueupError
from trueup.runtime.clock import SystemClock
from trueup.workshop.services import Herald, Services, furnish, read_place, serving

NOT_RUNNING = 1
"""Exit code of ``status``."""
START_SECONDS = 120.0
STOP_SECONDS = 10.0
ANSWER_SECONDS = 3.0

SERVICES = "services"

_NAME = pattern.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
_PORT = click.IntRange(0, 65535)


def _checked_name(_context: click.Context, _option: click.Parameter, name: str) -> str:
    if not _NAME.fullmatch(name):
        raise click.BadParameter("up to 40 small letters, digits and dashes")
    return name


name_option: Callable[[Any], Any] = click.option(
    "--name", default="default", show_default=True, callback=_checked_name, help="Which sandbox, of several."
)


@click.group()
def sandbox() -> None:
    """A Kubernetes API for first steps and tests, without containers. Not for production."""


@sandbox.command(epilog=examples("trueup sandbox up", "trueup sandbox up --name second --data ~/second"))
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Folder that keeps the objects; without it they are gone after `down`.",
)
@click.option("--port", type=_PORT, default=0, help="Port on 127.0.0.1 (default: one that is free).")
@click.option("--foreground", is_flag=True, help="Stay in this terminal until Ctrl-C.")
@click.option("--workloads/--no-workloads", default=True, help="Let Pods come up and controllers act, as on a cluster.")
@name_option
def up(name: str, data: Path | None, port: int, foreground: bool, workloads: bool) -> None:
    """Start a cluster, and say how to use it."""
    cluster = _cluster(name)
    if data:
        data = own_folder(resolved(data), remedy="choose a folder that you may write by --data")
    if foreground:
        _stay(cluster, data, port, workloads=workloads)
        return
    if (found := cluster.as_asked(data, port)) is not None:
        say(f"sandbox {name} runs already (pid {found.pid})")
    else:
        began = time.monotonic()
        command = [sys.executable, "-m", "trueup", "sandbox", "up", "--foreground", "--name", name, "--port", str(port)]
        command += ["--data", str(data)] if data else []
        command += [] if workloads else ["--no-workloads"]
        started = cluster.start(command, seconds=START_SECONDS)
        took = time.monotonic() - began
        say(f"sandbox {name} is up at {cluster.url} (pid {started.pid}, {took:.1f} s)")
    _next_commands(cluster)


@sandbox.command(epilog=examples("trueup sandbox down"))
@name_option
def down(name: str) -> None:
    """End a cluster. What --data keeps, stays."""
    if _cluster(name).stop(seconds=STOP_SECONDS):
        say(f"sandbox {name} is down")
    else:
        say(f"sandbox {name} does not run")


@sandbox.command(epilog=examples("trueup sandbox status -o json"))
@output_option("text", "json", "yaml")
@name_option
def status(name: str, output: str) -> None:
    """Say whether a cluster runs. Exits 0 if it does, 1 if not."""
    cluster = _cluster(name)
    found = cluster.running()
    version = asyncio.run(_version(cluster.kubeconfig)) if found and cluster.ready else ""
    state = "Running" if version else "NotReady" if found else "Stopped"
    facts: dict[str, Any] = {"name": name, "state": state}
    if found:
        facts |= {"pid": found.pid, "started": found.started, "url": cluster.url, "kubernetes": version}
        facts |= {"kubeconfig": str(cluster.kubeconfig), "data": found.data}
        place = read_place(services_folder(cluster, found))
        if place:
            facts |= {"git": place.git, "registry": place.host}
        if cluster.log.exists():
            facts["log"] = str(cluster.log)
    if output == "text":
        for field, value in facts.items():
            say(f"{field + ':':<12}{value or 'none'}")
    else:
        show(facts, output)
    sys.exit(0 if version else NOT_RUNNING)


@sandbox.command(epilog=examples("trueup sandbox kubeconfig --path"))
@click.option("--path", is_flag=True, help="Print the file's path instead.")
@name_option
def kubeconfig(name: str, path: bool) -> None:
    """Print the administrator's kubeconfig."""
    cluster = _cluster(name)
    if cluster.running() is None or not cluster.ready:
        raise TrueupError(f"sandbox {name} does not run", hint=f"`trueup sandbox up{_named(name)}` starts it")
    raw(str(cluster.kubeconfig) if path else cluster.kubeconfig.read_text(), end=path)


def _stay(cluster: Background, data: Path | None, port: int, *, workloads: bool) -> None:
    # Imported only now: `trueup sandbox status` must not pay for a cluster.
    from pocketkube.serving import until_told

    configure_logs("text", "warning")
    with cluster.held(data=data, started=format_time(SystemClock().now())) as folder:

        async def run() -> None:
            async with serving((data or folder) / SERVICES, SystemClock().now) as services:
                helper = asyncio.create_task(_attend(cluster, services))
                try:
                    await until_told(folder, data, port, workloads=workloads)
                finally:
                    helper.cancel()
                    await asyncio.gather(helper, return_exceptions=True)

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run())


async def _attend(cluster: Background, services: Services) -> None:
    """What runs beside the server, once it is ready."""
    while not cluster.ready:  # noqa: ASYNC110 - the server tells by files
        await asyncio.sleep(POLL_SECONDS)
    say(f"sandbox {cluster.name} is up at {cluster.url}")
    _next_commands(cluster)
    async with Client(load_kubeconfig(cluster.kubeconfig, None)) as client:
        await furnish(client, CONTROL_NAMESPACE, services.place)
        herald = Herald(client, CONTROL_NAMESPACE, services)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await herald.close()


async def _version(file: Path) -> str:
    """What the server says it is; empty when it does not answer."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS), Client(load_kubeconfig(file, None)) as client:
            answer: dict[str, str] = msgspec.json.decode(await client.request("GET", "/version"))
            return answer["gitVersion"]
    except (TrueupError, TimeoutError, OSError):
        return ""


def _next_commands(cluster: Background) -> None:
    own = _named(cluster.name)
    say("")
    for line in (
        f"export KUBECONFIG={cluster.kubeconfig}",
        "trueup install --crds-only && trueup server",
        f"trueup sandbox repo create hello{own}",
        f"trueup sandbox status{own}",
        f"trueup sandbox down{own}",
    ):
        say(f"  {line}")


def _named(name: str) -> str:
    return "" if name == "default" else f" --name {name}"


def services_folder(cluster: Background, running: Running) -> Path:
    """Where a sandbox keeps its repositories, images and runs."""
    return (Path(running.data) if running.data else cluster.folder) / SERVICES


def _cluster(name: str) -> Background:
    return Background(state_folder() / "sandbox", name, noun="sandbox", program="trueup sandbox")


for _command in (ci, env, repo):
    sandbox.add_command(_command)

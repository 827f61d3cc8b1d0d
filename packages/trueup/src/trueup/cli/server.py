"""``trueup server``."""

import asyncio
import contextlib
import resource
import signal
import socket
from pathlib import Path

import click
import msgspec
import structlog
import uvloop

from trueup.cli import plugins
from trueup.cli.connect import ClusterAccess, access_options
from trueup.cli.data import data_folder, state_folder, state_option
from trueup.cli.examples import examples
from trueup.cli.home import resolved
from trueup.cli.isolation import isolation_option
from trueup.cli.localrepos import local_repositories_option
from trueup.cli.logs import FORMATS, configure_logs
from trueup.clusters.connection import MEMORY
from trueup.engine import Engine, EngineOptions
from trueup.policy.sharding import METHODS, Method, Sharding, shard_by_name
from trueup.runtime.ending import SECONDS, end_on
from trueup.runtime.metrics import MEDIA_TYPE
from trueup.runtime.probes import Probes
from trueup.runtime.threads import Threads
from trueup.sources.quota import GIBIBYTE, Allowance
from trueup.store.kinds import MOST_SHARDS
from trueup.workers.kept import ROOM

log = structlog.get_logger("trueup")

_THREADS = 16
"""For work that waits for the disk."""


@click.command(epilog=examples("trueup server", "trueup server --allow-local-repos ~/repositories --log-format text"))
@local_repositories_option(resolve=True)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
    default=None,
    help="Folder for mirrors and renders, for this engine alone.",
)
@state_option
@click.option(
    "--log-format",
    type=click.Choice(FORMATS),
    default="auto",
    show_default=True,
    help="Lines for people, or JSON for machines; auto is text on a terminal and JSON elsewhere.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="The least that is logged.",
)
@click.option(
    "--managed-namespace",
    "namespaces",
    multiple=True,
    metavar="NAMESPACE",
    help="Watch and manage this namespace and the control namespace alone, without rights on the cluster. Repeatable.",
)
@click.option(
    "--mirror-quota",
    type=click.FloatRange(0.01),
    envvar="TRUEUP_MIRROR_QUOTA",
    default=8.0,
    show_default=True,
    help="GiB of disk that the mirror of one repository may take.",
)
@click.option(
    "--mirrors-quota",
    type=click.FloatRange(0.01),
    envvar="TRUEUP_MIRRORS_QUOTA",
    default=64.0,
    show_default=True,
    help="GiB of disk that all mirrors may take together.",
)
@click.option(
    "--plugins",
    "plugin_folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True, resolve_path=True),
    envvar="TRUEUP_PLUGINS",
    default=None,
    help="Folder of ConfigManagementPlugin files: what they name runs in isolated processes, and nothing else does.",
)
@click.option(
    "--renders-quota",
    type=click.IntRange(0),
    envvar="TRUEUP_RENDERS_QUOTA",
    default=ROOM >> 20,
    show_default=True,
    help="MiB of disk that renders may take, so that a restart renders nothing; 0 keeps none.",
)
@click.option(
    "--cluster-memory",
    type=click.IntRange(1),
    envvar="TRUEUP_CLUSTER_MEMORY",
    default=MEMORY >> 20,
    show_default=True,
    help="MiB of memory that the objects of one destination may take.",
)
@click.option(
    "--listen",
    default="",
    metavar="[ADDRESS]:PORT",
    help="Serve Argo CD's API there, as in :8080; nothing is served by default.",
)
@click.option(
    "--insecure",
    is_flag=True,
    envvar="ARGOCD_SERVER_INSECURE",
    help="Serve it as plain text, for a proxy that speaks TLS.",
)
@click.option(
    "--rootpath",
    default="",
    envvar="ARGOCD_SERVER_ROOTPATH",
    metavar="PATH",
    help="Serve it below this path, as in /argocd.",
)
@click.option(
    "--login-failures",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    envvar="ARGOCD_SESSION_FAILURE_MAX_FAIL_COUNT",
    help="Wrong passwords in a row after which an account's are no more looked at.",
)
@click.option(
    "--login-window",
    type=click.IntRange(0),
    default=300,
    show_default=True,
    envvar="ARGOCD_SESSION_FAILURE_WINDOW_SECONDS",
    help="Seconds until they are again; 0 for never.",
)
@click.option(
    "--metrics-listen",
    default="",
    metavar="[ADDRESS]:PORT",
    help="Answer GET /metrics there, for Prometheus, as in :8082; to whoever reaches it. None by default.",
)
@click.option("--no-engine", is_flag=True, help="Serve the API alone: another process reconciles.")
@click.option(
    "--probe-port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port that answers a kubelet's questions, GET /healthz and GET /readyz; none by default.",
)
@click.option(
    "--replicas",
    type=click.IntRange(0, MOST_SHARDS),
    envvar="ARGOCD_CONTROLLER_REPLICAS",
    default=1,
    show_default=True,
    help="Engines that share the clusters, each with a shard of its own; others of a shard stand by.",
)
@click.option(
    "--shard",
    type=click.IntRange(-1),
    envvar="ARGOCD_CONTROLLER_SHARD",
    default=-1,
    help="Of these the one that this engine is, from 0 (default: the number at the end of the host's name).",
)
@click.option(
    "--sharding-method",
    type=click.Choice(METHODS),
    envvar="ARGOCD_CONTROLLER_SHARDING_ALGORITHM",
    default=None,
    help="How a cluster gets its shard whose Secret names none (default: legacy, or what the settings say).",
)
@click.option("--render-workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Render processes.")
@click.option(
    "--sync-wave-delay",
    type=click.FloatRange(0, 300),
    envvar="ARGOCD_SYNC_WAVE_DELAY",
    default=2.0,
    show_default=True,
    help="Seconds between the waves of a sync.",
)
@isolation_option
@access_options
def server(
    access: ClusterAccess,
    cluster_memory: int,
    local: tuple[Path, ...],
    data: Path | None,
    insecure: bool,
    listen: str,
    login_failures: int,
    login_window: int,
    metrics_listen: str,
    no_engine: bool,
    rootpath: str,
    state: Path | None,
    log_format: str,
    log_level: str,
    mirror_quota: float,
    mirrors_quota: float,
    namespaces: tuple[str, ...],
    plugin_folder: Path | None,
    probe_port: int,
    render_workers: int,
    renders_quota: int,
    replicas: int,
    shard: int,
    sharding_method: Method | None,
    sync_wave_delay: float,
    require_isolation: bool,
) -> None:
    """Run the engine until it is told to stop."""
    configure_logs(log_format, log_level)
    config = access.config()
    sharding = sharding_of(replicas, shard, sharding_method)
    options = EngineOptions(
        config=config,
        plugins=plugins.run,
        control_namespace=access.namespace,
        data=data or data_folder(config, access.namespace, sharding.shard),
        data_named=data is not None,
        state=state or state_folder(),
        local_repositories=tuple(map(resolved, local)),
        render_workers=render_workers,
        wave_delay=sync_wave_delay,
        mirrors=Allowance(each=int(mirror_quota * GIBIBYTE), total=int(mirrors_quota * GIBIBYTE)),
        renders=renders_quota << 20,
        plugin_folder=plugin_folder,
        isolated=require_isolation,
        cluster_memory=cluster_memory << 20,
        namespaces=namespaces,
        sharding=sharding,
    )
    if no_engine and not listen:
        raise click.UsageError("--no-engine serves the API alone: --listen says where")
    api = (
        ApiFlags(
            *address(listen),
            root(rootpath),
            insecure=insecure,
            alone=no_engine,
            login_failures=login_failures,
            login_window=login_window,
        )
        if listen
        else None
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(options, probe_port, api, address(metrics_listen) if metrics_listen else ("", 0)))


def sharding_of(replicas: int, shard: int, method: Method | None) -> Sharding:
    """Which of the engines that share the clusters this one is.

    Args:
        replicas: how many there are; up to 1 for one that has all clusters.
        shard: -1 for the one of the host's name.

    Raises:
        click.UsageError: it is none of them.
    """
    if replicas <= 1:
        return Sharding()
    number = shard if shard >= 0 else shard_by_name(socket.gethostname())
    if number is None:
        raise click.UsageError(f"--replicas {replicas}: the host's name ends with no number; --shard says which it is")
    if number >= replicas:
        raise click.UsageError(f"--shard {number} is none of --replicas {replicas}, which count from 0")
    return Sharding(number, replicas, method)


class ApiFlags(msgspec.Struct, frozen=True):
    """Where the API is served, and how.

    Attributes:
        host: empty for every address.
        alone: nothing is reconciled here.
        login_failures: wrong passwords in a row that hold an account.
        login_window: seconds that it is held; 0 for ever.
    """

    host: str
    port: int
    root: str
    insecure: bool = False
    alone: bool = False
    login_failures: int = 5
    login_window: int = 300


def address(text: str) -> tuple[str, int]:
    """Host and port of an address; the host is empty for every one.

    Raises:
        click.UsageError: it is none.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not (port.isascii() and port.isdecimal() and int(port) < 1 << 16):
        raise click.UsageError(f"--listen {text}: name an address and a port, as in 127.0.0.1:8080 or :8080")
    return host.strip("[]"), int(port)


def root(text: str) -> str:
    """The path below which the API is; empty for none."""
    path = text.strip("/")
    return f"/{path}" if path else ""


async def _serve(options: EngineOptions, port: int, api: ApiFlags | None, scraped: tuple[str, int]) -> None:
    # What a crash would leave on the disk is memory, and that holds credentials.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    stop = asyncio.Event()
    end_on((signal.SIGTERM, signal.SIGINT), stop, lambda: log.warning("engine ended late", after=SECONDS))
    asyncio.get_running_loop().set_default_executor(Threads(_THREADS, "engine"))
    host, number = scraped
    async with (
        Probes(port) as probes,
        Probes(number, host, "--metrics-listen") as metrics,
        Engine(options) as engine,
        contextlib.AsyncExitStack() as stack,
    ):
        if number:
            from trueup.engine.metrics import EngineNumbers

            engine.metrics.ask(EngineNumbers(engine))
            metrics.pages[b"/metrics"] = (MEDIA_TYPE, engine.metrics.text)
        if api is not None:
            # Who serves no API loads nothing of it.
            from trueup.engine.serving import served
            from trueup.server.serve import Listening
            from trueup.server.session.attempts import TryLimits

            listening = Listening(api.host, api.port, api.root)
            limits = TryLimits(api.login_failures, float(api.login_window))
            await stack.enter_async_context(served(engine, listening, limits, insecure=api.insecure))
        probes.ready = True
        if api is not None and api.alone:
            await stop.wait()
        else:
            await engine.run(stop)

"""From the environment to a cluster."""

import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from trueup.cli import plugins
from trueup.cli.home import home
from trueup.cli.screen import say
from trueup.cli.servers.known import KnownServer
from trueup.cli.servers.options import NAMED, always, taken, with_server_options
from trueup.kube.client import Client
from trueup.kube.config import ClusterConfig, context_names, in_cluster, load_kubeconfig
from trueup.kube.discovery import Discovery
from trueup.kube.errors import ConfigError
from trueup.kube.plainwire import PlainWire
from trueup.kube.transport import IN_FLIGHT, pooled
from trueup.model.errors import TrueupError

if TYPE_CHECKING:
    from trueup.cli.servers.session import ServerSession

Port = TypeVar("Port")

CONTROL_NAMESPACE = "argocd"
OF_SERVERS = {"app", "cert", "cluster", "gpg", "proj", "repo", "repocreds"}
"""Groups of commands for which Argo CD's command line asks its API server."""
READING = {"diff", "get", "history", "list", "list-tokens", "logs", "manifests", "resources", "timeline", "wait"}
"""Those of their commands that change nothing."""


class ClusterAccess(msgspec.Struct, frozen=True):
    """Which cluster, and where our own objects live on it; or which API server is asked instead.

    Attributes:
        served: the server; None for straight on Kubernetes.
    """

    kubeconfig: str
    context: str
    namespace: str
    served: KnownServer | None = None

    def straight(self, what: str) -> None:
        """Go on only straight on Kubernetes.

        Raises:
            TrueupError: a server is asked, through which this is not to be had.
        """
        if self.served is not None:
            raise TrueupError(
                f"{what} is not to be had through an API server",
                hint="--core does it straight on Kubernetes, where your kubeconfig may",
            )

    def config(self) -> ClusterConfig:
        """The kubeconfig named by flag or ``KUBECONFIG``, else the in-cluster account, else ``~/.kube/config``.

        Raises:
            TrueupError: a server is asked instead, and nobody means this cluster.
        """
        self.straight("this")
        if not self.kubeconfig and not os.environ.get("KUBECONFIG") and os.environ.get("KUBERNETES_SERVICE_HOST"):
            return in_cluster()
        return load_kubeconfig(kubeconfig_files(self.kubeconfig), self.context or None)


def kubeconfig_files(given: str) -> list[Path]:
    """The kubeconfig that is meant: the one that is given, else those of ``KUBECONFIG``, else ``~/.kube/config``.

    Raises:
        ConfigError: nobody named one, and there is none.
    """
    files, named = _kubeconfig(given)
    if not named and not files[0].exists():
        raise ConfigError(
            f"no cluster is known: there is no {files[0]}",
            hint="`trueup sandbox up` starts one here; --kubeconfig or KUBECONFIG names one",
        )
    return files


def _kubeconfig(given: str) -> tuple[list[Path], bool]:
    """The kubeconfig files, and whether somebody named them. Of several, those that are not there do not count."""
    if given:
        return [Path(given)], True
    listed = [Path(each) for each in os.environ.get("KUBECONFIG", "").split(os.pathsep) if each]
    if not listed:
        return [home() / ".kube" / "config"], False
    return [each for each in dict.fromkeys(listed) if each.exists()] or listed[:1], True


def _contexts(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Contexts that TAB offers: those of the kubeconfig that the command would read."""
    with suppress(TrueupError, OSError):
        names = context_names(_kubeconfig(ctx.params.get("kubeconfig") or "")[0])
        return [name for name in names if name.startswith(incomplete)]
    return []


def contexts_of(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Contexts that TAB offers for an argument."""
    return _contexts(ctx, param, incomplete)


def access_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--kubeconfig``, ``--kube-context`` and ``--namespace`` as one :class:`ClusterAccess`: Kubernetes alone."""

    def wrapped(kubeconfig: str, kube_context: str, core: bool, control_namespace: str, **rest: Any) -> Any:
        access = ClusterAccess(kubeconfig, kube_context, control_namespace)
        if not core:
            unasked_server(_words(click.get_current_context(silent=True)), access)
        return command(access=access, **rest)

    return _cluster_options(wrapped, command, "--namespace", "As always: this command asks no API server.")


def reach_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The same for commands that ask an API server where one is named, or somebody has signed in to one."""
    return _reach_options(command, "--namespace")


def reach_beside_namespaces(command: Callable[..., Any]) -> Callable[..., Any]:
    """As :func:`reach_options`, for commands whose ``--namespace`` is Argo CD's."""
    return _reach_options(command, "--control-namespace")


def reach_for_contexts(command: Callable[..., Any]) -> Callable[..., Any]:
    """As :func:`reach_beside_namespaces`, for a command that reads a kubeconfig whoever is asked."""
    return _reach_options(command, "--control-namespace", reads_kubeconfig=True)


def _cluster_options(
    wrapped: Callable[..., Any], command: Callable[..., Any], namespace_option: str, core: str
) -> Callable[..., Any]:
    options: tuple[Callable[..., Callable[..., Any]], ...] = (
        click.option(
            namespace_option,
            "control_namespace",
            default=lambda: os.environ.get("ARGOCD_NAMESPACE", CONTROL_NAMESPACE),
            help=f"Namespace that holds Applications and projects (default: {CONTROL_NAMESPACE}).",
        ),
        click.option("--core", is_flag=True, help=core),
        click.option("--kube-context", default="", help="Context of the kubeconfig.", shell_complete=_contexts),
        click.option(
            "--kubeconfig", default="", help="Kubeconfig file (default: $KUBECONFIG, in-cluster, ~/.kube/config)."
        ),
    )
    for option in options:
        wrapped = option(wrapped)
    wrapped.__name__ = command.__name__
    wrapped.__doc__ = command.__doc__
    # Options already attached to the command travel with it.
    wrapped.__click_params__ = getattr(command, "__click_params__", []) + wrapped.__click_params__  # type: ignore[attr-defined]
    return wrapped


def _reach_options(
    command: Callable[..., Any], namespace_option: str, *, reads_kubeconfig: bool = False
) -> Callable[..., Any]:
    def wrapped(kubeconfig: str, kube_context: str, core: bool, control_namespace: str, **rest: Any) -> Any:
        cluster = kube_context or ("" if reads_kubeconfig else kubeconfig)
        named = rest["server_address"] or rest["argocd_context"]
        if named and (core or cluster):
            other = "--core" if core else "--kube-context" if kube_context else "--kubeconfig"
            raise click.UsageError(f"{other} is straight on Kubernetes, and a server is named: give one of the two")
        said = taken(rest)
        core = core or bool(always().get("core"))
        served = None if core or cluster else said.chosen()
        access = ClusterAccess(kubeconfig, kube_context, control_namespace, served)
        if served is None and not core:
            unasked_server(_words(click.get_current_context(silent=True)), access)
        return command(access=access, **rest)

    made = _cluster_options(
        wrapped, command, namespace_option, "Straight on Kubernetes, whatever server is named or signed in to."
    )
    return with_server_options(made, made)


def unasked_server(words: Sequence[str], access: ClusterAccess) -> None:
    """Say which cluster a command changes, where the environment names an API server that is not asked: who set it
    expects that one to be asked, and another cluster to change.

    Args:
        words: of the command, without ``trueup``.
    """
    named = next((name for name in NAMED if os.environ.get(name)), "")
    if not named or not words or words[0] not in OF_SERVERS or words[-1] in READING:
        return
    with suppress(TrueupError, OSError):  # the command itself says what is wrong
        config = access.config()
        place = f"{config.server} (context {config.context})" if config.context else config.server
        say(f"warning: {named} is set, but no API server is asked: this acts on {place}; --core is silent", err=True)


def _words(ctx: click.Context | None) -> list[str]:
    names: list[str] = []
    while ctx is not None and ctx.parent is not None:
        names.insert(0, ctx.info_name or "")
        ctx = ctx.parent
    return names


@asynccontextmanager
async def connected(access: ClusterAccess) -> AsyncIterator[Client]:
    """As :func:`asking`, of the cluster that holds our own objects."""
    async with asking(access.config()) as client:
        yield client


@asynccontextmanager
async def filling(
    access: ClusterAccess, served: Callable[["ServerSession"], Port], direct: Callable[[Client], Port]
) -> AsyncIterator[Port]:
    """What fills a port: straight on Kubernetes, or through the API server that was named.

    Args:
        served: makes it of a session with the server.
        direct: makes it of a client of the cluster. Each loads what it makes, for a command loads no more than it uses.

    Raises:
        TrueupError: there is no way to it.
    """
    if access.served is None:
        async with connected(access) as client:
            yield direct(client)
        return
    from trueup.cli.servers.session import ServerSession

    async with ServerSession(access.served) as session:
        yield served(session)


def asking(config: ClusterConfig) -> Client:
    """A client for questions, a few at a time, and for logs. The caller enters it."""
    # A proxy is the pooled wire's: the plain one has no way through it to a server with a certificate.
    return Client(config, wire=pooled if config.proxy else PlainWire, plugins=plugins.run)


def client_of(config: ClusterConfig, *, in_flight: int = IN_FLIGHT) -> Client:
    """A client for many questions at a time, and watches. The caller enters it."""
    return Client(config, in_flight=in_flight, plugins=plugins.run)


async def discovered(client: Client) -> Discovery:
    """What the cluster serves; for our own kinds, :mod:`trueup.store.kinds` knows it without a question."""
    discovery = Discovery(client)
    await discovery.refresh()
    return discovery

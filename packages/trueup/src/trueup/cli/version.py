"""``trueup version``."""

import platform
from typing import Any

import click

from trueup import __version__
from trueup.cli.examples import examples
from trueup.cli.output import output_option, show
from trueup.cli.screen import say
from trueup.cli.servers.known import KnownServer
from trueup.cli.servers.options import ServerAccess, server_options
from trueup.model.errors import TrueupError


@click.command(epilog=examples("trueup version -o json", "trueup version --server argocd.example.com"))
@click.option("--client", is_flag=True, help="Ask no server.")
@click.option("--short", is_flag=True, help="The number alone.")
@output_option("text", "wide", "json", "yaml")
@server_options
def version(access: ServerAccess, client: bool, short: bool, output: str) -> None:
    """Print the version, and that of the API server where one is named or signed in to."""
    facts: dict[str, Any] = {
        "trueup": __version__,
        "python": platform.python_version(),
        "platform": platform.machine(),
    }
    server = None if client else access.chosen()
    told: dict[str, Any] = {}
    problem: TrueupError | None = None
    try:
        told = _asked(server) if server is not None else {}
    except TrueupError as error:
        # What this program is, is known all the same.
        problem = error
    if output in ("json", "yaml"):
        show(facts | ({"server": told} if told else {}), output)
    else:
        wide = f"trueup {__version__} (Python {facts['python']}, {facts['platform']})"
        say(f"trueup {__version__}" if short else wide)
        if server is not None and problem is None:
            say(f"{server.address}: {told.get('Version', 'unknown')}")
    if problem is not None:
        raise problem


def _asked(server: KnownServer) -> dict[str, Any]:
    # What speaks to a server is loaded where there is one.
    from trueup.cli.servers.client import ServerClient

    return ServerClient(server).get("/api/version")

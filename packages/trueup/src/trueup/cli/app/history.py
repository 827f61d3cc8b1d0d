"""``trueup app history``."""

import asyncio
from pathlib import Path

import click

from trueup.cli.app.access import ApplicationView, Handle
from trueup.cli.completing import applications
from trueup.cli.connect import ClusterAccess, access_options, connected
from trueup.cli.data import state_folder, state_option
from trueup.cli.examples import examples
from trueup.cli.output import output_option, show, table
from trueup.cli.screen import say
from trueup.kube.client import Client
from trueup.model.errors import TrueupError
from trueup.model.repository import short_revision


@click.command(epilog=examples("trueup app history web", "trueup app history web -o id"))
@click.argument("name", shell_complete=applications)
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@state_option
@output_option("wide", "id", "json", "yaml")
@access_options
def history(access: ClusterAccess, name: str, app_namespace: str, state: Path | None, output: str) -> None:
    """Show what was deployed, oldest first: commits with their subjects and authors, as the audit trail has them."""

    async def read() -> tuple[ApplicationView, Path | None]:
        async with connected(access) as client:
            view = await Handle(client, access, name, app_namespace).view()
            return view, await _trail(client, access, state) if output == "wide" and view.status.history else None

    view, trail = asyncio.run(read())
    entries = view.status.history
    if output == "id":
        for entry in entries:
            say(str(entry.id))
    elif output == "wide":
        full = name if "/" in name else f"{app_namespace or access.namespace}/{name}"
        commits = _commits(trail, full) if trail else {}
        rows = []
        for entry in entries:
            revisions = entry.revisions or [entry.revision]
            by = entry.initiated_by
            # An operation says who asked for it, and nobody checks that.
            who = "automated" if by and by.automated else (f"{by.username} (claimed)" if by and by.username else "")
            authors, subjects = zip(*(commits.get(r, ("", "")) for r in revisions), strict=True)
            shown = ", ".join(short_revision(r, 12) for r in revisions)
            told = (", ".join(dict.fromkeys(filter(None, each))) for each in (subjects, authors))
            rows.append((str(entry.id), entry.deployed_at, shown, *told, who))
        table(("ID", "DATE", "REVISION", "SUBJECT", "AUTHOR", "INITIATED BY"), rows, spare=("INITIATED BY", "AUTHOR"))
    else:
        show(entries, output)


async def _trail(client: Client, access: ClusterAccess, state: Path | None) -> Path | None:
    """The trail of engines on this machine; None where there is none."""
    # Loaded where something was deployed, as what reads it is where there is one.
    from trueup.store.audit.address import locate

    try:
        path = await locate(client, state or state_folder(), access.namespace)
    except TrueupError:
        return None
    return path if path.exists() else None


def _commits(trail: Path, application: str) -> dict[str, tuple[str, str]]:
    """Author and subject of each commit that engines have seen an application at."""
    from trueup.model.audit import Action
    from trueup.store.audit import Filter, query

    entries = query(trail, Filter(application=application, action=Action.COMMIT))
    return {entry.revision: (entry.by.name.partition(" <")[0], entry.message) for entry in entries}

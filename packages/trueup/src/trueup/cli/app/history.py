"""``trueup app history``."""

import asyncio
from pathlib import Path

import click

from trueup.cli.app.access import Handle, View
from trueup.cli.completing import applications
from trueup.cli.connect import Access, access_options, connected
from trueup.cli.data import state_option
from trueup.cli.examples import examples
from trueup.cli.output import output_option, show, table
from trueup.cli.screen import say
from trueup.model.errors import TrueupError
from trueup.model.repository import short_revision


@click.command(epilog=examples("trueup app history web", "trueup app history web -o id"))
@click.argument("name", shell_complete=applications)
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@state_option
@output_option("wide", "id", "json", "yaml")
@access_options
def history(access: Access, name: str, app_namespace: str, state: Path | None, output: str) -> None:
    """Show what was deployed, oldest first: commits with their subjects and authors, as the audit trail has them."""

    async def read() -> View:
        async with connected(access) as client:
            return await Handle(client, access, name, app_namespace).view()

    entries = asyncio.run(read()).status.history
    if output == "id":
        for entry in entries:
            say(str(entry.id))
    elif output == "wide":
        full = name if "/" in name else f"{app_namespace or access.namespace}/{name}"
        commits = _commits(access, full, state)
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


def _commits(access: Access, application: str, state: Path | None) -> dict[str, tuple[str, str]]:
    """Author and subject of each commit that engines on this machine have seen an application at."""
    # Reading a trail loads what a command that asks the cluster alone should not pay for.
    from trueup.cli.audit import trail_path
    from trueup.model.audit import Action
    from trueup.store.audit import Filter, query

    try:
        path = trail_path(access, None, state)
    except TrueupError:
        return {}
    if not path.exists():
        return {}
    entries = query(path, Filter(application=application, action=Action.COMMIT))
    return {entry.revision: (entry.by.name.partition(" <")[0], entry.message) for entry in entries}

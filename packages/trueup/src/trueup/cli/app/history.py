"""``trueup app history``."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import click

from trueup.cli.app.access import ApplicationView
from trueup.cli.app.commits import KnownCommit
from trueup.cli.app.port import applications_of
from trueup.cli.completing import applications
from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.data import state_option
from trueup.cli.examples import examples
from trueup.cli.output import output_option, show, table
from trueup.cli.screen import say
from trueup.model.repository import short_revision


@click.command(epilog=examples("trueup app history web", "trueup app history web -o id"))
@click.argument("name", shell_complete=applications)
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@state_option
@output_option("wide", "id", "json", "yaml")
@reach_options
def history(access: ClusterAccess, name: str, app_namespace: str, state: Path | None, output: str) -> None:
    """Show what was deployed, oldest first: commits with their subjects and authors, as the audit trail has them."""

    async def read() -> tuple[ApplicationView, dict[str, KnownCommit]]:
        async with applications_of(access) as apps:
            app = apps.of(name, app_namespace)
            view = await app.view()
            return view, await app.commits(view, state) if output == "wide" else {}

    view, commits = asyncio.run(read())
    entries = view.status.history
    if output == "id":
        for entry in entries:
            say(str(entry.id))
    elif output == "wide":
        rows = []
        for entry in entries:
            revisions = entry.revisions or [entry.revision]
            by = entry.initiated_by
            # An operation says who asked for it, and nobody checks that.
            who = "automated" if by and by.automated else (f"{by.username} (claimed)" if by and by.username else "")
            seen = [commits.get(r, KnownCommit()) for r in revisions]
            shown = ", ".join(short_revision(r, 12) for r in revisions)
            told = (_each(each.subject for each in seen), _each(each.author for each in seen))
            rows.append((str(entry.id), entry.deployed_at, shown, *told, who, _each(each.changed for each in seen)))
        header = ("ID", "DATE", "REVISION", "SUBJECT", "AUTHOR", "INITIATED BY", "CHANGED BY")
        table(header, rows, spare=("INITIATED BY", "AUTHOR", "CHANGED BY"))
    else:
        show(entries, output)


def _each(texts: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(filter(None, texts)))

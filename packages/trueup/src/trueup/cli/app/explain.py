"""``trueup app explain``."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from trueup.cli.app.port import applications_of
from trueup.cli.completing import applications
from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.examples import examples
from trueup.cli.output import output_option, show
from trueup.cli.screen import say
from trueup.model.repository import short_revision

if TYPE_CHECKING:
    from trueup.cli.app.reasons import Reason
    from trueup.store.applications import StoredApplication


class ToldLine(NamedTuple):
    """A line for people, and its colour."""

    text: str
    colour: str | None = None


@click.command(epilog=examples("trueup app explain web", "trueup app explain web -o json"))
@click.argument("name", shell_complete=applications)
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@output_option("text", "json", "yaml")
@reach_options
def explain(access: ClusterAccess, name: str, app_namespace: str, output: str) -> None:
    """Tell why an application is OutOfSync, Progressing or Degraded: the objects, what they say, and what to do."""

    async def ask() -> dict[str, Any]:
        async with applications_of(access) as apps:
            return await apps.of(name, app_namespace).explained()

    found = asyncio.run(ask())
    if output != "text":
        show(found, output)
        return
    for line in told_explanation(name, found):
        say(line.text, fg=line.colour)


def explained(stored: "StoredApplication", reasons: "Iterable[Reason]") -> dict[str, Any]:
    """An explanation made of what is stored, and of what objects say. Pure."""
    from trueup.server.resources.explaining import cause, of_conditions, of_drift, of_operation, remedy_of, verdict

    sync = stored.status.sync
    ill = [
        cause("health", each.of, "does not work", remedy_of(each.lines, stored.app.metadata.name), each.lines)
        for each in reasons
    ]
    revision = (sync.revision or next(iter(sync.revisions), "")) if sync else ""
    causes = [*of_conditions(stored), *of_operation(stored), *of_drift(stored), *ill]
    return verdict(stored) | {"revision": revision, "causes": causes}


def told_explanation(name: str, found: Mapping[str, Any]) -> Iterator[ToldLine]:
    """An explanation as lines. Pure."""
    sync, health = found.get("sync", "Unknown"), found.get("health", "Unknown")
    operation = found.get("operation", "")
    well = (sync, health) == ("Synced", "Healthy")
    yield ToldLine(
        f"{name} is {sync} and {health}" + (f", the last sync {operation}" if operation else ""),
        "green" if well else "yellow",
    )
    if revision := found.get("revision", ""):
        by = f" by {found['author']}" if found.get("author") else ""
        subject = f": {found['subject']}" if found.get("subject") else ""
        yield ToldLine(f"of commit {short_revision(revision)}{by}{subject}")
    causes = found.get("causes") or []
    if not causes:
        yield ToldLine("nothing is on record that would be a reason" if not well else "as it should be")
    for each in causes:
        of = f"{each['object']}: " if each.get("object") else ""
        yield ToldLine(f"  {of}{each.get('why', '')}", "red" if each.get("what") in ("health", "condition") else None)
        for line in each.get("lines") or []:
            yield ToldLine(f"      {line}")
        if each.get("remedy"):
            yield ToldLine(f"      → {each['remedy']}", "cyan")

"""``trueup app inputs``: the files that an application is made of."""

import asyncio
from pathlib import Path
from typing import Any

import click
import msgspec

from trueup.cli.app.inspect import local_option
from trueup.cli.app.sources import folder_options, here_of, revisions_of, revisions_options
from trueup.cli.completing import applications
from trueup.cli.connect import ClusterAccess, access_options
from trueup.cli.examples import examples
from trueup.cli.output import output_option, show, table
from trueup.cli.screen import say
from trueup.model.repository import short_revision


class InputsOf(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The files of one source, as they are printed.

    Attributes:
        revision: the commit, or the chart's version.
        tool: renderer.
        files: each as :class:`trueup.render.reasons.ReadFile`.
    """

    repo_url: str = msgspec.field(name="repoURL")
    path: str
    revision: str
    tool: str
    files: list[Any]


@click.command(epilog=examples("trueup app inputs web", "trueup app inputs web --revision main -o json"))
@click.argument("name", shell_complete=applications)
@click.option("--revision", default="", help="Of this revision instead of the declared one.")
@revisions_options
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@folder_options
@local_option
@output_option("wide", "json", "yaml")
@access_options
def inputs(
    access: ClusterAccess,
    name: str,
    revision: str,
    app_namespace: str,
    local: tuple[Path, ...],
    folder: Path | None,
    root: Path | None,
    output: str,
    **sources: Any,
) -> None:
    """List the files that an application is made of, and why each is among them.

    A commit that touches none of them leaves the application as it is, and costs nothing. Files that were looked for in
    vain are listed too: one that is added may change the outcome.
    """
    said, here = revisions_of(revision, **sources), here_of(folder, root)

    async def read() -> list[InputsOf]:
        # Loaded where it is asked for, as what renders is.
        from trueup.cli.app.rendered import made_of

        namespace, slash, bare = name.rpartition("/")
        key = f"{(namespace if slash else app_namespace) or access.namespace}/{bare}"
        return await made_of(access, key, said, local, here)

    print_inputs(asyncio.run(read()), output)


def print_inputs(found: list[InputsOf], output: str) -> None:
    """Sources with their files."""
    if output != "wide":
        show(found, output)
        return
    for number, each in enumerate(found):
        if number:
            say()
        at = f" at {short_revision(each.revision, 12)}" if each.revision else ""
        say(f"{each.repo_url or 'folder'} {each.path}{at}{f', by {each.tool}' if each.tool else ''}")
        if not each.files:
            say("no file: it only lends files to other sources")
            continue
        # Files of other sources only some have.
        columns = 3 if any(file.ref for file in each.files) else 2
        rows = [(file.path, file.why, f"${file.ref}" if file.ref else "")[:columns] for file in each.files]
        table(("FILE", "WHY", "OF")[:columns], rows)

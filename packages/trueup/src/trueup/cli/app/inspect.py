"""``trueup app diff|manifests``."""

import asyncio
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import click

from kubegrammar import yaml
from trueup.cli.app.port import applications_of
from trueup.cli.app.sources import folder_options, here_of, revisions_of, revisions_options
from trueup.cli.app.validate import EVERYWHERE
from trueup.cli.completing import applications
from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.examples import examples
from trueup.cli.exits import DIFFERS, fail
from trueup.cli.localrepos import local_repositories_option
from trueup.cli.output import output_option, show
from trueup.cli.screen import raw, say
from trueup.model.errors import TrueupError

local_option = local_repositories_option(default=EVERYWHERE)


@click.command(epilog=examples("trueup app diff web", "trueup app diff web --revision main --exit-code=false"))
@click.argument("name", shell_complete=applications)
@click.option("--revision", default="", help="Compare with this revision instead of the declared one.")
@revisions_options
@click.option(
    "--exit-code/--no-exit-code", default=True, show_default=True, help="Exit with --diff-exit-code on a difference."
)
@click.option("--refresh", is_flag=True, help="Ask the engine to look again too; this command always does.")
@click.option("--hard-refresh", is_flag=True, help="As --refresh, and render anew.")
@click.option("--diff-exit-code", type=int, default=DIFFERS, show_default=True, help="Exit code for a difference.")
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@folder_options
@local_option
@reach_options
def diff(
    access: ClusterAccess,
    name: str,
    revision: str,
    exit_code: bool,
    refresh: bool,
    hard_refresh: bool,
    diff_exit_code: int,
    app_namespace: str,
    local: tuple[Path, ...],
    folder: Path | None,
    root: Path | None,
    **sources: Any,
) -> None:
    """Show what a sync would change. Exits 1 where there is a difference, 20 on an error."""

    said, here = revisions_of(revision, **sources), here_of(folder, root)

    async def compare() -> Compared:
        async with applications_of(access) as apps:
            app = apps.of(name, app_namespace)
            if refresh or hard_refresh:
                await app.refreshed(hard=hard_refresh)
            return await app.compared(said, local, here)

    found = asyncio.run(compare())
    if program := os.environ.get("KUBECTL_EXTERNAL_DIFF", ""):
        show_externally(found, program)
    else:
        print_changes(found)
    if found.unknown:
        fail("; ".join(found.unknown))
    if found.changes and exit_code:
        sys.exit(diff_exit_code)


class Compared(NamedTuple):
    """What a sync would change, as text by the names of objects, and what cannot be told.

    Attributes:
        sides: the same objects as YAML, as they are and as they would be; values of Secrets are masked.
    """

    changes: dict[str, str]
    sides: dict[str, tuple[str, str]]
    unknown: list[str]


def show_externally(found: Compared, program: str) -> None:
    """Let a program of the user's show the changes, given two files each, as kubectl does.

    Raises:
        TrueupError: it cannot be run.
    """
    for key, sides in found.sides.items():
        say(f"===== {key} ======", bold=True)
        with tempfile.TemporaryDirectory(prefix="trueup-diff-") as place:
            files = [Path(place) / name for name in ("live.yaml", "git.yaml")]
            for file, text in zip(files, sides, strict=True):
                file.write_text(text)
            sys.stdout.flush()
            try:
                subprocess.run([*shlex.split(program), *map(str, files)], check=False)
            except (OSError, ValueError) as error:
                raise TrueupError(
                    f"KUBECTL_EXTERNAL_DIFF: {program} cannot be run: {error}", hint="name a program that is there"
                ) from error


def print_changes(found: Compared) -> None:
    """The changes, object by object."""
    for key, text in found.changes.items():
        say(f"===== {key} ======", bold=True)
        say(text.rstrip("\n"), further="")


@click.command(epilog=examples("trueup app manifests web", "trueup app manifests web --source live -o json"))
@click.argument("name", shell_complete=applications)
@click.option("--revision", default="", help="Render this revision instead of the declared one.")
@revisions_options
@click.option(
    "--source",
    type=click.Choice(["git", "live"]),
    default="git",
    show_default=True,
    help="As declared or as they are.",
)
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@folder_options
@local_option
@output_option("yaml", "json")
@reach_options
def manifests(
    access: ClusterAccess,
    name: str,
    revision: str,
    source: str,
    app_namespace: str,
    local: tuple[Path, ...],
    folder: Path | None,
    root: Path | None,
    output: str,
    **sources: Any,
) -> None:
    """Print the manifests of an application: as Git declares them, or as they are live.

    Values of Secrets are masked, equal ones by equal masks: `trueup render` prints those of a folder as they are.
    """

    said, here = revisions_of(revision, **sources), here_of(folder, root)

    async def read() -> list[Any]:
        async with applications_of(access) as apps:
            return await apps.of(name, app_namespace).manifests(said, local, here, live=source == "live")

    objects = asyncio.run(read())
    if output == "json":
        show(objects, output, verbatim=True)
        return
    for item in objects:
        say("---")
        raw(yaml.dump(item).rstrip("\n"))

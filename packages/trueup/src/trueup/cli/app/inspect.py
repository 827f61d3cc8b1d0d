"""``trueup app diff|manifests``: rendered in this process, with the engine's own code."""

import asyncio
import contextlib
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from kubegrammar import yaml
from trueup import diff as diffs
from trueup.cli import plugins
from trueup.cli.app.access import Handle
from trueup.cli.app.engine import refreshed
from trueup.cli.app.live import live_manifests
from trueup.cli.app.sources import Here, Revisions, folder_options, here_of, revisions_of, revisions_options
from trueup.cli.app.validate import EVERYWHERE
from trueup.cli.completing import applications
from trueup.cli.connect import ClusterAccess, access_options, connected
from trueup.cli.examples import examples
from trueup.cli.exits import DIFFERS, fail
from trueup.cli.home import resolved
from trueup.cli.localrepos import local_repositories_option
from trueup.cli.logs import configure_logs
from trueup.cli.output import output_option, show
from trueup.cli.screen import raw, say
from trueup.model.comparison import ComparedResource
from trueup.model.errors import TrueupError
from trueup.model.manifest import Manifest
from trueup.model.status import SyncCode
from trueup.model.tree import Tree

if TYPE_CHECKING:
    from trueup.engine import Engine
    from trueup.observe.observation import Observation
    from trueup.sources.writer import Changes

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
@access_options
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
        if refresh or hard_refresh:
            async with connected(access) as client:
                await refreshed(Handle(client, access, name, app_namespace), hard=hard_refresh)
        return await compared(access, name, app_namespace, said, local, here)

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


async def compared(
    access: ClusterAccess,
    name: str,
    app_namespace: str,
    revisions: Revisions,
    local: tuple[Path, ...],
    here: Here | None = None,
) -> Compared:
    """Compare an application with the cluster.

    Args:
        local: folders below which file:// may read.
        here: taken in the place of the application's folder; None for that of the revision.

    Raises:
        TrueupError: it cannot be rendered, or there is none.
    """
    edit = _edit(here)
    async with engine(access, local) as running:
        seen = await running.observe(_key(access, name, app_namespace), revisions.of, edit)
        unknown = [r for r in seen.comparison.compared if r.status is SyncCode.UNKNOWN]
        return Compared(
            {str(r.key): diffs.change(r) for r in _differing(seen)},
            {str(r.key): _written(*diffs.sides(r)) for r in _differing(seen)},
            [f"{resource.key} cannot be compared: {resource.message}" for resource in unknown],
        )


async def brought(
    access: ClusterAccess, name: str, app_namespace: str, revisions: Revisions, here: Here | None
) -> tuple[Manifest, ...]:
    """The manifests of an application, with a folder of this disk in the place of its own where one is named.

    Args:
        revisions: also of what lies beside the folder.

    Raises:
        TrueupError: it cannot be rendered, or there is none.
    """
    async with engine(access, (EVERYWHERE,)) as running:
        return await running.declared(_key(access, name, app_namespace), revisions.of, _edit(here))


def _written(before: dict[str, Any] | None, after: dict[str, Any] | None) -> tuple[str, str]:
    old, new = diffs.masked(before, after)
    return yaml.dump(old) if old else "", yaml.dump(new) if new else ""


def _edit(here: Here | None) -> "Callable[[Tree, str], Changes] | None":
    if here is None:
        return None
    from trueup.cli.app.local import local_changes

    return lambda tree, path: local_changes(tree, path, here)


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
@access_options
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

    async def declared() -> list[Any]:
        async with engine(access, local) as running:
            seen = await running.observe(_key(access, name, app_namespace), said.of, _edit(here))
            masks = diffs.Masks(running.control.settings().masked_annotations)
            if source == "live":
                return [masks.shown(r.live.object()) for r in seen.comparison.resources if r.live is not None]
            wanted = [r.target for r in seen.comparison.resources if r.target is not None]
            return [masks.shown(manifest.object()) for manifest in (*wanted, *seen.comparison.hooks)]

    # Of another revision, or of files of this disk, nobody has listed the objects yet.
    listed = source == "live" and here is None and not revision and not any(sources.values())
    objects = asyncio.run(live_manifests(access, name, app_namespace) if listed else declared())
    if output == "json":
        show(objects, output, verbatim=True)
        return
    for item in objects:
        say("---")
        raw(yaml.dump(item).rstrip("\n"))


@contextlib.asynccontextmanager
async def engine(access: ClusterAccess, local: tuple[Path, ...]) -> AsyncIterator["Engine"]:
    """An engine that reconciles nothing. Its mirrors go with it; what it warns of, the command says as errors."""
    # What shows objects as they are does without.
    from trueup.engine import Engine, EngineOptions

    configure_logs("text", "error")
    with tempfile.TemporaryDirectory(prefix="trueup-") as folder:
        options = EngineOptions(
            config=access.config(),
            plugins=plugins.run,
            control_namespace=access.namespace,
            data=Path(folder) / "data",
            state=Path(folder) / "state",
            local_repositories=tuple(map(resolved, local)),
            render_workers=1,
        )
        async with Engine(options) as built:
            yield built


def _key(access: ClusterAccess, name: str, app_namespace: str) -> str:
    namespace, slash, bare = name.rpartition("/")
    return f"{(namespace if slash else app_namespace) or access.namespace}/{bare}"


def _differing(seen: "Observation") -> list[ComparedResource]:
    return [r for r in seen.comparison.compared if r.status is SyncCode.OUT_OF_SYNC and not r.hook]

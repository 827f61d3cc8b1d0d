"""``trueup admin cache``: renders that an engine of this machine keeps on disk."""

from datetime import UTC, datetime
from pathlib import Path

import click

from kubegrammar.time import format_time
from trueup.cli.connect import ClusterAccess, access_options
from trueup.cli.data import data_folder
from trueup.cli.examples import examples
from trueup.cli.output import output_option, show
from trueup.cli.screen import say

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
    default=None,
    help="An engine's data folder (default: that of an engine of this user for the cluster).",
)


@click.group()
def cache() -> None:
    """Renders that an engine keeps on disk, so that a restart renders nothing."""


@cache.command(epilog=examples("trueup admin cache stats", "trueup admin cache stats --data /data -o json"))
@data_option
@output_option("text", "json", "yaml")
@access_options
def stats(access: ClusterAccess, data: Path | None, output: str) -> None:
    """Show how many renders are kept, and what they take of the disk."""
    # Only who asks for it pays for what reads such a folder.
    from trueup.workers.kept import held

    folder = _folder(access, data)
    found = held(folder)
    used = format_time(datetime.fromtimestamp(found.oldest, UTC)) if found.oldest else ""
    if output != "text":
        shown = {"folder": str(folder), "renders": found.entries, "bytes": found.size, "former": found.former}
        show({**shown, "leastRecentlyUsed": used or None}, output)
        return
    say(f"Folder:               {folder}")
    say(f"Renders:              {found.entries}")
    say(f"Size:                 {found.size / (1 << 20):.1f} MiB")
    say(f"Least recently used:  {used or 'none'}")
    if found.former:
        say(f"Of other versions:    {found.former}, which go when this version renders")


@cache.command(name="clear", epilog=examples("trueup admin cache clear"))
@data_option
@access_options
def clear_(access: ClusterAccess, data: Path | None) -> None:
    """Remove all renders from the disk. An engine that runs goes on; what is asked for again is rendered anew."""
    from trueup.workers.kept import clear

    folder = _folder(access, data)
    say(f"{clear(folder)} renders removed from {folder}")


def _folder(access: ClusterAccess, data: Path | None) -> Path:
    from trueup.workers.kept import RENDERS

    return (data or data_folder(access.config(), access.namespace)) / RENDERS

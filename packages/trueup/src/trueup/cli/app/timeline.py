"""``trueup app timeline``."""

from pathlib import Path

import click

from trueup.cli.audit import data_option, full_name, moment, since_option, trail_path
from trueup.cli.completing import applications
from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.data import state_option
from trueup.cli.examples import examples
from trueup.cli.output import output_option, show
from trueup.cli.screen import say
from trueup.store.audit import Filter, query
from trueup.store.audit.story import clock, story

COLOURS = {"good": "green", "bad": "red", "changed": "cyan"}


@click.command(epilog=examples("trueup app timeline web --since 2h"))
@click.argument("name", shell_complete=applications)
@since_option
@click.option("--limit", type=click.IntRange(0), default=500, show_default=True, help="The newest so many entries.")
@data_option
@state_option
@output_option("text", "json", "yaml")
@reach_options
def timeline(
    access: ClusterAccess, name: str, since: str, limit: int, data: Path | None, state: Path | None, output: str
) -> None:
    """Tell what an application went through, as a story: by the trail of this machine, or of the server."""
    if access.served is not None:
        from trueup.cli.servers.stories import timeline_of

        lines = timeline_of(access.served, name, moment(since), limit)
    else:
        wanted = Filter(application=full_name(name, access), since=moment(since), limit=limit)
        lines = story(query(trail_path(access, data, state), wanted))
    if output != "text":
        show(lines, output)
        return
    if not lines:
        say(f"nothing is on record about application '{name}'", err=True)
        return
    day = ""
    for line in lines:
        if line.at[:10] != day:
            day = line.at[:10]
            say(f"{day} (UTC)")
        say(f"  {clock(line.at)}  {'    ' if line.inner else ''}{line.text}", fg=COLOURS.get(line.tone))

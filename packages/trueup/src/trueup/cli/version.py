"""``trueup version``."""

import platform

import click

from trueup import __version__
from trueup.cli.examples import examples
from trueup.cli.output import output_option, show
from trueup.cli.screen import say


@click.command(epilog=examples("trueup version -o json"))
@output_option("text", "json", "yaml")
def version(output: str) -> None:
    """Print the version."""
    facts = {"trueup": __version__, "python": platform.python_version(), "platform": platform.machine()}
    if output == "text":
        say(f"trueup {__version__} (Python {facts['python']}, {facts['platform']})")
    else:
        show(facts, output)

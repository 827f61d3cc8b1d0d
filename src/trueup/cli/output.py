"""How commands print: tables, JSON, YAML; colour only on a terminal."""

from collections.abc import Callable, Sequence
from typing import Any

import click
import msgspec

from trueup.formats import yaml

COLOURS = {
    "Synced": "green",
    "OutOfSync": "yellow",
    "Unknown": "magenta",
    "Healthy": "green",
    "Progressing": "cyan",
    "Suspended": "blue",
    "Degraded": "red",
    "Missing": "yellow",
    "Succeeded": "green",
    "Running": "cyan",
    "Failed": "red",
    "Error": "red",
    "Terminating": "yellow",
}


def output_option(*choices: str) -> Callable[[Any], Any]:
    """``-o``: the first choice is the default."""
    return click.option(
        "-o", "--output", type=click.Choice(choices), default=choices[0], show_default=True, help="Output format."
    )


def show(value: Any, output: str) -> None:
    """Print data as JSON or YAML."""
    plain = msgspec.to_builtins(value)
    if output == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(plain), indent=2).decode())
    else:
        click.echo(yaml.dump(plain).rstrip("\n"))


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns wide enough for their cells, two spaces apart; known words get their colour on a terminal."""
    lines = [list(header), *[list(row) for row in rows]]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    for number, line in enumerate(lines):
        last = len(line) - 1
        cells = [
            painted(cell, pad=0 if i == last else widths[i]) if number else cell.ljust(0 if i == last else widths[i])
            for i, cell in enumerate(line)
        ]
        click.echo("  ".join(cells).rstrip())


def painted(word: str, pad: int = 0) -> str:
    """A word in its colour, padded; click takes the colour away where nobody could see it."""
    colour = COLOURS.get(word)
    return (click.style(word, fg=colour) if colour else word) + " " * max(0, pad - len(word))

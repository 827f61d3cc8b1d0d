"""How commands print: tables, JSON, YAML; colour only on a terminal."""

from collections.abc import Callable, Sequence
from typing import Any

import click
import msgspec

from trueup.cli.screen import plain, raw, styled
from trueup.formats import yaml
from trueup.formats.redact import redact_data
from trueup.formats.visible import escaped

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


def show(value: Any, output: str, *, verbatim: bool = False) -> None:
    """Print data as JSON or YAML, without credentials; unseen characters are escaped.

    Args:
        verbatim: credentials too, where the output is the next program's input.
    """
    # By way of JSON: what is written as YAML knows lists, and no tuples.
    builtins = msgspec.json.decode(msgspec.json.encode(value))
    if not verbatim:
        builtins = redact_data(builtins)
    if output == "json":
        raw(escaped(msgspec.json.format(msgspec.json.encode(builtins), indent=2).decode()))
    else:
        raw(yaml.dump(builtins).rstrip("\n"))


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns wide enough for their cells, two spaces apart; known words get their colour on a terminal."""
    lines = [[plain(cell.replace("\n", " "), keep="") for cell in line] for line in (header, *rows)]
    widths = [max(width(line[i]) for line in lines) for i in range(len(header))]
    for number, line in enumerate(lines):
        last = len(line) - 1
        cells = [painted(cell, pad=0 if i == last else widths[i], coloured=number > 0) for i, cell in enumerate(line)]
        styled("  ".join(cells).rstrip())


def painted(word: str, pad: int = 0, *, coloured: bool = True) -> str:
    """A word in its colour, padded; click takes the colour away where nobody could see it."""
    word = plain(word)
    colour = COLOURS.get(word) if coloured else None
    return (click.style(word, fg=colour) if colour else word) + " " * max(0, pad - width(word))


def width(text: str) -> int:
    """Columns of a terminal that a text takes: some letters take two, marks above them none."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)

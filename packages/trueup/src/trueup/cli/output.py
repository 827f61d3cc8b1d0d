"""How commands print: tables, JSON, YAML; colour only on a terminal."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import click
import msgspec
from click.core import ParameterSource

from kubegrammar import yaml
from kubegrammar.redact import redact_data
from kubegrammar.visible import escaped
from trueup.cli.screen import plain, raw, styled

_GAP = 2
"""Columns between those of a table."""
_NARROWEST = 4
TREES = ("tree", "tree=detailed")
"""Outputs that show below an object what it has made."""
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
        "-o",
        "--output",
        type=click.Choice(choices),
        default=choices[0],
        show_default=True,
        help="Output format." + (" On a terminal, wide is uncut where it is asked for." if "wide" in choices else ""),
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


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, spare: Sequence[str] = ()) -> None:
    """Columns wide enough for their cells, two spaces apart; known words get their colour on a terminal.

    On a terminal it fits, unless ``-o wide`` is given.

    Args:
        spare: columns that a narrow terminal does without, the first one first.
    """
    lines = fitted(
        [[plain(cell.replace("\n", " "), keep="") for cell in line] for line in (header, *rows)], room(), spare
    )
    widths = _widths(lines)
    for number, line in enumerate(lines):
        last = len(line) - 1
        cells = [painted(cell, pad=0 if i == last else widths[i], coloured=number > 0) for i, cell in enumerate(line)]
        styled("  ".join(cells).rstrip())


def room() -> int:
    """Columns that a table may take; 0 for as many as it needs: in a pipe, and where ``-o wide`` is given."""
    context = click.get_current_context(silent=True)
    given = context is not None and context.get_parameter_source("output") is ParameterSource.COMMANDLINE
    if not sys.stdout.isatty() or (context is not None and given and context.params.get("output") == "wide"):
        return 0
    # On a terminal alone: a pipe has no width to ask for.
    import shutil

    return shutil.get_terminal_size().columns


def fitted(lines: list[list[str]], room: int, spare: Sequence[str] = ()) -> list[list[str]]:
    """A table, header first, that takes no more columns than there are: without what can be spared, then with its
    widest columns cut, each to the same width. Pure.

    The first column says which line it is: of a long name both ends stay, for names often begin alike.

    Args:
        room: 0 for no limit.
    """
    for name in spare:
        if not room or _total(lines) <= room:
            return lines
        if name in lines[0] and len(lines[0]) > 1:
            at = lines[0].index(name)
            lines = [line[:at] + line[at + 1 :] for line in lines]
    if not room or _total(lines) <= room:
        return lines
    widths = _widths(lines)
    left, narrower = room - _GAP * (len(widths) - 1), sorted(widths)
    for index, each in enumerate(narrower):
        share = left // (len(narrower) - index)
        if each > share:
            longest = max(share, _NARROWEST)
            return [[(cut_inside if at == 0 else cut)(cell, longest) for at, cell in enumerate(line)] for line in lines]
        left -= each
    return lines


def cut(text: str, columns: int) -> str:
    """A text in so many columns of a terminal, its end left out where it is longer."""
    if width(text) <= columns:
        return text
    while text and width(text) > columns - 1:
        text = text[:-1]
    return f"{text.rstrip()}…"


def cut_inside(text: str, columns: int) -> str:
    """A text in so many columns of a terminal, its middle left out where it is longer."""
    if width(text) <= columns:
        return text
    head, tail = cut(text, (columns + 1) // 2), text[len(text) // 2 :]
    while tail and width(tail) > columns - width(head):
        tail = tail[1:]
    return head + tail


def _widths(lines: list[list[str]]) -> list[int]:
    return [max(width(line[i]) for line in lines) for i in range(len(lines[0]))]


def _total(lines: list[list[str]]) -> int:
    return sum(_widths(lines)) + _GAP * (len(lines[0]) - 1)


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

"""The one printer: what commands tell people, without secrets and without what would steer their terminal."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from kubegrammar.visible import visible
from trueup.runtime.secrecy import logged

if TYPE_CHECKING:
    from rich.console import Console


def colour(environment: Mapping[str, str] = os.environ) -> bool | None:
    """Whether what is printed has colours: what the environment says, else None, for a terminal to decide.

    ``NO_COLOR`` (https://no-color.org) wins over ``CLICOLOR_FORCE`` and ``FORCE_COLOR``, and these over a terminal that
    has none and ``CLICOLOR=0``.
    """
    if environment.get("NO_COLOR"):
        return False
    if any(environment.get(name, "0") not in ("", "0") for name in ("CLICOLOR_FORCE", "FORCE_COLOR")):
        return True
    if environment.get("TERM") == "dumb" or environment.get("CLICOLOR") == "0":
        return False
    return None


def plain(text: object, keep: str = "\t") -> str:
    """A text without credentials, whose control, direction and unseen characters are shown by their codes.

    Messages of commits, conditions and errors are strangers' words: an escape sequence in one may retitle the window,
    hide what follows or answer for the user; a direction mark may turn a name around.

    Args:
        keep: control characters that stay. Line breaks do where several lines are meant, and not in a value within a
            line: what follows one would look like a line of ours.
    """
    shown = str(text)
    return visible(shown if shown.isalnum() else logged(shown), keep)


def say(
    text: object = "",
    *,
    err: bool = False,
    fg: str | None = None,
    bold: bool | None = None,
    further: str | None = None,
) -> None:
    """Print a line for people; colour only on a terminal.

    Args:
        further: what each further line begins with, of a text that may have several; None where it is one line.
    """
    shown = plain(text) if further is None else plain(text, keep="\n\t").replace("\n", f"\n{further}")
    click.secho(shown, err=err, fg=fg, bold=bold, color=colour())


def styled(line: str) -> None:
    """Print a line of pieces that were each made plain before they got a style of their own."""
    click.echo(line, color=colour())


def canvas() -> "Console":
    """A screen that is drawn over. Brackets are no style there; strangers' words are made :func:`plain` before."""
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False)


def raw(text: str | bytes, *, end: bool = True) -> None:
    """Print what programs read, to the byte; without a line break at its end where ``end`` is False."""
    click.echo(text, nl=end)


def overwrite(text: object = "") -> None:
    """On a terminal's standard error, put a line in the place of the one that the cursor is in; nothing clears it."""
    click.echo(f"\r\x1b[K{plain(text, keep='')}", nl=False, err=True)

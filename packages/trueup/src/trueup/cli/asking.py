"""Asking before something is done that cannot be undone."""

import sys

import click

from trueup.cli.screen import say
from trueup.model.errors import TrueupError

_WITHOUT = "--yes does it without asking"


def confirm(question: str, otherwise: str) -> None:
    """Ask, and go on only after a yes.

    Args:
        otherwise: what then holds, such as ``nothing was deleted``.

    Raises:
        TrueupError: the answer was no, or nobody is there to be asked.
    """
    try:
        answer = click.confirm(question)
    except click.Abort as abort:
        # The end of what can be read and Ctrl-C look the same but for what was caught.
        if isinstance(abort.__context__, KeyboardInterrupt):
            raise
        say(err=True)
        raise TrueupError(f"{otherwise}: nobody is here to be asked", hint=_WITHOUT) from abort
    if not answer:
        raise TrueupError(f"{otherwise}: the answer was no", hint="" if sys.stdin.isatty() else _WITHOUT)

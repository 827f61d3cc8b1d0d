"""Asking people: before something is done that cannot be undone, and for what they have not said."""

import os
import sys

import click

from trueup.cli.screen import say
from trueup.model.errors import TrueupError

_WITHOUT = "--yes does it without asking"


def confirm(question: str, otherwise: str, without: str = _WITHOUT) -> None:
    """Ask, and go on only after a yes.

    Args:
        otherwise: what then holds, such as ``nothing was deleted``.
        without: which flag does without the question.

    Raises:
        TrueupError: the answer was no, or nobody is there to be asked.
    """
    try:
        answer = click.confirm(question)
    except click.Abort as abort:
        if _interrupted(abort):
            raise
        say(err=True)
        raise TrueupError(f"{otherwise}: nobody is here to be asked", hint=without) from abort
    if not answer:
        raise TrueupError(f"{otherwise}: the answer was no", hint="" if sys.stdin.isatty() else without)


def ask(question: str, flag: str) -> str:
    """Ask for a word.

    Args:
        flag: the option that says it without a question.

    Raises:
        TrueupError: nobody is there to be asked.
    """
    try:
        return str(click.prompt(question))
    except click.Abort as abort:
        if _interrupted(abort):
            raise
        say(err=True)
        raise _unasked(flag) from abort


def ask_secret(question: str, flag: str, *, repeated: bool = False) -> str:
    """Ask for a word that nobody may see; a terminal alone can hide it.

    Args:
        repeated: it is asked for twice, and must be the same.

    Raises:
        TrueupError: there is no terminal.
    """
    if not _terminal():
        raise _unasked(flag)
    return str(click.prompt(question, hide_input=True, confirmation_prompt=repeated))


def _unasked(flag: str) -> TrueupError:
    return TrueupError(f"{flag} is not given, and nobody is here to be asked", hint=f"{flag} says it")


def _interrupted(abort: click.Abort) -> bool:
    # The end of what can be read and Ctrl-C look the same but for what was caught.
    return isinstance(abort.__context__, KeyboardInterrupt)


def _terminal() -> bool:
    """Whether the process has one, even where its standard input is something else."""
    if sys.stdin.isatty():
        return True
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True

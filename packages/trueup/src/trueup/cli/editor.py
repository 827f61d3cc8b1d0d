"""Editing a specification in the user's editor, until it is taken or given up."""

import itertools
import os
import sys
from collections.abc import Callable
from typing import Any

import click

from kubegrammar import yaml
from kubegrammar.patch import merge_diff
from trueup.cli.screen import plain, say
from trueup.model.errors import TrueupError

_HEAD = "# The specification of {what}. What is left unchanged changes nothing.\n"
_VARIABLES = ("KUBE_EDITOR", "VISUAL", "EDITOR")
_NAMING = f"{_VARIABLES[0]}, {_VARIABLES[1]} or {_VARIABLES[2]} names an editor that ends when you are done"


def edit_until_taken(what: str, before: dict[str, Any], write: Callable[[dict[str, Any]], bool]) -> None:
    """Open an editor on a specification; again, with the reason above, while what comes back cannot be taken.

    Args:
        write: takes a merge patch of the specification, and says whether anything has changed.

    Raises:
        TrueupError: the last edit could not be taken, and the user has left it so; or there is no editor, or it failed.
    """
    editor = next(filter(None, map(os.environ.get, _VARIABLES)), None)
    if editor is None and not sys.stdin.isatty():
        raise TrueupError(f"{what} was not edited: there is no terminal, and no editor is named", hint=_NAMING)
    text, problem = yaml.dump(before), ""
    while True:
        head = _HEAD.format(what=plain(what)) + "".join(f"# {line}\n" for line in _lines(problem))
        try:
            edited = click.edit(head + text, editor=editor, extension=".yaml")
        except click.ClickException as error:
            raise TrueupError(f"{what} was not edited: {error.message}", hint=_NAMING) from error
        if edited is None or (edited := _without_remarks(edited)) == text:
            if problem:
                raise TrueupError(problem, hint="nothing was written")
            say("nothing was changed", err=True)
            return
        text = edited
        try:
            done = write(merge_diff(before, _spec(text)))
        except TrueupError as error:
            problem = f"{error.message}{f'; {error.hint}' if error.hint else ''}"
            continue
        say(f"{what} {'edited' if done else 'unchanged'}")
        return


def _lines(problem: str) -> list[str]:
    return plain(problem, keep="\n").splitlines()


def _without_remarks(text: str) -> str:
    lines = text.splitlines(keepends=True)
    return "".join(itertools.dropwhile(lambda line: line.startswith("#"), lines))


def _spec(text: str) -> dict[str, Any]:
    try:
        spec = yaml.load(text.encode(), "the specification")
    except yaml.YamlError as error:
        raise TrueupError(str(error)) from error
    if not isinstance(spec, dict) or not spec:
        raise TrueupError("that is no specification", hint="it is a mapping of fields")
    return spec

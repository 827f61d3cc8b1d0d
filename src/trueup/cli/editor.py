"""Editing a specification in the user's editor, until it is taken or given up."""

import itertools
import os
from collections.abc import Callable
from typing import Any

import click

from trueup.cli.screen import plain, say
from trueup.formats import yaml
from trueup.formats.patch import merge_diff
from trueup.model.errors import TrueupError

_HEAD = "# The specification of {what}. What is left unchanged changes nothing.\n"


def edit_until_taken(what: str, before: dict[str, Any], write: Callable[[dict[str, Any]], bool]) -> None:
    """Open an editor on a specification; again, with the reason above, while what comes back cannot be taken.

    Args:
        write: takes a merge patch of the specification, and says whether anything has changed.

    Raises:
        TrueupError: the last edit could not be taken, and the user has left it so.
    """
    text, problem = yaml.dump(before), ""
    while True:
        head = _HEAD.format(what=plain(what)) + "".join(f"# {line}\n" for line in _lines(problem))
        edited = click.edit(head + text, editor=os.environ.get("KUBE_EDITOR") or None, extension=".yaml")
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

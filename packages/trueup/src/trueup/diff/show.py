"""A comparison as text."""

import difflib
from collections.abc import Iterator
from typing import Any

from kubegrammar.redact import redact
from kubegrammar.yaml import dump
from trueup.diff.literal import NO_LITERALS, Literals
from trueup.diff.mask import masked
from trueup.diff.normalise import comparable
from trueup.model.comparison import ComparedResource

_CONTEXT = 3
_HEADER = 2
_DIFFERS = "  # differs in what is masked"


def render(
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    *,
    left: str,
    right: str,
    lent: Literals = NO_LITERALS,
) -> str:
    """A unified diff of two objects as YAML; empty when they compare equal.

    Args:
        before, after: the object on each side, None where there is none. Values of Secrets are masked.
        left, right: what the two sides are called in the header.
        lent: texts of Secrets that are masked wherever they stand.
    """
    old, new = masked(before, after, lent=lent)
    lines = difflib.unified_diff(_lines(old), _lines(new), left, right, n=_CONTEXT, lineterm="")
    return "".join(f"{line}\n" for line in _told_apart(list(lines)))


def sides(resource: ComparedResource) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """An object as it is and as a sync would make it, Secrets as they are; None where there is none."""
    before, after = resource.live.object() if resource.live else None, resource.becoming()
    return comparable(before) if before else None, comparable(after) if after else None


def change(resource: ComparedResource, lent: Literals = NO_LITERALS) -> str:
    """What a sync would change in one object, as text.

    Args:
        lent: texts of Secrets that are masked wherever they stand.
    """
    before, after = sides(resource)
    return render(before, after, left="live", right="git", lent=lent)


def _told_apart(lines: list[str]) -> Iterator[str]:
    """The lines of a unified diff; a new one that looks like an old one where credentials are masked says that it is
    another."""
    removed: dict[str, str] = {}
    for number, line in enumerate(lines):
        if number < _HEADER or line[:1] not in ("-", "+"):
            removed.clear()
        elif line[0] == "-":
            removed[redact(line[1:])] = line[1:]
        elif removed.get(redact(line[1:]), line[1:]) != line[1:]:
            line += _DIFFERS
        yield line


def _lines(obj: dict[str, Any] | None) -> list[str]:
    return dump(obj).splitlines() if obj is not None else []

"""A comparison as text."""

import difflib
from typing import Any

from trueup.diff.mask import masked
from trueup.formats.yaml import dump

_CONTEXT = 3


def render(before: dict[str, Any] | None, after: dict[str, Any] | None, *, left: str, right: str) -> str:
    """A unified diff of two objects as YAML; empty when they compare equal.

    Args:
        before, after: the object on each side, None where there is none. Values of Secrets are masked.
        left, right: what the two sides are called in the header.
    """
    old, new = masked(before, after)
    lines = difflib.unified_diff(_lines(old), _lines(new), left, right, n=_CONTEXT, lineterm="")
    return "".join(f"{line}\n" for line in lines)


def _lines(obj: dict[str, Any] | None) -> list[str]:
    return dump(obj).splitlines() if obj is not None else []

"""``--label a=b`` and its like."""

from collections.abc import Sequence

import click


def pairs(given: Sequence[str], option: str) -> dict[str, str]:
    """``KEY=VALUE`` as a dictionary.

    Raises:
        click.BadParameter: one is no such pair.
    """
    found = {}
    for text in given:
        key, separator, value = text.partition("=")
        if not separator or not key:
            raise click.BadParameter(f"{text!r} is not KEY=VALUE", param_hint=option)
        found[key] = value
    return found

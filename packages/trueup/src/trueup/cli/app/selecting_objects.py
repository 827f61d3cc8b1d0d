"""Which objects of an application a command means."""

from collections.abc import Callable, Mapping
from typing import Any

import click

from trueup.cli.app.meant import ObjectsMeant
from trueup.model.resource import ResourceKey


def meant_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--group``, ``--kind``, ``--namespace`` and ``--resource-name``."""
    for option in reversed(
        (
            click.option("--group", default=None, help="Of this API group; '' is the core group."),
            click.option("--kind", default="", help="Of this kind."),
            click.option("--namespace", default="", help="In this namespace."),
            click.option("--resource-name", default="", help="Of this name."),
        )
    ):
        command = option(command)
    return command


def meant_of(flags: Mapping[str, str | None]) -> ObjectsMeant:
    """What the options say."""
    return ObjectsMeant(flags["group"], flags["kind"] or "", flags["namespace"] or "", flags["resource_name"] or "")


def only(keys: list[ResourceKey], *, several: bool) -> list[ResourceKey]:
    """The objects that something is done to.

    Raises:
        click.UsageError: it is more than one, and nobody has said that all are meant.
    """
    if len(keys) > 1 and not several:
        shown = ", ".join(f"{key.kind}/{key.name}" for key in keys[:5])
        raise click.UsageError(
            f"Multiple resources match inputs: {shown}{' …' if len(keys) > 5 else ''}. Use --all, or --resource-name"
        )
    return keys

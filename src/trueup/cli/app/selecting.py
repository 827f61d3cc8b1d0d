"""Which applications a command means: those it names, those with some labels, those of a project."""

import asyncio
from collections.abc import Callable
from typing import Any

import click

from trueup.cli.app.access import list_applications, readable
from trueup.cli.connect import Access, connected
from trueup.model.errors import TrueupError


class NoneSelected(TrueupError):
    """No application has the labels."""

    reason = "NotFound"


def selector_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``-l``."""
    return click.option("-l", "--selector", default="", help="The applications with these labels, as in team=web.")(
        command
    )


def selected(access: Access, names: tuple[str, ...], selector: str, app_namespace: str) -> tuple[str, ...]:
    """The names of the applications that are meant, each once.

    Raises:
        click.UsageError: none is named, and no label.
        NoneSelected: none has the labels.
    """
    if not selector:
        if not names:
            raise click.UsageError("name an application, or choose by -l LABEL=VALUE")
        return tuple(dict.fromkeys(names))
    namespace = app_namespace or access.namespace

    async def listed() -> list[str]:
        async with connected(access) as client:
            return [_named(body) for body in await list_applications(client, namespace, selector)]

    found = sorted(asyncio.run(listed()))
    if not found and not names:
        raise NoneSelected(
            f"no application of namespace {namespace} has the labels {selector}",
            hint="`trueup app list -o json` shows what they have",
        )
    return tuple(dict.fromkeys((*names, *found)))


def _named(body: bytes) -> str:
    view = readable(body)
    return f"{view.app.metadata.namespace}/{view.app.metadata.name}"

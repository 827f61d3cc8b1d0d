"""Which applications a command means: those it names, those with some labels, those of a project."""

import asyncio
from collections.abc import Callable
from typing import Any

import click

from trueup.cli.app.access import ApplicationView
from trueup.cli.app.port import applications_of
from trueup.cli.connect import ClusterAccess
from trueup.model.errors import TrueupError


class NoneSelected(TrueupError):
    """No application has the labels."""

    reason = "NotFound"


def selector_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``-l``."""
    return click.option("-l", "--selector", default="", help="The applications with these labels, as in team=web.")(
        command
    )


def selected(
    access: ClusterAccess, names: tuple[str, ...], selector: str, app_namespace: str, projects: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """The names of the applications that are meant, each once.

    Args:
        projects: whose applications are meant; with a selector, those of them that have the labels.

    Raises:
        click.UsageError: none is named, and no label or project.
        NoneSelected: none has the labels, or is of the projects.
    """
    if not selector and not projects:
        if not names:
            raise click.UsageError("name an application, or choose by -l LABEL=VALUE")
        return tuple(dict.fromkeys(names))

    async def listed() -> tuple[list[ApplicationView], str]:
        async with applications_of(access) as apps:
            return await apps.list(app_namespace, selector, projects), apps.place(app_namespace)

    views, place = asyncio.run(listed())
    found = [f"{view.app.metadata.namespace}/{view.app.metadata.name}" for view in views]
    if not found and not names:
        said = [f"the labels {selector}"] if selector else []
        said += [f"the project {' or '.join(projects)}"] if projects else []
        raise NoneSelected(
            f"no application of {place} has {' and '.join(said)}",
            hint="`trueup app list -o json` shows what they have",
        )
    return tuple(dict.fromkeys((*names, *sorted(found))))

"""``trueup app get``."""

import asyncio
from collections.abc import Collection
from typing import TYPE_CHECKING

import click

from trueup.cli.app.access import ApplicationView
from trueup.cli.app.port import applications_of
from trueup.cli.app.summary import ILL, print_resources, print_summary
from trueup.cli.completing import applications
from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.duration import DURATION
from trueup.cli.examples import examples
from trueup.cli.output import TREES, output_option, show, table
from trueup.cli.screen import plain, say
from trueup.model.application import Application
from trueup.model.errors import TrueupError
from trueup.model.resource import ResourceKey

if TYPE_CHECKING:
    from trueup.cli.app.children import ResourceTree

_DIFFERS = "OutOfSync"


@click.command(
    epilog=examples(
        "trueup app get web --refresh", "trueup app get web -o tree", "trueup app get web --show-operation -o yaml"
    )
)
@click.argument("name", shell_complete=applications)
@click.option("--refresh", is_flag=True, help="Ask the engine to look again first.")
@click.option("--hard-refresh", is_flag=True, help="As --refresh, and render anew.")
@click.option("--timeout", type=DURATION, default="60s", show_default=True, help="How long to wait for a refresh.")
@click.option("--show-operation", is_flag=True, help="Also show the operation.")
@click.option("--show-params", is_flag=True, help="Also show the parameters of charts, and images that are set.")
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@output_option("wide", *TREES, "json", "yaml")
@reach_options
def get(
    access: ClusterAccess,
    name: str,
    refresh: bool,
    hard_refresh: bool,
    timeout: float,
    show_operation: bool,
    show_params: bool,
    app_namespace: str,
    output: str,
) -> None:
    """Show one application: what it deploys, how it compares, how it is."""

    async def read() -> tuple[ApplicationView, list[tuple[str, str]], str]:
        async with applications_of(access) as apps:
            app = apps.of(name, app_namespace)
            if refresh or hard_refresh:
                view = await app.refreshed(hard=hard_refresh, timeout=timeout)
            else:
                view = await app.view()
            return view, await app.windows(view.app), app.page(view)

    view, windows, page = asyncio.run(read())
    if output in ("json", "yaml"):
        show(view.raw, output)
        return
    print_summary(view, operation=show_operation, windows=windows, page=page)
    if show_params and (rows := parameters(view.app)):
        table(("NAME", "VALUE"), rows)
        say()
    if output in TREES:
        # Loaded where a tree is asked for, as what judges its objects is.
        from trueup.cli.app.children import ResourceTree
        from trueup.cli.app.resources import print_tree, tell_unread

        async def grown() -> ResourceTree:
            async with applications_of(access) as apps:
                return await apps.of(name, app_namespace).tree(view)

        tree = asyncio.run(grown())
        print_tree(view, tree, detailed=output == "tree=detailed")
        tell_unread(tree)
    else:
        print_resources(view, missing=_missing(access, view, name, app_namespace))
        _print_reasons(access, view, name, app_namespace)


def _missing(access: ClusterAccess, view: ApplicationView, name: str, app_namespace: str) -> Collection[ResourceKey]:
    """Which objects are not there: asked only where one may not be, that differs and has no health."""
    if not any(each.status == _DIFFERS and not each.health and not each.hook for each in view.status.resources):
        return ()

    async def grown() -> "ResourceTree":
        async with applications_of(access) as apps:
            return await apps.of(name, app_namespace).tree(view)

    try:
        tree = asyncio.run(grown())
    except TrueupError as error:
        say(f"warning: which objects are there is not known: {error.message}", err=True)
        return ()
    # Of what may not be listed nobody knows.
    return () if tree.unread else {node.key for node in tree.nodes() if not node.uid}


def _print_reasons(access: ClusterAccess, view: ApplicationView, name: str, app_namespace: str) -> None:
    """Why something does not work: only where something does not."""
    if not any(resource.health and resource.health.status in ILL for resource in view.status.resources):
        return
    from trueup.cli.app.reasons import Reason

    async def told() -> list[Reason]:
        async with applications_of(access) as apps:
            return await apps.of(name, app_namespace).reasons(view)

    try:
        found = asyncio.run(told())
    except TrueupError as error:
        say(f"warning: why is not known: {error.message}", err=True)
        return
    if found:
        say()
    for reason in found:
        say(reason.of)
        for line in reason.lines:
            say(f"  {plain(line.replace(chr(10), ' '), keep='')}")


def parameters(app: Application) -> list[tuple[str, str]]:
    """What an application sets of its charts, and of the images of its kustomizations."""
    rows: list[tuple[str, str]] = []
    for source in app.spec.all_sources():
        rows += [(each.name, each.value) for each in (source.helm.parameters if source.helm else [])]
        rows += [("image", image) for image in (source.kustomize.images if source.kustomize else [])]
    return rows

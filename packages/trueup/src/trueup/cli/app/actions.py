"""``trueup app actions list|run``."""

import asyncio

import click

from trueup.cli.app.port import ObjectActionView, applications_of
from trueup.cli.app.selecting_objects import meant_of, meant_options, only
from trueup.cli.app.spec import pairs
from trueup.cli.completing import applications
from trueup.cli.connect import ClusterAccess, reach_beside_namespaces
from trueup.cli.examples import examples
from trueup.cli.output import output_option, show, table
from trueup.cli.screen import say
from trueup.model.errors import TrueupError


@click.group()
def actions() -> None:
    """What can be done to an application's objects: restart, scale, pause, resume."""


@actions.command(
    "list", epilog=examples("trueup app actions list web", "trueup app actions list web --kind Deployment -o json")
)
@click.argument("name", shell_complete=applications)
@meant_options
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@output_option("wide", "json", "yaml")
@reach_beside_namespaces
def list_(access: ClusterAccess, name: str, app_namespace: str, output: str, **flags: str | None) -> None:
    """List the actions of an application's objects."""

    async def run() -> list[ObjectActionView]:
        async with applications_of(access) as apps:
            return await apps.of(name, app_namespace).actions(meant_of(flags))

    found = asyncio.run(run())
    if output == "wide":
        rows = [
            (each.object.group, each.object.kind, each.object.name, each.name, str(each.disabled).lower())
            for each in found
        ]
        table(("GROUP", "KIND", "NAME", "ACTION", "DISABLED"), rows)
        return
    data = [
        {
            "group": each.object.group,
            "kind": each.object.kind,
            "namespace": each.object.namespace,
            "name": each.object.name,
            "action": each.name,
            "disabled": each.disabled,
            "params": [{"name": parameter} for parameter in each.parameters],
        }
        for each in found
    ]
    show(data, output)


@actions.command(
    "run",
    epilog=examples(
        "trueup app actions run web restart --kind Deployment --resource-name web",
        "trueup app actions run web scale --kind Deployment --param replicas=3",
        "trueup app actions run web restart --kind Deployment --all",
    ),
)
@click.argument("name", shell_complete=applications)
@click.argument("action")
@meant_options
@click.option("--all", "several", is_flag=True, help="On all objects that match, not on one alone.")
@click.option(
    "--param", "parameters", multiple=True, metavar="NAME=VALUE", help="What the action asks for. Repeatable."
)
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@reach_beside_namespaces
def run(
    access: ClusterAccess,
    name: str,
    action: str,
    several: bool,
    parameters: tuple[str, ...],
    app_namespace: str,
    **flags: str | None,
) -> None:
    """Do something to objects of an application."""
    given = pairs(parameters)

    async def done() -> list[str]:
        async with applications_of(access) as apps:
            app = apps.of(name, app_namespace)
            fitting = [each for each in await app.actions(meant_of(flags)) if each.name == action]
            if not fitting:
                raise TrueupError(
                    f"no such object of application '{name}' has an action {action}",
                    hint=f"`trueup app actions list {name}` lists those that there are",
                )
            keys = only([each.object for each in fitting], several=several)
            for key in keys:
                await app.act(key, action, given)
            return [f"{key.kind}/{key.name}" for key in keys]

    for object_ in asyncio.run(done()):
        say(f"application '{name}': {action} of {object_} asked for")

"""``trueup app sync``."""

import asyncio
import getpass
from typing import Any

import click

from trueup.cli.app.access import Handle, View
from trueup.cli.app.read import print_resources, print_summary
from trueup.cli.app.wait import Goal, finished_badly, follow
from trueup.cli.connect import Access, access_options, connected
from trueup.cli.exits import fail
from trueup.cli.output import output_option, show
from trueup.model.errors import TrueupError


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--revision", default="", help="Sync to this revision instead of the declared one.")
@click.option("--prune", is_flag=True, help="Delete what left Git.")
@click.option("--dry-run", is_flag=True, help="Ask the cluster, change nothing.")
@click.option("--force", is_flag=True, help="Delete and create where an update is refused.")
@click.option("--strategy", type=click.Choice(["apply", "hook"]), default="hook", show_default=True)
@click.option("--resource", multiple=True, metavar="GROUP:KIND:[NS/]NAME", help="Only these resources. Repeatable.")
@click.option("--sync-option", multiple=True, help="Instead of the application's. Repeatable.")
@click.option("--retry-limit", type=int, default=0, help="Tries after the first; negative: no limit.")
@click.option("--retry-backoff-duration", default="", help="First wait between tries, such as 5s.")
@click.option("--retry-backoff-factor", type=int, default=None)
@click.option("--retry-backoff-max-duration", default="")
@click.option("--async", "asynchronous", is_flag=True, help="Do not wait for the end.")
@click.option("--timeout", type=float, default=0.0, help="Seconds to wait; 0 waits for ever.")
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@output_option("wide", "json", "yaml")
@access_options
def sync(
    access: Access,
    names: tuple[str, ...],
    asynchronous: bool,
    timeout: float,
    app_namespace: str,
    output: str,
    **flags: Any,
) -> None:
    """Make the cluster as Git declares, now."""
    operation = _operation(flags)

    async def run(name: str) -> View:
        async with connected(access) as (client, discovery):
            handle = Handle(client, discovery, access, name, app_namespace)
            view = await handle.view()
            state = view.status.operation_state
            if view.app.operation is not None or (state and not state.phase.completed):
                raise TrueupError(
                    "another operation is already in progress",
                    hint=f"`trueup app wait {name} --operation` waits for it",
                )
            version = view.app.metadata.resource_version
            view = await handle.patch({"metadata": {"resourceVersion": version}, "operation": operation})
            if asynchronous:
                return view
            return await follow(handle, Goal(operation=True), timeout, quiet=output != "wide")

    for name in names:
        view = asyncio.run(run(name))
        if output != "wide":
            show(view.raw, output)
        elif asynchronous:
            click.echo(f"application '{name}': sync asked for")
        else:
            click.echo()
            print_summary(view, operation=True)
            print_resources(view)
        problem = "" if asynchronous else finished_badly(view)
        if problem:
            fail(f"application '{name}': {problem}")


def _operation(flags: dict[str, Any]) -> dict[str, Any]:
    sync_part: dict[str, Any] = {"syncStrategy": {flags["strategy"]: {"force": True} if flags["force"] else {}}}
    if flags["revision"]:
        sync_part["revision"] = flags["revision"]
    for field, flag in (("prune", "prune"), ("dryRun", "dry_run")):
        if flags[flag]:
            sync_part[field] = True
    if flags["sync_option"]:
        sync_part["syncOptions"] = list(flags["sync_option"])
    if flags["resource"]:
        sync_part["resources"] = [_resource(text) for text in flags["resource"]]
    operation: dict[str, Any] = {"sync": sync_part, "initiatedBy": {"username": _user()}}
    backoff = {
        "duration": flags["retry_backoff_duration"],
        "factor": flags["retry_backoff_factor"],
        "maxDuration": flags["retry_backoff_max_duration"],
    }
    given = {field: value for field, value in backoff.items() if value}
    if flags["retry_limit"]:
        operation["retry"] = {"limit": flags["retry_limit"], **({"backoff": given} if given else {})}
    return operation


def _resource(text: str) -> dict[str, str]:
    parts = text.split(":")
    if len(parts) != 3 or not parts[1] or not parts[2]:
        raise click.UsageError(f"{text!r} is not GROUP:KIND:NAME (the core group is empty: ':Service:web')")
    namespace, _, name = parts[2].rpartition("/")
    resource = {"group": parts[0], "kind": parts[1], "name": name}
    return {**resource, "namespace": namespace} if namespace else resource


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "cli"

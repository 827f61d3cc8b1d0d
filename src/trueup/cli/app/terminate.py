"""``trueup app terminate-op``."""

import asyncio

import click

from trueup.cli.app.access import TRIES, Handle
from trueup.cli.completing import applications
from trueup.cli.connect import Access, access_options, connected
from trueup.cli.examples import examples
from trueup.cli.screen import say
from trueup.kube.errors import Conflict
from trueup.model.errors import TrueupError
from trueup.model.status import OperationPhase


@click.command("terminate-op", epilog=examples("trueup app terminate-op web"))
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=applications)
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@access_options
def terminate_op(access: Access, names: tuple[str, ...], app_namespace: str) -> None:
    """Stop the operation that runs. What it has applied stays; hooks that run are deleted."""

    async def run(name: str) -> str:
        async with connected(access) as client:
            return await terminate(Handle(client, access, name, app_namespace))

    for name in names:
        say(f"application '{name}': {asyncio.run(run(name))}")


async def terminate(handle: Handle) -> str:
    """Ask for the end of an operation, or take back one that no engine has taken up yet; returns which.

    Raises:
        TrueupError: there is no operation, or it changes too fast.
    """
    for _ in range(TRIES):
        view = await handle.view()
        state = view.status.operation_state
        version = {"resourceVersion": view.app.metadata.resource_version}
        try:
            if state is not None and not state.phase.completed:
                phase = {"phase": str(OperationPhase.TERMINATING)}
                await handle.patch({"metadata": version, "status": {"operationState": phase}})
                return "operation terminating"
            if view.raw.get("operation") is not None:
                await handle.patch({"metadata": version, "operation": None})
                return "operation taken back before it began"
        except Conflict:
            continue
        raise TrueupError(
            f"Unable to terminate operation of {handle.name}. No operation is in progress",
            hint=f"`trueup app get {handle.name} --show-operation` shows the last one",
        )
    raise TrueupError(f"application {handle.name} changes too fast", hint="run the command again")

"""``trueup app wait``, and the live progress it shares with ``sync``."""

import asyncio
import time

import click
import msgspec

from trueup.cli.app.access import ApplicationNotFound, ApplicationView
from trueup.cli.app.choice import ResourcePattern, meant, pattern, resource_option
from trueup.cli.app.port import ApplicationPort, applications_of
from trueup.cli.app.progress import counted, not_tried_again, under_way
from trueup.cli.app.selecting import NoneSelected, selected, selector_option
from trueup.cli.app.summary import print_resources, print_summary
from trueup.cli.completing import applications
from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.duration import DURATION
from trueup.cli.examples import examples
from trueup.cli.output import output_option, painted, show
from trueup.cli.screen import plain, say, styled
from trueup.model.errors import TrueupError
from trueup.model.status import OperationPhase, SyncCode

_ILL = ("Degraded", "Progressing", "Missing", "Unknown")
PATIENCE = 10.0
"""Seconds without a sign of the engine after which the user is told."""


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """What to wait for. Several health words are alternatives; the rest must all hold.

    Attributes:
        resources: which objects are to be in sync and healthy; empty for the application as a whole.
    """

    synced: bool = False
    healths: frozenset[str] = frozenset()
    operation: bool = False
    resources: tuple[ResourcePattern, ...] = ()

    def missing(self, view: ApplicationView) -> str:
        """What does not hold yet; empty when all does."""
        status = view.status
        if self.operation:
            state = status.operation_state
            if state and not state.phase.completed:
                return f"the operation ({under_way(view)})"
            if view.app.operation is not None:
                return "the operation to start"
        if self.resources:
            return self._of_resources(view)
        if self.synced and not (status.sync and status.sync.status is SyncCode.SYNCED):
            return "the application to be Synced"
        health = (status.health.status if status.health else "") or "Unknown"
        if self.healths and health not in self.healths:
            return f"health {' or '.join(sorted(self.healths))} (now {health})"
        return ""

    def _of_resources(self, view: ApplicationView) -> str:
        for each in self.resources:
            if not each.excludes and not any(each.matches(resource) for resource in view.status.resources):
                return f"a resource {each.text}"
        for resource in meant(view, self.resources):
            name = f"{resource.kind}/{resource.name}"
            if self.synced and resource.status != SyncCode.SYNCED:
                return f"{name} to be Synced"
            # What has no health is as healthy as it will be.
            if self.healths and resource.health and resource.health.status not in self.healths:
                return f"health {' or '.join(sorted(self.healths))} of {name} (now {resource.health.status})"
        return ""


async def follow(
    app: ApplicationPort, goal: Goal, timeout: float, *, quiet: bool = False, before: ApplicationView | None = None
) -> ApplicationView:
    """Print what changes until the goal holds.

    Args:
        before: the application before a sync was asked for; what its last operation did is not told again.

    Raises:
        TrueupError: the time is over.
    """
    lines = WaitProgress(quiet, before)
    view: ApplicationView | None = None
    nudge = asyncio.create_task(_ask_for_engine(app))
    try:
        async for view in app.follow(timeout):
            lines.show(view)
            if not goal.missing(view):
                return view
    finally:
        nudge.cancel()
        await asyncio.gather(nudge, return_exceptions=True)
    waiting = goal.missing(view) if view else "an answer"
    hint = await _where_it_stands(view, app)
    raise TrueupError(f"timed out after {timeout:g} s waiting for {waiting}", hint=hint)


async def _where_it_stands(view: ApplicationView | None, app: ApplicationPort) -> str:
    if view and untouched(view):
        return await app.why_untouched(view)
    return stands(app.name, view)


def stands(name: str, view: ApplicationView | None) -> str:
    """What is known of why an application does not get on, and the command that shows it. Pure."""
    told = "; ".join(f"{condition.type}: {condition.message}" for condition in view.status.conditions) if view else ""
    if view and (way := not_tried_again(view)):
        return f"{told}; {way}" if told else way
    ill = view is not None and view.status.health is not None and view.status.health.status in _ILL
    where = f"`trueup app get {name}{'' if ill else ' --show-operation'}` shows {'why' if ill else 'where it stands'}"
    return f"{told}; {where}" if told else where


async def _ask_for_engine(app: ApplicationPort) -> None:
    await asyncio.sleep(PATIENCE)
    view = await app.view()
    if untouched(view):
        say(f"application '{app.name}' is not taken up yet: {await app.why_untouched(view)}", err=True)


def untouched(view: ApplicationView) -> bool:
    """No engine has looked at it, or taken up the sync that was asked for."""
    state = view.status.operation_state
    asked = view.app.operation is not None and (state is None or state.phase.completed)
    return asked or view.status.sync is None


class WaitProgress:
    """One line for each thing that changed.

    Args:
        quiet: print nothing.
        before: an earlier view, whose operation is no news.
    """

    def __init__(self, quiet: bool, before: ApplicationView | None = None) -> None:
        self._quiet = quiet
        self._seen: dict[str, str] = {}
        self._before = before.status.operation_state if before else None
        self._first = before is None

    def show(self, view: ApplicationView) -> None:
        """Print what is new in this view."""
        status = view.status
        self._line("sync", str(status.sync.status) if status.sync else "Unknown", "")
        self._line("health", (status.health.status if status.health else "") or "Unknown", "")
        state = status.operation_state
        if self._first and state and state.phase.completed:
            self._before = state
        self._first = False
        if state is None or state == self._before:
            return
        self._line("operation", str(state.phase), counted(state))
        for result in state.sync_result.resources if state.sync_result else []:
            kind = f"{result.group}/{result.kind}" if result.group else result.kind
            name = f"{result.namespace}/{result.name}" if result.namespace else result.name
            word = result.hook_phase if result.hook_type else result.status or result.hook_phase
            self._line(f"{kind} {name}", word, result.message)

    def _line(self, what: str, word: str, message: str) -> None:
        text = f"{word}|{message}"
        if self._quiet or self._seen.get(what) == text:
            return
        self._seen[what] = text
        stamp = time.strftime("%H:%M:%S")
        styled(f"{stamp}  {plain(what):<48} {painted(word, 12)} {plain(message)}".rstrip())


def finished_badly(view: ApplicationView) -> str:
    """Why the last operation failed; empty when it did not."""
    state = view.status.operation_state
    if state and state.phase in (OperationPhase.FAILED, OperationPhase.ERROR):
        return state.message or str(state.phase)
    return ""


@click.command(
    epilog=examples(
        "trueup app wait web --timeout 5m",
        "trueup app wait -l team=web --health",
        "trueup app wait web --resource apps:Deployment:web --health",
        "trueup app wait web --delete",
    )
)
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=applications)
@selector_option
@resource_option
@click.option("--sync", "synced", is_flag=True, help="Wait until Synced.")
@click.option("--health", is_flag=True, help="Wait until Healthy.")
@click.option("--suspended", is_flag=True, help="Suspended is fine.")
@click.option("--degraded", is_flag=True, help="Degraded is fine.")
@click.option("--operation", is_flag=True, help="Wait until no operation runs.")
@click.option("--delete", "deleted", is_flag=True, help="Wait until the application is gone.")
@click.option("--timeout", type=DURATION, default="0", help="How long to wait; 0 waits for ever.")
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@output_option("wide", "json", "yaml")
@reach_options
def wait(
    access: ClusterAccess,
    names: tuple[str, ...],
    selector: str,
    resource: tuple[str, ...],
    synced: bool,
    health: bool,
    suspended: bool,
    degraded: bool,
    operation: bool,
    deleted: bool,
    timeout: float,
    app_namespace: str,
    output: str,
) -> None:
    """Wait until applications are synced and healthy, or as the flags say."""
    words = {"Healthy": health, "Suspended": suspended, "Degraded": degraded}
    goal = Goal(synced=synced, healths=frozenset(w for w, on in words.items() if on), operation=operation)
    if not (synced or goal.healths or operation):
        goal = Goal(synced=True, healths=frozenset({"Healthy"}), operation=not resource)
    goal = msgspec.structs.replace(goal, resources=tuple(map(pattern, resource)))
    try:
        names = selected(access, names, selector, app_namespace)
    except NoneSelected:
        if deleted:
            return
        raise

    async def each(name: str) -> ApplicationView | None:
        async with applications_of(access) as apps:
            app = apps.of(name, app_namespace)
            if deleted:
                await gone(app, timeout)
                return None
            return await follow(app, goal, timeout, quiet=output != "wide")

    for name in names:
        view = asyncio.run(each(name))
        if view is None:
            say(f"application '{name}' is gone")
        elif output == "wide":
            say()
            print_summary(view)
            print_resources(view)
        else:
            show(view.raw, output)


async def gone(app: ApplicationPort, timeout: float) -> None:
    """Wait until the application does not exist.

    Raises:
        TrueupError: it still does after ``timeout`` seconds.
    """
    try:
        async for _ in app.follow(timeout):
            pass
    except ApplicationNotFound:
        return
    raise TrueupError(
        f"application {app.name} is still there after {timeout:g} s",
        hint=f"`trueup app get {app.name}` shows what holds it",
    )

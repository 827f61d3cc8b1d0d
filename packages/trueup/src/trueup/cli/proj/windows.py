"""``trueup proj windows``."""

import asyncio
from collections.abc import Callable
from typing import Any

import click
import msgspec

from trueup import policy
from trueup.cli.completing import projects
from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.examples import examples
from trueup.cli.output import output_option, show, table
from trueup.cli.proj.lists import apply, name_argument
from trueup.cli.proj.port import Spec, projects_of
from trueup.model.errors import TrueupError
from trueup.model.project import SyncWindow
from trueup.runtime.clock import SystemClock

_LISTS = ("applications", "namespaces", "clusters")


@click.group()
def windows() -> None:
    """Times at which syncs are allowed or denied."""


@windows.command("list", epilog=examples("trueup proj windows list shop"))
@name_argument
@output_option("wide", "json", "yaml")
@reach_options
def list_(access: ClusterAccess, name: str, output: str) -> None:
    """List the windows of a project, with their numbers."""

    async def listed() -> list[Any]:
        async with projects_of(access) as projects:
            return (await projects.read(name)).get("spec", {}).get("syncWindows") or []

    found = asyncio.run(listed())
    if output != "wide":
        show(found, output)
        return
    lists = (each.upper() for each in _LISTS)
    header = ("ID", "STATUS", "KIND", "SCHEDULE", "DURATION", *lists, "MANUALSYNC", "TIMEZONE")
    table(header, [_row(index, msgspec.convert(each, type=SyncWindow)) for index, each in enumerate(found)])


def _row(index: int, window: SyncWindow) -> tuple[str, ...]:
    lists = (", ".join(getattr(window, each)) or "-" for each in _LISTS)
    manual = "Enabled" if window.manual_sync else "Disabled"
    return (
        *(str(index), _state(window), window.kind, window.schedule, window.duration, *lists),
        *(manual, window.time_zone or "UTC"),
    )


def _state(window: SyncWindow) -> str:
    """As Argo CD: whether it is the time of the window."""
    placed = policy.AssignedWindow("window", window)
    verdict = policy.may_sync([placed], manual=False, now=SystemClock().now())
    if verdict.fault:
        return "Unreadable"
    return "Active" if verdict.allowed == (window.kind == "allow") else "Inactive"


def _window_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(
        (
            click.option("--schedule", default=None, metavar="CRON", help="Beginning, as five cron fields."),
            click.option("--duration", default=None, help="Length, such as 1h30m."),
            *(
                click.option(f"--{each}", multiple=True, help=f"For these {each}; globs. Repeatable.")
                for each in _LISTS
            ),
            click.option("--time-zone", default=None, help="Of the schedule; UTC by default."),
        )
    ):
        command = option(command)
    return command


@windows.command(
    epilog=examples(
        "trueup proj windows add shop --kind deny --schedule '0 22 * * 5' --duration 60h --applications '*'",
        "trueup proj windows add shop --kind allow --schedule '0 9 * * 1-5' --duration 8h --time-zone Europe/Berlin",
    )
)
@name_argument
@click.option("-k", "--kind", type=click.Choice(["allow", "deny"]), default="allow", help="What the window does.")
@_window_flags
@click.option("--manual-sync", is_flag=True, help="Allow manual syncs all the same.")
@click.option("--use-and-operator", is_flag=True, help="All the lists must match, not any of them.")
@click.option("--sync-overrun", is_flag=True, help="Let a sync that began in time go on.")
@reach_options
def add(
    access: ClusterAccess,
    name: str,
    kind: str,
    manual_sync: bool,
    use_and_operator: bool,
    sync_overrun: bool,
    **flags: Any,
) -> None:
    """Add a window to a project."""
    window: dict[str, Any] = {"kind": kind}
    for field, on in (("manualSync", manual_sync), ("andOperator", use_and_operator), ("syncOverrun", sync_overrun)):
        if on:
            window[field] = True
    _written(window, flags)
    if not any(window.get(each) for each in _LISTS):
        raise click.UsageError("say what it is for: --applications, --namespaces or --clusters; '*' is all")
    apply(access, name, lambda spec: spec.update(syncWindows=[*(spec.get("syncWindows") or []), window]))


@windows.command(epilog=examples("trueup proj windows update shop 0 --duration 4h"))
@name_argument
@click.argument("number", metavar="ID", type=click.IntRange(0))
@_window_flags
@reach_options
def update(access: ClusterAccess, name: str, number: int, **flags: Any) -> None:
    """Change a window: what is named is replaced."""
    apply(access, name, lambda spec: _written(_of(spec, number), flags))


@windows.command(epilog=examples("trueup proj windows delete shop 0"))
@name_argument
@click.argument("number", metavar="ID", type=click.IntRange(0))
@reach_options
def delete(access: ClusterAccess, name: str, number: int) -> None:
    """Delete a window."""

    def edit(spec: Spec) -> None:
        _of(spec, number)
        spec["syncWindows"] = [each for index, each in enumerate(spec["syncWindows"]) if index != number]

    apply(access, name, edit)


def _switch(command: str, field: str, on: bool, help_: str) -> None:
    @windows.command(command, epilog=examples(f"trueup proj windows {command} shop 0"))
    @click.argument("name", metavar="PROJECT", shell_complete=projects)
    @click.argument("number", metavar="ID", type=click.IntRange(0))
    @reach_options
    def run(access: ClusterAccess, name: str, number: int) -> None:
        apply(access, name, lambda spec: _of(spec, number).update({field: on}))

    run.help = help_


_switch("enable-manual-sync", "manualSync", True, "Allow manual syncs whatever the window says.")
_switch("disable-manual-sync", "manualSync", False, "Let the window hold manual syncs too.")
_switch("enable-sync-overrun", "syncOverrun", True, "Let a sync that began in time go on.")
_switch("disable-sync-overrun", "syncOverrun", False, "Let the window stop a sync that began in time.")


def _of(spec: Spec, number: int) -> dict[str, Any]:
    found = spec.get("syncWindows") or []
    if number >= len(found):
        raise TrueupError(f"there is no window {number}", hint="`trueup proj windows list` numbers them from 0")
    window: dict[str, Any] = found[number]
    return window


def _written(window: dict[str, Any], flags: dict[str, Any]) -> None:
    for flag, field in (("schedule", "schedule"), ("duration", "duration"), ("time_zone", "timeZone")):
        if flags[flag] is not None:
            window[field] = flags[flag]
    for each in _LISTS:
        if flags[each]:
            window[each] = list(flags[each])

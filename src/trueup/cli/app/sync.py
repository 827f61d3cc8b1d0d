"""``trueup app sync``."""

import asyncio
import getpass
from typing import Any

import click
import msgspec

from trueup.cli.app.access import Handle, View
from trueup.cli.app.read import print_resources, print_summary
from trueup.cli.app.wait import Goal, finished_badly, follow
from trueup.cli.completing import applications
from trueup.cli.connect import Access, access_options, connected
from trueup.cli.duration import DURATION
from trueup.cli.exits import fail
from trueup.cli.output import output_option, show
from trueup.cli.screen import say
from trueup.model.errors import TrueupError
from trueup.model.status import ResourceStatus


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=applications)
@click.option("--revision", default="", help="Sync to this revision instead of the declared one.")
@click.option("--prune", is_flag=True, help="Delete what left Git.")
@click.option("--dry-run", is_flag=True, help="Ask the cluster, change nothing.")
@click.option("--force", is_flag=True, help="Delete and create where an update is refused.")
@click.option(
    "--strategy", type=click.Choice(["apply", "hook"]), default="hook", show_default=True, help="Without or with hooks."
)
@click.option(
    "--resource",
    multiple=True,
    metavar="GROUP:KIND:[NS/]NAME",
    help="Only these resources, or with ! before it all others; * matches anything. Repeatable.",
)
@click.option("--sync-option", multiple=True, help="Instead of the application's. Repeatable.")
@click.option("--retry-limit", type=int, default=0, help="Tries after the first; negative: no limit.")
@click.option("--retry-backoff-duration", default="", help="First wait between tries, such as 5s.")
@click.option("--retry-backoff-factor", type=int, default=None, help="What each wait is multiplied by for the next.")
@click.option("--retry-backoff-max-duration", default="", help="Longest wait between tries, such as 3m.")
@click.option("--async", "asynchronous", is_flag=True, help="Do not wait for the end.")
@click.option("--timeout", type=DURATION, default="0", help="How long to wait; 0 waits for ever.")
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
    patterns = [pattern(text) for text in flags["resource"]]
    operation = _operation(flags)

    async def run(name: str) -> View:
        async with connected(access) as client:
            handle = Handle(client, access, name, app_namespace)
            view = await handle.view()
            state = view.status.operation_state
            if view.app.operation is not None or (state and not state.phase.completed):
                raise TrueupError(
                    "another operation is already in progress",
                    hint=f"`trueup app wait {name} --operation` waits for it, `trueup app terminate-op {name}` ends it",
                )
            if not flags["dry_run"]:
                refuse_another_revision(view, flags["revision"])
            asked = operation | {"sync": operation["sync"] | chosen(view, patterns)}
            version = view.app.metadata.resource_version
            patched = await handle.patch({"metadata": {"resourceVersion": version}, "operation": asked})
            if asynchronous:
                return patched
            return await follow(handle, Goal(operation=True), timeout, quiet=output != "wide", before=view)

    for name in names:
        view = asyncio.run(run(name))
        if output != "wide":
            show(view.raw, output)
        elif asynchronous:
            say(f"application '{name}': sync asked for")
        else:
            say()
            print_summary(view, operation=True)
            print_resources(view)
        problem = "" if asynchronous else finished_badly(view)
        if problem:
            fail(f"application '{name}': {problem}")


def refuse_another_revision(view: View, revision: str) -> None:
    """Automation would at once go back to what is declared, so Argo CD's server refuses too (``server.Sync``).

    Raises:
        TrueupError: the application syncs itself, and to another revision.
    """
    policy = view.app.spec.sync_policy
    automated = policy.automated if policy else None
    declared = [source.target_revision or "HEAD" for source in view.app.spec.all_sources()]
    if not revision or not automated or automated.enabled is False or declared[:1] == [revision]:
        return
    raise TrueupError(
        f"cannot sync to {revision}: auto-sync currently set to {', '.join(declared)}",
        hint="`trueup app rollback --git` goes back in Git; or declare that revision, or take automated sync away",
    )


def _operation(flags: dict[str, Any]) -> dict[str, Any]:
    sync_part: dict[str, Any] = {"syncStrategy": {flags["strategy"]: {"force": True} if flags["force"] else {}}}
    if flags["revision"]:
        sync_part["revision"] = flags["revision"]
    for field, flag in (("prune", "prune"), ("dryRun", "dry_run")):
        if flags[flag]:
            sync_part[field] = True
    if flags["sync_option"]:
        sync_part["syncOptions"] = list(flags["sync_option"])
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


class Pattern(msgspec.Struct, frozen=True):
    """One ``--resource``; an empty field or ``*`` matches anything, but an empty group is the core group."""

    text: str
    excludes: bool
    group: str
    kind: str
    namespace: str
    name: str

    def matches(self, resource: ResourceStatus) -> bool:
        """Whether a resource is meant."""
        pairs = (
            (self.group, resource.group),
            (self.kind or "*", resource.kind),
            (self.namespace or "*", resource.namespace),
            (self.name or "*", resource.name),
        )
        return all(wanted in ("*", found) for wanted, found in pairs)


def pattern(text: str) -> Pattern:
    """Read ``[!]GROUP:KIND:[NAMESPACE/]NAME``.

    Raises:
        click.UsageError: it is not of that form.
    """
    parts = text.removeprefix("!").split(":")
    if len(parts) != 3:
        raise click.UsageError(f"{text!r} is not GROUP:KIND:NAME (the core group is empty: ':Service:web')")
    namespace, _, name = parts[2].rpartition("/")
    return Pattern(text, text.startswith("!"), parts[0], parts[1], namespace, name)


def chosen(view: View, patterns: list[Pattern]) -> dict[str, Any]:
    """The ``resources`` of an operation; nothing without patterns.

    Raises:
        TrueupError: the application has no such resource.
    """
    if not patterns:
        return {}
    wanted = [p for p in patterns if not p.excludes]
    unwanted = [p for p in patterns if p.excludes]
    for each in wanted:
        if not any(each.matches(resource) for resource in view.status.resources):
            raise TrueupError(
                f"application '{view.app.metadata.name}' has no resource {each.text}",
                hint=f"`trueup app get {view.app.metadata.name}` lists them",
            )
    found = [
        {"group": r.group, "kind": r.kind, "namespace": r.namespace, "name": r.name}
        for r in view.status.resources
        if (not wanted or any(p.matches(r) for p in wanted)) and not any(p.matches(r) for p in unwanted)
    ]
    if not found:
        raise TrueupError(
            "--resource leaves nothing to sync", hint=f"`trueup app get {view.app.metadata.name}` lists the resources"
        )
    return {"resources": found}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "cli"

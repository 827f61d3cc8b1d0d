"""``trueup app sync``."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from trueup.cli.app.access import ApplicationView
from trueup.cli.app.choice import chosen, labelled, pattern, resource_option
from trueup.cli.app.port import applications_of
from trueup.cli.app.selecting import selected, selector_option
from trueup.cli.app.sources import Here, Revisions, folder_options, here_of, revisions_of, revisions_options
from trueup.cli.app.spec import pairs
from trueup.cli.app.summary import print_resources, print_summary
from trueup.cli.app.wait import Goal, finished_badly, follow
from trueup.cli.completing import applications, projects
from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.duration import DURATION
from trueup.cli.examples import examples
from trueup.cli.exits import fail
from trueup.cli.output import output_option, show
from trueup.cli.screen import say
from trueup.model.application import Operation
from trueup.model.errors import TrueupError
from trueup.model.manifest import Manifest
from trueup.model.resource import SECRET
from trueup.policy.local import automated, too_much

_AS_OPTIONS = {
    "apply_out_of_sync_only": "ApplyOutOfSyncOnly=true",
    "replace": "Replace=true",
    "server_side": "ServerSideApply=true",
}


@click.command(
    epilog=examples(
        "trueup app sync web",
        "trueup app sync -l team=web --prune --async",
        "trueup app sync --project shop --dry-run",
        "trueup app sync web --preview-changes",
        "trueup app sync web --resource apps:Deployment:web --force",
        "trueup app sync web --label tier=front --label tier=back",
        "trueup app sync web --revisions v2 --source-positions 2",
        "trueup app sync web --local deploy/overlays/prod --preview-changes",
    )
)
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=applications)
@selector_option
@click.option("--project", multiple=True, shell_complete=projects, help="The applications of this project. Repeatable.")
@click.option("--revision", default="", help="Sync to this revision instead of the declared one.")
@revisions_options
@click.option("--prune", is_flag=True, help="Delete what left Git.")
@click.option("--dry-run", is_flag=True, help="Ask the cluster, change nothing.")
@click.option("--force", is_flag=True, help="Delete and create where an update is refused.")
@click.option(
    "--strategy", type=click.Choice(["apply", "hook"]), default="hook", show_default=True, help="Without or with hooks."
)
@resource_option
@click.option("--label", multiple=True, metavar="KEY=VALUE", help="Only objects with this label. Repeatable: with any.")
@click.option("--sync-option", multiple=True, help="Instead of the application's. Repeatable.")
@click.option("--apply-out-of-sync-only", is_flag=True, help="Apply only what differs.")
@click.option("--replace", is_flag=True, help="Replace objects instead of applying to them.")
@click.option("--server-side", is_flag=True, help="Apply on the server, whatever the application says.")
@click.option("--info", multiple=True, metavar="NAME=VALUE", help="A note that is kept with the operation. Repeatable.")
@click.option("--preview-changes", is_flag=True, help="Show what would change, and ask first.")
@folder_options
@click.option("-y", "--yes", "--assumeYes", "yes", is_flag=True, help="With --preview-changes: do not ask.")
@click.option("--retry-limit", type=int, default=0, help="Tries after the first; negative: no limit.")
@click.option("--retry-refresh", is_flag=True, help="Try again with the newest revision, not with the one that failed.")
@click.option("--retry-backoff-duration", default="", help="First wait between tries, such as 5s.")
@click.option("--retry-backoff-factor", type=int, default=None, help="What each wait is multiplied by for the next.")
@click.option("--retry-backoff-max-duration", default="", help="Longest wait between tries, such as 3m.")
@click.option("--async", "asynchronous", is_flag=True, help="Do not wait for the end.")
@click.option("--timeout", type=DURATION, default="0", help="How long to wait; 0 waits for ever.")
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@output_option("wide", "json", "yaml")
@reach_options
def sync(
    access: ClusterAccess,
    names: tuple[str, ...],
    selector: str,
    project: tuple[str, ...],
    asynchronous: bool,
    timeout: float,
    app_namespace: str,
    output: str,
    preview_changes: bool,
    folder: Path | None,
    root: Path | None,
    yes: bool,
    **flags: Any,
) -> None:
    """Make the cluster as Git declares, now."""
    here = here_of(folder, root)
    names = selected(access, names, selector, app_namespace, project)
    if here is not None and len(names) > 1:
        raise click.UsageError("--local sends a folder for one application; name that alone")
    said = revisions_of(*(flags[part] for part in ("revision", "revisions", "source_positions", "source_names")))
    patterns, labels = [pattern(text) for text in flags["resource"]], pairs(flags["label"])
    operation = _operation(flags)

    async def run(name: str) -> ApplicationView:
        async with applications_of(access) as apps:
            app = apps.of(name, app_namespace)
            made: Sequence[Manifest] = ()
            if here is not None:
                refuse_local(await app.view(), dry_run=flags["dry_run"])
            if here is not None or labels:
                made = await app.brought(said, here)
            texts = texts_of(made, here.folder) if here is not None else []

            def ask(view: ApplicationView) -> Operation:
                sync_part = operation["sync"] | sync_options(view, flags) | chosen(view, patterns)
                if labels:
                    sync_part["resources"] = union(sync_part.get("resources", []), labelled(made, labels))
                if here is not None:
                    sync_part["manifests"] = texts
                elif revisions := said.of(view.app):
                    sync_part |= {"revisions": revisions} if said.each else {"revision": said.whole}
                return msgspec.convert(operation | {"sync": sync_part}, Operation)

            view = await app.sync(ask)
            if asynchronous:
                return view
            return await follow(app, Goal(operation=True), timeout, quiet=output != "wide", before=view)

    for name in names:
        if preview_changes and not _previewed(access, name, app_namespace, said, here, yes=yes):
            continue
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


def refuse_local(view: ApplicationView, *, dry_run: bool) -> None:
    """Automation would at once put back what Git declares, in the words of Argo CD's client.

    Raises:
        TrueupError: the application syncs itself.
    """
    if automated(view.app) and not dry_run:
        raise TrueupError(
            "Cannot use local sync when Automatic Sync Policy is enabled except with --dry-run",
            hint=f"`trueup app set {view.app.metadata.name} --sync-policy none` takes it away; or commit",
        )


def union(some: list[dict[str, str]], others: list[dict[str, str]]) -> list[dict[str, str]]:
    """Resources of an operation, each once."""
    return some + [each for each in others if each not in some]


def texts_of(made: Sequence[Manifest], folder: Path) -> list[str]:
    """What a folder declares, to be sent along with an operation.

    Raises:
        TrueupError: it is nothing, or more than an operation takes.
    """
    texts = [manifest.body.decode() for manifest in made]
    if not texts:
        raise TrueupError(f"{folder} declares nothing", hint="name a folder of manifests, a kustomization or a chart")
    if problem := too_much(texts):
        raise TrueupError(f"{folder}: {problem}", hint="commit it to a branch, and sync with --revision")
    secrets = sum(manifest.group_kind == SECRET for manifest in made)
    if secrets:
        seen = "until the sync ends, who may read the Application may read them"
        say(f"warning: {secrets} of {len(made)} manifests are Secrets: {seen}", err=True)
    return texts


def _operation(flags: dict[str, Any]) -> dict[str, Any]:
    sync_part: dict[str, Any] = {"syncStrategy": {flags["strategy"]: {"force": True} if flags["force"] else {}}}
    for field, flag in (("prune", "prune"), ("dryRun", "dry_run")):
        if flags[flag]:
            sync_part[field] = True
    operation: dict[str, Any] = {"sync": sync_part}
    if flags["info"]:
        operation["info"] = [{"name": key, "value": value} for key, value in pairs(flags["info"]).items()]
    backoff = {
        "duration": flags["retry_backoff_duration"],
        "factor": flags["retry_backoff_factor"],
        "maxDuration": flags["retry_backoff_max_duration"],
    }
    given = {field: value for field, value in backoff.items() if value}
    if flags["retry_limit"]:
        operation["retry"] = {"limit": flags["retry_limit"], **({"backoff": given} if given else {})}
        if flags["retry_refresh"]:
            operation["retry"]["refresh"] = True
    return operation


def sync_options(view: ApplicationView, flags: dict[str, Any]) -> dict[str, Any]:
    """Those of the application, or those given instead, and what flags add to either: options of an operation are
    all that count for it."""
    added = [option for flag, option in _AS_OPTIONS.items() if flags[flag]]
    if not added and not flags["sync_option"]:
        return {}
    policy = view.app.spec.sync_policy
    options = list(flags["sync_option"]) or (list(policy.sync_options) if policy else [])
    names = {option.partition("=")[0] for option in added}
    return {"syncOptions": [each for each in options if each.partition("=")[0] not in names] + added}


def _previewed(
    access: ClusterAccess, name: str, app_namespace: str, revisions: Revisions, here: Here | None, *, yes: bool
) -> bool:
    """Show what a sync would change; whether it is to go on."""
    # What shows a comparison is loaded where there is one.
    from trueup.cli.app.inspect import Compared, print_changes
    from trueup.cli.app.validate import EVERYWHERE

    async def compared() -> Compared:
        async with applications_of(access) as apps:
            return await apps.of(name, app_namespace).compared(revisions, (EVERYWHERE,), here)

    found = asyncio.run(compared())
    say(f"application '{name}':")
    print_changes(found)
    if not found.changes:
        say("  nothing would change")
    return yes or click.confirm(f"Sync application '{name}'?")

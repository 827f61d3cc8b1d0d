"""``trueup app get|list|history``."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import click

from trueup.cli.app.access import Handle, View, list_applications, readable
from trueup.cli.app.children import tree_of
from trueup.cli.app.engine import refreshed
from trueup.cli.app.progress import not_tried_again, under_way
from trueup.cli.app.reasons import reasons
from trueup.cli.app.resources import TREES, print_tree, tell_unread
from trueup.cli.app.windows import window_lines
from trueup.cli.completing import applications, projects
from trueup.cli.connect import Access, access_options, connected
from trueup.cli.data import state_option
from trueup.cli.duration import DURATION
from trueup.cli.examples import examples
from trueup.cli.output import output_option, painted, show, table
from trueup.cli.screen import plain, say, styled
from trueup.model.application import Application
from trueup.model.errors import TrueupError
from trueup.model.health import HealthCode
from trueup.model.status import ResourceResult, ResourceStatus, Status
from trueup.policy.local import origin as local_origin


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
@access_options
def get(
    access: Access,
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

    async def read() -> tuple[View, list[tuple[str, str]]]:
        async with connected(access) as client:
            handle = Handle(client, access, name, app_namespace)
            if refresh or hard_refresh:
                view = await refreshed(handle, hard=hard_refresh, timeout=timeout)
            else:
                view = await handle.view()
            return view, await window_lines(client, access.namespace, view.app)

    view, windows = asyncio.run(read())
    if output in ("json", "yaml"):
        show(view.raw, output)
        return
    print_summary(view, operation=show_operation, windows=windows)
    if show_params and (rows := parameters(view.app)):
        table(("NAME", "VALUE"), rows)
        say()
    if output in TREES:
        tree = asyncio.run(tree_of(access, view.status.resources))
        print_tree(view, tree, detailed=output == "tree=detailed")
        tell_unread(tree)
    else:
        print_resources(view)
        _print_reasons(access, view)


def _print_reasons(access: Access, view: View) -> None:
    """Why something does not work: only where something does not."""
    try:
        found = asyncio.run(reasons(access, view))
    except TrueupError as error:
        say(f"warning: why is not known: {error.message}", err=True)
        return
    if found:
        say()
    for reason in found:
        say(reason.of)
        for line in reason.lines:
            say(f"  {plain(line.replace(chr(10), ' '), keep='')}")


@click.command(
    "list", epilog=examples("trueup app list", "trueup app list -l team=web -p shop", "trueup app list -o name")
)
@click.option("-p", "--project", multiple=True, shell_complete=projects, help="Only applications of these projects.")
@click.option("-l", "--selector", default="", help="Only applications with these labels.")
@click.option("-r", "--repo", default="", help="Only applications of this repository.")
@click.option("-c", "--cluster", default="", help="Only applications of this cluster, by its name or URL.")
@click.option("-P", "--path", default="", help="Only applications of this folder.")
@click.option("-N", "--app-namespace", default="", help="Namespace of the applications.")
@output_option("wide", "name", "json", "yaml")
@access_options
def list_(
    access: Access,
    project: tuple[str, ...],
    selector: str,
    repo: str,
    cluster: str,
    path: str,
    app_namespace: str,
    output: str,
) -> None:
    """List applications."""
    namespace = app_namespace or access.namespace

    async def read() -> list[View]:
        async with connected(access) as client:
            return [readable(body) for body in await list_applications(client, namespace, selector)]

    views = [
        view
        for view in asyncio.run(read())
        if (not project or (view.app.spec.project or "default") in project)
        and (not repo or any(source.repo_url == repo for source in view.app.spec.all_sources()))
        and (not cluster or cluster in (view.app.spec.destination.name, view.app.spec.destination.server))
        and (not path or any(source.path == path for source in view.app.spec.all_sources()))
    ]
    views.sort(key=lambda view: view.app.metadata.name)
    if not views and output in ("wide", "name"):
        narrowed = " that match" if project or selector or repo or cluster or path else ""
        say(f"no applications{narrowed} in namespace {namespace}", err=True)
        return
    if output == "name":
        for view in views:
            say(f"{view.app.metadata.namespace}/{view.app.metadata.name}")
    elif output == "wide":
        table(LISTED, [list_row(view) for view in views], spare=SPARE)
    else:
        show([view.raw for view in views], output)


@click.command(epilog=examples("trueup app history web", "trueup app history web -o id"))
@click.argument("name", shell_complete=applications)
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@state_option
@output_option("wide", "id", "json", "yaml")
@access_options
def history(access: Access, name: str, app_namespace: str, state: Path | None, output: str) -> None:
    """Show what was deployed, oldest first: commits with their subjects and authors, as the audit trail has them."""

    async def read() -> View:
        async with connected(access) as client:
            return await Handle(client, access, name, app_namespace).view()

    entries = asyncio.run(read()).status.history
    if output == "id":
        for entry in entries:
            say(str(entry.id))
    elif output == "wide":
        full = name if "/" in name else f"{app_namespace or access.namespace}/{name}"
        commits = _commits(access, full, state)
        rows = []
        for entry in entries:
            revisions = entry.revisions or [entry.revision]
            by = entry.initiated_by
            # An operation says who asked for it, and nobody checks that.
            who = "automated" if by and by.automated else (f"{by.username} (claimed)" if by and by.username else "")
            authors, subjects = zip(*(commits.get(r, ("", "")) for r in revisions), strict=True)
            shown = ", ".join(r[:12] for r in revisions)
            told = (", ".join(dict.fromkeys(filter(None, each))) for each in (subjects, authors))
            rows.append((str(entry.id), entry.deployed_at, shown, *told, who))
        table(("ID", "DATE", "REVISION", "SUBJECT", "AUTHOR", "INITIATED BY"), rows, spare=("INITIATED BY", "AUTHOR"))
    else:
        show(entries, output)


def _commits(access: Access, application: str, state: Path | None) -> dict[str, tuple[str, str]]:
    """Author and subject of each commit that engines on this machine have seen an application at."""
    # Reading a trail loads what a command that asks the cluster alone should not pay for.
    from trueup.cli.audit import trail_path
    from trueup.model.audit import Action
    from trueup.store.audit import Filter, query

    try:
        path = trail_path(access, None, state)
    except TrueupError:
        return {}
    if not path.exists():
        return {}
    entries = query(path, Filter(application=application, action=Action.COMMIT))
    return {entry.revision: (entry.by.name.partition(" <")[0], entry.message) for entry in entries}


def parameters(app: Application) -> list[tuple[str, str]]:
    """What an application sets of its charts, and of the images of its kustomizations."""
    rows: list[tuple[str, str]] = []
    for source in app.spec.all_sources():
        rows += [(each.name, each.value) for each in (source.helm.parameters if source.helm else [])]
        rows += [("image", image) for image in (source.kustomize.images if source.kustomize else [])]
    return rows


LISTED = (
    *("NAME", "DESTINATION", "NAMESPACE", "PROJECT", "STATUS", "HEALTH"),
    *("SYNCPOLICY", "CONDITIONS", "REPO", "PATH", "TARGET"),
)
"""Columns of ``app list``."""
SPARE = ("DESTINATION", "SYNCPOLICY", "PATH", "TARGET", "REPO", "PROJECT", "NAMESPACE")
"""Those that a narrow terminal does without."""


def list_row(view: View) -> tuple[str, ...]:
    """A line of ``app list``."""
    spec, status = view.app.spec, view.status
    first = next(iter(spec.all_sources()), None)
    automated = spec.sync_policy.automated if spec.sync_policy else None
    policy = "Manual"
    if automated and automated.enabled is not False:
        policy = "Auto" + ("-Prune" if automated.prune else "")
    deleting = ["Deleting"] if view.app.metadata.deletion_timestamp else []
    return (
        f"{view.app.metadata.namespace}/{view.app.metadata.name}",
        spec.destination.server or spec.destination.name,
        spec.destination.namespace,
        spec.project or "default",
        str(status.sync.status) if status.sync else "Unknown",
        (status.health.status if status.health else "") or "Unknown",
        policy,
        ",".join([*deleting, *sorted({condition.type for condition in status.conditions})]) or "<none>",
        first.repo_url if first else "",
        (first.path or first.chart) if first else "",
        first.target_revision if first else "",
    )


_VERDICTS = frozenset(("Sync Status", "Health Status", "Phase"))
"""Lines whose first word has a colour of its own."""


def print_summary(view: View, *, operation: bool = False, windows: Sequence[tuple[str, str]] = ()) -> None:
    """The head of ``app get``."""
    spec, status = view.app.spec, view.status
    sync = status.sync
    revisions = (sync.revisions or [sync.revision]) if sync else []
    automated = spec.sync_policy.automated if spec.sync_policy else None
    policy = "Manual"
    if automated and automated.enabled is not False:
        extras = [word for word, on in (("Prune", automated.prune), ("Self-heal", automated.self_heal)) if on]
        policy = "Automated" + (f" ({', '.join(extras)})" if extras else "")
    lines = [
        ("Name", f"{view.app.metadata.namespace}/{view.app.metadata.name}"),
        ("Project", spec.project or "default"),
        ("Server", spec.destination.server or spec.destination.name),
        ("Namespace", spec.destination.namespace),
    ]
    for source in spec.all_sources():
        lines += [("Repo", source.repo_url), ("Target", source.target_revision or "HEAD"), ("Path", source.path)]
    state = str(sync.status) if sync else "Unknown"
    at = f" to {', '.join(r[:12] for r in revisions if r)}" if state == "Synced" and any(revisions) else ""
    from_ = f" from {', '.join(r[:12] for r in revisions if r)}" if state == "OutOfSync" and any(revisions) else ""
    lines += [
        *windows,
        ("Sync Policy", policy),
        ("Sync Status", state + at + from_),
        ("Health Status", _health(status)),
    ]
    if view.app.metadata.deletion_timestamp:
        holding = ", ".join(view.app.metadata.finalizers)
        lines.append(
            ("Deleting since", f"{view.app.metadata.deletion_timestamp} (waits for {holding or 'the server'})")
        )
    if state_of := under_way(view) or not_tried_again(view):
        lines.append(("Operation", state_of))
    if status.operation_state and (origin := local_origin(status.operation_state.operation)):
        lines.append(("Local Sync", f"{status.operation_state.phase}: {origin}"))
    if operation and status.operation_state:
        op = status.operation_state
        lines += [
            *([] if state_of else [("Operation", "Sync")]),
            ("Phase", str(op.phase)),
            ("Start", op.started_at),
            ("Finished", op.finished_at or ""),
            ("Message", op.message),
        ]
    width = max(16, *(len(name) + 2 for name, _ in lines))
    for name, value in lines:
        # One line each, as in tables: a value that goes on in the next would look like a field of its own.
        word, space, rest = plain(value.replace("\n", " "), keep="").partition(" ")
        shown = (painted(word) if name in _VERDICTS else word) + space + rest
        styled(f"{f'{name}:' if name else '':<{width}}{shown}".rstrip())
    if status.conditions:
        say()
        table(
            ("CONDITION", "MESSAGE", "LAST TRANSITION"),
            [(c.type, c.message, c.last_transition_time or "") for c in status.conditions],
        )
    say()


def _message(resource: ResourceStatus, done: ResourceResult | None) -> str:
    """What is to be known first: why it does not work, else what the last sync did to it."""
    told = resource.health
    if told and told.message and told.status != HealthCode.HEALTHY:
        return told.message
    return done.message if done else ""


def _health(status: Status) -> str:
    told = status.health
    return ((told.status if told else "") or "Unknown") + (f" ({told.message})" if told and told.message else "")


def print_resources(view: View) -> None:
    """The resources table of ``app get``, ``sync`` and ``wait``."""
    status = view.status
    result = status.operation_state.sync_result if status.operation_state else None
    messages = {(r.group, r.kind, r.namespace, r.name): r for r in (result.resources if result else [])}
    rows: list[tuple[str, ...]] = []
    for resource in status.resources:
        done = messages.pop((resource.group, resource.kind, resource.namespace, resource.name), None)
        health = resource.health.status if resource.health else ""
        rows.append(
            (
                resource.group,
                resource.kind,
                resource.namespace,
                resource.name,
                resource.status,
                health,
                "",
                _message(resource, done),
            )
        )
    for done in messages.values():
        state = done.hook_phase if done.hook_type else done.status
        rows.append((done.group, done.kind, done.namespace, done.name, state, "", done.hook_type, done.message))
    if rows:
        table(
            ("GROUP", "KIND", "NAMESPACE", "NAME", "STATUS", "HEALTH", "HOOK", "MESSAGE"),
            rows,
            spare=("GROUP", "NAMESPACE"),
        )

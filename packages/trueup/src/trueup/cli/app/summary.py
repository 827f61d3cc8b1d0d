"""How an application is shown: what ``app get``, ``sync`` and ``wait`` print of it."""

from collections.abc import Collection, Sequence

from trueup.cli.app.access import ApplicationView
from trueup.cli.app.changed import change_of
from trueup.cli.app.progress import counted, not_tried_again, under_way
from trueup.cli.output import painted, table
from trueup.cli.screen import plain, say, styled
from trueup.model.health import HealthCode
from trueup.model.repository import short_revision
from trueup.model.resource import ResourceKey
from trueup.model.status import ResourceResult, ResourceStatus, Status
from trueup.policy.origin import local_origin

ILL = (HealthCode.DEGRADED, HealthCode.PROGRESSING)
"""Of an object that does not work, or not yet: there is something to be told of it."""
_VERDICTS = frozenset(("Sync Status", "Health Status", "Phase"))
"""Lines whose first word has a colour of its own."""


def print_summary(
    view: ApplicationView, *, operation: bool = False, windows: Sequence[tuple[str, str]] = (), page: str = ""
) -> None:
    """The head of ``app get``.

    Args:
        page: where a browser shows it; empty for nowhere.
    """
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
        *((("URL", page),) if page else ()),
    ]
    for source in spec.all_sources():
        place = ("Chart", source.chart) if source.chart else ("Path", source.path)
        lines += [("Repo", source.repo_url), ("Target", source.target_revision or "HEAD"), place]
    state = str(sync.status) if sync else "Unknown"
    shown = ", ".join(short_revision(each, 12) for each in revisions if each)
    at = f" to {shown}" if state == "Synced" and shown else ""
    from_ = f" from {shown}" if state == "OutOfSync" and shown else ""
    lines += [
        *windows,
        ("Sync Policy", policy),
        ("Sync Status", state + at + from_),
        ("Health Status", _health(status)),
        *((("Changed By", changed),) if (changed := change_of(view)) else ()),
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
            ("Message", counted(op)),
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


def print_resources(view: ApplicationView, missing: Collection[ResourceKey] = ()) -> None:
    """The resources table of ``app get``, ``sync`` and ``wait``.

    Args:
        missing: what is known not to be there.
    """
    status = view.status
    result = status.operation_state.sync_result if status.operation_state else None
    messages = {(r.group, r.kind, r.namespace, r.name): r for r in (result.resources if result else [])}
    rows: list[tuple[str, ...]] = []
    for resource in status.resources:
        done = messages.pop((resource.group, resource.kind, resource.namespace, resource.name), None)
        key = ResourceKey(resource.group, resource.kind, resource.namespace, resource.name)
        health = resource.health.status if resource.health else HealthCode.MISSING if key in missing else ""
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

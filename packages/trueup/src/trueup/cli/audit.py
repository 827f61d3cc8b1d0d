"""``trueup audit``."""

import asyncio
from datetime import timedelta
from pathlib import Path

import click
import msgspec

from kubegrammar.time import format_time, parse_time
from trueup.cli.completing import applications
from trueup.cli.connect import ClusterAccess, access_options, connected
from trueup.cli.data import state_folder, state_option
from trueup.cli.duration import seconds_of
from trueup.cli.examples import examples
from trueup.cli.output import output_option, show, table
from trueup.cli.screen import raw, say
from trueup.model.audit import Action, AuditRecord
from trueup.model.repository import short_revision
from trueup.runtime.clock import SystemClock
from trueup.store.audit import Filter, query
from trueup.store.audit.address import TRAIL, locate
from trueup.store.audit.stats import DeliveryFacts, facts_of

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
    default=None,
    help="Read the trail by an engine's data folder instead: no cluster is asked.",
)
since_option = click.option(
    "--since", default="", help="A time (RFC 3339) or a day, in UTC, or how long ago: 30m, 2h, 7d, 1w."
)


application_option = click.option(
    "--app",
    "application",
    default="",
    shell_complete=applications,
    help="Only this application: [NAMESPACE/]NAME.",
)


@click.group(invoke_without_command=True)
@click.option(
    "--app", "application", default="", shell_complete=applications, help="Only this application: [NAMESPACE/]NAME."
)
@click.option(
    "--object", "object_", default="", help="Only objects like this: a part of group/Kind/namespace/name, or a glob."
)
@since_option
@click.option("--by", default="", help="Only what this author, user or field manager did.")
@click.option("--revision", default="", help="Only what has to do with this commit; its first digits will do.")
@click.option("--action", type=click.Choice([str(action) for action in Action]), default=None, help="Only this.")
@click.option("--limit", type=click.IntRange(0), default=100, show_default=True, help="The newest so many; 0 for all.")
@data_option
@state_option
@output_option("table", "json", "yaml")
@access_options
@click.pass_context
def audit(
    context: click.Context,
    access: ClusterAccess,
    application: str,
    object_: str,
    since: str,
    by: str,
    revision: str,
    action: str | None,
    limit: int,
    data: Path | None,
    state: Path | None,
    output: str,
) -> None:
    """Show what was done and seen: who, what, why, when, and what came of it."""
    if context.invoked_subcommand:
        return
    wanted = Filter(
        application=full_name(application, access),
        object=object_,
        since=moment(since),
        by=by,
        revision=revision,
        action=action or "",
        limit=limit,
    )
    entries = list(query(trail_path(access, data, state), wanted))
    if output != "table":
        show(entries, output)
    elif not entries:
        say("nothing is on record that matches", err=True)
    else:
        table(
            ("ID", "TIME", "APPLICATION", "ACTION", "OBJECT", "WHY", "BY", "REVISION", "RESULT"),
            list(map(_row, entries)),
        )


@audit.command(epilog=examples("trueup audit export --since 7d"))
@since_option
@data_option
@state_option
@access_options
def export(access: ClusterAccess, since: str, data: Path | None, state: Path | None) -> None:
    """Print everything as JSON, one entry a line."""
    for entry in query(trail_path(access, data, state), Filter(since=moment(since))):
        raw(msgspec.json.encode(entry))


@audit.command(epilog=examples("trueup audit stats --app web --since 4w"))
@click.option(
    "--app", "application", default="", shell_complete=applications, help="Only this application: [NAMESPACE/]NAME."
)
@since_option
@data_option
@state_option
@output_option("table", "json", "yaml")
@access_options
def stats(
    access: ClusterAccess, application: str, since: str, data: Path | None, state: Path | None, output: str
) -> None:
    """Show how long commits take, how often deployments fail, and how soon that is mended."""
    wanted = Filter(application=full_name(application, access), since=moment(since))
    each, everything = facts_of(query(trail_path(access, data, state), wanted))
    if output != "table":
        show({"applications": each, "total": everything}, output)
        return
    header = ("APPLICATION", "DEPLOYMENTS", "PER DAY", "LEAD TIME", "LEAD TIME P90", "FAILED", "RESTORED IN", "HEALED")
    table(header, [_facts(name, facts) for name, facts in [*each.items(), ("all", everything)]])


def trail_path(access: ClusterAccess, data: Path | None, state: Path | None = None) -> Path:
    """The trail of the cluster and control namespace that are meant, or that of an engine by its data folder."""
    if data is not None:
        return data / TRAIL

    async def find() -> Path:
        async with connected(access) as client:
            return await locate(client, state or state_folder(), access.namespace)

    return asyncio.run(find())


def full_name(name: str, access: ClusterAccess) -> str:
    """``namespace/name`` of an application; empty for none."""
    return name if not name or "/" in name else f"{access.namespace}/{name}"


def moment(text: str) -> str:
    """``--since`` as a time; empty for none.

    Raises:
        click.UsageError: it is neither a time nor a duration.
    """
    if not text:
        return ""
    try:
        # A time has a colon or is a date; a duration has neither.
        if ":" in text or "-" in text:
            return format_time(parse_time(text if ":" in text else f"{text}T00:00:00Z"))
        return format_time(SystemClock().now() - timedelta(seconds=seconds_of(text)))
    except (ValueError, OverflowError):
        forms = "neither a time, nor a day such as 2026-01-31, nor a duration such as 2h"
        raise click.UsageError(f"--since {text!r} is {forms}") from None


def _row(entry: AuditRecord) -> tuple[str, ...]:
    changes = ", ".join(f"{c.path} {c.before or '-'} → {c.after or '-'}" for c in entry.changes[:2])
    return (
        str(entry.id),
        entry.at.partition(".")[0].rstrip("Z") + "Z",
        entry.application.rpartition("/")[2],
        str(entry.action),
        "/".join(entry.object.split("/")[1:]),
        str(entry.why or ""),
        f"{entry.by.name} ({entry.by.standing})" if entry.by.standing else entry.by.name,
        short_revision(entry.revision),
        (changes if entry.changes else " ".join(filter(None, (entry.result, entry.message))))[:80],
    )


def _facts(name: str, facts: DeliveryFacts) -> tuple[str, ...]:
    return (
        name.rpartition("/")[2],
        str(facts.deployments),
        f"{facts.per_day:.1f}",
        _seconds(facts.lead_median),
        _seconds(facts.lead_p90),
        "-" if facts.failure_rate is None else f"{facts.failed} ({facts.failure_rate:.0%})",
        _seconds(facts.restore_median),
        str(facts.healed),
    )


def _seconds(value: float | None) -> str:
    if value is None:
        return "-"
    if value < 120:
        return f"{value:.1f}s"
    minutes, seconds = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{seconds:02}s"

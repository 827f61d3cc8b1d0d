"""``trueup images``."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trueup.cli.app.access import list_applications, readable, require_there
from trueup.cli.completing import applications
from trueup.cli.connect import ClusterAccess, access_options, connected
from trueup.cli.examples import examples
from trueup.cli.exits import DIFFERS, fail
from trueup.cli.localrepos import local_repositories_option
from trueup.cli.output import output_option, show, table
from trueup.cli.screen import say
from trueup.kube.errors import ApiError, NotFound
from trueup.model.annotations import IMAGE_LIST

if TYPE_CHECKING:
    from trueup.cli.imaging import Looked
    from trueup.features.images.rounds import RoundOutcome
    from trueup.features.images.survey import Finding
    from trueup.features.images.work import WorkReport

FLUX = "/apis/image.toolkit.fluxcd.io"
local_option = local_repositories_option()


@click.group()
def images() -> None:
    """Look for newer images, and write them to Git."""


@images.command("list", epilog=examples("trueup images list"))
@click.argument("names", nargs=-1, metavar="[APP]...", shell_complete=applications)
@local_option
@output_option("wide", "json", "yaml")
@access_options
def list_(access: ClusterAccess, names: tuple[str, ...], local: tuple[Path, ...], output: str) -> None:
    """List the images that automation looks after: what runs, and what is newest."""
    if not asyncio.run(_is_asked_for(access, names)):
        _print_nothing(output)
        return
    # What asks registries and reads repositories is loaded where somebody wants that.
    from trueup.cli.imaging import look

    _print_reports(asyncio.run(look(access, names, local)), output)


@images.command(epilog=examples("trueup images check web --why"))
@click.argument("names", nargs=-1, metavar="[APP]...", shell_complete=applications)
@click.option("--why", is_flag=True, help="Also say of each tag why it was passed over.")
@local_option
@output_option("wide", "json", "yaml")
@access_options
def check(access: ClusterAccess, names: tuple[str, ...], why: bool, local: tuple[Path, ...], output: str) -> None:
    """Say what would change and why not more. Exits 1 when a newer image is there, 20 when one cannot be judged."""
    from trueup.cli.imaging import look

    looked = asyncio.run(look(access, names, local))
    reports = looked.reports
    _print_reports(looked, output)
    if output == "wide" and why:
        for report in reports:
            for finding in report.findings:
                say()
                say(f"{report.work.subject.key} {finding.rule.image.name}: tags passed over")
                table(("TAG", "REASON"), sorted(finding.passed_over.items()))
    if any(report.problems for report in reports):
        fail("not every image could be judged", hint="correct what the lines above name")
    if any((r.work.subject.key, str(u.new)) not in looked.left for r in reports for u in r.updates):
        sys.exit(DIFFERS)


@images.command(epilog=examples("trueup images update web --dry-run"))
@click.argument("names", nargs=-1, metavar="[APP]...", shell_complete=applications)
@click.option("--dry-run", is_flag=True, help="Show the changes, push nothing.")
@local_option
@output_option("wide", "json", "yaml")
@access_options
def update(access: ClusterAccess, names: tuple[str, ...], dry_run: bool, local: tuple[Path, ...], output: str) -> None:
    """Write newer images to Git now: one commit for each repository."""

    from trueup.cli.imaging import rounds_of, wanted

    async def run() -> "tuple[list[WorkReport], list[RoundOutcome]]":
        async with rounds_of(access, names, local) as rounds:
            reports = await rounds.look(wanted(access, names))
            return reports, await rounds.write(reports, dry_run=dry_run)

    reports, outcomes = asyncio.run(run())
    problems = [text for report in reports for text in report.problems]
    problems += [outcome.problem for outcome in outcomes if outcome.problem]
    if output != "wide":
        show([_outcome(outcome) for outcome in outcomes], output)
    else:
        for outcome in outcomes:
            _print_outcome(outcome, dry_run=dry_run)
        if not outcomes and not problems:
            say("every image is the newest")
    if problems:
        for text in problems:
            say(f"  {text}", err=True)
        fail("not every image could be updated", hint="correct what the lines above name")


def _print_outcome(outcome: "RoundOutcome", *, dry_run: bool) -> None:
    for note in dict.fromkeys(outcome.left.values()):
        say(note)
    for change in outcome.changes:
        say(f"{change.place}: {change.before or '(nothing)'} → {change.after}")
    if outcome.written:
        say(f"pushed {outcome.written.sha[:8]} to {outcome.written.branch} of {outcome.repository}")
    elif outcome.problem:
        say(f"{outcome.repository}: not written")
    elif dry_run:
        say(f"{outcome.repository}: nothing was pushed, this is a dry run")
    elif not outcome.changes and not outcome.left:
        say(f"{outcome.repository}: Git has it already; the engine deploys it")
    if outcome.pull_request:
        say(f"pull request: {outcome.pull_request}")


def _outcome(outcome: "RoundOutcome") -> dict[str, Any]:
    return {
        "repository": outcome.repository,
        "applications": sorted({work.subject.key for work, _ in outcome.done}),
        "changes": [{"place": c.place, "before": c.before, "after": c.after} for c in outcome.changes],
        "revision": outcome.written.sha if outcome.written else "",
        "branch": outcome.written.branch if outcome.written else "",
        "pullRequest": outcome.pull_request,
        "problem": outcome.problem,
        "notes": list(dict.fromkeys(outcome.left.values())),
    }


async def _is_asked_for(access: ClusterAccess, names: tuple[str, ...]) -> bool:
    """Whether an application's annotations ask for updates, or the cluster has policies that files may name."""
    async with connected(access) as client:
        views = [readable(body) for body in await list_applications(client, access.namespace)]
        require_there(access.namespace, names, [view.app.key for view in views])
        if any(IMAGE_LIST in view.app.metadata.annotations for view in views):
            return True
        try:
            await client.request("GET", FLUX)
        except NotFound:
            return False
        except ApiError:
            pass  # whoever reads the policies says what is wrong
        return True


def _print_nothing(output: str) -> None:
    if output != "wide":
        show([], output)
        return
    say(
        "no application asks for image updates; the annotation "
        "argocd-image-updater.argoproj.io/image-list or a marker in its files does",
        err=True,
    )


def _print_reports(looked: "Looked", output: str) -> None:
    reports = looked.reports
    rows = [(report, finding) for report in reports for finding in report.findings]
    if output != "wide":
        show(
            [
                {
                    "application": report.work.subject.key,
                    "image": finding.rule.image.name,
                    "strategy": str(finding.rule.strategy),
                    "constraint": finding.rule.constraint,
                    "running": [str(image) for image in report.current(finding)],
                    "newest": str(finding.newest) if finding.newest else "",
                    "update": bool(report.update(finding)) and not _left(looked, report, finding),
                    "left": _left(looked, report, finding),
                    "passedOver": finding.passed_over,
                    "problem": finding.problem or report.work.problem,
                }
                for report, finding in rows
            ]
            + [
                {"application": report.work.subject.key, "problem": report.work.problem}
                for report in reports
                if not report.findings
            ],
            output,
        )
        return
    lines = [_row(report, finding, _left(looked, report, finding)) for report, finding in rows]
    lines += [(r.work.subject.key, "", "", "", "", r.work.problem) for r in reports if r.work.problem]
    if not lines:
        _print_nothing(output)
        return
    table(("APPLICATION", "IMAGE", "STRATEGY", "RUNNING", "NEWEST", "NOTE"), lines)


def _left(looked: "Looked", report: "WorkReport", finding: "Finding") -> str:
    """Why a newer image would be left alone; empty where it would not."""
    return looked.left.get((report.work.subject.key, str(finding.newest)), "") if report.update(finding) else ""


def _row(report: "WorkReport", finding: "Finding", left: str) -> tuple[str, ...]:
    current = report.current(finding)
    strategy = " ".join(filter(None, (str(finding.rule.strategy), finding.rule.constraint)))
    note = finding.problem
    if not note and report.update(finding):
        note = left or "update"
    elif not note and not current:
        note = "no application object runs it"
    return (
        report.work.subject.key,
        finding.rule.image.name,
        strategy,
        ", ".join(image.tag or image.digest[:19] for image in current) or "-",
        (finding.newest.tag if finding.newest else "") or "-",
        note or "up to date",
    )

"""``trueup images``."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import click

from trueup import policy
from trueup.cli.app.access import ApplicationNotFound, list_applications, readable
from trueup.cli.completing import applications
from trueup.cli.connect import ClusterAccess, access_options
from trueup.cli.examples import examples
from trueup.cli.exits import DIFFERS, fail
from trueup.cli.output import output_option, show, table
from trueup.cli.repositories import KnownRepositories, environment_credential, local_option, with_repositories
from trueup.cli.screen import say
from trueup.features.images.cluster import ImageCluster, running_images
from trueup.features.images.rounds import RoundOutcome, Rounds
from trueup.features.images.survey import Finding, Survey
from trueup.features.images.work import ImageSubject, WorkReport
from trueup.model.application import Application, Source
from trueup.model.errors import InvalidSpec
from trueup.model.project import Project
from trueup.model.repository import RepositoryOf
from trueup.model.tracking import instance_name
from trueup.model.tree import Tree
from trueup.runtime.clock import SystemClock
from trueup.sources.credential import Credential
from trueup.sources.registry import RegistryClient
from trueup.store.install import PROJECT
from trueup.store.projects import read_project


@click.group()
def images() -> None:
    """Look for newer images, and write them to Git."""


class Looked(NamedTuple):
    """What the registries say, and which newer images would be left alone, with the reason.

    Attributes:
        left: by application and image.
    """

    reports: list[WorkReport]
    left: dict[tuple[str, str], str]


@images.command("list", epilog=examples("trueup images list"))
@click.argument("names", nargs=-1, metavar="[APP]...", shell_complete=applications)
@local_option
@output_option("wide", "json", "yaml")
@access_options
def list_(access: ClusterAccess, names: tuple[str, ...], local: tuple[Path, ...], output: str) -> None:
    """List the images that automation looks after: what runs, and what is newest."""
    _print_reports(asyncio.run(_look(access, names, local)), output)


@images.command(epilog=examples("trueup images check web --why"))
@click.argument("names", nargs=-1, metavar="[APP]...", shell_complete=applications)
@click.option("--why", is_flag=True, help="Also say of each tag why it was passed over.")
@local_option
@output_option("wide", "json", "yaml")
@access_options
def check(access: ClusterAccess, names: tuple[str, ...], why: bool, local: tuple[Path, ...], output: str) -> None:
    """Say what would change and why not more. Exits 1 when a newer image is there, 20 when one cannot be judged."""
    looked = asyncio.run(_look(access, names, local))
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

    async def run() -> tuple[list[WorkReport], list[RoundOutcome]]:
        async with _rounds(access, names, local) as rounds:
            reports = await rounds.look(_wanted(access, names))
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


def _print_outcome(outcome: RoundOutcome, *, dry_run: bool) -> None:
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


def _outcome(outcome: RoundOutcome) -> dict[str, Any]:
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


def _print_reports(looked: Looked, output: str) -> None:
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
        say(
            "no application asks for image updates; the annotation "
            "argocd-image-updater.argoproj.io/image-list or a marker in its files does",
            err=True,
        )
        return
    table(("APPLICATION", "IMAGE", "STRATEGY", "RUNNING", "NEWEST", "NOTE"), lines)


def _left(looked: Looked, report: WorkReport, finding: Finding) -> str:
    """Why a newer image would be left alone; empty where it would not."""
    return looked.left.get((report.work.subject.key, str(finding.newest)), "") if report.update(finding) else ""


def _row(report: WorkReport, finding: Finding, left: str) -> tuple[str, ...]:
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


async def _look(access: ClusterAccess, names: tuple[str, ...], local: tuple[Path, ...]) -> Looked:
    async with _rounds(access, names, local) as rounds:
        reports = await rounds.look(_wanted(access, names))
        # What people took back is known to who would write it.
        outcomes = await rounds.write(reports, dry_run=True)
    return Looked(reports, {key: why for outcome in outcomes for key, why in outcome.left.items()})


def _wanted(access: ClusterAccess, names: tuple[str, ...]) -> Any:
    full = {name if "/" in name else f"{access.namespace}/{name}" for name in names}
    return lambda subject: not full or subject.key in full


def _require_there(access: ClusterAccess, names: tuple[str, ...], subjects: list[ImageSubject]) -> None:
    known = {subject.key for subject in subjects}
    for name in names:
        full = name if "/" in name else f"{access.namespace}/{name}"
        if full not in known:
            raise ApplicationNotFound(
                f"application {full} does not exist", hint="`trueup app list` shows those that do"
            )


@asynccontextmanager
async def _rounds(access: ClusterAccess, names: tuple[str, ...], local: tuple[Path, ...]) -> AsyncIterator[Rounds]:
    async with with_repositories(access, local) as repositories, RegistryClient() as registry:
        cluster = ImageCluster(repositories.client, repositories.discovery, access.namespace)
        subjects = await _subjects(repositories, access)
        _require_there(access, names, subjects)

        known = repositories.credentials

        def writing(repository: RepositoryOf) -> Credential | None:
            return environment_credential(repository.url) or known.for_writing(repository.url, repository.project)

        async def tree(app: Application, source: Source) -> Tree | None:
            mirror = repositories.mirrors.get(app.spec.repository(source))
            await mirror.update()
            return mirror.tree(mirror.resolve(source.target_revision, source.tag_prefix))

        projects = await _projects(repositories, access)

        def admit(app: Application, url: str) -> None:
            name = app.spec.project or "default"
            if name not in projects:
                raise InvalidSpec(f"there is no project {name}", hint="create the AppProject")
            policy.admit_repository(app, projects[name], url)

        ports = cluster.ports(
            subjects=lambda: subjects,
            tree=tree,
            mirror=repositories.mirrors.get,
            writing=writing,
            named=lambda name, repository: known.named(name, repository.url, repository.project),
            admit=admit,
            now=SystemClock().now,
        )
        survey = Survey(registry, cluster.secret, known.certificates, control_namespace=access.namespace, local=True)
        yield Rounds(survey, ports)


async def _projects(repositories: KnownRepositories, access: ClusterAccess) -> dict[str, Project]:
    """The projects that can be read."""
    found = {}
    for live in (await repositories.client.list(PROJECT, access.namespace)).objects:
        with suppress(InvalidSpec):
            found[live.key.name] = read_project(live)
    return found


async def _subjects(repositories: KnownRepositories, access: ClusterAccess) -> list[ImageSubject]:
    found = []
    for body in await list_applications(repositories.client, access.namespace):
        view = readable(body)
        metadata = view.app.metadata
        found.append(
            ImageSubject(
                key=f"{metadata.namespace}/{metadata.name}",
                instance=instance_name(metadata.namespace, metadata.name, access.namespace),
                app=view.app,
                running=running_images(view.status),
            )
        )
    return sorted(found, key=lambda subject: subject.key)

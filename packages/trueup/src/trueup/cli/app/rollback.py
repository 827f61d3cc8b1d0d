"""``trueup app rollback``."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import click

from trueup.cli.app.access import ApplicationView
from trueup.cli.app.deployments import deployment_before
from trueup.cli.app.port import applications_of
from trueup.cli.app.wait import Goal, finished_badly, follow
from trueup.cli.audit import data_option, trail_path
from trueup.cli.completing import applications
from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.duration import DURATION
from trueup.cli.examples import examples
from trueup.cli.exits import fail
from trueup.cli.localrepos import local_repositories_option
from trueup.cli.screen import say
from trueup.model.status import RevisionHistory
from trueup.store.audit import Filter, query
from trueup.store.audit.versions import DeployedVersion, versions


@click.command(epilog=examples("trueup app rollback web --git", "trueup app rollback web 3"))
@click.argument("name", shell_complete=applications)
@click.argument("deployment", metavar="[ID]", type=int, required=False)
@click.option("--git", "in_git", is_flag=True, help="Take the change back in Git: a commit, deployed like any other.")
@click.option("--open-pr", is_flag=True, help="With --git: push a branch of its own, and open a pull request.")
@click.option(
    "--path", "paths", multiple=True, help="With --git: a folder to take back (default: the application's). Repeatable."
)
@click.option(
    "--all", "everything", is_flag=True, help="With --git: take everything back that changed in the repository."
)
@click.option(
    "--author", default="", metavar="NAME <EMAIL>", help="With --git: the commit's author (default: as git knows you)."
)
@click.option("-y", "--yes", is_flag=True, help="With --git: push without asking.")
@click.option("--dry-run", is_flag=True, help="With --git: show what would be pushed, and push nothing.")
@click.option("--prune", is_flag=True, help="Without --git: delete what the older state does not have.")
@click.option("--timeout", type=DURATION, default="0", help="How long to wait for the end; 0 waits for ever.")
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@data_option
@local_repositories_option()
@reach_options
def rollback(
    access: ClusterAccess,
    name: str,
    deployment: int | None,
    in_git: bool,
    open_pr: bool,
    paths: tuple[str, ...],
    everything: bool,
    author: str,
    yes: bool,
    dry_run: bool,
    prune: bool,
    timeout: float,
    app_namespace: str,
    data: Path | None,
    local: tuple[Path, ...],
) -> None:
    """Go back to an earlier deployment: the one before the last, or the one with this ID of `app history`.

    With --git, a deployment that is not on record as having been Healthy is passed over unless its ID is named.
    """
    if not in_git:
        if dry_run or open_pr or paths or everything or author:
            raise click.UsageError("--dry-run, --open-pr, --path, --all and --author go with --git")
        asyncio.run(_on_cluster(access, name, deployment, app_namespace, prune=prune, timeout=timeout))
        return
    access.straight("a rollback in Git")
    # What reads and writes repositories is loaded where one is written.
    from trueup.cli.app.revert import RollbackWish, roll_back_in_git

    wish = RollbackWish(
        deployment=deployment,
        paths=paths,
        everything=everything,
        open_pr=open_pr,
        author=author,
        yes=yes,
        dry_run=dry_run,
        known=_known(access, name, app_namespace, data),
    )
    asyncio.run(roll_back_in_git(access, name, app_namespace, local, wish))


def _known(
    access: ClusterAccess, name: str, app_namespace: str, data: Path | None
) -> Mapping[str, DeployedVersion] | None:
    """What the audit trail of this machine says of the application's versions; None where there is no trail."""
    path = trail_path(access, data)
    if not path.exists():
        return None
    full = name if "/" in name else f"{app_namespace or access.namespace}/{name}"
    return versions(query(path, Filter(application=full)))


async def _on_cluster(
    access: ClusterAccess, name: str, deployment: int | None, app_namespace: str, *, prune: bool, timeout: float
) -> None:
    """As Argo CD: sync to the recorded source, without hooks."""
    async with applications_of(access) as apps:
        app = apps.of(name, app_namespace)

        def choose(view: ApplicationView) -> RevisionHistory:
            return deployment_before(view, deployment, {}).entry

        before, target = await app.roll_back(choose, prune=prune)
        view = await follow(app, Goal(operation=True), timeout, before=before)
        if problem := finished_badly(view):
            fail(f"application '{name}': {problem}")
        say(f"application '{name}' is rolled back to deployment {target.id}")

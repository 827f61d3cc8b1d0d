"""``trueup app rollback``."""

import asyncio
import getpass
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import click
import msgspec

from trueup.cli.app.access import Handle, View
from trueup.cli.app.wait import Goal, finished_badly, follow
from trueup.cli.connect import Access, access_options, connected
from trueup.cli.exits import fail
from trueup.cli.repositories import environment_credential, local_option, with_repositories
from trueup.features.images.pulls import PROVIDER, Request, open_pull_request
from trueup.model.application import Source
from trueup.model.audit import ROLLBACK_TRAILER
from trueup.model.errors import TrueupError
from trueup.model.status import RevisionHistory
from trueup.runtime.clock import SystemClock
from trueup.sources.revert import Reverted, revert
from trueup.sources.tree import GitTree
from trueup.sources.writer import Ask, Author, Written, head_branch, write


@click.command()
@click.argument("name")
@click.argument("deployment", metavar="[ID]", type=int, required=False)
@click.option("--git", "in_git", is_flag=True, help="Take the change back in Git: a commit, deployed like any other.")
@click.option("--open-pr", is_flag=True, help="With --git: push a branch of its own, and open a pull request.")
@click.option(
    "--path", "paths", multiple=True, help="With --git: a folder to take back (default: the application's). Repeatable."
)
@click.option(
    "--all", "everything", is_flag=True, help="With --git: take everything back that changed in the repository."
)
@click.option("--author", default="", help="With --git: the commit's author, as NAME <EMAIL>.")
@click.option("--prune", is_flag=True, help="Without --git: delete what the older state does not have.")
@click.option("--timeout", type=float, default=0.0, help="Seconds to wait for the end; 0 waits for ever.")
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@local_option
@access_options
def rollback(
    access: Access,
    name: str,
    deployment: int | None,
    in_git: bool,
    open_pr: bool,
    paths: tuple[str, ...],
    everything: bool,
    author: str,
    prune: bool,
    timeout: float,
    app_namespace: str,
    local: tuple[Path, ...],
) -> None:
    """Go back to an earlier deployment: the one before the last, or the one with this ID of `app history`."""
    if not in_git:
        asyncio.run(_on_cluster(access, name, deployment, app_namespace, prune=prune, timeout=timeout))
        return
    asyncio.run(
        _in_git(
            access, name, deployment, app_namespace, local, paths, everything=everything, open_pr=open_pr, author=author
        )
    )


async def _on_cluster(
    access: Access, name: str, deployment: int | None, app_namespace: str, *, prune: bool, timeout: float
) -> None:
    """As Argo CD: sync to the recorded source, without hooks. Automated sync would undo it, so it is refused there."""
    async with connected(access) as (client, discovery):
        handle = Handle(client, discovery, access, name, app_namespace)
        view = await handle.view()
        automated = view.app.spec.sync_policy.automated if view.app.spec.sync_policy else None
        if automated is not None and automated.enabled is not False:
            raise TrueupError(
                "rollback cannot be initiated when auto-sync is enabled",
                hint=f"`trueup app rollback {name} --git` takes the change back in Git",
            )
        target = _target(view, deployment)
        several = bool(target.sources)
        sync: dict[str, Any] = {"syncStrategy": {"apply": {}}, "prune": prune}
        if several:
            sync |= {"revisions": target.revisions, "sources": msgspec.to_builtins(target.sources)}
        else:
            sync |= {"revision": target.revision, "source": msgspec.to_builtins(target.source)}
        operation = {"sync": sync, "initiatedBy": {"username": _user()}}
        version = view.app.metadata.resource_version
        await handle.patch({"metadata": {"resourceVersion": version}, "operation": operation})
        view = await follow(handle, Goal(operation=True), timeout, before=view)
        if problem := finished_badly(view):
            fail(f"application '{name}': {problem}")
        click.echo(f"application '{name}' is rolled back to deployment {target.id}")


async def _in_git(
    access: Access,
    name: str,
    deployment: int | None,
    app_namespace: str,
    local: tuple[Path, ...],
    paths: tuple[str, ...],
    *,
    everything: bool,
    open_pr: bool,
    author: str,
) -> None:
    async with with_repositories(access, local) as repositories:
        handle = Handle(repositories.client, repositories.discovery, access, name, app_namespace)
        view = await handle.view()
        target = _target(view, deployment)
        source, good, bad = _moved(view, target)
        mirror = repositories.mirrors.get(source.repo_url)
        credential = environment_credential() or repositories.credentials.for_writing(source.repo_url)
        branch = "" if source.target_revision in ("", "HEAD") else source.target_revision.removeprefix("refs/heads/")
        folders = () if everything else (paths or (source.path or ".",))
        taken: list[Reverted] = []

        def edit(tree: GitTree) -> Mapping[str, bytes | None]:
            taken[:] = [revert(mirror.repository(), good=good, bad=bad, tip=tree.revision, folders=folders)]
            return taken[0].changes

        def message(_: Mapping[str, bytes | None]) -> str:
            return _message(view, taken[0], good, bad)

        by = author.partition("<")
        who = Author(by[0].strip(), by[2].rstrip(">")) if author else Author(_user(), f"{_user()}@localhost")
        to = f"trueup/rollback-{view.app.metadata.name}-{bad[:8]}" if open_pr else ""
        await mirror.update()
        ask = Ask(branch=branch, to=to, message=message, author=who)
        written = await write(mirror, ask, edit, now=SystemClock().now, credential=credential)
        _told(written, taken[0], good)
        if open_pr:
            title, _, body = message({}).partition("\n")
            request = Request(
                url=source.repo_url,
                provider=view.app.metadata.annotations.get(PROVIDER, ""),
                head=to,
                base=branch or await head_branch(mirror),
                title=title,
                body=body.strip(),
            )
            async with aiohttp.ClientSession(trust_env=True) as session:
                click.echo(f"pull request: {await open_pull_request(request, credential, session)}")
        else:
            # The engine need not wait for its next poll.
            await handle.patch({"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}})


def _target(view: View, deployment: int | None) -> RevisionHistory:
    """The deployment to go back to: by its id, else the last one that deployed something else than now.

    Raises:
        TrueupError: there is none.
    """
    history, name = view.status.history, view.app.metadata.name
    if deployment is not None:
        found = next((entry for entry in history if entry.id == deployment), None)
        if found is None:
            raise TrueupError(
                f"application '{name}' has no deployment {deployment}", hint=f"`trueup app history {name}` lists them"
            )
        return found
    last = history[-1] if history else None
    found = next((e for e in reversed(history[:-1]) if last and _revisions(e) != _revisions(last)), None)
    if found is None:
        raise TrueupError(
            f"application '{name}' has no earlier deployment", hint=f"`trueup app history {name}` lists those it has"
        )
    return found


def _moved(view: View, target: RevisionHistory) -> tuple[Source, str, str]:
    """The source whose commit differs from the deployment's, with both commits.

    Raises:
        TrueupError: none does, or more than one.
    """
    history = view.status.history
    now, then = _revisions(history[-1]), _revisions(target)
    sources = view.app.spec.all_sources()
    moved = [
        (source, good, bad)
        for source, good, bad in zip(sources, then, now, strict=False)
        if good != bad and not source.chart
    ]
    if not moved:
        raise TrueupError(
            f"deployment {target.id} is of the commit that is deployed", hint="choose another one of `app history`"
        )
    if len({source.repo_url for source, _, _ in moved}) > 1:
        names = ", ".join(sorted(source.repo_url.rpartition("@")[2] for source, _, _ in moved))
        raise TrueupError(f"several repositories have changed since: {names}", hint="revert them one by one")
    return moved[0]


def _revisions(entry: RevisionHistory) -> list[str]:
    return entry.revisions or [entry.revision]


def _message(view: View, taken: Reverted, good: str, bad: str) -> str:
    name = view.app.metadata.name
    one = len(taken.commits) == 1
    subject = f'Revert "{taken.commits[0][1]}"' if one else f"Roll back {name} to {good[:8]}"
    reverts = "\n".join(f"This reverts commit {sha}." for sha, _ in taken.commits)
    trailer = f"{ROLLBACK_TRAILER}: {view.app.metadata.namespace}/{name} {bad[:12]}..{good[:12]}"
    return "\n\n".join(filter(None, (subject, reverts, trailer))) + "\n"


def _told(written: Written, taken: Reverted, good: str) -> None:
    for sha, subject in taken.commits:
        click.echo(f"takes back {sha[:8]} {subject}")
    for path in written.paths:
        click.echo(f"  {path}")
    click.echo(f"pushed {written.sha[:8]} to {written.branch}: as at {good[:8]}")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "cli"

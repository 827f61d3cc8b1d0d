"""``trueup app rollback --git``: a deployment is taken back by a commit, once it was looked at."""

import difflib
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import click
import msgspec

from kubegrammar import pattern
from trueup import policy
from trueup.cli.app.access import ApplicationView, Handle
from trueup.cli.app.deployments import RollbackTarget, deployment_before, moved_source
from trueup.cli.app.requests import asked
from trueup.cli.connect import ClusterAccess
from trueup.cli.identity import git_author, parse_author
from trueup.cli.repositories import environment_credential, with_repositories
from trueup.cli.screen import plain, say
from trueup.kube.client import Client
from trueup.kube.errors import NotFound
from trueup.model.application import DEFAULT_PROJECT, Application
from trueup.model.audit import ROLLBACK_TRAILER
from trueup.model.errors import InvalidSpec, TrueupError
from trueup.model.project import Project
from trueup.model.tree import Mode
from trueup.runtime.clock import SystemClock
from trueup.sources.propose import propose
from trueup.sources.pulls import PROVIDER
from trueup.sources.revert import Reverted, revert
from trueup.sources.revision import BRANCHES
from trueup.sources.tree import GitTree
from trueup.sources.writer import Blob, Changes, WantedCommit, WriteOutcome, head_branch
from trueup.store.audit.versions import DeployedVersion
from trueup.store.kinds import PROJECT
from trueup.store.projects import read_project

_READABLE = (Mode.FILE, Mode.EXECUTABLE, Mode.LINK)
MOST_LINES = 400
"""Lines of a difference that are shown; the rest is counted."""
_SECRET = pattern.compile(rb"""kind["']?\s{0,9}:\s{0,9}["']?Secret(?:List)?\b|secretGenerator""")


class RollbackWish(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for.

    Attributes:
        deployment: an id of the history; None for the last that is on record as having worked.
        paths: folders to take back; empty for the application's own.
        everything: all that changed in the repository.
        known: what the trail knows of versions, by commit; None where there is no trail.
    """

    deployment: int | None
    paths: tuple[str, ...] = ()
    everything: bool = False
    open_pr: bool = False
    author: str = ""
    yes: bool = False
    dry_run: bool = False
    known: Mapping[str, DeployedVersion] | None = None


async def roll_back_in_git(
    access: ClusterAccess, name: str, app_namespace: str, local: tuple[Path, ...], wish: RollbackWish
) -> None:
    """Show what a rollback changes, ask, push.

    Raises:
        TrueupError: it cannot be taken back, nobody is there to be asked, or the push is refused.
    """
    author = parse_author(wish.author) if wish.author else None
    async with with_repositories(access, local) as repositories:
        handle = Handle(repositories.client, access, name, app_namespace)
        view = await handle.view()
        target = deployment_before(view, wish.deployment, wish.known or {})
        source, good, bad = moved_source(view, target.entry)
        reached = view.app.spec.repository(source)
        await _permitted(repositories.client, access, view.app, reached.url)
        mirror = repositories.mirrors.get(reached)
        credential = environment_credential(reached.url) or repositories.credentials.for_writing(
            reached.url, reached.project
        )
        await mirror.update()
        named = "" if source.target_revision in ("", "HEAD") else source.target_revision.removeprefix("refs/heads/")
        branch = named or await head_branch(mirror)
        folders = () if wish.everything else (wish.paths or (source.path or ".",))

        def taken_back(tip: str) -> Reverted:
            return revert(mirror.repository(), good=good, bad=bad, tip=tip, folders=folders)

        tip = mirror.resolve(BRANCHES + branch)
        shown = taken_back(tip)
        _tell(view, good, bad, target, wish.known)
        _show(mirror.tree(tip), shown)
        to = f"trueup/rollback-{view.app.metadata.name}-{bad[:8]}" if wish.open_pr else ""
        if wish.dry_run:
            say(f"nothing is pushed: --dry-run; a rollback would push this to {to or branch} of {mirror.shown}")
            return
        if target.doubtful and wish.yes and good in (wish.known or {}):
            raise TrueupError(
                f"nothing is pushed: {good[:8]} never was Healthy, and no other earlier version is on record as such",
                hint=f"without --yes you are asked; `app rollback {name} {target.entry.id} --git --yes` pushes it",
            )
        author = author or git_author()
        _ask(f"Push this to {to or branch} of {mirror.shown}?", yes=wish.yes)

        def edit(tree: GitTree) -> Changes:
            changes = taken_back(tree.revision).changes
            if not wish.yes and changes != shown.changes:
                raise TrueupError(
                    f"branch {branch} has moved, and the rollback would change it otherwise than shown",
                    hint="run the command again and look at the new difference",
                )
            return changes

        text = _message(view, shown, good, bad)
        ask = WantedCommit(branch=branch, to=to, message=lambda _: text, author=author)
        written, page = await propose(
            mirror,
            ask,
            edit,
            now=SystemClock().now,
            credential=credential,
            pull_of=source.repo_url if wish.open_pr else "",
            provider=view.app.metadata.annotations.get(PROVIDER, ""),
        )
        _told(written, good)
        if not wish.open_pr:
            # The engine need not wait for its next poll.
            with asked(handle) as requests:
                await requests.refresh(handle.key)
            return
        say(f"pull request: {page}")


def _ask(question: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise TrueupError(
            "nothing is pushed: nobody is here to be asked", hint="--yes pushes without asking, --dry-run only shows"
        )
    # The event loop's own handler would only note a Ctrl-C, and the question would go on waiting.
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        if not click.confirm(question):
            raise TrueupError("nothing is pushed: the answer was no")
    finally:
        signal.signal(signal.SIGINT, former)


async def _permitted(client: Client, access: ClusterAccess, app: Application, url: str) -> None:
    """What a history names is written to only where the project permits it: whoever may write an application may write
    its status.

    Raises:
        InvalidSpec: there is no project that can be read, or it does not permit the repository.
    """
    project: Project | None = None
    with suppress(NotFound):
        project = read_project(await client.get(PROJECT, access.namespace, app.spec.project or DEFAULT_PROJECT))
    if reason := policy.refusal(project, app, policy.RepositoryPush(url)):
        raise InvalidSpec(reason, hint="permit the repository in spec.sourceRepos of the AppProject")


def _tell(
    view: ApplicationView, good: str, bad: str, target: RollbackTarget, known: Mapping[str, DeployedVersion] | None
) -> None:
    """From which version to which, and what is on record of both."""
    say(f"application '{view.app.metadata.name}': back from {_of(bad, known)} to {_of(good, known)}")
    for sha in target.passed:
        say(f"passed over: {_of(sha, known)}; name its ID to go back to it all the same")
    if target.doubtful:
        say("warning: no earlier version is on record as having been Healthy", err=True, fg="yellow")
    if known is None:
        say("no audit trail is here, so that nothing is known of how these versions fared (--data names one)")


def _of(sha: str, known: Mapping[str, DeployedVersion] | None) -> str:
    version = (known or {}).get(sha)
    if version is None:
        return sha[:8] if known is None else f"{sha[:8]} (not on record)"
    fared = version.health if version.result == "Succeeded" else f"sync {version.result}"
    if fared in ("Progressing", "Missing", "Unknown"):
        fared = f"{fared}, Healthy before" if version.worked else f"never Healthy, {fared} at its end"
    reason = f": {plain(version.message)[:200]}" if version.message else ""
    return f"{sha[:8]} (deployed {version.at[:16].replace('T', ' ')}, {fared or 'no verdict'}{reason})"


def _show(tree: GitTree, taken: Reverted) -> None:
    for sha, subject in taken.commits:
        say(f"takes back {sha[:8]} {plain(subject)}")
    lines = [line for path, content in sorted(taken.changes.items()) for line in _difference(tree, path, content)]
    for line in lines[:MOST_LINES]:
        colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
        say(f"  {plain(line)}", fg=None if line.startswith(("+++", "---")) else colour)
    if len(lines) > MOST_LINES:
        say(f"  … {len(lines) - MOST_LINES} more lines")


def holds_a_secret(content: bytes) -> bool:
    """Whether a file may hold the values of a Secret, however it is spelt."""
    return _SECRET.search(content) is not None


def _difference(tree: GitTree, path: str, change: bytes | Blob | None) -> list[str]:
    entry = tree.entry(path)
    before = tree.read(entry) if entry is not None and entry.mode in _READABLE else None
    after = change.data if isinstance(change, Blob) else change
    if holds_a_secret(before or b"") or holds_a_secret(after or b""):
        return [f"--- {path}", "(holds a Secret: not shown)"]
    try:
        old, new = ((content or b"").decode().splitlines() for content in (before, after))
    except UnicodeDecodeError:
        return [f"--- {path}", "(not text: not shown)"]
    names = ("/dev/null" if before is None else path, "/dev/null" if after is None else path)
    return list(difflib.unified_diff(old, new, *names, lineterm=""))


def _message(view: ApplicationView, taken: Reverted, good: str, bad: str) -> str:
    name = view.app.metadata.name
    one = len(taken.commits) == 1
    subject = f'Revert "{taken.commits[0][1]}"' if one else f"Roll back {name} to {good[:8]}"
    reverts = "\n".join(f"This reverts commit {sha}." for sha, _ in taken.commits)
    trailer = f"{ROLLBACK_TRAILER}: {view.app.metadata.namespace}/{name} {bad[:12]}..{good[:12]}"
    return "\n\n".join(filter(None, (subject, reverts, trailer))) + "\n"


def _told(written: WriteOutcome, good: str) -> None:
    say(f"pushed {written.sha[:8]} to {written.branch}: as at {good[:8]}")

"""Writing to a branch: edits become a commit on its newest state, pushed forward, never by force."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

import msgspec
import pygit2

from trueup.model.errors import SourceUnavailable, Stalled
from trueup.sources.credential import Credential
from trueup.sources.disk import on_disk
from trueup.sources.mirror import Mirror
from trueup.sources.revision import BRANCHES, HEAD
from trueup.sources.signing import Signer
from trueup.sources.tree import GitTree

ATTEMPTS = 50
"""Pushes that may lose the race before it is given up."""
UNMOVED = 3
"""Refusals in a row, with the branch where it was, after which it is no race."""
_FILE = 0o100644
_DIRECTORY = 0o040000
_PAUSE = 0.05


class Blob(msgspec.Struct, frozen=True):
    """A file with a mode of its own: a program (0o100755), or a link (0o120000), whose content is its target."""

    data: bytes
    mode: int


Changes = Mapping[str, bytes | Blob | None]
"""The new content of files by their paths, None to remove one. Bytes alone keep the mode that a file has."""
Edit = Callable[[GitTree], Changes] | Callable[[GitTree], Awaitable[Changes]]
"""Changes, given the branch's files; empty: nothing to do."""


class PushRefused(Stalled):
    """The server does not let these credentials move this branch."""

    reason = "PushRefused"


class Author(msgspec.Struct, frozen=True):
    """Who a commit is by."""

    name: str = "Trueup"
    email: str = "trueup@localhost"


class WantedCommit(msgspec.Struct, frozen=True, kw_only=True):
    """A commit that is wanted.

    Attributes:
        branch: whose files are edited; empty for the one that HEAD names.
        to: the branch that is pushed; empty for the same. Where it exists, the commit is made on top of it.
        message: given the paths that changed.
    """

    branch: str
    to: str = ""
    message: Callable[[Changes], str]
    author: Author = Author()
    signer: Signer | None = None


class WriteOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it.

    Attributes:
        sha: the commit; empty where there was nothing to change.
        base: the commit it was made on.
        branch: where it was pushed.
        paths: the files that it changes.
        attempts: pushes it took.
    """

    sha: str
    base: str
    branch: str
    paths: tuple[str, ...] = ()
    attempts: int = 0


async def write(
    mirror: Mirror, ask: WantedCommit, edit: Edit, *, now: Callable[[], datetime], credential: Credential | None = None
) -> WriteOutcome:
    """Edit a branch. Where somebody else was quicker, the edit is made anew on what they pushed.

    Raises:
        PushRefused: the server does not allow it; says why.
        SourceUnavailable: the server cannot be reached, or the branch moves all the time.
        TrueupError: what ``edit`` raises.
    """
    refused = 0
    tip = ""
    reason = ""
    for attempt in range(1, ATTEMPTS + 1):
        await mirror.update()
        branch = ask.branch or await head_branch(mirror)
        target = ask.to or branch
        start, previous = await on_disk(_start, mirror, branch, target), tip
        tip = start
        refused = refused + 1 if attempt > 1 and start == previous else 0
        if refused >= UNMOVED:
            raise _refusal(mirror, target, reason)
        changes = await _edited(edit, mirror, start)
        if not changes:
            return WriteOutcome(sha="", base=start, branch=target, attempts=attempt - 1)
        sha = await on_disk(commit, mirror.repository(), start, changes, ask, now())
        try:
            reason = await mirror.push(sha, target, credential)
        except SourceUnavailable as error:
            await mirror.remote_refs()  # it may be read, so it is the right to write that is missing
            raise _refusal(mirror, target, error.message) from error
        if not reason:
            return WriteOutcome(sha=sha, base=start, branch=target, paths=tuple(sorted(changes)), attempts=attempt)
        await asyncio.sleep(random.uniform(0, _PAUSE * min(attempt, 20)))  # noqa: S311 - spreads load
    raise SourceUnavailable(f"repository {mirror.shown}: branch {target} moved at each of {ATTEMPTS} attempts")


async def _edited(edit: Edit, mirror: Mirror, start: str) -> Changes:
    """The changes; one that is no coroutine is made in a thread."""
    made = await on_disk(lambda: edit(mirror.tree(start)))
    return await made if isinstance(made, Awaitable) else made


def commit(repository: pygit2.Repository, parent: str, changes: Changes, ask: WantedCommit, now: datetime) -> str:
    """Make a commit of changed files on a parent, without a work tree; returns its SHA."""
    above = repository[parent].peel(pygit2.Commit)
    nested: dict[str, object] = {}
    # What goes comes first, so that a file may make way for a folder of its name, and the other way round.
    for path, content in sorted(changes.items(), key=lambda change: change[1] is not None):
        place = nested
        *folders, name = path.split("/")
        for folder in folders:
            below = place.get(folder)
            if not isinstance(below, dict):
                assert below is None, f"{path} lies below a file"
                place[folder] = below = {}
            place = below
        place[name] = content
    tree = _tree(repository, above.tree, nested)
    offset = int((now.utcoffset().total_seconds() if now.utcoffset() else 0) // 60)  # type: ignore[union-attr]
    by = pygit2.Signature(ask.author.name, ask.author.email, int(now.timestamp()), offset)
    message = ask.message(changes)
    if ask.signer is None:
        return str(repository.create_commit(None, by, by, message, tree, [above.id]))
    text = str(repository.create_commit_string(by, by, message, tree, [above.id]))
    return str(repository.create_commit_with_signature(text, ask.signer.sign(text.encode()), "gpgsig"))


def _tree(repository: pygit2.Repository, base: pygit2.Tree | None, changes: Mapping[str, object]) -> pygit2.Oid:
    builder = repository.TreeBuilder(base) if base is not None else repository.TreeBuilder()
    for name, change in changes.items():
        found = base[name] if base is not None and name in base else None
        if isinstance(change, dict):
            below = found if isinstance(found, pygit2.Tree) else None
            made = _tree(repository, below, change)
            if len(repository[made].peel(pygit2.Tree)):
                builder.insert(name, made, _DIRECTORY)
            elif found is not None:
                builder.remove(name)  # git keeps no empty folders
        elif isinstance(change, Blob):
            builder.insert(name, repository.create_blob(change.data), change.mode)
        elif isinstance(change, bytes):
            mode = found.filemode if isinstance(found, pygit2.Blob) else _FILE
            builder.insert(name, repository.create_blob(change), int(mode))
        elif found is not None:
            builder.remove(name)
    return builder.write()


def _start(mirror: Mirror, branch: str, target: str) -> str:
    if target != branch:
        try:
            return mirror.resolve(BRANCHES + target)
        except Stalled:
            pass
    return mirror.resolve(BRANCHES + branch)


async def head_branch(mirror: Mirror) -> str:
    """The branch that HEAD names: of those at the same commit, the usual names first."""
    refs = await mirror.remote_refs()
    at = refs.get(HEAD, "")
    names = sorted(name.removeprefix(BRANCHES) for name, sha in refs.items() if name.startswith(BRANCHES) and sha == at)
    for usual in ("main", "master"):
        if usual in names:
            return usual
    if not names:
        raise Stalled(f"repository {mirror.shown} has no branch to write to", hint="name the branch")
    return names[0]


def _refusal(mirror: Mirror, branch: str, reason: str) -> PushRefused:
    return PushRefused(
        f"repository {mirror.shown}: branch {branch} cannot be pushed: {reason}",
        hint="Give write access by a Secret labelled argocd.argoproj.io/secret-type: repository-write, "
        "or let pull requests be opened if the branch is protected.",
    )

"""A change is proposed: edited, committed, pushed, and where that is wanted asked for by a pull request."""

from collections.abc import Callable
from datetime import datetime

from trueup.model.errors import Stalled
from trueup.sources.credential import Credential
from trueup.sources.mirror import Mirror
from trueup.sources.outgoing import session
from trueup.sources.pulls import PullRequest, open_pull_request
from trueup.sources.revision import BRANCHES
from trueup.sources.writer import Edit, WantedCommit, WriteOutcome, head_branch, write


async def propose(
    mirror: Mirror,
    ask: WantedCommit,
    edit: Edit,
    *,
    now: Callable[[], datetime],
    credential: Credential | None = None,
    pull_of: str = "",
    provider: str = "",
) -> tuple[WriteOutcome, str]:
    """Write a change; its pull request is opened unless there is one for its branch, also where an earlier attempt has
    pushed and gone no further.

    Args:
        ask: names a branch of its own in ``to`` where a pull request is wanted; its message is that of both, and where
            it has nothing to say there is no pull request.
        pull_of: URL of the repository that a pull request is opened at; empty for none.
        provider: whose API its host has; empty to tell by the host's name.

    Returns:
        What was written, and the page of the pull request; empty for none.

    Raises:
        TrueupError: as :func:`trueup.sources.writer.write` and :func:`trueup.sources.pulls.open_pull_request`.
    """
    written = await write(mirror, ask, edit, now=now, credential=credential)
    if not pull_of or not ask.to or not (written.sha or _is_there(mirror, ask.to)):
        return written, ""
    title, _, body = ask.message({}).partition("\n")
    if not title:
        return written, ""
    base = ask.branch or await head_branch(mirror)
    request = PullRequest(url=pull_of, provider=provider, head=ask.to, base=base, title=title, body=body.strip())
    async with session() as outgoing:
        return written, await open_pull_request(request, credential, outgoing)


def _is_there(mirror: Mirror, branch: str) -> bool:
    try:
        return bool(mirror.resolve(BRANCHES + branch))
    except Stalled:
        return False

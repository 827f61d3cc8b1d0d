"""What a render needs of elsewhere, asked for until nothing is missing."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

import structlog

from trueup.model.errors import RenderFailed, TrueupError, Waiting
from trueup.model.tree import Tree
from trueup.render.continuity import Trees
from trueup.render.remote import OneFile, RemoteReference, RemotesNeeded

log = structlog.get_logger("trueup.renders")

MAX_DEPTH = 8
"""Bases elsewhere that name bases elsewhere in turn."""
MAX_TURNS = 256
"""What is missing may be found out one by one."""

Fetch = Callable[[Sequence[RemoteReference]], Awaitable[Mapping[str, Tree]]]
"""Brings submodules, and what kustomizations name elsewhere: for each one of the names it may have, with its tree."""

T = TypeVar("T")


async def complete(make: Callable[[Trees], Awaitable[T]], trees: Trees, fetch: Fetch | None) -> tuple[T, Trees]:
    """What is made of trees, and these with all that was missing.

    Args:
        fetch: brings it; without it what is missing is refused.

    Raises:
        RenderFailed: there is no end to it.
        RemotesNeeded: nobody brings it.
    """
    depth, large = 0, set[tuple[str, int]]()
    for _ in range(MAX_TURNS):
        if depth >= MAX_DEPTH:
            break
        try:
            return await make(trees), trees
        except RemotesNeeded as needed:
            wanted = {remote.large for remote in needed.remotes if remote.large is not None}
            if fetch is None or wanted & large:
                raise  # what was brought a moment ago is not where it is looked for
            large |= wanted
            trees = Trees(trees.own, {**trees.refs, **await fetch(needed.remotes)})
            # Submodules and large files lie as deep as they like.
            depth += not all(remote.submodule or remote.large for remote in needed.remotes)
    raise RenderFailed(
        f"bases elsewhere name bases elsewhere more than {MAX_DEPTH} deep", hint="name the last of them directly"
    )


async def compared(check: Callable[[Trees], Awaitable[None]], former: Trees, fetch: Fetch | None) -> None:
    """Compare with a former commit, whose submodules may have been at other commits, or in other repositories. Where
    one of them is not to be had any more there is nothing to compare with: who moves a submodule must be able to."""
    lacking: set[RemoteReference] = set()
    for _ in range(MAX_TURNS):
        try:
            await check(former)
        except RemotesNeeded as needed:
            if any(remote.large and remote in lacking for remote in needed.remotes):
                return
            former = Trees(former.own, {**former.refs, **await _had(needed.remotes, fetch)})
            lacking.update(needed.remotes)
        else:
            return


async def _had(remotes: Sequence[RemoteReference], fetch: Fetch | None) -> dict[str, Tree]:
    found: dict[str, Tree] = {each.base.name: OneFile(b"") for each in remotes if each.base is not None}
    for each in remotes:
        try:
            found.update(await fetch([each]) if fetch is not None else {})
        except Waiting:
            raise
        except TrueupError as error:
            log.info("not compared with a former commit", about=each.where, error=error.message)
    return found

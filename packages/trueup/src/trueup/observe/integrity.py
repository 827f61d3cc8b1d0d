"""Whether sources are signed as their project asks for, asked before anything of them is used."""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from kubegrammar.json import digest
from trueup.memory.bounded import Memory
from trueup.model.application import Application, Source
from trueup.model.errors import RenderFailed
from trueup.model.project import Project
from trueup.model.repository import RepositoryOf
from trueup.model.tree import MEBIBYTE
from trueup.observe.reading import Reading
from trueup.observe.remotes import NotFetched
from trueup.policy.integrity import Demand, demanded
from trueup.sources.port import Origin
from trueup.sources.tree import GitTree

_REMEMBERED = 4096
_TIPS = 8
"""Signed commits of one repository that later ones are looked at back to."""


class Looking(Protocol):
    """Reads signatures, where strangers' text may be read."""

    async def signatures(
        self,
        tree: GitTree,
        tag: tuple[str, str],
        demand: Demand,
        keyring: tuple[str, ...],
        known: tuple[str, ...],
        now: float,
    ) -> tuple[tuple[str, ...], float]:
        """What is amiss, and when the first of the keys ends, in seconds since 1970."""
        ...


class SignatureMissing(RenderFailed):
    """A source is not signed as its project asks for."""


class Integrity:
    """Checks sources. What was found signed stays so until one of its keys ends, or the keyring is another.

    Args:
        keyring: armoured public keys that are known.
        now: seconds since 1970.
    """

    def __init__(
        self,
        repositories: Reading,
        looking: Looking,
        keyring: Callable[[], tuple[str, ...]],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._repositories, self._looking, self._keyring, self._now = repositories, looking, keyring, now
        self._signed: Memory[tuple[str, str, tuple[str, str], Demand, str], float] = Memory(
            entries=_REMEMBERED, size=2 * MEBIBYTE
        )
        self._tips: Memory[tuple[str, Demand, str], tuple[tuple[str, float], ...]] = Memory(
            entries=_REMEMBERED, size=2 * MEBIBYTE
        )

    async def check(
        self, app: Application, project: Project, sources: Sequence[Source], revisions: Sequence[str]
    ) -> None:
        """Look at all sources that the project asks for signatures of.

        Args:
            revisions: a full SHA, or a chart's version, for each.

        Raises:
            SignatureMissing: one is not signed as it is asked for.
            InvalidSpec: what is asked for cannot be read.
            NotFetched, SourceUnavailable: a repository is not there.
        """
        for source, revision in zip(sources, revisions, strict=True):
            demand = demanded(project, source.repo_url, packed=source.packed)
            if demand is not None:
                repository = app.spec.repository(source)
                problems = await self._problems(repository, source, revision, demand)
                if problems:
                    raise SignatureMissing(
                        f"{source.repo_url}: {'; '.join(problems)}",
                        hint=f"sign it with a key that project {project.metadata.name} names, and that "
                        "argocd-gpg-keys-cm has (trueup gpg list)",
                    )

    async def _problems(
        self, repository: RepositoryOf, source: Source, revision: str, demand: Demand
    ) -> tuple[str, ...]:
        origin = self._repositories.origin(repository)
        if origin is None:
            raise NotFetched(f"{source.repo_url} is being fetched", after=60.0)
        tree = origin.tree(revision)
        if not isinstance(tree, GitTree):
            return (f"{revision} has no signature",)
        tag = _tag(origin, source, revision)
        keyring, now = self._keyring(), self._now()
        ring = digest("\0".join(keyring).encode())
        question, place = (tree.place.folder, revision, tag, demand, ring), (tree.place.folder, demand, ring)
        until = self._signed.get(question)
        if until is not None and now < until:
            return ()
        tips = tuple((sha, ends) for sha, ends in self._tips.get(place) or () if now < ends)
        known = tuple(sha for sha, _ in tips) if demand.deep else ()
        problems, until = await self._looking.signatures(tree, tag, demand, keyring, known, now)
        if not problems:
            until = min([until, *(ends for _, ends in tips)])
            self._signed.put(question, until)
            self._tips.put(place, ((revision, until), *tips)[:_TIPS])
        return problems


def _tag(origin: Origin, source: Source, revision: str) -> tuple[str, str]:
    """The annotated tag that a source names, where it is what is deployed; empty where it is not."""
    try:
        pin = origin.pin(source.target_revision, source.tag_prefix)
    except RenderFailed:
        # Another revision is deployed than the source names, which is not there any more.
        return ("", "")
    return pin.tag if pin.revision == revision else ("", "")

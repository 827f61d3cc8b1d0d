"""The server's own answer to "would this apply change anything?", remembered (cluster-truths 11)."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable

import msgspec

from trueup.apply.cluster import Cluster, known_type
from trueup.apply.perform import interrupts
from trueup.apply.takeover import after_takeover
from trueup.apply.write import ObjectWriter
from trueup.diff.answer import Answer
from trueup.diff.digest import live_digest
from trueup.kube.errors import ApiError, BadRequest, Forbidden, Invalid, TypedPatchRefused
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.resource import GroupKind, ResourceKey
from trueup.plan.task import Writing

IN_FLIGHT = 8
REMEMBERED = 20_000
"""Answers kept; each is its object's JSON, or a mark alone where an apply has shown that nothing would change."""


class Question(msgspec.Struct, frozen=True):
    """A manifest, the live object it would be applied to, and how."""

    manifest: Manifest
    live: LiveObject
    writing: Writing = Writing()


_SAME = Answer()
_CERTAIN = (BadRequest, Invalid, TypedPatchRefused)
"""Refusals that the two digests decide; a webhook or a permission may change its mind without them."""


class Confirmer:
    """Server-side dry runs against one cluster, each asked once for a pair of (desired digest, live digest).

    Args:
        cluster: where.
        in_flight: dry runs at a time.
        remembered: answers kept, the least recently used go first.
    """

    def __init__(self, cluster: Cluster, *, in_flight: int = IN_FLIGHT, remembered: int = REMEMBERED) -> None:
        self._cluster = cluster
        self._slots = asyncio.Semaphore(in_flight)
        self._limit = remembered
        self._memory: OrderedDict[tuple[str, str], Answer] = OrderedDict()

    async def confirm(self, questions: Iterable[Question]) -> dict[ResourceKey, Answer]:
        """An answer for each question whose kind is served; none where the object would have nothing to be applied to.

        Raises:
            ApiError: the cluster cannot be asked now (no answer, overload). Refusals are answers.
        """
        listed = [question for question in questions if self._askable(question)]
        denied: dict[tuple[GroupKind, str], str] = {}
        answers = await asyncio.gather(*(self._answer(question, denied) for question in listed))
        return {question.manifest.key: answer for question, answer in zip(listed, answers, strict=True)}

    def seed(self, manifest: Manifest, stored: LiveObject) -> None:
        """Remembers that a manifest has just been applied with this result: it would change nothing."""
        self._remember((manifest.digest, live_digest(stored.object())), _SAME)

    def remembered(self, manifest: Manifest, live: LiveObject) -> Answer | None:
        """The answer to this question if it has been given, without asking."""
        key = (manifest.digest, live_digest(live.object()))
        known = self._memory.get(key)
        if known is None:
            return None
        self._memory.move_to_end(key)
        return Answer(body=live.body) if known is _SAME else known

    def _askable(self, question: Question) -> bool:
        return known_type(self._cluster, question.manifest.api_version, question.manifest.key.kind) is not None

    async def _answer(self, question: Question, denied: dict[tuple[GroupKind, str], str]) -> Answer:
        if known := self.remembered(question.manifest, question.live):
            return known
        scope = (question.manifest.group_kind, question.manifest.key.namespace)
        async with self._slots:
            if scope in denied:
                return Answer(refused=denied[scope])
            try:
                answer = await self._ask(question)
            except Forbidden as error:
                denied[scope] = str(error)
                return Answer(refused=str(error))
            except ApiError as error:
                if interrupts(error):
                    raise
                answer = Answer(refused=str(error), certain=isinstance(error, _CERTAIN))
                if not answer.certain:
                    return answer
        self._remember((question.manifest.digest, live_digest(question.live.object())), answer)
        return answer

    async def _ask(self, question: Question) -> Answer:
        manifest = question.manifest
        type_ = known_type(self._cluster, manifest.api_version, manifest.key.kind)
        assert type_ is not None
        writer = ObjectWriter(self._cluster.client, type_, manifest, question.writing, dry_run=True)
        written = await writer.write(question.live)
        if not question.writing.migrate or question.writing.server_side == "off":
            return Answer(body=written.live.body)
        return Answer(body=after_takeover(written.live, question.live, writer.wanted))

    def _remember(self, key: tuple[str, str], answer: Answer) -> None:
        self._memory[key] = answer
        self._memory.move_to_end(key)
        while len(self._memory) > self._limit:
            self._memory.popitem(last=False)

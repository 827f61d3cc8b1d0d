"""The server's own answer to "would this apply change anything?", remembered (cluster-truths 11)."""

import asyncio
from collections.abc import Iterable

import msgspec

from kubegrammar.merge import Merging, PatchError, strategic_merge, three_way
from kubegrammar.patch import merge_diff, merge_patch
from trueup.apply.cluster import Cluster, acting_as, known_type
from trueup.apply.perform import interrupts
from trueup.apply.sanitise import wanted_object
from trueup.apply.write import ObjectWriter
from trueup.diff.answer import DryRunAnswer
from trueup.diff.digest import live_digest
from trueup.kube.errors import ApiError, BadRequest, Forbidden, Invalid, TypedPatchRefused
from trueup.memory.bounded import Memory
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.resource import GroupKind, ResourceKey
from trueup.plan.task import Way, Writing

ATTEMPTS = 3
IN_FLIGHT = 8
ROOM = 48 * 1024 * 1024
"""Bytes of all answers that are kept."""
REMEMBERED = 20_000
"""Answers kept; each is its object's JSON, or a mark alone where an apply has shown that nothing would change."""


class Question(msgspec.Struct, frozen=True):
    """A manifest, the live object it would be applied to, how, and as whom (empty: as ourselves)."""

    manifest: Manifest
    live: LiveObject
    writing: Writing = Writing()
    account: str = ""


_Key = tuple[str, str, Way, str, str]

_SAME = DryRunAnswer()
_CERTAIN = (BadRequest, Invalid, TypedPatchRefused)
"""Refusals that the two digests decide; a webhook or a permission may change its mind without them."""


class Confirmer:
    """Server-side dry runs against one cluster, each asked once for what decides it: the desired digest, the
    live digest, the way of writing, the definition of the kind and who asks.

    Args:
        cluster: where.
        in_flight: dry runs at a time.
        remembered: answers kept, the least recently used go first.
    """

    def __init__(self, cluster: Cluster, *, in_flight: int = IN_FLIGHT, remembered: int = REMEMBERED) -> None:
        self._cluster = cluster
        self._slots = asyncio.Semaphore(in_flight)
        self._memory: Memory[_Key, DryRunAnswer] = Memory(
            entries=remembered, size=ROOM, weigh=lambda answer: 300 + len(answer.body) + len(answer.refused)
        )

    async def confirm(self, questions: Iterable[Question]) -> dict[ResourceKey, DryRunAnswer]:
        """An answer for each question whose kind is served; none where the object would have nothing to be applied to.

        Raises:
            ApiError: the cluster cannot be asked now (no answer, overload). Refusals are answers.
        """
        listed = [question for question in questions if self._askable(question)]
        denied: dict[tuple[GroupKind, str], str] = {}
        answers = await asyncio.gather(*(self._answer(question, denied) for question in listed))
        return {question.manifest.key: answer for question, answer in zip(listed, answers, strict=True)}

    def seed(self, manifest: Manifest, stored: LiveObject, writing: Writing, account: str = "") -> None:
        """Remembers that a manifest has just been written with this result: it would change nothing."""
        self._remember(self._key(Question(manifest, stored, writing, account)), _SAME)

    def remembered(self, question: Question) -> DryRunAnswer | None:
        """The answer to this question if it has been given, without asking."""
        live, key = question.live, self._key(question)
        known = self._memory.get(key)
        if known is None:
            return None
        return DryRunAnswer(body=live.body) if known is _SAME else known

    def _askable(self, question: Question) -> bool:
        return known_type(self._cluster, question.manifest.api_version, question.manifest.key.kind) is not None

    async def _answer(self, question: Question, denied: dict[tuple[GroupKind, str], str]) -> DryRunAnswer:
        if known := self.remembered(question):
            return known
        scope = (question.manifest.group_kind, question.manifest.key.namespace)
        async with self._slots:
            if scope in denied:
                return DryRunAnswer(refused=denied[scope])
            try:
                answer = await self._ask(question)
            except Forbidden as error:
                denied[scope] = str(error)
                return DryRunAnswer(refused=str(error))
            except ApiError as error:
                if interrupts(error):
                    raise
                if not isinstance(error, _CERTAIN):
                    return DryRunAnswer(refused=str(error))
                answer = DryRunAnswer(refused=str(error), certain=True, body=await self._intended(question))
        self._remember(self._key(question), answer)
        return answer

    async def _ask(self, question: Question) -> DryRunAnswer:
        manifest = question.manifest
        type_ = known_type(self._cluster, manifest.api_version, manifest.key.kind)
        assert type_ is not None
        cluster = acting_as(self._cluster, question.account)
        writer = ObjectWriter(cluster, type_, manifest, question.writing, dry_run=True)
        seen = question.live
        answer = (await writer.write(seen)).live
        for _ in range(ATTEMPTS):
            if answer.resource_version == seen.resource_version:
                break
            # The object has been written since it was seen: if more than its status, the answer is of another one.
            later = await cluster.client.get(type_, manifest.key.namespace, manifest.key.name)
            if live_digest(later.object()) == live_digest(seen.object()):
                break
            seen = later
            answer = (await writer.write(seen)).live
        return DryRunAnswer(body=answer.body if seen is question.live else _rebased(answer, seen, question.live))

    async def _intended(self, question: Question) -> bytes:
        """The live object with what Git declares of it: what was refused, to be shown."""
        merging = await self._cluster.schemas.merging(question.manifest.api_version, question.manifest.key.kind)
        live, wanted = question.live.object(), wanted_object(question.manifest)
        try:
            patch = three_way((), wanted, live, Merging(merging.type, strategic=True))
            return msgspec.json.encode(strategic_merge(live, patch.body, merging.type))
        except (ValueError, PatchError):
            return b""

    def _key(self, question: Question) -> _Key:
        """All that the answer depends on."""
        manifest, definition = question.manifest, self._cluster.cache.definition(question.manifest.group_kind)
        return manifest.digest, live_digest(question.live.object()), question.writing.way, definition, question.account

    def _remember(self, key: _Key, answer: DryRunAnswer) -> None:
        self._memory.put(key, answer)


def _rebased(answer: LiveObject, base: LiveObject, live: LiveObject) -> bytes:
    """What the answer changes of the object that it is about, on the object as it was seen."""
    change = merge_diff(base.object(), answer.object())
    return msgspec.json.encode(merge_patch(live.object(), change)) if change else live.body

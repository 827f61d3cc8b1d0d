"""What the server is asked about, and what it says."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from trueup import diff, policy
from trueup.apply.confirm import Question
from trueup.clusters.managed import ManagedCluster
from trueup.diff import DryRunAnswer, Pairs
from trueup.memory.bounded import Memory
from trueup.model.application import Application, Operation
from trueup.model.errors import InvalidSpec
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.project import Project
from trueup.model.resource import ResourceKey
from trueup.model.status import OperationPhase, OperationState
from trueup.observe.ignoring import Documents
from trueup.plan.build import writing
from trueup.plan.namespace import WRITING as NAMESPACE_WRITING
from trueup.plan.options import Options as SyncOptions
from trueup.plan.task import Writing
from trueup.store.settings import Settings

REMEMBERED = 50_000
_REMEMBERED_SIZE = 400
"""Bytes of one of them, on the average."""


class Questions:
    """Finds the pairs that only the server can judge, and asks it."""

    def __init__(self, cluster: ManagedCluster, settings: Callable[[], Settings]) -> None:
        self._cluster, self._settings = cluster, settings
        self._equal: Memory[tuple[str, str, str, frozenset[str], str], bool] = Memory(
            entries=REMEMBERED, size=REMEMBERED * _REMEMBERED_SIZE
        )

    async def about(self, pairs: Pairs, refused: Mapping[ResourceKey, str], options: SyncOptions) -> list[Question]:
        """Pairs for the server to judge, as the next sync of the application would write them. What was certain of
        this very version of an object under these options stays certain."""
        unsure = [
            (item, item.target, item.live, self._version(item.target, item.live, options))
            for item in pairs.compared
            if item.target is not None and item.live is not None and item.key not in refused
        ]
        unsure = [one for one in unsure if one[3] not in self._equal]
        ways = {item.key: way_of(options, target, live) for item, target, live, _ in unsure}
        if pairs.namespace is not None:
            ways[pairs.namespace.key] = NAMESPACE_WRITING
        otherwise = {key for key, way in ways.items() if way.replace or way.server_side == "off"}
        doubtful = diff.suspects(Pairs(tuple(one[0] for one in unsure)), refused, otherwise=otherwise)
        if doubtful:
            # Typed schemas are for those alone that ownership does not settle.
            schemas = self._cluster.schemas
            await schemas.learn({(item.target.api_version, item.key.kind) for item in doubtful if item.target})
            doubtful = diff.suspects(Pairs(tuple(doubtful)), refused, schemas.type_of, otherwise)
        asked = {item.key for item in doubtful}
        for item, _, _, fact in unsure:
            if item.key not in asked:
                self._equal.put(fact, True)
        return [Question(target, live, ways[item.key]) for item, target, live, _ in unsure if item.key in asked]

    async def answers(
        self, app: Application, project: Project, questions: Sequence[Question]
    ) -> Mapping[ResourceKey, DryRunAnswer]:
        """What the server says to whom would write: with other rights, the answer might be another one.

        Raises:
            ApiError: it cannot be asked.
        """
        if not questions:
            return {}
        try:
            account = policy.acting_account(app, project, self._cluster.server, self._settings().impersonation)
        except InvalidSpec as error:
            return {question.manifest.key: DryRunAnswer(refused=str(error)) for question in questions}
        asked = [msgspec.structs.replace(question, account=account) for question in questions]
        return await self._cluster.confirmer.confirm(asked)

    def _version(
        self, target: Manifest, live: LiveObject, options: SyncOptions
    ) -> tuple[str, str, str, frozenset[str], str]:
        """All that the certainty of a pair depends on."""
        definition = self._cluster.cache.definition(target.group_kind)
        return target.digest, live.uid, live.resource_version, options.texts, definition


def way_of(options: SyncOptions, target: Manifest, live: LiveObject) -> Writing:
    """How a sync of the whole application writes an object."""
    state = OperationState(operation=Operation(), phase=OperationPhase.RUNNING, started_at="")
    return writing(state, options, target, live)


def documents(questions: Sequence[Question], answers: Mapping[ResourceKey, DryRunAnswer]) -> Iterator[Documents]:
    """What jq may be asked about: objects that the server says an apply would change, or refuses to apply."""
    for asked in questions:
        answer = answers.get(asked.manifest.key)
        if answer is None or answer.body == asked.live.body:
            continue
        yield Documents(
            key=asked.manifest.key,
            live=asked.live.object(),
            answer=answer.object() if answer.body else None,
            declared=asked.manifest.object() if answer.refused else None,
        )

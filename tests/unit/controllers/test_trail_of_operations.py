"""The audit trail has no gap where an engine is killed between an effect and its record, and tells nothing twice."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.plans import REVISION, compared, live_of, manifest, state

from trueup import policy
from trueup.controllers import steps
from trueup.controllers.begin import pinned
from trueup.controllers.beginnings import Beginnings
from trueup.controllers.journal import AuditJournal
from trueup.controllers.resuming import CARRIED_OUT, PERHAPS, Resuming
from trueup.controllers.telling.audit import Audit
from trueup.model.application import Application, Operation, OperationInitiator, SyncOperation
from trueup.model.audit import Action, AuditRecord, Why
from trueup.model.health import Health, HealthCode
from trueup.model.live import LiveObject
from trueup.model.progress import Change, Deleted, Finished, Pruned, Started, Told
from trueup.model.resource import ResourceKey
from trueup.model.status import OperationState, ResourceResult, Status, SyncCode, SyncOperationResult, SyncPhase
from trueup.observe.observation import Observation
from trueup.plan.task import Act, ApplyTask, PruneTask, RunHookTask
from trueup.runtime.clock import SystemClock
from trueup.store.applications import StoredApplication
from trueup.store.audit import Filter, Trail, query
from trueup.store.status import history

DECLARED = manifest("ConfigMap", "a")
HOOK = manifest("Job", "migrate", hook="PreSync")
OLD = live_of(manifest("Secret", "old"))
APPLICATION = {
    "metadata": {"name": "web", "namespace": "argocd"},
    "spec": {"project": "default", "source": {"repoURL": "https://git.example/x", "path": "."}, "destination": {}},
}
STEP = Act(
    phase=SyncPhase.SYNC,
    wave=0,
    tasks=(
        ApplyTask(key=DECLARED.key, manifest=DECLARED, phase=SyncPhase.SYNC, wave=0, rank=0),
        PruneTask(key=OLD.key, uid=OLD.uid, api_version="v1", phase=SyncPhase.SYNC, wave=0, rank=0),
        RunHookTask(
            key=HOOK.key, manifest=HOOK, run_id="1", policies=frozenset(), phase=SyncPhase.SYNC, wave=0, rank=0
        ),
    ),
    results=(),
    message="",
)
NAMES = {Action.APPLIED: "/ConfigMap/shop/a", Action.PRUNED: "/Secret/shop/old", Action.HOOK: "batch/Job/shop/migrate"}


class Life:
    """One engine's life, as the trail sees it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "audit.db"
        self._trail = Trail(self.path, SystemClock().now)
        self._audit = Audit(AuditJournal(self._trail))
        self._resuming, self._beginnings = Resuming(self._audit), Beginnings(self._audit)

    async def tell(self, *changes: Change) -> None:
        await self._audit.happened(stored(), told(*changes))

    async def performing(self, running: OperationState, step: Act) -> None:
        meant = [] if step.dry_run else told(*steps.meant(steps.sync_of(stored(), running), seen(), step, no_drift))
        await self._audit.intend("argocd/web", meant)

    async def performed(self, running: OperationState) -> None:
        await self.tell(*steps.outcomes(steps.sync_of(stored(), running), seen(), results(), no_drift))

    async def resumed(self, running: OperationState, found: Observation) -> None:
        await self.tell(*await self._resuming.operation(stored(), running, found))

    async def removing(self, keys: Sequence[ResourceKey], left: Sequence[ResourceKey]) -> None:
        await self.tell(*await self._resuming.deletion(stored(), left))
        await self._audit.intend("argocd/web", told(*(Pruned(key=key, result="Pruned") for key in keys)))

    async def started(self, running: OperationState) -> None:
        self._beginnings.started("argocd/web", running)
        await self.tell(Started(state=running, sync=steps.sync_of(stored(), running)))

    async def finished(self, ended: OperationState, health: str = "") -> None:
        self._beginnings.forget("argocd/web")
        sync = steps.sync_of(stored(), ended)
        await self.tell(Finished(state=ended, sync=sync, message=ended.message, health=health))

    async def began(self, running: OperationState, of: StoredApplication | None = None) -> bool:
        return await self._beginnings.by_engine(of or stored(), running)

    async def swapped(self, running: OperationState) -> bool:
        return await self._beginnings.swapped(stored(), running)

    async def ends(self) -> list[AuditRecord]:
        await self._trail.close()
        return list(query(self.path, Filter()))


def told(*changes: Change) -> list[Told]:
    return [Told("argocd/web", "2026-01-02T03:04:05.000000Z", change) for change in changes]


def no_drift(_: ResourceKey) -> None:
    return None


def stored() -> StoredApplication:
    return StoredApplication(
        key="argocd/web",
        live=live_of(manifest("ConfigMap", "web")),
        app=msgspec.convert(APPLICATION, type=Application),
        status=Status(),
        raw_status={},
    )


def seen(*done: Action) -> Observation:
    """What is there when these have been carried out."""
    live: list[LiveObject] = [] if Action.PRUNED in done else [OLD]
    live += [live_of(HOOK)] if Action.HOOK in done else []
    live += [live_of(DECLARED)] if Action.APPLIED in done else []
    found = {each.key: each for each in live}
    comparison = compared([DECLARED, HOOK], [] if Action.PRUNED in done else [OLD], found)
    if Action.APPLIED in done:
        settled = [
            msgspec.structs.replace(each, status=SyncCode.SYNCED) if each.key == DECLARED.key else each
            for each in comparison.resources
        ]
        comparison = msgspec.structs.replace(comparison, resources=tuple(settled))
    return Observation(
        comparison=comparison,
        live=found,
        health={},
        content="",
        vitals=Health(HealthCode.HEALTHY),
        refused={},
        warnings=(),
    )


def results() -> list[ResourceResult]:
    plain = [
        ResourceResult(group=k.group, version="v1", kind=k.kind, namespace=k.namespace, name=k.name, status=status)
        for k, status in ((DECLARED.key, "Synced"), (OLD.key, "Pruned"), (HOOK.key, "Synced"))
    ]
    return [*plain[:2], msgspec.structs.replace(plain[2], hook_type="PreSync", hook_phase="Running")]


def operation(started_at: str = "") -> OperationState:
    return msgspec.structs.replace(state(), started_at=started_at) if started_at else state()


@pytest.mark.parametrize(
    "done",
    [
        pytest.param((), id="nothing"),
        pytest.param((Action.APPLIED,), id="an apply"),
        pytest.param((Action.PRUNED,), id="a prune"),
        pytest.param((Action.HOOK,), id="a hook"),
        pytest.param((Action.APPLIED, Action.PRUNED, Action.HOOK), id="the whole step"),
    ],
)
async def test_what_a_killed_engine_did_is_told_by_the_next_one(done: tuple[Action, ...], tmp_path: Path) -> None:
    killed = Life(tmp_path)
    await killed.performing(operation(), STEP)
    assert await killed.ends() == [], "what is only meant is not on record"
    following = Life(tmp_path)
    for _ in range(2):
        await following.resumed(operation(), seen(*done))
    third = Life(tmp_path)
    await third.resumed(operation(), seen(*done))
    await third.ends()
    entries = await following.ends()
    assert sorted((e.action, e.object) for e in entries) == sorted((action, NAMES[action]) for action in done)
    assert all(e.message == CARRIED_OUT and e.revision == REVISION for e in entries)


async def test_what_was_recorded_is_told_once(tmp_path: Path) -> None:
    first = Life(tmp_path)
    await first.performing(operation(), STEP)
    await first.performed(operation())
    before = await first.ends()
    assert sorted((e.action, e.object) for e in before) == sorted(NAMES.items())
    following = Life(tmp_path)
    await following.resumed(operation(), seen(*NAMES))
    assert await following.ends() == before


async def test_what_was_begun_in_an_operation_that_is_no_more_is_told_as_such(tmp_path: Path) -> None:
    killed = Life(tmp_path)
    await killed.performing(operation(), STEP)
    await killed.ends()
    following = Life(tmp_path)
    await following.resumed(operation("2026-01-03T00:00:00Z"), seen())
    assert [e.message for e in await following.ends()] == [PERHAPS] * 3


async def test_a_dry_run_means_to_do_nothing(tmp_path: Path) -> None:
    killed = Life(tmp_path)
    await killed.started(operation())
    await killed.performing(operation(), msgspec.structs.replace(STEP, dry_run=True))
    before = await killed.ends()
    following = Life(tmp_path)
    await following.resumed(operation(), seen(*NAMES))
    assert await following.ends() == before


@pytest.mark.parametrize("gone", [True, False], ids=["was deleted", "is still there"])
async def test_what_a_killed_engine_deleted_of_an_application_is_told(gone: bool, tmp_path: Path) -> None:
    killed = Life(tmp_path)
    await killed.removing([OLD.key], [OLD.key])
    await killed.ends()
    following = Life(tmp_path)
    await following.removing([], [] if gone else [OLD.key])
    assert [(e.action, e.object) for e in await following.ends()] == [(Action.PRUNED, "/Secret/shop/old")] * gone


async def test_what_a_sync_had_begun_when_the_application_was_deleted_is_not_told_as_done(tmp_path: Path) -> None:
    killed = Life(tmp_path)
    await killed.performing(operation(), STEP)
    await killed.ends()
    following = Life(tmp_path)
    await following.removing([], [OLD.key])
    told = [(e.action, e.message) for e in await following.ends()]
    assert told == [(Action.APPLIED, PERHAPS), (Action.HOOK, PERHAPS)], "and what is still there was not pruned"


AUTOMATED = msgspec.structs.replace(
    state(), operation=Operation(initiated_by=OperationInitiator(automated=True)), started_at="2026-01-02T03:04:05Z"
)
OTHER_REVISION = msgspec.structs.replace(AUTOMATED, sync_result=SyncOperationResult(revision="f" * 40))


async def test_an_operation_is_known_as_begun_by_the_next_engine_until_it_ends(tmp_path: Path) -> None:
    first = Life(tmp_path)
    assert not await first.began(AUTOMATED), "a status says what anybody wrote there"
    await first.started(AUTOMATED)
    assert await first.began(AUTOMATED)
    await first.ends()
    following = Life(tmp_path)
    assert await following.began(AUTOMATED)
    await following.finished(AUTOMATED)
    assert not await following.began(AUTOMATED), "that one has ended"
    await following.ends()


def bringing(*manifests: str) -> OperationState:
    """An operation of a person that brings these."""
    operation = policy.marked_local(Operation(sync=SyncOperation(manifests=list(manifests))))
    return msgspec.structs.replace(AUTOMATED, operation=operation)


@pytest.mark.parametrize(
    ("first", "then", "swapped"),
    [
        pytest.param(bringing("a"), bringing("a"), False, id="the same"),
        pytest.param(bringing("a"), bringing("b"), True, id="others"),
        pytest.param(bringing("a"), bringing(), True, id="none any more"),
        pytest.param(bringing(), bringing("a"), True, id="some where there were none"),
        pytest.param(
            bringing("a"),
            msgspec.structs.replace(bringing("b"), operation=msgspec.structs.replace(
                bringing("b").operation, info=bringing("a").operation.info
            )),
            True,
            id="others under the note of the first",
        ),
    ],
)  # fmt: skip
async def test_what_a_running_operation_brings_stays_what_it_was(
    first: OperationState, then: OperationState, swapped: bool, tmp_path: Path
) -> None:
    life = Life(tmp_path)
    await life.started(first)
    assert await life.swapped(then) is swapped
    assert await life.began(then) is not swapped
    await life.ends()
    following = Life(tmp_path)
    assert await following.swapped(then) is swapped, "the next engine has it from the trail"
    await following.tell(Deleted())
    await following.ends()


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(msgspec.structs.replace(AUTOMATED, started_at="2026-01-02T03:04:06Z"), id="another start"),
        pytest.param(OTHER_REVISION, id="another revision"),
        pytest.param(
            msgspec.structs.replace(AUTOMATED, operation=policy.foreign(AUTOMATED.operation, "kubectl")),
            id="another author",
        ),
    ],
)
async def test_what_differs_from_the_record_was_not_begun_by_an_engine(forged: OperationState, tmp_path: Path) -> None:
    life = Life(tmp_path)
    await life.started(AUTOMATED)
    assert not await life.began(forged)
    await life.ends()


@pytest.mark.parametrize(
    ("managers", "ours"),
    [
        pytest.param(["trueup"], True, id="an engine alone"),
        pytest.param(["kubectl-patch"], False, id="somebody else"),
        pytest.param(["trueup", "kubectl-patch"], False, id="somebody else as well"),
        pytest.param([], False, id="nobody that is known"),
    ],
)
async def test_without_a_trail_an_operation_is_the_engines_where_nobody_else_wrote_it(
    managers: list[str], ours: bool, tmp_path: Path
) -> None:
    fields: dict[str, Any] = {"f:status": {"f:operationState": {"f:phase": {}}}}
    noted = [{"manager": each, "fieldsV1": fields, "time": "2026-01-02T03:04:05Z"} for each in managers]
    spec_too = {"manager": "kubectl-apply", "fieldsV1": {"f:spec": {}, "f:status": {"f:health": {}}}}
    body = {"metadata": {"managedFields": [spec_too, *noted]}}
    found = msgspec.structs.replace(stored().live, body=msgspec.json.encode(body))
    life = Life(tmp_path)
    assert await life.began(AUTOMATED, msgspec.structs.replace(stored(), live=found)) is ours
    await life.tell(Deleted())
    await life.ends()


async def test_a_claim_without_a_revision_is_told_once_and_with_the_one_it_was_given(tmp_path: Path) -> None:
    forged = msgspec.structs.replace(
        AUTOMATED,
        operation=policy.foreign(AUTOMATED.operation, "kubectl"),
        started_at="2099-01-02T03:04:05Z",
        sync_result=None,
    )
    life = Life(tmp_path)
    assert not await life.began(forged)
    await life.started(forged)
    given = pinned(stored(), forged, ["a" * 40])
    assert await life.began(given)
    (entry,) = history(stored().app, Status(), given)
    assert (entry.revision, entry.initiated_by) == ("a" * 40, OperationInitiator(username="automated"))
    assert pinned(stored(), OTHER_REVISION, ["a" * 40]) == OTHER_REVISION, "one that has it keeps it"
    await life.finished(given, "Healthy")
    told = [(each.action, each.why, each.by.standing, each.revision) for each in reversed(await life.ends())]
    claim = "claimed, written by kubectl"
    assert sorted(told) == [
        (Action.FINISHED, Why.MANUAL, claim, "a" * 40),
        (Action.STARTED, Why.MANUAL, claim, ""),
    ]

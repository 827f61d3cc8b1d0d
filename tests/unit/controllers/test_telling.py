"""One stream of changes, and what each reader makes of it; a second engine tells nothing again."""

from typing import Any

import msgspec
import pytest
from tests.support.logs import logged
from tests.support.plans import START, manifest, state
from tests.support.world import KEY, World, application, project

from trueup.controllers.telling.audit import standing
from trueup.controllers.telling.entries import entry_of
from trueup.controllers.telling.events import EventReader
from trueup.controllers.telling.log import LogReader
from trueup.controllers.telling.notes import NoteReader
from trueup.model.audit import Action, AuditRecord
from trueup.model.health import HealthCode
from trueup.model.progress import (
    Applied,
    Change,
    CommitSeen,
    ConditionBegan,
    ConditionEnded,
    Deleted,
    Drifted,
    Finished,
    Healed,
    HealthChanged,
    HookRan,
    Pruned,
    Resumed,
    Retried,
    RolledBack,
    Started,
    SyncOf,
    Told,
    VerdictChanged,
    Warned,
)
from trueup.model.status import OperationPhase

A = manifest("ConfigMap", "a")
SYNC = SyncOf(started_at="2026-01-02T03:04:05Z", revision="f" * 40)
ENDED = msgspec.structs.replace(state(), phase=OperationPhase.SUCCEEDED)
BROKEN = msgspec.structs.replace(state(), phase=OperationPhase.FAILED, message="no")
HEALTHY = str(HealthCode.HEALTHY)

# change → (entry's action, line of the log, Event's reason, whether there is a note)
READ: dict[str, tuple[Change, str, str, str, bool]] = {
    "a commit": (CommitSeen(repository="r", revision="f"), "seen-commit", "commit seen", "", False),
    "a rollback": (RolledBack(repository="r", revision="f", bad="b", good="g"), "rollback", "rollback seen", "", False),
    "a drift": (Drifted(key=A.key), "drifted", "drift seen", "", False),
    "another health": (HealthChanged(before="", after=HEALTHY), "health", "", "", False),
    "a beginning": (Started(state=state(), sync=SYNC), "sync-started", "operation started", "OperationStarted", False),
    "one that was found": (
        Started(state=state(), sync=SYNC, found=True), "sync-started", "operation started", "", False
    ),
    "an apply": (Applied(key=A.key, sync=SYNC, result="Synced"), "applied", "object done", "", False),
    "a refusal": (Applied(key=A.key, sync=SYNC, result="SyncFailed"), "applied", "object refused", "", False),
    "a heal": (Healed(key=A.key, sync=SYNC, result="Synced"), "healed", "object done", "", False),
    "a prune": (Pruned(key=A.key, sync=SYNC, result="Pruned"), "pruned", "object done", "", False),
    "a hook": (HookRan(key=A.key, sync=SYNC, result="Running"), "hook", "object done", "", False),
    "what another engine did": (
        Resumed(entry=AuditRecord(at="", action=Action.PRUNED)), "pruned", "object done", "", False
    ),
    "a good end": (
        Finished(state=ENDED, sync=SYNC, message="done"),
        "sync-finished", "operation finished", "OperationCompleted", True,
    ),
    "a bad end": (
        Finished(state=BROKEN, sync=SYNC, message="no"),
        "sync-finished", "operation finished", "OperationCompleted", False,
    ),
    "a deletion": (Deleted(), "deleted", "application deleted", "", False),
    "a verdict": (
        VerdictChanged(verdict="sync", before="", after="Synced"), "", "sync changed", "ResourceUpdated", False
    ),
    "a condition": (ConditionBegan(kind="SyncError", message="no"), "", "condition", "", False),
    "its end": (ConditionEnded(kind="SyncError"), "", "condition cleared", "", False),
    "another try": (Retried(attempt=2, message="no"), "", "operation retried", "", False),
    "a warning": (Warned(reason="DeletionError", message="no"), "", "", "DeletionError", False),
}  # fmt: skip


@pytest.mark.parametrize(("change", "action", "line", "event", "noted"), READ.values(), ids=READ)
async def test_what_each_reader_makes_of_a_change(
    change: Change, action: str, line: str, event: str, noted: bool
) -> None:
    world = World(app=application())
    stored = world.applications.get(KEY)
    assert stored is not None
    told = [Told(KEY, "2026-01-02T03:04:05.000000Z", change)]
    entry = entry_of(told[0])
    assert (str(entry.action) if entry else "") == action
    notes: list[Any] = []
    with logged() as lines:
        for reader in (LogReader(), EventReader(world, world.now), NoteReader(lambda *given: notes.append(given))):
            await reader.happened(stored, told)
            reader.recorded(stored, stored.live, told)
    assert [each["event"] for each in lines if not each["event"].endswith("progressed")] == ([line] if line else [])
    assert [reason for reason, _, _ in world.events] == ([event] if event else [])
    assert bool(notes) is noted


def test_every_change_is_in_the_table() -> None:
    assert {type(change) for change, *_ in READ.values()} == set(Change.__args__)


async def synced_world(**spec: Any) -> World:
    world = World(A, manifest("ConfigMap", "b"), app=application(**spec))
    await world.run(30)
    assert world.status()["sync"]["status"] == "Synced"
    return world


def actions(world: World) -> list[str]:
    return [str(entry.action) for entry in world.trail.entries]


async def test_a_sync_is_one_story_and_each_pass_writes_once() -> None:
    world = await synced_world()
    assert actions(world) == ["seen-commit", "health", "sync-started", "applied", "applied", "sync-finished"]
    assert [reason for reason, _, _ in world.events] == [
        "OperationStarted", "ResourceUpdated", "ResourceUpdated", "OperationCompleted", "ResourceUpdated"
    ]  # fmt: skip
    assert len(world.server.patches) == 2, "the intent, and the rest when the pass was over"


NOT_HEALING = {"syncPolicy": {"automated": {"selfHeal": False}}}


async def drifted_world(**spec: Any) -> World:
    world = await synced_world(**spec)
    found = world.cluster.objects[A.key]
    body = msgspec.json.encode({**found.object(), "data": {"colour": "red"}})
    world.cluster.objects[A.key] = msgspec.structs.replace(found, body=body, resource_version="9999")
    world.wake(KEY)
    return world


async def test_a_drift_is_told_once_whoever_looks() -> None:
    world = await drifted_world(**NOT_HEALING)
    await world.run(600)
    before = actions(world)
    assert before.count("drifted") == 1
    for _ in range(3):
        world.take_over()
        await world.run(600)
    assert actions(world) == before


async def test_a_heal_answers_its_drift_though_another_engine_told_it() -> None:
    world = await drifted_world(**NOT_HEALING)
    await world.run(600)
    world.take_over()
    world.edit({"spec": {"syncPolicy": {"automated": {"selfHeal": True}}}})
    await world.run(600)
    (drift,) = (entry for entry in world.trail.entries if entry.action is Action.DRIFTED)
    (heal,) = (entry for entry in world.trail.entries if entry.action is Action.HEALED)
    assert heal.links == (drift.id,)
    assert [(c.path, c.after, c.before) for c in heal.changes] == [(c.path, c.before, c.after) for c in drift.changes]


async def test_an_end_that_was_told_but_not_written_is_told_once() -> None:
    world = World(A, app=application())
    real = type(world.server).__call__

    class Interrupted(type(world.server)):  # type: ignore[misc]
        async def __call__(self, key: Any, patch: bytes) -> Any:
            wanted = msgspec.json.decode(patch)
            ends = (wanted.get("status", {}).get("operationState") or {}).get("phase") == "Succeeded"
            if ends and not hasattr(self, "killed"):
                self.killed = True
                raise KeyboardInterrupt
            return await real(self, key, patch)

    world.server.__class__ = Interrupted
    with pytest.raises(KeyboardInterrupt):
        await world.run(30)
    assert actions(world).count("sync-finished") == 1 and world.status()["operationState"]["phase"] == "Running"
    world.take_over()
    await world.run(30)
    assert world.status()["operationState"]["phase"] == "Succeeded"
    told = actions(world)
    assert [told.count(each) for each in ("seen-commit", "sync-started", "sync-finished", "applied")] == [1, 1, 1, 1]


def test_how_things_stand_is_what_nothing_later_replaces() -> None:
    def entry(number: int, action: Action, thing: str = "", repository: str = "") -> AuditRecord:
        return AuditRecord(id=number, at="", action=action, object=thing, repository=repository)

    told = [
        entry(1, Action.COMMIT, repository="x"),
        entry(2, Action.DRIFTED, "a"),
        entry(3, Action.DRIFTED, "b"),
        entry(4, Action.COMMIT, repository="y"),
        entry(5, Action.HEALED, "a"),
        entry(6, Action.COMMIT, repository="x"),
        entry(7, Action.FINISHED),
        entry(8, Action.HEALTH),
    ]
    assert [each.id for each in standing(told[::-1])] == [8, 6, 4, 3]


async def test_what_becomes_of_an_application_takes_the_time_of_its_change() -> None:
    world = await synced_world()
    assert {entry.at for entry in world.trail.entries} == {START.strftime("%Y-%m-%dT%H:%M:%S.000000Z")}


async def test_an_entry_names_the_project_of_its_time() -> None:
    world = await drifted_world(**NOT_HEALING)
    await world.run(600)
    before = len(world.trail.entries)
    world.server.put(project("other"))
    world.edit({"spec": {"project": "other"}})
    world.edit({"spec": {"syncPolicy": {"automated": {"selfHeal": True}}}})
    await world.run(600)
    assert {entry.project for entry in world.trail.entries[:before]} == {"default"}
    assert {entry.project for entry in world.trail.entries[before:]} == {"other"}


def test_what_was_meant_in_one_project_is_told_of_that_one() -> None:
    meant = Resumed(entry=AuditRecord(at="", action=Action.PRUNED, project="before"))
    for change, named in ((meant, "before"), (Deleted(), "now")):
        entry = entry_of(Told(KEY, "2026-01-02T03:04:05.000000Z", change, "now"))
        assert entry is not None
        assert entry.project == named

"""Self-heal: at once, unless the same drift comes back soon after its heal."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import msgspec
import pytest

from kubegrammar.time import format_time
from trueup.model.application import Application, Operation, SyncOperation
from trueup.model.comparison import ComparedResource, Comparison
from trueup.model.fields import NameValue
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.resource import ResourceKey
from trueup.model.status import OperationPhase, OperationState, Status, SyncCode, SyncOperationResult
from trueup.policy import LOOP, Decision, Drift, HealSettings, automatic_sync
from trueup.policy.heal import HEALS, MOST_HEALS

BEGIN = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
REVISION = "b" * 40
DEFAULTS = HealSettings()


class Builder(Protocol):
    def app(self, **spec: Any) -> Application: ...


def key(name: str) -> ResourceKey:
    return ResourceKey("apps", "Deployment", "shop", name)


def resource(name: str) -> ComparedResource:
    return ComparedResource(
        key=key(name),
        target=Manifest(key=key(name), api_version="apps/v1", body=b"{}", digest="d"),
        live=LiveObject(key=key(name), api_version="apps/v1", uid="u", resource_version="1", body=b"{}"),
        status=SyncCode.OUT_OF_SYNC,
    )


class Story:
    """An application whose objects drift: each drift is (object, field, manager). What is decided is carried out."""

    def __init__(self, app: Application, settings: HealSettings = DEFAULTS) -> None:
        self.app, self.settings, self.now = app, settings, 0.0
        self.state = self._state(Operation(sync=SyncOperation(revision=REVISION)), OperationPhase.SUCCEEDED)
        self.now = 1000.0

    def decide(self, *drifts: tuple[str, str, str]) -> Decision:
        told = {name: Drift(key=key(name), fields=(field,), manager=by) for name, field, by in drifts}
        seen = Comparison(
            status=SyncCode.OUT_OF_SYNC, resources=tuple(map(resource, told)), revisions=(REVISION,), source_types=()
        )
        now = BEGIN + timedelta(seconds=self.now)
        status = Status(operation_state=self.state)
        return automatic_sync(
            self.app, status, seen, now, heal=self.settings, drift_of=lambda found: told[found.key.name]
        )

    def heal(self, *drifts: tuple[str, str, str], phase: OperationPhase = OperationPhase.SUCCEEDED) -> float:
        """Wait until something is healed; returns how long that took."""
        waited = 0.0
        while (decision := self.decide(*drifts)).operation is None:
            assert 0 < decision.again < 1000, decision
            self.now += decision.again
            waited += decision.again
        self.state = self._state(decision.operation, phase)
        return waited

    def healed(self) -> list[str]:
        """What the last operation healed."""
        assert self.state.operation.sync
        return [entry.name for entry in self.state.operation.sync.resources]

    def _state(self, operation: Operation, phase: OperationPhase) -> OperationState:
        at = format_time(BEGIN + timedelta(seconds=self.now))
        result = SyncOperationResult(revision=REVISION, source=self.app.spec.source)
        return OperationState(
            operation=operation, phase=phase, message="refused", sync_result=result, started_at=at, finished_at=at
        )


@pytest.fixture
def story(build: Builder) -> Story:
    return Story(build.app(syncPolicy={"automated": {"selfHeal": True}}))


REPLICAS = ("web", "spec.replicas", "kube-controller-manager")
EDIT = ("web", "spec.replicas", "kubectl-edit")

AT_ONCE: dict[str, tuple[float, Iterable[tuple[str, str, str]]]] = {
    "other objects, one after the other": (1.0, [(f"web{n}", "spec.replicas", "kubectl-edit") for n in range(9)]),
    "other fields of one object": (1.0, [("web", f"spec.field{n}", "kubectl-edit") for n in range(9)]),
    "one field that a person edits now and then": (9.0, [EDIT] * 9),
    "one field that a program writes now and then": (40.0, [REPLICAS] * 9),
    "an object that is deleted again and again": (9.0, [("web", "", "")] * 9),
}


@pytest.mark.parametrize("rule", AT_ONCE)
def test_separate_drifts_are_healed_at_once_however_many_there_were(story: Story, rule: str) -> None:
    apart, drifts = AT_ONCE[rule]
    for drift in drifts:
        decision = story.decide(drift)
        assert decision.warnings == ()
        assert story.heal(drift) == 0
        story.now += apart


@pytest.mark.parametrize("drift", [REPLICAS, EDIT], ids=["by a program", "by a loop of kubectl"])
def test_the_same_drift_soon_after_its_heal_waits_2_times_3_to_the_n_minus_1_capped(
    story: Story, drift: tuple[str, str, str]
) -> None:
    assert [story.heal(drift) for _ in range(9)] == [0, 2, 6, 18, 54, 162, 300, 300, 300]
    assert story.state.operation.sync and story.state.operation.sync.auto_heal_attempts_count == 9


def test_a_loop_is_told_with_its_fields_and_the_manager_that_causes_it(story: Story) -> None:
    for _ in range(3):
        story.heal(REPLICAS)
    decision = story.decide(REPLICAS)
    assert decision.operation is None and decision.again == 18
    [(kind, message)] = decision.warnings
    assert kind == LOOP
    assert "Deployment/web: kube-controller-manager changes spec.replicas back" in message
    assert "3 in a row" in message and "spec.ignoreDifferences" in message
    story.now += 5
    assert story.decide(REPLICAS).warnings == decision.warnings, "the same words while it waits: no write a second"


def test_another_drift_is_healed_at_once_while_a_loop_waits(story: Story) -> None:
    for _ in range(5):
        story.heal(REPLICAS)
    story.now += 5
    assert story.heal(REPLICAS, ("db", "spec.image", "kubectl-edit")) == 0
    assert story.healed() == ["db"]
    assert story.heal(REPLICAS) == 162 - 5, "the loop's count is kept meanwhile"


def test_two_objects_that_take_turns_are_two_loops(story: Story) -> None:
    waits = [story.heal((name, "spec.replicas", "operator")) for _ in range(3) for name in ("a", "b")]
    assert waits == [0, 0, 2, 0, 6, 0], "each waits by its own count"


def test_the_count_begins_anew_after_a_quiet_time(story: Story) -> None:
    for _ in range(8):
        story.heal(REPLICAS)
    story.now += 331
    assert story.heal(REPLICAS) == 0
    assert story.state.operation.sync and story.state.operation.sync.auto_heal_attempts_count == 1


def test_a_fixed_wait_from_the_last_operation_replaces_the_backoff(build: Builder) -> None:
    app = build.app(syncPolicy={"automated": {"selfHeal": True}})
    story = Story(app, HealSettings(first=0, fixed=5))
    assert [story.heal(REPLICAS), story.heal(REPLICAS), story.heal(EDIT)] == [0, 5, 5]


def test_a_heal_that_failed_is_tried_again_ever_more_seldom_and_holds_up_nothing_else(story: Story) -> None:
    failed = OperationPhase.FAILED
    assert [story.heal(EDIT, phase=failed) for _ in range(4)] == [0, 2, 6, 18]
    decision = story.decide(EDIT)
    assert decision.condition and decision.condition[0] == "SyncError" and "refused" in decision.condition[1]
    assert story.heal(EDIT, ("db", "spec.image", "kubectl-edit")) == 0
    assert story.healed() == ["db"]


def test_a_thousand_objects_that_drift_at_once_again_and_again_wait_too(story: Story) -> None:
    drifts = [(f"web{n}", "spec.replicas", "operator") for n in range(MOST_HEALS + 50)]
    waits = [story.heal(*drifts) for _ in range(4)]
    assert waits == [0, 2, 6, 18]
    info = next(entry for entry in story.state.operation.info if entry.name == HEALS)
    assert len(info.value) < 8000


def test_what_somebody_else_wrote_into_the_counts_is_passed_over(story: Story) -> None:
    info = [msgspec.convert({"name": HEALS, "value": "x :: a:b:c 1:1:yesterday :3:" + "9" * 400}, NameValue)]
    operation = msgspec.structs.replace(story.state.operation, info=info)
    story.state = msgspec.structs.replace(story.state, operation=operation)
    assert story.heal(REPLICAS) == 0


@pytest.mark.parametrize("count", [1, 3, 10_000])
def test_no_wait_is_longer_than_the_cap(count: int) -> None:
    assert HealSettings().wait(count) <= 300

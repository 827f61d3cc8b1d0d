"""Pruning that automation holds back, and what ends it."""

import pytest
from tests.unit.policy.test_automatic import Builder, automated, compared, decide, ended, extra, resource

from trueup.model.application import Operation, SyncOperation, SyncOperationResource
from trueup.model.fields import NameValue
from trueup.model.status import OperationPhase, OperationState, Status
from trueup.policy.pruning import NOTE, noted, noting, withheld, withheld_message

SEEN = compared(resource("web"), extra("old"))
OLD = "apps/Deployment shop/old"
MANY = [f"ConfigMap shop/c{number}" for number in range(300)]


def after(*left: str, sync: SyncOperation = SyncOperation()) -> Status:  # noqa: B008
    operation = noting(Operation(sync=sync), left)
    return Status(operation_state=OperationState(operation=operation, phase=OperationPhase.SUCCEEDED, started_at=""))


@pytest.mark.parametrize(
    ("status", "unread", "held"),
    [
        pytest.param(Status(), (), (), id="what was synced last is known"),
        pytest.param(Status(), ("1" * 40,), (OLD,), id="it is not to be had"),
        pytest.param(after(OLD), (), (OLD,), id="the last operation left the object"),
        pytest.param(after("ConfigMap shop/x"), (), (), id="it left another, which is gone"),
        pytest.param(after(*MANY), (), (OLD,), id="it left more than are noted"),
    ],
)
def test_what_is_held(status: Status, unread: tuple[str, ...], held: tuple[str, ...]) -> None:
    assert withheld(status, SEEN, unread) == held


@pytest.mark.parametrize(
    ("sync", "passes_on"),
    [
        pytest.param(SyncOperation(prune=True), False, id="a sync of everything with pruning ends it"),
        pytest.param(SyncOperation(), True, id="one without pruning does not"),
        pytest.param(SyncOperation(prune=True, dry_run=True), True, id="nor one that is only tried"),
        pytest.param(
            SyncOperation(prune=True, resources=[SyncOperationResource(kind="A", name="a")]),
            True,
            id="nor a part of it",
        ),
    ],
)
def test_what_ends_it(sync: SyncOperation, passes_on: bool) -> None:
    assert noted(after(OLD, sync=sync)) == (frozenset({OLD}) if passes_on else frozenset())


def test_a_note_replaces_the_former_and_keeps_the_others() -> None:
    before = Operation(
        sync=SyncOperation(), info=[NameValue(name="Reason", value="x"), NameValue(name=NOTE, value="y")]
    )
    assert [(note.name, note.value) for note in noting(before, [OLD]).info] == [("Reason", "x"), (NOTE, OLD)]
    assert len(noting(before, MANY).info[-1].value) < 10_000


def test_automation_applies_without_pruning_what_is_held(build: Builder) -> None:
    app = build.app(**automated(prune=True, selfHeal=True))
    made = decide(app, seen=SEEN, prunes=False).operation
    assert made is not None and made.sync is not None and not made.sync.prune
    assert decide(app, seen=compared(extra("old")), prunes=False).operation is None
    healed = decide(app, ended(app), SEEN, prunes=False).operation
    assert healed is not None and healed.sync is not None and not healed.sync.prune
    assert [one.name for one in healed.sync.resources] == ["web"]


def test_the_message_says_what_and_why_and_what_to_do(build: Builder) -> None:
    app = build.app(**automated(prune=True))
    message = withheld_message(app, MANY, ["1" * 40])
    assert MANY[0] in message and "and 295 more" in message and "1" * 40 in message and "--prune" in message
    assert withheld_message(app, (), ["1" * 40]) == ""
    assert withheld_message(build.app(**automated(prune=False)), MANY, []) == ""
    assert withheld_message(build.app(), MANY, []) == ""

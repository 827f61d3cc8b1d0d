"""Who did something: what was said of it is a claim, beside what is proved."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from trueup import policy
from trueup.controllers.begin import initiated, refused
from trueup.controllers.entries import asked_by, author_of, written_by
from trueup.controllers.telling.entries import ENGINE
from trueup.model.annotations import TRACKING_ID
from trueup.model.application import Application, NameValue, Operation, OperationInitiator, SyncOperation
from trueup.model.audit import Action, Actor, AuditRecord, Why
from trueup.model.live import LiveObject
from trueup.model.resource import ResourceKey
from trueup.model.status import OperationPhase, OperationState, Status
from trueup.observe.sharing import marked
from trueup.sources.commit import CommitInfo
from trueup.store.applications import StoredApplication
from trueup.store.audit.story import story
from trueup.store.status import history

NOW = datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC)


def state(operation: Operation) -> OperationState:
    return OperationState(operation=operation, phase=OperationPhase.RUNNING, started_at="2026-01-02T03:04:05Z")


def live(*fields: tuple[str, str, str]) -> LiveObject:
    managed = [{"manager": who, "time": when, "fieldsV1": {f"f:{what}": {}}} for who, when, what in fields]
    body = msgspec.json.encode({"metadata": {"managedFields": managed}})
    key = ResourceKey("argoproj.io", "Application", "argocd", "web")
    return LiveObject(key=key, api_version="argoproj.io/v1alpha1", uid="", resource_version="1", body=body)


def test_what_the_engine_begins_is_its_own() -> None:
    operation = Operation(initiated_by=OperationInitiator(automated=True))
    assert asked_by(state(operation)) == ENGINE
    assert history(Application(), Status(), state(operation))[0].initiated_by == operation.initiated_by
    assert initiated(state(operation)) == "automated sync"


@pytest.mark.parametrize("by", [OperationInitiator(username="root"), OperationInitiator(automated=True)])
def test_what_an_operation_says_is_a_claim(by: OperationInitiator) -> None:
    forged = [NameValue(name=policy.CLAIM_NOTE, value="argocd-application-controller")]
    operation = policy.foreign(Operation(initiated_by=by, info=forged), "kubectl-patch")
    actor = asked_by(state(operation))
    assert actor == Actor(name=by.username or "automated", kind="user", manager="kubectl-patch")
    assert actor.standing == "claimed, written by kubectl-patch"
    (entry,) = history(Application(), Status(), state(operation))
    assert entry.initiated_by == OperationInitiator(username=by.username or "automated")
    assert initiated(state(operation)) == f"{by.username or 'automated'} initiated sync"


def test_the_writer_of_an_operation_is_what_the_api_server_recorded() -> None:
    early, late = "2026-01-02T03:04:05Z", "2026-01-02T03:04:06Z"
    found = live(("a", early, "operation"), ("b", late, "operation"), ("c", late, "spec"))
    assert written_by(found, "operation") == "b"
    assert written_by(live(), "operation") == "unknown"
    assert written_by(found, "status", "operationState") == "unknown"
    assert written_by(live(("a", early, "status")), "status", "operationState") == "a"


def test_an_author_is_who_a_commit_says() -> None:
    info = CommitInfo("Ada <ada@x>", datetime(2026, 1, 2, tzinfo=UTC), "m", "SHA256:k")
    assert author_of(info).standing == "signature by SHA256:k not verified"
    assert author_of(msgspec.structs.replace(info, verified=True)).standing == "signed by SHA256:k"
    assert author_of(msgspec.structs.replace(info, signer="")).standing == "unsigned"
    assert author_of(None) == Actor()


def test_the_story_tells_claims_as_such_and_old_entries_as_before() -> None:
    def line(action: Action, by: Actor, message: str = "") -> str:
        why = Why.MANUAL if action is Action.STARTED else Why.POLL
        entry = AuditRecord(
            at="2026-01-02T03:04:05.000000Z", action=action, by=by, why=why, revision="0123456789", message=message
        )
        return story([entry])[0].text

    editor = Actor("trueup", "manager")
    assert editor.standing == "claimed" and Actor(kind="manager").standing == ""
    entry = AuditRecord(at="2026-01-02T03:04:05.000000Z", action=Action.DRIFTED, by=editor, object="/ConfigMap/ns/a")
    assert "was changed by trueup (claimed): " in story([entry])[0].text
    ada = Actor("Ada <a@x>", "author")
    assert line(Action.COMMIT, ada, message="Three") == "Ada <a@x> committed 01234567 “Three” (seen by poll, unsigned)"
    user = Actor("ada", "user", manager="curl")
    started = "sync to 01234567 started (manual, by ada (claimed, written by curl))"
    assert line(Action.STARTED, user) == started
    assert line(Action.STARTED, Actor("trueup", "engine")) == "sync to 01234567 started (manual, by trueup)"
    refused = AuditRecord(
        at="2026-01-02T03:04:05.000000Z", action=Action.FINISHED, by=user, result="Error", message="no"
    )
    assert story([refused])[0].text == "sync Error: no", "it had no revision"
    sent = msgspec.structs.replace(refused, action=Action.STARTED, why=Why.LOCAL, message="2 manifests")
    told = "sync of local manifests started (local, by ada (claimed, written by curl)): 2 manifests"
    assert story([sent])[0].text == told
    done = msgspec.structs.replace(refused, why=Why.LOCAL, result="Succeeded", message="Healthy")
    assert story([done])[0].text == "sync of local manifests succeeded"
    old = msgspec.json.decode(b'{"name":"Ada","signer":"SHA256:k"}', type=Actor)
    assert line(Action.COMMIT, old, message="x") == "Ada committed 01234567 “x” (seen by poll, signed by SHA256:k)"


@pytest.mark.parametrize("fault", ["", ".operation.sync: expected an object"], ids=["cannot start", "cannot be read"])
def test_an_operation_that_is_refused_before_its_start_is_a_claim_too(fault: str) -> None:
    automated = Operation(initiated_by=OperationInitiator(automated=True), sync=SyncOperation(revision="--x"))
    stored = StoredApplication(
        key="argocd/web",
        live=live(("kubectl-patch", "2026-01-02T03:04:05Z", "operation")),
        app=Application(operation=None if fault else automated),
        status=Status(),
        raw_status={},
        operation_fault=fault,
    )
    ended = refused(stored, None, "no such revision", NOW)
    assert ended is not None and ended.phase is OperationPhase.ERROR
    assert asked_by(ended) == Actor(name="" if fault else "automated", kind="user", manager="kubectl-patch")
    own = state(Operation(initiated_by=OperationInitiator(automated=True)))
    went = refused(stored, own, "the project is gone", NOW)
    assert went is not None and asked_by(went) == ENGINE, "one that runs is told as it began"
    idle = msgspec.structs.replace(stored, app=Application(), operation_fault="")
    assert refused(idle, None, "nothing to refuse", NOW) is None


@pytest.mark.parametrize(
    ("managers", "believed"),
    [
        (["argocd-controller"], True),
        (["kubectl-edit"], False),
        (["kubectl-edit", "argocd-controller"], True),
        ([], False),
    ],
)
def test_a_mark_is_of_an_apply_where_an_engine_wrote_it(managers: list[str], believed: bool) -> None:
    mark: dict[str, Any] = {"f:metadata": {"f:annotations": {f"f:{TRACKING_ID}": {}}}}
    data = {"manager": "argocd-controller", "fieldsV1": {"f:data": {"f:a": {}}}}
    noted = [{"manager": each, "fieldsV1": mark} for each in managers]
    body = msgspec.json.encode({"metadata": {"managedFields": [data, *noted]}})
    assert marked(msgspec.structs.replace(live(), body=body)) is believed

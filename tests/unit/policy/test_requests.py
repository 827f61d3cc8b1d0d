"""Every request: whether it may be carried out as things stand, and what is asked of the engine then."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from trueup.model.annotations import RESOURCES_FINALIZER as FOREGROUND
from trueup.model.annotations import RESOURCES_FINALIZER_BACKGROUND as BACKGROUND
from trueup.model.annotations import RESOURCES_FINALIZER_FOREGROUND as OLD
from trueup.model.application import Application, Operation
from trueup.model.errors import InvalidSpec
from trueup.model.project import Project
from trueup.model.status import RevisionHistory, Status
from trueup.policy.requests import (
    Cascade,
    Ending,
    Refusal,
    RequestRefused,
    admit_rollback,
    admit_sync,
    finalizers,
    rollback_to,
    termination,
)

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
AUTOMATED: dict[str, Any] = {"syncPolicy": {"automated": {}}}
OFF: dict[str, Any] = {"syncPolicy": {"automated": {"enabled": False}}}
TWO: dict[str, Any] = {
    "source": None,
    "sources": [{"repoURL": "https://git.example.com/a", "targetRevision": each} for each in ("v1", "")],
}
ANYTHING: dict[str, Any] = {"sourceRepos": ["*"]}
DENY = {"kind": "deny", "applications": ["*"], "schedule": "0 11 * * *", "duration": "2h"}
LEAVING: dict[str, Any] = {"deletionTimestamp": "2026-05-04T11:00:00Z"}


def app(spec: dict[str, Any] | None = None, operation: Any = None, **metadata: Any) -> Application:
    source = {"repoURL": "https://git.example.com/a", "path": "x", "targetRevision": "main"}
    body = {"metadata": {"name": "web", **metadata}, "spec": {"source": source} | (spec or {}), "operation": operation}
    return msgspec.convert(body, Application)


def status(phase: str = "") -> Status:
    state = {"operation": {}, "phase": phase, "startedAt": "2026-05-04T11:00:00Z"}
    return msgspec.convert({"operationState": state} if phase else {}, Status)


def project(spec: dict[str, Any] | None = None) -> Project:
    return msgspec.convert({"metadata": {"name": "shop"}, "spec": spec or ANYTHING}, Project)


def windows(**fields: Any) -> Project:
    return project({"syncWindows": [{**DENY, **fields}]})


Case = tuple[Application, Status, Project | None, dict[str, Any]]
SYNCS: dict[str, Case] = {
    "an application at rest": (app(), status(), project(), {}),
    "after an operation that failed": (app(), status("Failed"), project(), {}),
    "an application on demand goes to any revision": (app(), status(), project(), {"revision": "v1"}),
    "automation that is switched off is none": (app(OFF), status(), project(), {"revision": "v1"}),
    "no revision is the declared one": (app(AUTOMATED), status(), project(), {}),
    "the declared revision by its name": (app(AUTOMATED), status(), project(), {"revision": "main"}),
    "HEAD is what is declared where nothing is": (
        app(AUTOMATED | TWO), status(), project(), {"revisions": ["", "HEAD"]},
    ),
    "a dry run of another revision changes nothing": (
        app(AUTOMATED), status(), project(), {"revision": "v1", "dryRun": True},
    ),
    "a revision for each source": (app(TWO), status(), project(), {"revisions": ["v2", "v3"]}),
    "a project that cannot be read is for the engine to judge": (app(), status(), None, {}),
    "manifests where any repository is permitted": (app(), status(), project(), {"manifests": ["{}"]}),
    "a window that lets syncs by hand pass": (app(), status(), windows(manualSync=True), {}),
    "a window that is not open": (app(), status(), windows(schedule="0 20 * * *"), {}),
    "a window for other applications": (app(), status(), windows(applications=["other"]), {}),
}  # fmt: skip
REFUSED_SYNCS: dict[str, tuple[Case, Refusal, str]] = {
    "one that is being deleted": (
        (app(**LEAVING), status(), project(), {}), Refusal.DELETING, "application 'web' is deleting",
    ),
    "while an operation runs": (
        (app(), status("Running"), project(), {}), Refusal.IN_PROGRESS, "another operation is already in progress",
    ),
    "while one is being ended": (
        (app(), status("Terminating"), project(), {}), Refusal.IN_PROGRESS, "another operation is already in progress",
    ),
    "while one is asked for": (
        (app(operation={"sync": {}}), status("Succeeded"), project(), {}),
        Refusal.IN_PROGRESS,
        "another operation is already in progress",
    ),
    "automation would go back to what is declared": (
        (app(AUTOMATED), status(), project(), {"revision": "other"}),
        Refusal.AUTOMATED_REVISION,
        "cannot sync to other: auto-sync currently set to main",
    ),
    "the same name in another case is another revision": (
        (app(AUTOMATED), status(), project(), {"revision": "Main"}), Refusal.AUTOMATED_REVISION, "cannot sync to Main",
    ),
    "automation is asked about each source": (
        (app(AUTOMATED | TWO), status(), project(), {"revisions": ["v1", "v3"]}),
        Refusal.AUTOMATED_REVISION,
        "cannot sync to v3: auto-sync currently set to v1, HEAD",
    ),
    "one revision for several sources": (
        (app(TWO), status(), project(), {"revision": "v2"}), Refusal.REVISIONS, "2 sources, and one revision is of one",
    ),
    "more revisions than sources": (
        (app(), status(), project(), {"revisions": ["a", "b"]}), Refusal.REVISIONS, "2 revisions for 1 source of",
    ),
    "in a deny window, with its end": (
        (app(), status(), windows(), {}),
        Refusal.WINDOW,
        "blocked by a sync window of project shop; the windows change next at 2026-05-04T13:00:00Z",
    ),
    "outside of an allow window": (
        (app(), status(), windows(kind="allow", schedule="0 20 * * *"), {}), Refusal.WINDOW, "2026-05-04T20:00:00Z",
    ),
    "a window that cannot be read": (
        (app(), status(), windows(schedule="soon"), {}),
        Refusal.WINDOW_FAULT,
        "project shop: spec.syncWindows[0].schedule",
    ),
}  # fmt: skip
ROLLBACKS: dict[str, tuple[Application, Status, Project | None, Refusal | None]] = {
    "an application at rest": (app(), status("Succeeded"), project(), None),
    "after an operation that failed": (app(), status("Error"), project(), None),
    "automation that is switched off is none": (app(OFF), status(), project(), None),
    "automation would undo it": (app(AUTOMATED), status(), project(), Refusal.AUTOMATED_ROLLBACK),
    "while an operation runs": (app(), status("Running"), project(), Refusal.IN_PROGRESS),
    "while one is asked for": (app(operation={}), status(), project(), Refusal.IN_PROGRESS),
    "one that is being deleted": (app(**LEAVING), status(), project(), Refusal.DELETING),
    "a window denies it": (app(), status(), windows(), Refusal.WINDOW),
    "no project can be read": (app(), status(), None, None),
}


def syncing(case: Case) -> None:
    given, stands, of, sync = case
    admit_sync(given, stands, of, msgspec.convert({"sync": sync}, Operation), NOON)


@pytest.mark.parametrize("rule", SYNCS)
def test_a_sync_is_admitted(rule: str) -> None:
    syncing(SYNCS[rule])


@pytest.mark.parametrize("rule", REFUSED_SYNCS)
def test_a_sync_is_refused(rule: str) -> None:
    case, refusal, message = REFUSED_SYNCS[rule]
    with pytest.raises(RequestRefused) as caught:
        syncing(case)
    assert (caught.value.refusal, caught.value.reason) == (refusal, str(refusal))
    assert message in caught.value.message and caught.value.hint


def test_manifests_that_a_project_does_not_take_are_refused_before_they_are_written() -> None:
    named = project({"sourceRepos": ["https://git.example.com/a"]})
    with pytest.raises(InvalidSpec, match="manifests from a person's machine are not permitted in project 'shop'"):
        syncing((app(), status(), named, {"manifests": ["{}"]}))


@pytest.mark.parametrize("rule", ROLLBACKS)
def test_whether_a_rollback_may_be(rule: str) -> None:
    given, stands, of, refusal = ROLLBACKS[rule]
    if refusal is None:
        admit_rollback(given, stands, of, NOON)
        return
    with pytest.raises(RequestRefused) as caught:
        admit_rollback(given, stands, of, NOON)
    assert caught.value.refusal is refusal and caught.value.hint


SOURCE = {"repoURL": "https://git.example.com/a", "path": "x"}
DEPLOYMENTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "one source": ({"revision": "a1", "source": SOURCE}, {"revision": "a1", "source": SOURCE}),
    "several": (
        {"revisions": ["a1", "b2"], "sources": [SOURCE, SOURCE]},
        {"revisions": ["a1", "b2"], "sources": [SOURCE, SOURCE]},
    ),
}


@pytest.mark.parametrize(("recorded", "asked"), DEPLOYMENTS.values(), ids=DEPLOYMENTS.keys())
def test_a_rollback_syncs_to_what_was_recorded_without_hooks(recorded: dict[str, Any], asked: dict[str, Any]) -> None:
    deployment = msgspec.convert({"id": 3, "deployedAt": "2026-03-01T10:00:00Z", **recorded}, RevisionHistory)
    found = msgspec.to_builtins(rollback_to(app(), deployment, prune=True, username="ada"))
    assert found == {
        "sync": {"syncStrategy": {"apply": {}}, "prune": True, **asked},
        "initiatedBy": {"username": "ada"},
    }


def test_a_deployment_without_a_source_is_no_place_to_go_back_to() -> None:
    deployment = RevisionHistory(id=0, deployed_at="2026-03-01T10:00:00Z", revision="a1")
    with pytest.raises(RequestRefused, match=r"deployment 0 .* has no source on record") as caught:
        rollback_to(app(), deployment, prune=False, username="ada")
    assert caught.value.refusal is Refusal.NO_SOURCE


ENDINGS: dict[str, tuple[Status, bool, Ending | None]] = {
    "one that runs is ended by the engine": (status("Running"), False, Ending.TERMINATED),
    "and so is one that is being ended": (status("Terminating"), True, Ending.TERMINATED),
    "one that nobody has taken up is taken back": (status("Succeeded"), True, Ending.TAKEN_BACK),
    "and so is the first": (status(), True, Ending.TAKEN_BACK),
    "there is none": (status("Succeeded"), False, None),
}


@pytest.mark.parametrize(("stands", "asked", "ending"), ENDINGS.values(), ids=ENDINGS.keys())
def test_how_an_operation_is_ended(stands: Status, asked: bool, ending: Ending | None) -> None:
    if ending is not None:
        assert termination(app(), stands, asked=asked) is ending
        return
    with pytest.raises(RequestRefused, match="No operation is in progress") as caught:
        termination(app(), stands, asked=asked)
    assert caught.value.refusal is Refusal.IDLE


FINALIZERS: dict[str, tuple[list[str], Cascade, bool, list[str] | None]] = {
    "objects go first": ([], "foreground", False, [FOREGROUND]),
    "or in the background": ([], "background", False, [BACKGROUND]),
    "or stay": ([FOREGROUND, BACKGROUND, OLD], "none", False, []),
    "one way takes the place of another": ([OLD], "background", False, [BACKGROUND]),
    "those of others stay": (["example.com/x", FOREGROUND], "foreground", False, ["example.com/x", FOREGROUND]),
    "and are first": ([FOREGROUND, "example.com/x"], "none", False, ["example.com/x"]),
    "a deletion that goes on goes on as it began": ([OLD], "background", True, [OLD]),
    "a deletion that goes on can be told to leave the objects": ([FOREGROUND, "a.com/x"], "none", True, ["a.com/x"]),
    "but not any more to delete them": (["example.com/x"], "foreground", True, None),
}  # fmt: skip


@pytest.mark.parametrize(("has", "cascade", "leaving", "kept"), FINALIZERS.values(), ids=FINALIZERS.keys())
def test_what_becomes_of_the_objects(has: list[str], cascade: Cascade, leaving: bool, kept: list[str] | None) -> None:
    given = app(finalizers=has, **(LEAVING if leaving else {}))
    if kept is not None:
        assert finalizers(given, cascade) == kept
        return
    with pytest.raises(RequestRefused, match="is being deleted without its objects") as caught:
        finalizers(given, cascade)
    assert caught.value.refusal is Refusal.DELETING

"""When an application is synced by itself (feature inventory 1.3; rules 9, 10, 12 and 13 of section 3; section 4)."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import msgspec
import pytest

from kubegrammar.time import format_time
from trueup.model.application import Application, NamespaceMetadata, Operation, Retry, SyncOperation
from trueup.model.comparison import ComparedResource, Comparison
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.resource import ResourceKey
from trueup.model.status import OperationPhase, OperationState, Status, SyncCode, SyncOperationResult
from trueup.policy import Decision, automatic_sync, retry_for

NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
OLD, NEW = "a" * 40, "b" * 40
SYNCED, OUT, UNKNOWN = SyncCode.SYNCED, SyncCode.OUT_OF_SYNC, SyncCode.UNKNOWN


class Builder(Protocol):
    def app(self, **spec: Any) -> Application: ...


def resource(name: str, status: SyncCode = OUT, *, target: bool = True, live: bool = True) -> ComparedResource:
    key = ResourceKey("apps", "Deployment", "shop", name)
    return ComparedResource(
        key=key,
        target=Manifest(key=key, api_version="apps/v1", body=b"{}", digest="d") if target else None,
        live=LiveObject(key=key, api_version="apps/v1", uid="u", resource_version="1", body=b"{}") if live else None,
        status=status,
        requires_pruning=not target,
    )


def extra(name: str) -> ComparedResource:
    return resource(name, target=False)


def compared(*resources: ComparedResource, revision: str = NEW, status: SyncCode = OUT) -> Comparison:
    return Comparison(status=status, resources=resources, revisions=(revision,))


DRIFTED = compared(resource("web"), resource("db", SYNCED))


def automated(**fields: Any) -> dict[str, Any]:
    return {"syncPolicy": {"automated": fields}}


def ended(
    app: Application,
    *,
    revision: str = NEW,
    phase: OperationPhase = OperationPhase.SUCCEEDED,
    ago: float = 3600.0,
    heals: int = 0,
    dry_run: bool = False,
) -> Status:
    sync = SyncOperation(revision=revision, auto_heal_attempts_count=heals, dry_run=dry_run)
    state = OperationState(
        operation=Operation(sync=sync),
        phase=phase,
        message="one or more objects failed to apply",
        sync_result=SyncOperationResult(revision=revision, source=app.spec.source, sources=app.spec.sources),
        started_at=format_time(NOW - timedelta(seconds=ago + 5)),
        finished_at=format_time(NOW - timedelta(seconds=ago)) if phase.completed else None,
    )
    return Status(operation_state=state)


def decide(app: Application, status: Status | None = None, seen: Comparison = DRIFTED, **more: Any) -> Decision:
    return automatic_sync(app, status or Status(), seen, NOW, **more)


NOTHING_STARTS: dict[str, tuple[dict[str, Any], Comparison]] = {
    "no sync policy": ({}, DRIFTED),
    "no automated block": ({"syncPolicy": {}}, DRIFTED),
    "automated switched off": (automated(enabled=False, prune=True), DRIFTED),
    "a synced application": (automated(), compared(resource("web", SYNCED), status=SYNCED)),
    "an unknown application": (automated(), compared(resource("web", UNKNOWN), status=UNKNOWN)),
    "only pruning is left and prune is off": (automated(), compared(extra("old"), resource("web", SYNCED))),
    "everything would be pruned": (automated(prune=True), compared(extra("a"), extra("b"))),
    "all would be pruned and nothing else may come": (
        automated(prune=True),
        compared(extra("a"), resource("role", UNKNOWN, live=False)),
    ),
}


@pytest.mark.parametrize("rule", NOTHING_STARTS)
def test_nothing_starts(rule: str, build: Builder) -> None:
    spec, seen = NOTHING_STARTS[rule]
    decision = decide(build.app(**spec), seen=seen)
    assert decision.operation is None
    assert decision.reason


STARTS: dict[str, tuple[dict[str, Any], Comparison]] = {
    "out of sync": (automated(), DRIFTED),
    "enabled said in full": (automated(enabled=True), DRIFTED),
    "only pruning is left and prune is on": (automated(prune=True), compared(extra("old"), resource("web", SYNCED))),
    "all is replaced by other objects": (automated(prune=True), compared(extra("old"), resource("new", live=False))),
    "everything would be pruned and may be": (automated(prune=True, allowEmpty=True), compared(extra("a"))),
    "forbidden objects alone are no wipe-out": (automated(prune=True), compared(resource("role", UNKNOWN, live=False))),
    "a forbidden object is reported by a sync": (
        automated(),
        compared(resource("role", UNKNOWN, live=False), resource("web", SYNCED)),
    ),
}


@pytest.mark.parametrize("rule", STARTS)
def test_a_sync_starts(rule: str, build: Builder) -> None:
    spec, seen = STARTS[rule]
    operation = decide(build.app(**spec), seen=seen).operation
    assert operation is not None
    assert operation.sync is not None
    assert operation.sync.resources == []
    assert operation.initiated_by.automated


SPACE = msgspec.structs.replace(resource("shop"), key=ResourceKey("", "Namespace", "", "shop"))
LABELS = NamespaceMetadata(labels={"tier": "gold"})


def relabelled(app: Application, before: NamespaceMetadata | None, seen: Comparison, **more: Any) -> Decision:
    status = ended(app, **more)
    assert status.operation_state is not None
    result = status.operation_state.sync_result
    assert result is not None
    result = msgspec.structs.replace(result, managed_namespace_metadata=before)
    state = msgspec.structs.replace(status.operation_state, sync_result=result)
    return decide(app, Status(operation_state=state), seen)


METADATA = {
    "changed since the last sync": (None, {}, SPACE, []),
    "changed by somebody, and not to be healed": (LABELS, {}, SPACE, None),
    "changed by somebody, and healed": (LABELS, {"selfHeal": True}, SPACE, ["Namespace"]),
    "changed since a sync that failed": (None, {"failed": True}, SPACE, []),
    "as it should be": (None, {}, None, None),
}


@pytest.mark.parametrize(("before", "how", "space", "named"), METADATA.values(), ids=METADATA.keys())
def test_metadata_of_the_namespace(
    build: Builder,
    before: NamespaceMetadata | None,
    how: dict[str, bool],
    space: ComparedResource | None,
    named: list[str] | None,
) -> None:
    failed = how.get("failed", False)
    policy = {
        "automated": {"selfHeal": how.get("selfHeal", False)},
        "managedNamespaceMetadata": {"labels": LABELS.labels},
    }
    seen = Comparison(
        status=OUT if space else SYNCED, resources=(resource("web", SYNCED),), revisions=(NEW,), namespace=space
    )
    phase = OperationPhase.FAILED if failed else OperationPhase.SUCCEEDED
    operation = relabelled(build.app(syncPolicy=policy), before, seen, phase=phase).operation
    found = operation.sync.resources if operation and operation.sync else None
    assert (None if found is None else [item.kind for item in found]) == named


def test_a_namespace_that_stays_is_no_reason_to_delete_everything(build: Builder) -> None:
    seen = Comparison(status=OUT, resources=(extra("a"),), revisions=(NEW,), namespace=SPACE)
    assert decide(build.app(**automated(prune=True)), seen=seen).operation is None


def test_the_operation_carries_revision_source_and_policy(build: Builder) -> None:
    app = build.app(syncPolicy={"automated": {"prune": True}, "syncOptions": ["CreateNamespace=true"]})
    operation = decide(app).operation
    assert operation is not None
    expected = SyncOperation(revision=NEW, prune=True, source=app.spec.source, sync_options=["CreateNamespace=true"])
    assert operation.sync == expected
    assert operation.retry == Retry(limit=5)


def test_several_sources_have_several_revisions(build: Builder) -> None:
    sources = [{"repoURL": "https://git.example/a", "path": "x"}, {"repoURL": "https://git.example/b", "path": "y"}]
    app = build.app(source=None, sources=sources, **automated())
    operation = decide(app, seen=msgspec.structs.replace(DRIFTED, revisions=(OLD, NEW))).operation
    assert operation is not None and operation.sync is not None
    assert (operation.sync.revision, operation.sync.revisions) == ("", [OLD, NEW])
    assert operation.sync.sources == app.spec.sources
    assert operation.sync.source is None


def test_deletion_and_another_operation_come_first(build: Builder) -> None:
    app = build.app(**automated())
    gone = msgspec.structs.replace(
        app, metadata=msgspec.structs.replace(app.metadata, deletion_timestamp="2026-05-04T00:00:00Z")
    )
    asked = msgspec.structs.replace(app, operation=Operation(sync=SyncOperation()))
    running = ended(app, phase=OperationPhase.RUNNING, revision=OLD)
    for decision in (decide(gone), decide(asked), decide(app, running)):
        assert decision == Decision(reason=decision.reason)


def test_a_wipe_out_is_reported(build: Builder) -> None:
    decision = decide(build.app(**automated(prune=True)), seen=compared(extra("a"), extra("b")))
    message = f"Skipping sync attempt to {NEW}: auto-sync will wipe out all resources (2)"
    assert decision.condition == ("SyncError", message)


# --- one try for each revision and source configuration ------------------------------------------------------------


def test_a_new_revision_is_tried_whatever_became_of_the_last(build: Builder) -> None:
    app = build.app(**automated())
    for phase in (OperationPhase.SUCCEEDED, OperationPhase.FAILED, OperationPhase.ERROR):
        assert decide(app, ended(app, revision=OLD, phase=phase)).operation is not None


@pytest.mark.parametrize("phase", [OperationPhase.FAILED, OperationPhase.ERROR])
@pytest.mark.parametrize("self_heal", [True, False])
def test_a_failed_try_is_not_repeated(build: Builder, phase: OperationPhase, self_heal: bool) -> None:
    app = build.app(**automated(selfHeal=self_heal))
    decision = decide(app, ended(app, phase=phase))
    message = f"Failed last sync attempt to {NEW}: one or more objects failed to apply"
    assert (decision.operation, decision.condition) == (None, ("SyncError", message))


def test_a_succeeded_try_is_not_repeated_without_self_heal(build: Builder) -> None:
    app = build.app(**automated())
    assert decide(app, ended(app)) == Decision(reason=f"most recent sync already to {NEW}")


def test_a_changed_source_is_a_new_try(build: Builder) -> None:
    before, after = (
        build.app(**automated()),
        build.app(source={"repoURL": "https://git.example/shop", "path": "other"}, **automated()),
    )
    operation = decide(after, ended(before, phase=OperationPhase.FAILED)).operation
    assert operation is not None and operation.sync is not None and not operation.sync.resources


def test_another_name_of_the_same_revision_is_no_new_try(build: Builder) -> None:
    source = {"repoURL": "https://git.example/shop", "path": "deploy", "targetRevision": "main"}
    before, after = build.app(**automated()), build.app(source=source, **automated())
    assert decide(after, ended(before)).operation is None


def test_a_commit_that_leaves_the_manifests_equal_is_no_new_try(build: Builder) -> None:
    app = build.app(**automated())
    assert decide(app, ended(app, revision=OLD), manifests_changed=False).operation is None


def test_a_dry_run_is_no_try(build: Builder) -> None:
    app = build.app(**automated())
    assert decide(app, ended(app, dry_run=True)).operation is not None


def test_an_attempt_without_a_result_is_known_by_its_request(build: Builder) -> None:
    app = build.app(**automated())
    state = ended(app, phase=OperationPhase.ERROR).operation_state
    assert state is not None
    sync = SyncOperation(revision=NEW, source=app.spec.source)
    bare = msgspec.structs.replace(state, sync_result=None, operation=Operation(sync=sync))
    assert decide(app, Status(operation_state=bare)).operation is None


# --- self-heal ------------------------------------------------------------------------------------------------------


def test_self_heal_syncs_what_drifted_and_nothing_else(build: Builder) -> None:
    app = build.app(**automated(selfHeal=True))
    seen = compared(resource("web"), resource("db", SYNCED), extra("old"), resource("odd", UNKNOWN))
    operation = decide(app, ended(app), seen).operation
    assert operation is not None and operation.sync is not None
    assert [(item.group, item.kind, item.name, item.namespace) for item in operation.sync.resources] == [
        ("apps", "Deployment", "web", "")
    ], "as Argo CD names them"
    assert operation.sync.auto_heal_attempts_count == 1


def test_self_heal_prunes_only_where_prune_is_on(build: Builder) -> None:
    app = build.app(**automated(selfHeal=True, prune=True))
    operation = decide(app, ended(app), compared(resource("web"), extra("old"))).operation
    assert operation is not None and operation.sync is not None
    assert [item.name for item in operation.sync.resources] == ["web", "old"]


def test_what_nothing_can_put_back_starts_no_full_sync(build: Builder) -> None:
    app = build.app(**automated(selfHeal=True))
    seen = compared(resource("role", UNKNOWN, live=False), resource("web", SYNCED))
    assert decide(app, ended(app), seen).operation is None


def test_the_counter_begins_anew_with_a_revision(build: Builder) -> None:
    app = build.app(**automated(selfHeal=True))
    operation = decide(app, ended(app, revision=OLD, heals=9, ago=1)).operation
    assert operation is not None and operation.sync is not None
    assert (operation.sync.auto_heal_attempts_count, operation.sync.resources) == (0, [])


def test_time_alone_changes_nothing_but_a_wait(build: Builder) -> None:
    assert decide(build.app()).again == math.inf


RETRIES = {
    "the operation's own block": (Retry(limit=1), Retry(limit=2), True, 1),
    "the specification's block": (None, Retry(limit=2), True, 2),
    "a limit of 0 fails at once": (None, Retry(limit=0), True, 0),
    "5 for automation": (None, None, True, 5),
    "none for people": (None, None, False, 0),
}


@pytest.mark.parametrize("rule", RETRIES)
def test_retries(rule: str) -> None:
    own, spec, automation, limit = RETRIES[rule]
    initiator = msgspec.convert({"automated": automation}, type(Operation().initiated_by))
    assert retry_for(Operation(retry=own, initiated_by=initiator), spec).limit == limit


WEB = DRIFTED.resources[0].key
"""What another application has applied since, in these."""


def test_what_another_application_applied_last_is_not_healed_but_told(build: Builder) -> None:
    app = build.app(**automated(selfHeal=True))
    decision = decide(app, ended(app), taken={WEB: "other"})
    assert decision.operation is None
    [(kind, message)] = decision.warnings
    assert kind == "SharedResourceWarning"
    assert message.startswith(f"{WEB}: applied last by other, and not healed here; ")


def test_beside_what_another_application_has_the_rest_is_healed(build: Builder) -> None:
    app = build.app(**automated(selfHeal=True))
    operation = decide(app, ended(app), compared(resource("web"), resource("own")), taken={WEB: "other"}).operation
    assert operation is not None and operation.sync is not None
    assert [each.name for each in operation.sync.resources] == ["own"]


def test_another_revision_takes_an_object_back(build: Builder) -> None:
    app = build.app(**automated(selfHeal=True))
    decision = decide(app, ended(app, revision=OLD), taken={WEB: "other"})
    assert decision.operation is not None and decision.operation.sync is not None
    assert decision.operation.sync.resources == [] and not decision.warnings

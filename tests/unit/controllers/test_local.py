"""An operation that brings its manifests: it begins without Git, and ends without a way back to it."""

from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from tests.support.plans import live_of, manifest

from trueup.controllers.begin import asked_for, begun, initiated, pinned, refused
from trueup.controllers.ended import is_history, told_local
from trueup.model.application import Application
from trueup.model.errors import InvalidSpec, RenderFailed
from trueup.model.project import Project
from trueup.model.status import OperationPhase, Status
from trueup.runtime.clock import SystemClock
from trueup.store.applications import StoredApplication

SOURCE = {"repoURL": "https://git.example/x", "path": "."}
ANY = msgspec.convert({"metadata": {"name": "default", "namespace": "argocd"}, "spec": {"sourceRepos": ["*"]}}, Project)
PORTS = cast(Any, SimpleNamespace(clock=SystemClock()))
BROKEN = RenderFailed("what Git declares is broken")


def stored(spec: dict[str, Any] | None = None, **sync: Any) -> StoredApplication:
    body = {
        "metadata": {"name": "web", "namespace": "argocd"},
        "spec": {"project": "default", "source": SOURCE, "destination": {}, **(spec or {})},
        "operation": {"sync": {"manifests": ['{"kind": "ConfigMap"}'], **sync}},
    }
    return StoredApplication(
        key="argocd/web",
        live=live_of(manifest("ConfigMap", "web")),
        app=msgspec.convert(body, type=Application),
        status=Status(),
        raw_status={},
    )


def test_it_begins_though_git_is_broken_and_has_no_revision() -> None:
    app = stored(revision="main")
    operation = asked_for(app)
    assert operation is not None
    state = begun(app, ANY, operation, BROKEN, PORTS)
    assert state.sync_result is not None and state.sync_result.revision == "" and state.sync_result.revisions == []
    assert pinned(app, state, ("0" * 40,)) == state, "it is of no revision at any later step either"
    assert "unknown user initiated sync of 1 manifest, sha256:" in initiated(state)


def test_it_is_no_history_keeps_no_manifests_and_says_where_they_came_from() -> None:
    app = stored()
    operation = asked_for(app)
    assert operation is not None
    state = msgspec.structs.replace(
        begun(app, ANY, operation, BROKEN, PORTS), phase=OperationPhase.SUCCEEDED, message="successfully synced"
    )
    assert not is_history(state)
    ended = told_local(state)
    assert ended.operation.sync is not None and ended.operation.sync.manifests == []
    assert ended.message.startswith("successfully synced (1 manifest, sha256:")
    assert ended.message.endswith(", from a person's machine, not from Git)")
    assert b"ConfigMap" not in msgspec.json.encode(ended)


@pytest.mark.parametrize(
    ("spec", "told"),
    {
        "automated sync": ({"syncPolicy": {"automated": {}}}, "cannot use local sync"),
        "two sources": ({"sources": [SOURCE, SOURCE], "syncPolicy": {"automated": {}}}, "cannot use local sync"),
    }.values(),
)
def test_what_is_refused_keeps_no_manifests_either(spec: dict[str, Any], told: str) -> None:
    app = stored(spec)
    operation = asked_for(app)
    assert operation is not None
    with pytest.raises(InvalidSpec, match=told) as caught:
        begun(app, ANY, operation, BROKEN, PORTS)
    ended = refused(app, None, caught.value.message, SystemClock().now())
    assert ended is not None and b"ConfigMap" not in msgspec.json.encode(told_local(ended))


def test_automation_of_another_engine_brings_manifests_by_the_same_rules() -> None:
    app = stored({"syncPolicy": {"automated": {}}})
    operation = asked_for(app)
    assert operation is not None
    by_itself = msgspec.structs.replace(
        operation, initiated_by=msgspec.structs.replace(operation.initiated_by, automated=True)
    )
    with pytest.raises(InvalidSpec, match="cannot use local sync"):
        begun(app, ANY, by_itself, BROKEN, PORTS)

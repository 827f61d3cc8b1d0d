"""Changing Applications: what is asked, of whom, and what is written."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from tests.support.apiserver import ByHand
from tests.unit.server.resources.test_applications import Stored, application

from kubegrammar.patch import merge_patch
from trueup.kube.errors import AlreadyExists
from trueup.model.application import Application, Operation
from trueup.model.errors import InvalidSpec
from trueup.model.live import LiveObject
from trueup.model.status import RevisionHistory
from trueup.policy import requests as policy
from trueup.policy.requests import Cascade, Ending
from trueup.runtime.clock import SystemClock
from trueup.server.api import as_fault
from trueup.server.errors import Code, Fault
from trueup.server.request import Json, Request
from trueup.server.resources.application_edits import ApplicationEdits
from trueup.server.resources.application_requests import application_requests
from trueup.store.applications import StoredApplication, decode, key_of
from trueup.store.requests import asking

DENYING = {
    "spec": {"syncWindows": [{"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]}]}
}


class Asks:
    """Requests by policy, of Applications by hand."""

    def __init__(self, stored: Stored, project: Json | None = None) -> None:
        from trueup.model.project import Project

        self._stored = stored
        self._project = msgspec.convert(project, type=Project) if project else None
        self.deleted: list[tuple[str, Cascade]] = []

    def _of(self, key: str) -> StoredApplication:
        found = self._stored.get(key)
        assert found is not None
        return found

    async def sync(self, key: str, ask: Callable[[StoredApplication], Operation]) -> LiveObject:
        stored = self._of(key)
        operation = ask(stored)
        policy.admit_sync(stored.app, stored.status, self._project, operation, SystemClock().now())
        return written(stored.live, asking(operation))

    async def roll_back(
        self, key: str, choose: Callable[[StoredApplication], RevisionHistory], *, prune: bool, username: str
    ) -> tuple[LiveObject, RevisionHistory]:
        stored = self._of(key)
        policy.admit_rollback(stored.app, stored.status, self._project, SystemClock().now())
        chosen = choose(stored)
        operation = policy.rollback_to(stored.app, chosen, prune=prune, username=username)
        return written(stored.live, asking(operation)), chosen

    async def terminate(self, key: str) -> Ending:
        stored = self._of(key)
        return policy.termination(stored.app, stored.status, asked=stored.app.operation is not None)

    async def delete(self, key: str, cascade: Cascade) -> None:
        self.deleted.append((key, cascade))


class Writes:
    """Writes to Applications by hand."""

    def __init__(self, stored: Stored) -> None:
        self._stored = stored

    async def create(self, body: Json) -> LiveObject:
        live = made(body)
        if key_of(live) in self._stored.lives:
            raise AlreadyExists("it is there")
        self._stored.put(live)
        return live

    async def edit(self, key: str, change: Callable[[Json], Json]) -> LiveObject:
        live = made(change(self._stored.lives[key].object()))
        self._stored.put(live)
        return live


def made(body: Json) -> LiveObject:
    live = application(body["metadata"]["name"])
    return msgspec.structs.replace(live, body=msgspec.json.encode(body))


def written(live: LiveObject, patch: Json) -> LiveObject:
    return msgspec.structs.replace(live, body=msgspec.json.encode(merge_patch(live.object(), patch)))


def with_(name: str, **parts: Any) -> LiveObject:
    """An Application with other parts."""
    return written(application(name), parts)


@pytest.fixture
def stored() -> Stored:
    history = [
        {"id": 3, "revision": "abc", "deployedAt": "2026-01-01T00:00:00Z", "source": {"repoURL": "r", "path": "."}}
    ]
    status = {"history": history, "sync": {"status": "Synced"}}
    running = {"phase": "Running", "startedAt": "2026-01-01T00:00:00Z", "operation": {"sync": {}}}
    return Stored(
        with_("web", status=status),
        with_("auto", status=status, spec={"syncPolicy": {"automated": {}, "syncOptions": ["A=b"]}}),
        with_("busy", status={"operationState": running}),
    )


def rights(*allowed: tuple[str, str]) -> ByHand:
    """A caller with these actions in these projects."""
    return ByHand("ada", lambda resource, action, of: (action, of.partition("/")[0]) in allowed)


async def ask(
    stored: Stored,
    method: str,
    message: Json,
    caller: ByHand | None = None,
    project: Json | None = None,
    look: Callable[[Application], Awaitable[None]] | None = None,
) -> Any:
    def admit(app: Application) -> None:
        if app.spec.project not in ("shop", "vault"):
            raise InvalidSpec(f"Application referencing project {app.spec.project} which does not exist")

    functions = {
        **application_requests(stored, Asks(stored, project)),
        **ApplicationEdits(stored, Writes(stored), admit, look).functions(),
    }
    try:
        return await functions[f"ApplicationService.{method}"](Request(caller or ByHand(), message))
    except Exception as error:
        raise as_fault(error, method) from error


async def test_a_sync_is_asked_for_in_the_name_of_the_caller(stored: Stored) -> None:
    message = {
        "name": "web",
        "revision": "main",
        "prune": True,
        "dryRun": True,
        "resources": [{"kind": "Pod", "name": "x"}],
        "infos": [{"name": "why", "value": "test"}],
        "strategy": {"hook": {"force": True}},
        "syncOptions": {"items": ["Replace=true"]},
    }
    operation = (await ask(stored, "Sync", message, rights(("sync", "shop"))))["operation"]
    assert operation["initiatedBy"]["username"] == "ada"
    assert operation["info"] == [{"name": "why", "value": "test"}]
    sync = operation["sync"]
    assert (sync["revision"], sync["prune"], sync["dryRun"]) == ("main", True, True)
    assert sync["resources"][0]["name"] == "x"
    assert sync["syncOptions"] == ["Replace=true"]


async def test_a_sync_takes_the_options_of_the_application(stored: Stored) -> None:
    assert (await ask(stored, "Sync", {"name": "auto"}))["operation"]["sync"]["syncOptions"] == ["A=b"]


async def test_manifests_that_are_brought_need_a_right_of_their_own(stored: Stored) -> None:
    message = {"name": "web", "manifests": ["{}"]}
    with pytest.raises(Fault, match="permission denied"):
        await ask(stored, "Sync", message, rights(("sync", "shop")))


@pytest.mark.parametrize(
    ("permitted", "message", "text"),
    [
        ([("get", "shop")], {"name": "web"}, "applications, sync, shop/web, sub: ada, iat: 2026-01-01T00:00:00Z"),
        ([("get", "shop")], {"name": "web", "project": "shop"}, "applications, sync, shop/web, sub: ada, iat:"),
        ([("get", "shop")], {"name": "none"}, None),
        ([("get", "vault")], {"name": "web"}, None),
        ([("get", "vault")], {"name": "web", "project": "shop"}, None),
        ([], {"name": "web"}, None),
    ],
    ids=[
        "it is seen",
        "in the project that is named",
        "not there",
        "another's",
        "another's by its project",
        "no rights",
    ],
)
async def test_a_refusal_says_what_was_asked_to_who_may_see_the_object(
    stored: Stored, permitted: list[tuple[str, str]], message: Json, text: str | None
) -> None:
    caller = ByHand("ada", rights(*permitted).allowed, int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()))
    with pytest.raises(Fault) as caught:
        await ask(stored, "Sync", message, caller)
    assert caught.value.code is Code.PERMISSION_DENIED
    if text is None:
        assert caught.value.message == "permission denied"
    else:
        assert caught.value.message.startswith(f"permission denied: {text}")


@pytest.mark.parametrize(
    ("method", "message", "project", "code", "text"),
    [
        ("Sync", {"name": "busy"}, None, Code.FAILED_PRECONDITION, "another operation is already in progress"),
        ("Sync", {"name": "auto", "revision": "v2"}, None, Code.FAILED_PRECONDITION, "auto-sync currently set to"),
        (
            "Sync",
            {"name": "web"},
            DENYING,
            Code.PERMISSION_DENIED,
            "cannot sync: blocked by sync window: a sync window of",
        ),
        (
            "Rollback",
            {"name": "auto", "id": 3},
            None,
            Code.FAILED_PRECONDITION,
            "rollback cannot be initiated when auto-sync is enabled",
        ),
        ("TerminateOperation", {"name": "web"}, None, Code.INVALID_ARGUMENT, "No operation is in progress"),
        ("Rollback", {"name": "web", "id": 9}, None, Code.INVALID_ARGUMENT, "does not have deployment with id 9"),
        ("Delete", {"name": "web", "propagationPolicy": "x"}, None, Code.INVALID_ARGUMENT, "invalid propagation"),
        (
            "Delete",
            {"name": "web", "cascade": False, "propagationPolicy": "foreground"},
            None,
            Code.INVALID_ARGUMENT,
            "cannot set propagation policy",
        ),
        ("Patch", {"name": "web", "patchType": "x", "patch": "{}"}, None, Code.INVALID_ARGUMENT, "Patch type 'x' is"),
        (
            "Patch",
            {"name": "web", "patchType": "json", "patch": '[{"op":"remove","path":"/spec/none"}]'},
            None,
            Code.INVALID_ARGUMENT,
            "cannot be applied",
        ),
        ("Patch", {"name": "web", "patchType": "merge", "patch": "[3]"}, None, Code.INVALID_ARGUMENT, "no application"),
        (
            "Create",
            {"application": {"metadata": {"name": "web"}, "spec": {"project": "vault"}}},
            None,
            Code.INVALID_ARGUMENT,
            "existing application spec is different, use upsert flag to force update",
        ),
        (
            "Create",
            {"application": {"metadata": {"name": "new"}, "spec": {"project": "none"}}},
            None,
            Code.INVALID_ARGUMENT,
            "project none which does not exist",
        ),
        (
            "Create",
            {"application": {"metadata": {"name": "new", "namespace": "kube-system"}}},
            None,
            Code.PERMISSION_DENIED,
            "namespace 'kube-system' is not permitted",
        ),
        ("Create", {}, None, Code.INVALID_ARGUMENT, "name has to be there"),
        ("UpdateSpec", {"name": "web", "spec": {"project": 3}}, None, Code.INVALID_ARGUMENT, "is invalid"),
    ],
    ids=[
        "Q23 a sync while an operation runs",
        "Q25 a sync to another revision under automation",
        "Q27 a sync outside of its window",
        "Q29 a rollback under automation",
        "Q31 the end of nothing",
        "a deployment that is none",
        "a way of deleting that is none",
        "a way of deleting nothing",
        "a patch of a kind that is none",
        "a patch that does not apply",
        "a patch that leaves nothing",
        "Q21 another one of that name",
        "a project that is none",
        "another namespace",
        "no name",
        "a specification that is none",
    ],
)
async def test_what_is_refused(
    stored: Stored, method: str, message: Json, project: Json | None, code: Code, text: str
) -> None:
    with pytest.raises(Fault, match=text.replace("(", ".")) as refused:
        await ask(stored, method, message, project=project)
    assert refused.value.code is code


@pytest.mark.parametrize(
    ("method", "message", "allowed", "ok"),
    [
        ("Sync", {"name": "web"}, [("get", "shop")], False),
        ("Delete", {"name": "web"}, [("get", "shop"), ("update", "shop")], False),
        (
            "Create",
            {"application": {"metadata": {"name": "new"}, "spec": {"project": "vault"}}},
            [("create", "shop")],
            False,
        ),
        (
            "Create",
            {"application": {"metadata": {"name": "new"}, "spec": {"project": "shop"}}},
            [("create", "shop")],
            True,
        ),
        ("UpdateSpec", {"name": "web", "spec": {"project": "vault"}}, [("update", "shop"), ("update", "vault")], False),
        (
            "UpdateSpec",
            {"name": "web", "spec": {"project": "vault"}},
            [("update", "shop"), ("update", "vault"), ("create", "vault")],
            True,
        ),
        (
            "Patch",
            {"name": "web", "patchType": "merge", "patch": '{"spec":{"project":"vault"}}'},
            [("update", "shop")],
            False,
        ),
        (
            "Create",
            {"application": {"metadata": {"name": "web"}, "spec": {"project": "vault"}}},
            [("create", "vault"), ("get", "vault")],
            False,
        ),
        (
            "Create",
            {"upsert": True, "application": {"metadata": {"name": "web"}, "spec": {"project": "vault"}}},
            [("create", "vault"), ("update", "vault")],
            False,
        ),
    ],
    ids=[
        "who sees may not sync",
        "who changes may not delete",
        "nothing is made in another project",
        "but in one's own",
        "nothing is moved to where it may not be made",
        "but to where it may",
        "Q19 a patch moves nothing either",
        "what may not be seen is not there",
        "an upsert takes nothing from another project",
    ],
)
async def test_rights(stored: Stored, method: str, message: Json, allowed: list[tuple[str, str]], ok: bool) -> None:
    if ok:
        assert await ask(stored, method, message, rights(*allowed))
        return
    with pytest.raises(Fault, match="permission denied"):
        await ask(stored, method, message, rights(*allowed))


async def test_what_is_made_has_neither_status_nor_operation(stored: Stored) -> None:
    given = {
        "metadata": {"name": "new", "labels": {"a": "b"}, "uid": "x", "ownerReferences": [{"name": "y"}]},
        "spec": {"project": "shop", "destination": {"namespace": "n"}},
        "status": {"sync": {"status": "Synced"}},
        "operation": {"sync": {}},
    }
    found = await ask(stored, "Create", {"application": given})
    assert found["metadata"] == {"name": "new", "namespace": "argocd", "labels": {"a": "b"}}
    assert set(found) == {"apiVersion", "kind", "metadata", "spec"}
    assert await ask(stored, "Create", {"application": given}) == found


_ELSEWHERE = {"project": "shop", "source": {"repoURL": "r", "path": "none"}}


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("Create", {"application": {"metadata": {"name": "new"}, "spec": _ELSEWHERE}}),
        ("Create", {"application": {"metadata": {"name": "web"}, "spec": _ELSEWHERE}, "upsert": True}),
        ("Update", {"application": {"metadata": {"name": "web"}, "spec": _ELSEWHERE}}),
        ("UpdateSpec", {"name": "web", "spec": _ELSEWHERE}),
        ("Patch", {"name": "web", "patchType": "merge", "patch": '{"spec":{"source":{"path":"none"}}}'}),
    ],
    ids=["create", "upsert", "update", "specification", "patch"],
)
async def test_sources_that_become_no_manifests_are_refused_unless_nobody_asks(
    stored: Stored, method: str, message: Json
) -> None:
    async def look(app: Application) -> None:
        assert app.spec.source is not None
        raise InvalidSpec(f"Unable to generate manifests in {app.spec.source.path}: app path does not exist")

    before = dict(stored.lives)
    with pytest.raises(Fault) as refused:
        await ask(stored, method, message, look=look)
    name = "new" if "new" in str(message) else "web"
    assert (refused.value.code, refused.value.message) == (
        Code.INVALID_ARGUMENT,
        f"application spec for {name} is invalid: InvalidSpecError: "
        "Unable to generate manifests in none: app path does not exist",
    )
    assert stored.lives == before
    if method != "Patch":
        assert await ask(stored, method, {**message, "validate": False}, look=look)


async def test_what_changes_no_manifest_asks_no_repository(stored: Stored) -> None:
    async def look(app: Application) -> None:
        raise AssertionError(app.key)

    patch = '{"spec":{"syncPolicy":{"automated":null}},"metadata":{"labels":{"a":"b"}}}'
    found = await ask(stored, "Patch", {"name": "auto", "patchType": "merge", "patch": patch}, look=look)
    assert "automated" not in found["spec"]["syncPolicy"]


async def test_rights_and_the_project_are_asked_before_any_repository(stored: Stored) -> None:
    async def look(app: Application) -> None:
        raise AssertionError(app.key)

    given = {"application": {"metadata": {"name": "new"}, "spec": {**_ELSEWHERE, "project": "none"}}}
    with pytest.raises(Fault, match="does not exist"):
        await ask(stored, "Create", given, look=look)
    with pytest.raises(Fault, match="permission denied"):
        await ask(stored, "Create", given, rights(("create", "shop")), look=look)


async def test_an_upsert_adds_to_the_metadata_and_replaces_the_specification(stored: Stored) -> None:
    given = {"metadata": {"name": "web", "labels": {"a": "b"}}, "spec": {"project": "shop"}}
    found = await ask(stored, "Create", {"application": given, "upsert": True})
    assert found["spec"] == {"project": "shop"}
    assert found["metadata"]["labels"] == {"a": "b"}
    assert found["status"]["sync"] == {"status": "Synced"}


async def test_an_update_replaces_what_is_the_callers_to_say(stored: Stored) -> None:
    await ask(stored, "Patch", {"name": "web", "patchType": "merge", "patch": '{"metadata":{"labels":{"a":"b"}}}'})
    given = {"metadata": {"name": "web", "annotations": {"c": "d"}}, "spec": {"project": "shop"}, "status": {}}
    found = await ask(stored, "Update", {"application": given})
    assert "labels" not in found["metadata"]
    assert found["metadata"]["annotations"] == {"c": "d"}
    assert found["status"]["history"]


async def test_a_patch_writes_no_status(stored: Stored) -> None:
    patch = (
        '[{"op":"add","path":"/operation","value":{"sync":{}}},'
        '{"op":"add","path":"/status/sync/status","value":"OutOfSync"},'
        '{"op":"add","path":"/metadata/ownerReferences","value":[]},'
        '{"op":"replace","path":"/spec/project","value":"vault"}]'
    )
    found = await ask(stored, "Patch", {"name": "web", "patchType": "json", "patch": patch})
    assert "operation" not in found
    assert "ownerReferences" not in found["metadata"]
    assert found["status"]["sync"] == {"status": "Synced"}
    assert found["spec"]["project"] == "vault"


async def test_a_rollback_is_tried_and_asked_for(stored: Stored) -> None:
    for dry in (True, False):
        found = await ask(stored, "Rollback", {"name": "web", "id": 3, "dryRun": dry}, rights(("sync", "shop")))
        assert found["operation"]["sync"]["source"]["repoURL"] == "r"
        assert found["operation"]["sync"].get("dryRun", False) is dry


async def test_deleting(stored: Stored) -> None:
    asks = Asks(stored)
    delete = application_requests(stored, asks)["ApplicationService.Delete"]
    for message in ({}, {"cascade": False}, {"propagationPolicy": "background"}):
        await delete(Request(ByHand(), {"name": "web", **message}))
    assert [cascade for _, cascade in asks.deleted] == ["foreground", "none", "background"]


async def test_revisions_by_the_positions_of_sources() -> None:
    sources = [{"repoURL": "a", "targetRevision": "x"}, {"repoURL": "b", "targetRevision": "y"}]
    stored = Stored(with_("two", spec={"sources": sources}))
    message = {"name": "two", "revisions": ["v2"], "sourcePositions": [2]}
    assert (await ask(stored, "Sync", message))["operation"]["sync"]["revisions"] == ["x", "v2"]
    with pytest.raises(Fault, match="out of range"):
        await ask(stored, "Sync", {**message, "sourcePositions": [3]})


def test_an_application_by_hand_can_be_read() -> None:
    assert decode("argocd/web", application("web")).fault is None

"""The objects of an Application through the API: its tree, single objects, Events, logs."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.apiserver import ByHand
from tests.unit.server.resources.test_application_changes import with_
from tests.unit.server.resources.test_applications import Stored

from kubegrammar.time import format_exact_time
from trueup.diff.literal import NO_LITERALS, Literals
from trueup.kube.errors import ApiError, BadRequest
from trueup.kube.object import read_object
from trueup.model.comparison import ComparedResource
from trueup.model.health import Health, HealthCode
from trueup.model.live import LiveObject, Node, Owner, Seen, Shown
from trueup.model.manifest import Manifest
from trueup.model.resource import GroupKind, ResourceKey
from trueup.model.status import SyncCode
from trueup.server.errors import Code, Fault
from trueup.server.request import Json, Request, Stream
from trueup.server.resources.application_actions import application_actions
from trueup.server.resources.application_details import resource_diff
from trueup.server.resources.application_logs import LogLine, application_logs, merged
from trueup.server.resources.application_objects import application_objects
from trueup.server.resources.application_place import kinds_below
from trueup.server.resources.application_tree import application_tree
from trueup.server.resources.object_actions import BUILT, ObjectChanges

PLAIN = Shown()
SETTINGS = {"resource.customizations.actions.Secret": "discovery.lua: return {}"}
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def live(kind: str, name: str, body: Json | None = None, api_version: str = "v1") -> LiveObject:
    metadata = {"name": name, "namespace": "shop", "uid": f"uid-{name}", "resourceVersion": "7"}
    whole = {"apiVersion": api_version, "kind": kind, "metadata": metadata, **(body or {})}
    return read_object(msgspec.json.encode(whole))


def node(kind: str, name: str, owner: str, shown: Shown = PLAIN) -> Node:
    group, version = ("apps", "apps/v1") if kind == "ReplicaSet" else ("", "v1")
    return Node(
        key=ResourceKey(group, kind, "shop", name),
        api_version=version,
        uid=f"uid-{name}",
        resource_version="1",
        owners=(Owner(uid=f"uid-{owner}"),),
        shown=shown,
    )


class ByHandPlace:
    """A cluster by hand."""

    def __init__(self, managed: Iterable[LiveObject], others: Iterable[Seen] = (), refused: str = "") -> None:
        self._managed = {each.key: each for each in managed}
        self.others = list(others)
        self.refused = refused
        self.hidden: set[str] = set()
        self.patched: list[tuple[str, bytes, str]] = []
        self.made: list[Json] = []
        self.deleted: list[tuple[str, bool]] = []
        self.logged: dict[str, list[bytes]] = {}
        self.unreadable: dict[str, ApiError] = {}
        self.asked: list[Mapping[str, str]] = []
        self.secrets = NO_LITERALS
        self.told: list[Json] = []

    def managed(self) -> Mapping[ResourceKey, LiveObject]:
        return self._managed

    def forbidden(self, key: ResourceKey) -> bool:
        return key.name in self.hidden

    def children(self, uid: str) -> Iterable[Seen]:
        return [each for each in self.others if any(owner.uid == uid for owner in each.owners)]

    def shown(self, found: LiveObject) -> Shown:
        return Shown(health=Health(HealthCode.HEALTHY))

    async def follow(self) -> None:
        pass

    async def lent(self) -> Literals:
        return self.secrets

    async def whole(self, key: ResourceKey) -> LiveObject | None:
        containers = {"spec": {"containers": [{"name": "main"}, {"name": "side"}]}}
        return self._managed.get(key) or live(key.kind, key.name, containers)

    def refusal(self, key: ResourceKey) -> str:
        return self.refused

    async def patch(self, live: LiveObject, body: bytes, kind: str, *, subresource: str = "") -> LiveObject:
        self.patched.append((f"{live.key.name}/{subresource}" if subresource else live.key.name, body, kind))
        return live

    async def create(self, body: Json) -> None:
        self.made.append(body)

    async def delete(self, live: LiveObject, *, orphan: bool) -> None:
        self.deleted.append((live.key.name, orphan))

    async def events(self, namespace: str) -> list[Json]:
        return [
            *self.told,
            {"involvedObject": {"name": "web", "uid": "uid-web"}, "reason": "Scaled"},
            {"involvedObject": {"name": "other", "uid": "x"}, "reason": "Secret"},
        ]

    async def log(self, key: ResourceKey, parameters: Mapping[str, str]) -> AsyncIterator[bytes]:
        self.asked.append(parameters)
        for line in self.logged.get(f"{key.name}/{parameters['container']}", []):
            yield line
        if f"{key.name}/{parameters['container']}" in self.unreadable:
            raise self.unreadable[f"{key.name}/{parameters['container']}"]


def rollout(refused: str = "") -> ByHandPlace:
    secret = live("Secret", "keys", {"data": {"password": "aHVudGVyMg=="}})
    pods = [node("Pod", f"web-1-{letter}", "web-1", Shown(ready="1/2", restarts=3, images=("a:1",))) for letter in "ab"]
    sets = node("ReplicaSet", "web-1", "web", Shown(revision="4"))
    return ByHandPlace([live("Deployment", "web", api_version="apps/v1"), secret], [sets, *pods], refused)


@pytest.fixture
def stored() -> Stored:
    resources = [
        {"group": "apps", "version": "v1", "kind": "Deployment", "namespace": "shop", "name": "web"},
        {"version": "v1", "kind": "ConfigMap", "namespace": "shop", "name": "gone"},
    ]
    return Stored(with_("web", status={"resources": resources}))


async def ask(stored: Stored, place: ByHandPlace, method: str, message: Json, caller: ByHand | None = None) -> Any:
    async def at(_: object) -> ByHandPlace:
        return place

    async def never() -> None:
        await asyncio.get_running_loop().create_future()

    functions = {
        **application_tree(stored, at, never),
        **application_objects(stored, at, lambda: ()),
        **application_logs(stored, at),
        **application_actions(stored, at, lambda: BEGIN, lambda: SETTINGS),
    }
    return await functions[f"ApplicationService.{method}"](Request(caller or ByHand(), message))


WEB = {"name": "web", "group": "apps", "kind": "Deployment", "namespace": "shop", "resourceName": "web"}
KEYS = {"name": "web", "kind": "Secret", "namespace": "shop", "resourceName": "keys"}


async def test_a_tree_has_what_objects_have_made_and_what_is_missing(stored: Stored) -> None:
    tree = await ask(stored, rollout(), "ResourceTree", {"applicationName": "web"})
    nodes = {each["name"]: each for each in tree["nodes"]}
    assert set(nodes) == {"web", "keys", "web-1", "web-1-a", "web-1-b", "gone"}
    assert nodes["web-1"]["parentRefs"] == [
        {
            "group": "apps",
            "version": "v1",
            "kind": "Deployment",
            "namespace": "shop",
            "name": "web",
            "uid": "uid-web",
        }
    ]
    assert nodes["web-1"]["info"] == [{"name": "Revision", "value": "Rev:4"}]
    assert nodes["web-1-a"]["info"] == [
        {"name": "Containers", "value": "1/2"},
        {"name": "Restart Count", "value": "3"},
    ]
    assert nodes["web-1-a"]["images"] == ["a:1"]
    assert nodes["web"]["health"] == {"status": "Healthy"}
    assert nodes["gone"]["health"] == {"status": "Missing"}
    pods = await ask(stored, rollout(), "ResourceTree", {"applicationName": "web", "kind": "Pod"})
    assert [each["kind"] for each in pods["nodes"]] == ["Pod", "Pod"]


async def test_a_tree_whose_owners_form_a_ring_ends(stored: Stored) -> None:
    ring = [node("Pod", "a", "b"), node("Pod", "b", "a"), node("Pod", "a", "web")]
    place = ByHandPlace([live("Deployment", "web", api_version="apps/v1")], ring)
    tree = await ask(stored, place, "ResourceTree", {"applicationName": "web"})
    assert sorted(each["name"] for each in tree["nodes"]) == ["a", "b", "gone", "web"]


def test_services_and_ingresses_say_where_they_lead() -> None:
    from trueup.server.resources.application_tree import networking

    service = live("Service", "web", {"spec": {"selector": {"app": "web"}}})
    assert networking(service) == {"targetLabels": {"app": "web"}}
    rules = [{"host": "x.example", "http": {"paths": [{"backend": {"service": {"name": "web"}}}, "odd"]}}, "odd"]
    body = {
        "spec": {"rules": rules, "tls": [{"hosts": ["x.example"]}]},
        "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}},
    }
    assert networking(live("Ingress", "web", body, "networking.k8s.io/v1")) == {
        "ingress": [{"ip": "192.0.2.1"}],
        "targetRefs": [{"kind": "Service", "namespace": "shop", "name": "web"}],
        "externalURLs": ["https://x.example"],
    }
    assert networking(live("Ingress", "odd", {"spec": []}, "networking.k8s.io/v1")) == {}


async def test_who_follows_a_tree_loses_it_with_the_right(stored: Stored) -> None:
    allowed = [True]
    caller = ByHand("ada", lambda resource, action, of: allowed[0])
    beats: asyncio.Queue[None] = asyncio.Queue()

    async def at(_: object) -> ByHandPlace:
        return rollout()

    watch = application_tree(stored, at, beats.get)["ApplicationService.WatchResourceTree"]
    stream = await watch(Request(caller, {"applicationName": "web"}))
    assert isinstance(stream, Stream)
    assert len((await anext(stream.items))["nodes"]) == 6
    allowed[0] = False
    beats.put_nowait(None)
    with pytest.raises(Fault, match="permission denied"):
        await anext(stream.items)


async def test_an_object_is_shown_without_the_values_of_secrets(stored: Stored) -> None:
    found = (await ask(stored, rollout(), "GetResource", KEYS))["manifest"]
    assert "++++" in found
    assert "aHVudGVyMg" not in found
    pod = {**KEYS, "kind": "Pod", "resourceName": "web-1-a"}
    assert '"web-1-a"' in (await ask(stored, rollout(), "GetResource", pod))["manifest"]


NOT_PART = "not found as part of application web"
EVENTS = {"name": "web", "resourceName": "web", "resourceUID": "x", "resourceNamespace": "shop"}


@pytest.mark.parametrize(
    ("method", "message", "text"),
    [
        ("GetResource", {**KEYS, "resourceName": "x"}, NOT_PART),
        ("DeleteResource", {**KEYS, "namespace": "x"}, NOT_PART),
        ("PatchResource", {**WEB, "patchType": "x"}, "Patch type 'x' is not supported"),
        ("ListResourceEvents", EVENTS, NOT_PART),
        ("PodLogs", {"name": "web", "sinceTime": "yesterday"}, "invalid sinceTime"),
        ("PodLogs", {"name": "web", "podName": "x"}, "no such Pods"),
        ("PodLogs", {"name": "web", "container": "x"}, "no Pod has such a container"),
    ],
    ids=[
        "Q15 an object of others",
        "an object of another namespace",
        "Q17 a patch of no kind",
        "Events of another object of that name",
        "Q11 a time that is none",
        "Pods of others",
        "a container that is none",
    ],
)
async def test_what_is_not_the_applications_is_refused(stored: Stored, method: str, message: Json, text: str) -> None:
    with pytest.raises(Fault, match=text) as refused:
        await ask(stored, rollout(), method, message)
    assert refused.value.code is Code.INVALID_ARGUMENT


async def test_q13_too_many_pods_are_refused(stored: Stored) -> None:
    pods = [node("Pod", f"p{number}", "web") for number in range(11)]
    place = ByHandPlace([live("Deployment", "web", api_version="apps/v1")], pods)
    with pytest.raises(Fault, match="max pods to view logs are reached"):
        await ask(stored, place, "PodLogs", {"name": "web"})


async def test_an_object_is_changed_by_who_may_change_this_one(stored: Stored) -> None:
    place = rollout()
    allowed = {("applications", "get"), ("applications", "update/apps/Deployment/shop/web")}
    ada = ByHand("ada", lambda resource, action, of: (resource, action) in allowed)
    message = {**WEB, "patchType": "application/merge-patch+json", "patch": "{}"}
    await ask(stored, place, "PatchResource", message, ada)
    assert place.patched == [("web", b"{}", "merge")]
    for method, other in (("PatchResource", {**message, **KEYS, "group": ""}), ("DeleteResource", WEB)):
        with pytest.raises(Fault, match="permission denied"):
            await ask(stored, place, method, other, ada)
    await ask(stored, place, "DeleteResource", {**WEB, "orphan": True})
    assert place.deleted == [("web", True)]


async def test_what_the_project_does_not_permit_is_not_written(stored: Stored) -> None:
    place = rollout("kind Deployment is not permitted")
    for method, message in (("PatchResource", {**WEB, "patchType": "merge", "patch": "{}"}), ("DeleteResource", WEB)):
        with pytest.raises(Fault, match="is not permitted"):
            await ask(stored, place, method, message)
    assert not place.patched and not place.deleted


async def test_events_are_of_the_object_alone(stored: Stored) -> None:
    message = {"name": "web", "resourceName": "web", "resourceUID": "uid-web", "resourceNamespace": "shop"}
    found = await ask(stored, rollout(), "ListResourceEvents", message)
    assert [each["reason"] for each in found["items"]] == ["Scaled"]


async def test_logs_are_merged_in_the_order_of_time_and_filtered(stored: Stored) -> None:
    place = rollout()
    place.logged = {
        "web-1-a/main": [b"2026-01-01T00:00:01Z one error", b"2026-01-01T00:00:04Z four"],
        "web-1-b/side": [b"2026-01-01T00:00:02Z two", b"no time", b"2026-01-01T00:00:03Z three Error"],
    }
    stream = await ask(stored, place, "PodLogs", {"name": "web", "tailLines": 5, "previous": True})
    found = [item async for item in stream.items]
    assert [each["content"] for each in found] == ["one error", "two", "three Error", "four", ""]
    assert found[0] == {
        "content": "one error",
        "timeStamp": "2026-01-01T00:00:01Z",
        "timeStampStr": "2026-01-01T00:00:01Z",
        "podName": "web-1-a",
        "last": False,
    }
    assert found[-1]["last"]
    assert place.asked[0] == {"container": "main", "timestamps": "true", "tailLines": "5", "previous": "true"}
    for text, lines in (("error", ["one error", "three Error"]), ("!error", ["two", "four"])):
        stream = await ask(stored, place, "PodLogs", {"name": "web", "kind": "ReplicaSet", "filter": text})
        assert [each["content"] async for each in stream.items][:-1] == lines
    with pytest.raises(Fault, match="permission denied"):
        ada = ByHand("ada", lambda resource, action, of: resource != "logs")
        await ask(stored, place, "PodLogs", {"name": "web"}, ada)


@pytest.mark.parametrize("follow", [False, True])
async def test_a_container_whose_log_cannot_be_read_hides_no_other(stored: Stored, follow: bool) -> None:
    place = rollout()
    place.logged = {"web-1-a/main": [b"2026-01-01T00:00:02Z two"], "web-1-b/main": [b"2026-01-01T00:00:01Z one"]}
    waiting = BadRequest('container "side" in pod "web-1-b" is waiting to start: image can\'t be pulled', code=400)
    place.unreadable = {"web-1-b/main": ApiError("the connection is lost", code=0), "web-1-b/side": waiting}
    message = {"name": "web", "kind": "ReplicaSet", "follow": follow, "filter": "!r"}
    stream = await ask(stored, place, "PodLogs", message)
    found = [(each["podName"], each["content"]) async for each in stream.items]
    assert found == [
        ("web-1-b", f"error: container side: {waiting}"),
        ("web-1-b", "one"),
        ("web-1-b", "error: container main: the connection is lost"),
        ("web-1-a", "two"),
        ("", ""),
    ]


async def test_logs_of_which_none_can_be_read_are_an_error(stored: Stored) -> None:
    place = rollout()
    error = BadRequest("waiting to start", code=400)
    place.unreadable = {f"web-1-{pod}/{container}": error for pod in "ab" for container in ("main", "side")}
    stream = await ask(stored, place, "PodLogs", {"name": "web", "kind": "ReplicaSet"})
    with pytest.raises(BadRequest, match="waiting to start"):
        await anext(stream.items)


async def test_a_quiet_container_holds_up_no_other() -> None:
    async def talking() -> AsyncIterator[LogLine]:
        for second in range(3):
            at = BEGIN + timedelta(seconds=second)
            yield LogLine(at, format_exact_time(at), "a", str(second))

    async def quiet() -> AsyncIterator[LogLine]:
        await asyncio.get_running_loop().create_future()
        yield LogLine(BEGIN, "", "b", "")

    found = []
    async for line in merged([talking(), quiet()], 0.01):
        found.append(line.text)
        if len(found) == 3:
            break
    assert found == ["0", "1", "2"]


def test_a_difference_shows_equal_values_of_secrets_by_equal_masks() -> None:
    before = live("Secret", "keys", {"data": {"a": "aHVudGVyMg==", "b": "b3RoZXI="}})
    metadata = {"name": "keys", "namespace": "shop"}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"a": "aHVudGVyMg==", "b": "bmV3ZXI="}}
    target = Manifest(key=before.key, api_version="v1", body=msgspec.json.encode(body), digest="d")
    found = resource_diff(ComparedResource(key=before.key, target=target, live=before, status=SyncCode.OUT_OF_SYNC))
    sides = [msgspec.json.decode(found[side])["data"] for side in ("liveState", "targetState")]
    assert sides[0]["a"] == sides[1]["a"]
    assert sides[0]["b"] != sides[1]["b"]
    assert found["modified"]
    text = msgspec.json.encode(found).decode()
    assert not any(value in text for value in ("aHVudGVyMg", "hunter2", "b3RoZXI", "bmV3ZXI"))


@pytest.mark.parametrize(("status", "told"), [(SyncCode.OUT_OF_SYNC, True), (SyncCode.SYNCED, False)])
def test_of_what_differs_it_is_told_who_wrote_which_field(status: SyncCode, told: bool) -> None:
    managers = [{"manager": "kubectl-edit", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]
    before = live("Deployment", "web", {"metadata": {"name": "web", "namespace": "shop", "managedFields": managers}})
    found = resource_diff(ComparedResource(key=before.key, target=None, live=before, status=status))
    assert ("kubectl-edit" in found["liveState"]) is told
    assert "managedFields" not in found["normalizedLiveState"]


def test_what_controllers_make_is_followed() -> None:
    found = {kind.kind for kind in kinds_below([GroupKind("batch", "CronJob"), GroupKind("apps", "Deployment")])}
    assert found == {"Job", "Pod", "ReplicaSet"}


@pytest.mark.parametrize(
    ("action", "parameters", "patch"),
    [
        ("pause", [], {"spec": {"paused": True}}),
        ("scale", [{"name": "replicas", "value": "3"}], {"spec": {"replicas": 3}}),
        (
            "restart",
            [],
            {
                "spec": {
                    "template": {
                        "metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}}
                    }
                }
            },
        ),
    ],
)
async def test_an_action_is_a_right_of_its_own(
    stored: Stored, action: str, parameters: list[Json], patch: Json
) -> None:
    place = rollout()
    allowed = {("applications", "get"), ("applications", f"action/apps/Deployment/{action}")}
    ada = ByHand("ada", lambda resource, action, of: (resource, action) in allowed)
    message = {**WEB, "action": action, "resourceActionParameters": parameters}
    await ask(stored, place, "RunResourceActionV2", message, ada)
    assert [(name, msgspec.json.decode(body)) for name, body, _ in place.patched] == [("web", patch)]
    with pytest.raises(Fault, match="permission denied"):
        await ask(stored, place, "RunResourceAction", {**WEB, "action": "resume"}, ada)


async def test_actions_are_those_that_are_built(stored: Stored) -> None:
    found = (await ask(stored, rollout(), "ListResourceActions", WEB))["actions"]
    assert [(each["name"], each["disabled"]) for each in found] == [
        ("restart", False),
        ("pause", False),
        ("resume", True),
        ("scale", False),
    ]
    assert (await ask(stored, rollout(), "ListResourceActions", KEYS))["actions"] == []
    for name, parameters, text in (
        ("odd", [], "action 'odd' of apps/Deployment is not built"),
        ("scale", [{"name": "replicas", "value": "-1"}], "replicas has to be a whole number"),
    ):
        with pytest.raises(Fault, match=text):
            message = {**WEB, "action": name, "resourceActionParameters": parameters}
            await ask(stored, rollout(), "RunResourceAction", message)
    with pytest.raises(Fault, match="in argocd-cm is Lua, which is not run"):
        await ask(stored, rollout(), "RunResourceAction", {**KEYS, "action": "rotate"})


JOB: Json = {
    "apiVersion": "batch/v1",
    "kind": "CronJob",
    "metadata": {"name": "nightly", "namespace": "shop", "uid": "u"},
    "spec": {"jobTemplate": {"metadata": {"labels": {"a": "b"}}, "spec": {"template": {"spec": {"containers": []}}}}},
}
CANARY: Json = {"spec": {"strategy": {"canary": {"steps": [{}, {}]}}}, "status": {"currentStepIndex": 1}}
STOPPED: Json = {"spec": {"paused": True}, "status": {"abort": True, "pauseConditions": [{}]}}


@pytest.mark.parametrize(
    ("kind", "name", "body", "changes"),
    [
        ("batch/Job", "terminate", {}, ObjectChanges({"spec": {"activeDeadlineSeconds": 1}})),
        ("argoproj.io/Rollout", "abort", {}, ObjectChanges(status={"status": {"abort": True}})),
        ("argoproj.io/Rollout", "retry", STOPPED, ObjectChanges(status={"status": {"abort": False}})),
        (
            "argoproj.io/Rollout",
            "resume",
            STOPPED,
            ObjectChanges({"spec": {"paused": False}}, {"status": {"pauseConditions": None}}),
        ),
        (
            "argoproj.io/Rollout",
            "skip-current-step",
            CANARY,
            ObjectChanges(status={"status": {"pauseConditions": None, "currentStepIndex": 2}}),
        ),
        ("argoproj.io/Rollout", "restart", {}, ObjectChanges({"spec": {"restartAt": "2026-01-01T00:00:00Z"}})),
        (
            "argoproj.io/Application",
            "toggle-auto-sync",
            {"spec": {"syncPolicy": {"automated": {"prune": True}}}},
            ObjectChanges({"spec": {"syncPolicy": {"automated": {"enabled": False}}}}),
        ),
        (
            "kustomize.toolkit.fluxcd.io/Kustomization",
            "reconcile",
            {},
            ObjectChanges({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": BEGIN.isoformat()}}}),
        ),
        ("helm.toolkit.fluxcd.io/HelmRelease", "suspend", {}, ObjectChanges({"spec": {"suspend": True}})),
    ],
)
def test_what_actions_change(kind: str, name: str, body: Json, changes: ObjectChanges) -> None:
    group, _, kind = kind.partition("/")
    action = BUILT[(group, kind)][name]
    assert action.change(body, {}, BEGIN) == changes
    assert not action.idle(body)


def test_a_job_is_made_as_its_controller_makes_it() -> None:
    made = BUILT[("batch", "CronJob")]["create-job"].change(JOB, {}, BEGIN).made
    assert made["metadata"] == {
        "name": "nightly-202601010000",
        "namespace": "shop",
        "labels": {"a": "b"},
        "annotations": {"cronjob.kubernetes.io/instantiate": "manual"},
        "ownerReferences": [{"apiVersion": "batch/v1", "kind": "CronJob", "name": "nightly", "uid": "u"}],
    }
    assert made["spec"] == {"template": {"spec": {"containers": []}}}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=4),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["spec", "status", "steps", "conditions", "strategy", "canary"]), inner)
        ),
        max_leaves=12,
    )
)
def test_no_object_breaks_an_action(body: Any) -> None:
    whole = body if isinstance(body, dict) else {"spec": body, "status": body, "metadata": body}
    for actions in BUILT.values():
        for action in actions.values():
            action.idle(whole)
            action.change(whole, {"replicas": "1"}, BEGIN)


async def test_a_status_is_written_apart_and_an_object_is_made_where_the_project_permits_it(stored: Stored) -> None:
    rolling = live("Rollout", "web", api_version="argoproj.io/v1alpha1")
    place = ByHandPlace([rolling, live("CronJob", "nightly", JOB, api_version="batch/v1")])
    at = {"name": "web", "namespace": "shop", "resourceName": "web", "group": "argoproj.io", "kind": "Rollout"}
    await ask(stored, place, "RunResourceAction", {**at, "action": "abort"})
    assert place.patched == [("web/status", b'{"status":{"abort":true}}', "merge")]
    job = {**at, "resourceName": "nightly", "group": "batch", "kind": "CronJob", "action": "create-job"}
    await ask(stored, place, "RunResourceAction", job)
    assert [each["kind"] for each in place.made] == ["Job"]
    place.refused = "kind Job is not permitted"
    with pytest.raises(Fault, match="is not permitted"):
        await ask(stored, place, "RunResourceAction", job)
    assert len(place.made) == 1

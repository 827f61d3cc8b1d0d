"""The client against a real API server: what each write does, and what each refusal becomes."""

import asyncio
import base64
from typing import Any

import msgspec
import pytest
from tests.conftest import Cluster, on_kubernetes
from tests.support.patience import looks, stretched

from pocketkube.controlplane import ControlPlane
from trueup.kube.client import Client
from trueup.kube.config import ClusterConfig, load_kubeconfig
from trueup.kube.discovery import Discovery, ResourceType
from trueup.kube.errors import (
    AlreadyExists,
    ApiError,
    BadRequest,
    Conflict,
    DuplicateKey,
    Forbidden,
    Invalid,
    NotFound,
    Silent,
    TypedPatchRefused,
    Unauthorized,
    UndeclaredField,
    Unreachable,
)
from trueup.kube.schemas import Schemas

CONFIG_MAPS = ResourceType("", "v1", "ConfigMap", "configmaps", True)
SECRETS = ResourceType("", "v1", "Secret", "secrets", True)
NAMESPACES = ResourceType("", "v1", "Namespace", "namespaces", False)
DEPLOYMENTS = ResourceType("apps", "v1", "Deployment", "deployments", True)
MANAGER = "argocd-controller"


def encode(value: Any) -> bytes:
    return msgspec.json.encode(value)


def config_map(name: str, **fields: Any) -> bytes:
    metadata = {"name": name} | fields.pop("metadata", {})
    return encode({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **fields})


def secret(name: str, **fields: Any) -> bytes:
    return encode({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, **fields})


def deployment(name: str, **container: Any) -> bytes:
    labels = {"app": name}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "web", "image": "web:1", **container}]},
    }
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    return encode({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec})


REFUSED: dict[str, tuple[ResourceType, bytes, type[ApiError]]] = {
    "an unknown field": (CONFIG_MAPS, config_map("x", bogus=1), UndeclaredField),
    "status on a kind without one": (CONFIG_MAPS, config_map("x", status={"a": "b"}), UndeclaredField),
    "an environment variable that is there twice": (
        DEPLOYMENTS,
        deployment("x", env=[{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]),
        DuplicateKey,
    ),
    "a port that is there twice": (
        DEPLOYMENTS,
        deployment("x", ports=[{"containerPort": 80, "name": "a"}, {"containerPort": 80, "name": "b"}]),
        DuplicateKey,
    ),
    "a list where text is expected": (CONFIG_MAPS, config_map("x", data={"a": ["b"]}), TypedPatchRefused),
    "managedFields in the manifest": (
        CONFIG_MAPS,
        config_map("x", metadata={"managedFields": [{"manager": "a", "operation": "Apply"}]}),
        BadRequest,
    ),
    "a value that the kind's rules forbid": (DEPLOYMENTS, deployment("x", imagePullPolicy="Sometimes"), Invalid),
}


@pytest.mark.parametrize(("type_", "body", "error"), REFUSED.values(), ids=REFUSED.keys())
async def test_apply_is_refused_with_its_type(
    admin: Client, namespace: str, type_: ResourceType, body: bytes, error: type[ApiError]
) -> None:
    with pytest.raises(error) as caught:
        await admin.apply(type_, namespace, "x", body, manager=MANAGER)
    assert type(caught.value) is error
    assert f"{namespace}/x" in caught.value.message
    with pytest.raises(NotFound):
        await admin.get(type_, namespace, "x")


async def test_a_typed_patch_error_names_the_field(admin: Client, namespace: str) -> None:
    with pytest.raises(UndeclaredField) as caught:
        await admin.apply(CONFIG_MAPS, namespace, "x", config_map("x", bogus=1), manager=MANAGER)
    assert caught.value.fields == (".bogus",)


async def test_apply_with_an_old_version_conflicts_and_with_a_foreign_uid_is_invalid(
    admin: Client, namespace: str
) -> None:
    first = await admin.apply(CONFIG_MAPS, namespace, "x", config_map("x", data={"a": "1"}), manager=MANAGER)
    await admin.apply(CONFIG_MAPS, namespace, "x", config_map("x", data={"a": "2"}), manager=MANAGER)
    old = config_map("x", metadata={"resourceVersion": first.resource_version}, data={"a": "3"})
    with pytest.raises(Conflict):
        await admin.apply(CONFIG_MAPS, namespace, "x", old, manager=MANAGER)
    foreign = config_map("x", metadata={"uid": "00000000-0000-0000-0000-000000000000"}, data={"a": "3"})
    with pytest.raises(ApiError) as caught:
        await admin.apply(CONFIG_MAPS, namespace, "x", foreign, manager=MANAGER)
    assert caught.value.code in (409, 422)


async def test_an_identical_apply_does_not_move_the_version(admin: Client, namespace: str) -> None:
    body = deployment("x", env=[{"name": "A", "value": "1"}])
    first = await admin.apply(DEPLOYMENTS, namespace, "x", body, manager=MANAGER)
    await asyncio.sleep(1.1)  # a second later, so that the time in managedFields could move
    seen = await admin.get(DEPLOYMENTS, namespace, "x")
    again = await admin.apply(DEPLOYMENTS, namespace, "x", body, manager=MANAGER)
    assert again.resource_version == seen.resource_version
    assert again.generation == first.generation


async def test_a_field_of_another_manager_conflicts_unless_forced(admin: Client, namespace: str) -> None:
    await admin.apply(CONFIG_MAPS, namespace, "x", config_map("x", data={"a": "1"}), manager="first")
    body = config_map("x", data={"a": "2"})
    with pytest.raises(Conflict) as caught:
        await admin.apply(CONFIG_MAPS, namespace, "x", body, manager="second", force=False)
    assert caught.value.has_cause("FieldManagerConflict")
    taken = await admin.apply(CONFIG_MAPS, namespace, "x", body, manager="second")
    assert taken.object()["data"] == {"a": "2"}


VALUE = "hunter2-is-no-password"
SECRET_BODIES = {
    "invalid data (422)": secret("x", stringData={".dockerconfigjson": VALUE}, type="kubernetes.io/dockerconfigjson"),
    "a value of another type (500)": secret("x", stringData={"a": {"b": VALUE}}),
    "data that is not base64": secret("x", data={"a": VALUE + "!"}),
    "an unknown field": secret("x", stringDatta={"a": VALUE}),
}


@pytest.mark.parametrize("body", SECRET_BODIES.values(), ids=SECRET_BODIES.keys())
async def test_a_refused_secret_is_not_quoted(admin: Client, namespace: str, body: bytes) -> None:
    calls = (
        admin.apply(SECRETS, namespace, "x", body, manager=MANAGER),
        admin.create(SECRETS, namespace, body, field_validation="Strict"),
    )
    for call in calls:
        with pytest.raises(ApiError) as caught:
            await call
        error = caught.value
        assert VALUE not in str(error) + repr(error) + repr(error.causes)
        assert base64.b64encode(VALUE.encode()).decode() not in str(error)


async def test_create_get_and_the_object_that_an_error_is_about(admin: Client, namespace: str) -> None:
    made = await admin.create(CONFIG_MAPS, namespace, config_map("x", data={"a": "1"}), field_manager="tests")
    got = await admin.get(CONFIG_MAPS, namespace, "x")
    assert (got.key, got.uid, got.resource_version) == (made.key, made.uid, made.resource_version)
    with pytest.raises(AlreadyExists):
        await admin.create(CONFIG_MAPS, namespace, config_map("x"))
    missing = msgspec.structs.replace(made.key, name="y")
    with pytest.raises(NotFound) as caught:
        await admin.get(CONFIG_MAPS, namespace, "y")
    assert caught.value.status_reason == "NotFound"
    assert caught.value.subject_is(missing)
    assert not caught.value.subject_is(made.key)


async def test_a_kind_that_is_not_served_is_not_found_without_a_reason(admin: Client) -> None:
    with pytest.raises(NotFound) as caught:
        await admin.list(ResourceType("nope.example.com", "v1", "Nope", "nopes", True))
    assert caught.value.status_reason == ""


async def test_a_name_of_the_servers_making(admin: Client, namespace: str) -> None:
    made = await admin.create(CONFIG_MAPS, namespace, encode({"metadata": {"generateName": "job-"}}))
    assert made.key.name.startswith("job-")
    assert len(made.key.name) > len("job-")


async def test_a_dry_run_answers_and_writes_nothing(admin: Client, namespace: str) -> None:
    body = config_map("x", data={"a": "1"})
    for answer in (
        await admin.create(CONFIG_MAPS, namespace, body, dry_run=True),
        await admin.apply(CONFIG_MAPS, namespace, "x", body, manager=MANAGER, dry_run=True),
    ):
        assert answer.object()["data"] == {"a": "1"}
    with pytest.raises(NotFound):
        await admin.get(CONFIG_MAPS, namespace, "x")


async def test_the_three_patch_types_and_a_replacement(admin: Client, namespace: str) -> None:
    await admin.create(DEPLOYMENTS, namespace, deployment("x", env=[{"name": "A", "value": "1"}]))
    merged = await admin.patch(
        DEPLOYMENTS, namespace, "x", encode({"metadata": {"labels": {"l": "1"}}}), kind="merge", manager="tests"
    )
    assert merged.labels == {"l": "1"}
    add = [{"op": "add", "path": "/metadata/labels/m", "value": "2"}]
    assert (await admin.patch(DEPLOYMENTS, namespace, "x", encode(add), kind="json")).labels == {"l": "1", "m": "2"}
    extra = {"containers": [{"name": "web", "env": [{"name": "B", "value": "2"}]}]}
    patched = await admin.patch(
        DEPLOYMENTS, namespace, "x", encode({"spec": {"template": {"spec": extra}}}), kind="strategic"
    )
    container = patched.object()["spec"]["template"]["spec"]["containers"][0]
    assert {entry["name"] for entry in container["env"]} == {"A", "B"}
    replaced = await admin.replace(DEPLOYMENTS, namespace, "x", deployment("x"))
    assert replaced.labels == {}


async def test_a_replacement_of_an_older_version_conflicts(admin: Client, namespace: str) -> None:
    first = await admin.create(CONFIG_MAPS, namespace, config_map("x"))
    await admin.patch(CONFIG_MAPS, namespace, "x", encode({"data": {"a": "1"}}), kind="merge")
    stale = config_map("x", metadata={"resourceVersion": first.resource_version}, data={"a": "2"})
    with pytest.raises(Conflict):
        await admin.replace(CONFIG_MAPS, namespace, "x", stale)


async def test_a_subresource_is_read_and_written(admin: Client, namespace: str) -> None:
    await admin.create(DEPLOYMENTS, namespace, deployment("x"))
    scale = await admin.patch(
        DEPLOYMENTS, namespace, "x", encode({"spec": {"replicas": 0}}), kind="merge", subresource="scale"
    )
    assert scale.key.kind == "Scale"
    assert (await admin.get(DEPLOYMENTS, namespace, "x", subresource="scale")).key.kind == "Scale"


async def test_delete_tells_gone_from_waiting_for_a_finalizer(admin: Client, namespace: str) -> None:
    await admin.create(CONFIG_MAPS, namespace, config_map("plain"))
    assert await admin.delete(CONFIG_MAPS, namespace, "plain", propagation="Background") is None
    await admin.create(CONFIG_MAPS, namespace, config_map("held", metadata={"finalizers": ["example.com/wait"]}))
    held = await admin.delete(CONFIG_MAPS, namespace, "held", propagation="Background")
    assert held is not None
    assert held.deletion_timestamp
    assert held.finalizers == ("example.com/wait",)
    await admin.patch(CONFIG_MAPS, namespace, "held", encode({"metadata": {"finalizers": None}}), kind="merge")
    with pytest.raises(NotFound):
        await admin.delete(CONFIG_MAPS, namespace, "held")


async def test_foreground_and_orphan_leave_their_finalizer_for_the_garbage_collector(
    admin: Client, namespace: str
) -> None:
    for propagation, finalizer in (("Foreground", "foregroundDeletion"), ("Orphan", "orphan")):
        await admin.create(CONFIG_MAPS, namespace, config_map("x"))
        waiting = await admin.delete(CONFIG_MAPS, namespace, "x", propagation=propagation)  # type: ignore[arg-type]  # a loop widens the literals
        assert waiting is not None
        assert waiting.finalizers == (finalizer,)
        async with asyncio.timeout(stretched(20)):
            while any(found.key.name == "x" for found in (await admin.list(CONFIG_MAPS, namespace)).objects):
                await asyncio.sleep(0.05)


async def test_delete_with_a_precondition_that_does_not_hold_deletes_nothing(admin: Client, namespace: str) -> None:
    made = await admin.create(CONFIG_MAPS, namespace, config_map("x"))
    await admin.patch(CONFIG_MAPS, namespace, "x", encode({"data": {"a": "1"}}), kind="merge")
    with pytest.raises(Conflict):
        await admin.delete(CONFIG_MAPS, namespace, "x", uid="00000000-0000-0000-0000-000000000000")
    with pytest.raises(Conflict):
        await admin.delete(CONFIG_MAPS, namespace, "x", resource_version=made.resource_version)
    assert (await admin.get(CONFIG_MAPS, namespace, "x")).uid == made.uid


async def test_a_delete_without_a_name_is_refused_and_empties_nothing(admin: Client, namespace: str) -> None:
    await admin.create(CONFIG_MAPS, namespace, config_map("x"))
    with pytest.raises(Invalid, match=r"metadata\.name is empty"):
        await admin.delete(CONFIG_MAPS, namespace, "")
    with pytest.raises(Invalid, match=r"metadata\.namespace is empty"):
        await admin.delete(CONFIG_MAPS, "", "x")
    assert (await admin.get(CONFIG_MAPS, namespace, "x")).key.name == "x"


async def test_warnings_come_back_and_strict_validation_refuses(admin: Client, namespace: str) -> None:
    warnings: list[str] = []
    body = config_map("x", bogus=1)
    await admin.create(CONFIG_MAPS, namespace, body, field_validation="Warn", warnings=warnings)
    assert warnings == ['unknown field "bogus"']
    with pytest.raises(BadRequest, match="bogus"):
        await admin.create(CONFIG_MAPS, namespace, body, field_validation="Strict")


async def test_a_paged_list_is_complete_and_at_one_version(admin: Client, namespace: str) -> None:
    names = {f"c{number:04}" for number in range(1200)}
    await asyncio.gather(
        *(admin.create(CONFIG_MAPS, namespace, config_map(name, metadata={"labels": {"l": "1"}})) for name in names)
    )
    listing = await admin.list(CONFIG_MAPS, namespace, "l=1", page=500)
    assert {found.key.name for found in listing.objects} == names
    assert all(found.api_version == "v1" and found.object()["kind"] == "ConfigMap" for found in listing.objects)
    assert int(listing.resource_version) >= max(int(found.resource_version) for found in listing.objects)


async def test_a_terminating_namespace_is_forbidden_with_its_cause(admin: Client, namespace: str) -> None:
    await admin.create(CONFIG_MAPS, namespace, config_map("held", metadata={"finalizers": ["example.com/wait"]}))
    await admin.delete(NAMESPACES, "", namespace, propagation="Background")
    with pytest.raises(Forbidden) as caught:
        await admin.create(CONFIG_MAPS, namespace, config_map("late"))
    assert caught.value.has_cause("NamespaceTerminating")
    await admin.patch(CONFIG_MAPS, namespace, "held", encode({"metadata": {"finalizers": None}}), kind="merge")


@on_kubernetes
async def test_who_is_not_known_and_who_may_not(cluster: ControlPlane) -> None:
    stranger = ClusterConfig(server=cluster.url, ca_data=cluster.ca_data, token="not-a-token")
    async with Client(stranger) as client:
        with pytest.raises(Unauthorized):
            await client.list(CONFIG_MAPS, "default")
    async with Client(load_kubeconfig(cluster.kubeconfig_of("guest"), None)) as client:
        with pytest.raises(Forbidden):
            await client.list(CONFIG_MAPS, "default")


async def test_a_server_whose_certificate_is_not_trusted_is_unreachable_and_insecure_reaches_it(
    cluster: Cluster,
) -> None:
    async with Client(ClusterConfig(server=cluster.url, token=cluster.token)) as client:
        with pytest.raises(Unreachable, match="not trusted"):
            await client.request("GET", "/version", attempts=1)
    async with Client(ClusterConfig(server=cluster.url, token=cluster.token, insecure=True)) as client:
        assert b"gitVersion" in await client.request("GET", "/version")


async def test_a_name_of_the_certificate_may_be_given(cluster: Cluster) -> None:
    wrong = ClusterConfig(
        server=cluster.url, ca_data=cluster.ca_data, token=cluster.token, tls_server_name="other.test"
    )
    async with Client(wrong) as client:
        with pytest.raises(Unreachable, match="not trusted"):
            await client.request("GET", "/version", attempts=1)
    right = msgspec.structs.replace(wrong, tls_server_name="kubernetes.default.svc")
    async with Client(right) as client:
        assert b"gitVersion" in await client.request("GET", "/version")


async def test_discovery_knows_kinds_scopes_verbs_and_versions(discovery: Discovery) -> None:
    assert discovery.server_version.startswith("v1.")
    found = discovery.find("apps", "Deployment")
    assert found is not None
    assert (found.version, found.plural, found.namespaced) == ("v1", "deployments", True)
    assert {"get", "list", "watch", "patch"} <= found.verbs
    assert {"scale", "status"} <= found.subresources
    assert discovery.find("", "Namespace") is not None
    assert discovery.find("autoscaling", "HorizontalPodAutoscaler", "v1") is not None
    preferred = discovery.find("autoscaling", "HorizontalPodAutoscaler")
    assert preferred is not None
    assert preferred.version == "v2"
    assert discovery.find("", "Deployment") is None
    assert {"v1", "v1/Pod", "apps/v1", "apps/v1/Deployment"} <= set(discovery.api_versions())
    assert len({type_.group_kind for type_ in discovery.types()}) == len(discovery.types())


async def test_a_kind_has_the_type_that_its_schema_says_and_what_is_unknown_has_none(admin: Client) -> None:
    schemas = Schemas(admin)
    await schemas.learn([("apps/v1", "Deployment"), ("apps/v1", "Nope"), ("nope.example.com/v1", "Nope")])
    deployment = schemas.type_of("apps/v1", "Deployment")
    assert deployment is not None
    assert deployment.fields["spec"].fields["replicas"].type == "integer"
    assert schemas.type_of("apps/v1", "Nope") is None
    assert schemas.type_of("nope.example.com/v1", "Nope") is None


async def test_a_watch_gives_bookmarks_and_what_happened_since_a_version(admin: Client, namespace: str) -> None:
    listing = await admin.list(CONFIG_MAPS, namespace)
    made = await admin.create(CONFIG_MAPS, namespace, config_map("x"))
    changed = await admin.patch(CONFIG_MAPS, namespace, "x", encode({"data": {"a": "1"}}), kind="merge")
    await admin.delete(CONFIG_MAPS, namespace, "x", propagation="Background")
    bookmarks: list[str] = []
    # A server sends one two seconds before the end of a stream, if it comes to it.
    async for _ in looks(pause=0):
        told: list[tuple[str, str]] = []
        async for event in admin.watch(CONFIG_MAPS, listing.resource_version, namespace=namespace, timeout=8):
            if event.type == "BOOKMARK":
                bookmarks.append(event.resource_version)
            elif event.object.key.name == "x":
                told.append((event.type, event.resource_version))
        assert told[:2] == [("ADDED", made.resource_version), ("MODIFIED", changed.resource_version)]
        assert [kind for kind, _ in told] == ["ADDED", "MODIFIED", "DELETED"]
        if bookmarks:
            break
    assert bookmarks, "a server sends one before it ends the stream"
    assert int(bookmarks[-1]) >= int(changed.resource_version)


async def test_a_watch_begins_with_the_state_and_says_when_it_is_complete(admin: Client, namespace: str) -> None:
    await admin.create(CONFIG_MAPS, namespace, config_map("x"))
    names = set()
    async for event in admin.watch(CONFIG_MAPS, "", namespace=namespace, initial_events=True, timeout=30):
        if event.initial_events_end:
            break
        names.add(event.object.key.name)
    assert "x" in names


async def test_a_version_from_the_future_stays_silent_until_the_deadline(admin: Client) -> None:
    with pytest.raises(Silent):
        async for event in admin.watch(NAMESPACES, "900000000", timeout=30, read_seconds=1.0):
            assert event.type == "BOOKMARK"

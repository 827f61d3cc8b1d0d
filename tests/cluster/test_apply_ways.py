"""Client-side apply, replace, and lists whose keys somebody changed, on API servers."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from tests.cluster.applying import Target, applied, client_side, config, declared, deployment, said
from tests.cluster.test_apply import widget_definition
from tests.support.patience import stretched

from trueup.apply.confirm import Confirmer, Question
from trueup.diff import changes_of, compare, differences, pair
from trueup.kube.parameters import PatchKind
from trueup.model.annotations import FIELD_MANAGER, LAST_APPLIED
from trueup.model.manifest import Manifest
from trueup.model.resource import GroupKind
from trueup.model.status import SyncCode
from trueup.plan.task import Writing

OFF, REPLACE, DEFAULT = Writing(server_side="off"), Writing(replace=True), Writing()
WAYS = pytest.mark.parametrize("way", [DEFAULT, OFF, REPLACE], ids=["server side", "client side", "replace"])


async def edited(
    target: Target, wanted: Manifest, patch: Any, manager: str = "operator", kind: PatchKind = "strategic"
) -> dict[str, Any]:
    """What somebody else does to an object."""
    key = wanted.key
    body = msgspec.json.encode(patch)
    live = await target.client.patch(target.type(wanted), key.namespace, key.name, body, kind=kind, manager=manager)
    target.cache.stored(live)
    return live.object()


async def drift(target: Target, wanted: Manifest, way: Writing) -> list[str]:
    """The fields that a fresh engine sees differ."""
    live = await target.client.get(target.type(wanted), wanted.key.namespace, wanted.key.name)
    target.cache.stored(live)
    answers = await Confirmer(target).confirm([Question(wanted, live, way)])
    pairs = pair([wanted], {}, lambda _: live)
    (seen,) = compare(pairs, answers, asked=[wanted.key]).resources
    assert not answers[wanted.key].refused, seen.message
    changes = [change.path for change in changes_of(live, answers[wanted.key])]
    assert (seen.status is SyncCode.SYNCED) is (not changes)
    return changes


async def settled(target: Target, wanted: Manifest, way: Writing) -> dict[str, Any]:
    """The object, which an apply would leave as it is."""
    assert await drift(target, wanted, way) == []
    before = await target.read(wanted)
    if not way.replace:
        ((status, message),) = said(await applied(target, wanted, writing=way))
        assert (status, message.split()[1]) == ("Synced", "unchanged"), message
        assert _version(await target.read(wanted)) == _version(before)
    return before


def _version(obj: dict[str, Any]) -> Any:
    """What moves with a write, and not with a controller's word on the status."""
    return obj["metadata"].get("generation") or obj["metadata"]["resourceVersion"]


# Client-side apply


@WAYS
@pytest.mark.parametrize("field", ["data", "stringData"])
async def test_a_key_that_leaves_a_secret_in_git_leaves_the_cluster(
    target: Target, namespace: str, way: Writing, field: str
) -> None:
    first = declared(namespace, "v1", "Secret", "s", **{field: {"user": "dQ==", "old": "YWJj"}})
    second = declared(namespace, "v1", "Secret", "s", **{field: {"user": "dQ=="}})
    await applied(target, first, writing=way)
    await settled(target, first, way)
    assert await drift(target, second, way) == ["data.old"]
    await applied(target, second, writing=way)
    assert (await settled(target, second, way))["data"].keys() == {"user"}


async def test_a_secret_applied_client_side_keeps_no_value_in_its_annotations(target: Target, namespace: str) -> None:
    wanted = declared(namespace, "v1", "Secret", "s", stringData={"password": "hunter22"})
    plain = declared(namespace, "v1", "Secret", "s", data={"password": "aHVudGVyMjI=", "old": "eA=="})
    await client_side(target, plain, FIELD_MANAGER)
    assert await drift(target, wanted, OFF) == ["data.old"]
    await applied(target, wanted, writing=OFF)
    stored = await settled(target, wanted, OFF)
    assert stored["data"] == {"password": "aHVudGVyMjI="}
    memory = stored["metadata"]["annotations"][LAST_APPLIED]
    assert "password" in memory
    assert "aHVudGVyMjI=" not in memory
    assert "hunter22" not in memory
    assert "eA==" not in memory


async def test_a_key_that_somebody_changed_and_git_drops_goes(target: Target, namespace: str) -> None:
    first = declared(namespace, "v1", "Secret", "s", data={"a": "MQ==", "b": "Mg=="})
    await applied(target, first, writing=OFF)
    await edited(target, first, {"data": {"b": "Mw=="}}, manager="kubectl-edit")
    assert await drift(target, first, OFF) == ["data.b"]
    second = declared(namespace, "v1", "Secret", "s", data={"a": "MQ=="})
    await applied(target, second, writing=OFF)
    assert (await settled(target, second, OFF))["data"] == {"a": "MQ=="}


SIDE = {"name": "side", "image": "side:1"}


def containers(*items: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": list(items)}}}}


@pytest.mark.parametrize(
    ("way", "more"),
    [(OFF, {}), (DEFAULT, {"replica": 2}), (DEFAULT, {}), (REPLACE, {})],
    ids=["client side", "client side for a misspelt field", "server side", "replace"],
)
async def test_what_another_controller_adds_to_a_list_is_no_drift_and_stays(
    target: Target, namespace: str, way: Writing, more: dict[str, Any]
) -> None:
    def wanted(image: str) -> Manifest:
        env = [{"name": "A", "value": "1"}]
        return deployment(namespace, container={"image": image, "env": env}, **more)

    await applied(target, wanted("web:1"), writing=way)
    injected = {"name": "web", "env": [{"name": "B", "value": "2"}], "ports": [{"containerPort": 9}]}
    await edited(target, wanted("web:1"), containers(SIDE, injected))
    generation = (await settled(target, wanted("web:1"), way))["metadata"]["generation"]
    assert (await target.read(wanted("web:1")))["metadata"]["generation"] == generation
    if way.replace:
        return
    await applied(target, wanted("web:2"), writing=way)
    pod = (await settled(target, wanted("web:2"), way))["spec"]["template"]["spec"]["containers"]
    assert {item["name"]: item["image"] for item in pod} == {"side": "side:1", "web": "web:2"}
    web = next(item for item in pod if item["name"] == "web")
    assert {item["name"] for item in web["env"]} == {"A", "B"}
    assert [item["containerPort"] for item in web["ports"]] == [9]


async def test_a_list_item_that_leaves_git_goes_by_client_side_apply_as_well(target: Target, namespace: str) -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    for way, declares in ((DEFAULT, env), (OFF, env[:1])):
        await applied(target, deployment(namespace, container={"env": declares}), writing=way)
    stored = await settled(target, deployment(namespace, container={"env": env[:1]}), OFF)
    assert stored["spec"]["template"]["spec"]["containers"][0]["env"] == env[:1]


async def test_duplicate_keys_settle_beside_the_items_of_others(target: Target, namespace: str) -> None:
    env = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    wanted = deployment(namespace, container={"env": env})
    await applied(target, wanted)
    added = [*env, {"name": "B", "value": "3"}]
    path = "/spec/template/spec/containers/0/env"
    await edited(target, wanted, [{"op": "replace", "path": path, "value": added}], kind="json")
    stored = await settled(target, wanted, DEFAULT)
    assert stored["spec"]["template"]["spec"]["containers"][0]["env"] == added


async def test_a_node_port_survives_a_new_target_port(target: Target, namespace: str) -> None:
    def wanted(port: int) -> Manifest:
        ports = [{"name": "d", "port": 53, "targetPort": port}, {"name": "u", "port": 53, "protocol": "UDP"}]
        return declared(namespace, "v1", "Service", "dns", spec={"type": "NodePort", "ports": ports})

    await applied(target, wanted(5300), writing=OFF)
    before = (await settled(target, wanted(5300), OFF))["spec"]
    await applied(target, wanted(5301), writing=OFF)
    after = (await settled(target, wanted(5301), OFF))["spec"]
    assert [port["nodePort"] for port in after["ports"]] == [port["nodePort"] for port in before["ports"]]
    assert after["clusterIP"] == before["clusterIP"]
    assert after["ports"][0]["targetPort"] == 5301


def doors(kind: str, rule: str = "") -> Manifest:
    """A definition whose objects have listeners, known by name."""
    keyed: dict[str, Any] = {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
    port = {"name": {"type": "string", "maxLength": 9}, "port": {"type": "integer"}}
    keyed |= {"maxItems": 9, "items": {"type": "object", "required": ["name"], "properties": port}}
    if rule:
        keyed["x-kubernetes-validations"] = [{"rule": rule, "message": "ports are unique"}]
    spec = {"type": "object", "properties": {"listeners": keyed, "size": {"type": "integer"}}}
    definition = widget_definition(f"{kind.lower()}s", kind).object()
    schema = {"type": "object", "properties": {"spec": spec}}
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = schema
    name = definition["metadata"]["name"]
    return declared("", definition["apiVersion"], definition["kind"], name, spec=definition["spec"])


async def schema_of(target: Target, kind: str) -> None:
    """Waits for the schema of a kind, which is served a moment before it, and follows the kind."""
    await target.discovery.refresh()
    await target.cache.ensure([GroupKind("apply.test", kind)])
    async with asyncio.timeout(stretched(30)):
        while not (await target.schemas.merging("apply.test/v1", kind)).type.fields:
            await asyncio.sleep(0.05)


async def test_a_custom_resource_merges_by_what_its_schema_says(target: Target, namespace: str) -> None:
    crd = doors("Door")

    def door(**more: Any) -> Manifest:
        return declared(namespace, "apply.test/v1", "Door", "d", spec=more)

    http, dns = {"name": "http", "port": 80}, {"name": "dns", "port": 53}
    await applied(target, crd, door(listeners=[http, dns], size=1), writing=OFF)
    others = [{"op": "add", "path": "/spec/listeners/0", "value": {"name": "mesh", "port": 1}}]
    await edited(target, door(), others, kind="json")
    await schema_of(target, "Door")
    await applied(target, door(listeners=[{**http, "port": 81}]), writing=OFF)
    stored = await settled(target, door(listeners=[{**http, "port": 81}]), OFF)
    assert stored["spec"] == {"listeners": [{"name": "mesh", "port": 1}, {**http, "port": 81}]}


async def test_an_object_too_large_to_be_remembered_whole_is_applied_and_loses_what_leaves_git(
    target: Target, namespace: str
) -> None:
    big = "x" * 300_000
    await applied(target, config(namespace, big=big, old="1"), writing=OFF)
    assert await drift(target, config(namespace, big=big), OFF) == ["data.old"]
    await applied(target, config(namespace, big=big), writing=OFF)
    assert (await settled(target, config(namespace, big=big), OFF))["data"].keys() == {"big"}


# Replace


def job(namespace: str, image: str = "job:1") -> Manifest:
    pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": image}]}
    return declared(namespace, "batch/v1", "Job", "j", spec={"template": {"spec": pod}})


def claim(namespace: str) -> Manifest:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return declared(namespace, "v1", "PersistentVolumeClaim", "p", spec=spec)


def service(namespace: str, *ports: dict[str, Any], **spec: Any) -> Manifest:
    return declared(namespace, "v1", "Service", "web", spec={"ports": list(ports), **spec})


def stateful(namespace: str) -> Manifest:
    template = {"metadata": {"name": "data"}, "spec": claim(namespace).object()["spec"]}
    spec = {**deployment(namespace).object()["spec"], "serviceName": "web", "volumeClaimTemplates": [template]}
    return declared(namespace, "apps/v1", "StatefulSet", "web", spec=spec)


def daemons(namespace: str) -> Manifest:
    spec = deployment(namespace).object()["spec"]
    del spec["replicas"]
    return declared(namespace, "apps/v1", "DaemonSet", "web", spec=spec)


def pod(namespace: str) -> Manifest:
    containers = [{"name": "c", "image": "c:1"}]
    return declared(namespace, "v1", "Pod", "p", spec={"containers": containers})


def schedule(namespace: str) -> Manifest:
    spec = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": job(namespace).object()["spec"]}}
    return declared(namespace, "batch/v1", "CronJob", "c", spec=spec)


REPLACED = {
    "a StatefulSet": stateful,
    "a DaemonSet": daemons,
    "a Pod, which admission completed": pod,
    "a CronJob": schedule,
    "a Namespace": lambda namespace: declared("", "v1", "Namespace", f"{namespace}-more"),
    "a definition": lambda namespace: widget_definition("gates", "Gate"),
    "a Deployment, whose controller writes its revision": deployment,
    "a Job, whose selector the server chose": job,
    "a claim": claim,
    "a Service, whose addresses the server chose": lambda namespace: service(namespace, {"port": 80}, type="NodePort"),
    "a Secret given as text": lambda namespace: declared(namespace, "v1", "Secret", "s", stringData={"a": "b"}),
    "a ServiceAccount": lambda namespace: declared(namespace, "v1", "ServiceAccount", "sa"),
}


@pytest.mark.parametrize("make", REPLACED.values(), ids=REPLACED.keys())
async def test_a_replaced_object_is_in_sync_and_can_be_replaced_again(
    target: Target, namespace: str, make: Callable[[str], Manifest]
) -> None:
    wanted = make(namespace)
    await applied(target, wanted, writing=REPLACE)
    for _ in range(2):
        assert await drift(target, wanted, REPLACE) == []
        ((status, message),) = said(await applied(target, wanted, writing=REPLACE))
        assert status == "Synced", message


async def test_a_replace_sees_what_git_declares_and_what_we_set_and_nothing_else(
    target: Target, namespace: str
) -> None:
    labels = {"metadata": {"labels": {"ours": "1", "old": "1"}}}
    first = declared(namespace, "v1", "ConfigMap", "web", data={"a": "1"}, **labels)
    await applied(target, first, writing=REPLACE)
    await edited(target, first, {"metadata": {"labels": {"theirs": "1"}}, "data": {"b": "2"}})
    assert await drift(target, first, REPLACE) == []
    second = declared(namespace, "v1", "ConfigMap", "web", data={"a": "1"}, metadata={"labels": {"ours": "1"}})
    assert await drift(target, second, REPLACE) == ["metadata.labels.old"]
    await edited(target, first, {"data": {"a": "9"}}, manager="kubectl-edit")
    assert await drift(target, second, REPLACE) == ["data.a", "metadata.labels.old"]
    await applied(target, second, writing=REPLACE)
    assert await drift(target, second, REPLACE) == []


async def test_replicas_that_an_autoscaler_set_are_no_drift_of_a_replaced_deployment(
    target: Target, namespace: str
) -> None:
    spec = deployment(namespace).object()["spec"]
    del spec["replicas"]
    wanted = declared(namespace, "apps/v1", "Deployment", "web", spec=spec)
    await applied(target, wanted, writing=REPLACE)
    await edited(target, wanted, {"spec": {"replicas": 3}}, manager="autoscaler")
    assert await drift(target, wanted, REPLACE) == []


async def test_a_replace_keeps_the_finalizers_of_others(target: Target, namespace: str) -> None:
    await applied(target, config(namespace, a="1"), writing=REPLACE)
    await edited(target, config(namespace), {"metadata": {"finalizers": ["example.com/cleanup"]}})
    await applied(target, config(namespace, a="2"), writing=REPLACE)
    stored = await target.read(config(namespace))
    assert (stored["data"], stored["metadata"]["finalizers"]) == ({"a": "2"}, ["example.com/cleanup"])
    await edited(target, config(namespace), {"metadata": {"finalizers": None}}, kind="merge")


async def test_force_and_replace_settle_after_an_impossible_change(target: Target, namespace: str) -> None:
    force = Writing(replace=True, force=True)
    await applied(target, job(namespace), writing=force)
    uid = (await target.read(job(namespace)))["metadata"]["uid"]
    ((status, message),) = said(await applied(target, job(namespace, "job:2"), writing=REPLACE))
    assert (status, "immutable" in message) == ("SyncFailed", True)
    ((status, message),) = said(await applied(target, job(namespace, "job:2"), writing=force))
    assert (status, message) == ("Synced", "job.batch/j created")
    assert (await target.read(job(namespace)))["metadata"]["uid"] != uid
    assert await drift(target, job(namespace, "job:2"), force) == []


async def test_an_impossible_change_is_shown_without_the_defaults_of_the_server(target: Target, namespace: str) -> None:
    await applied(target, job(namespace))
    live = await target.client.get(target.type(job(namespace)), namespace, "j")
    wanted = job(namespace, "job:2")
    for way in (DEFAULT, OFF, REPLACE):
        answer = (await Confirmer(target).confirm([Question(wanted, live, way)]))[wanted.key]
        assert answer.certain, answer.refused
        changes = differences(live.object(), answer.object())
        assert [change.path for change in changes] == ["spec.template.spec.containers[name=c].image"]


# Keys that somebody changed

HTTP = {"name": "http", "port": 80, "targetPort": 8080}
MOVED = {"name": "http", "port": 81, "protocol": "TCP", "targetPort": 8080}


async def ports_edited(target: Target, wanted: Manifest, manager: str, *ports: dict[str, Any]) -> None:
    await edited(target, wanted, {"spec": {"ports": list(ports)}}, manager=manager, kind="merge")


def numbers(stored: dict[str, Any]) -> list[int]:
    return [port["port"] for port in stored["spec"]["ports"]]


@WAYS
@pytest.mark.parametrize("manager", ["kubectl-edit", "kubectl-patch"])
async def test_a_port_whose_number_somebody_changed_is_put_back(
    target: Target, namespace: str, way: Writing, manager: str
) -> None:
    await applied(target, service(namespace, HTTP), writing=way)
    await ports_edited(target, service(namespace), manager, MOVED)
    assert await drift(target, service(namespace, HTTP), way) != []
    await applied(target, service(namespace, HTTP), writing=way)
    assert numbers(await settled(target, service(namespace, HTTP), way)) == [80]
    await ports_edited(target, service(namespace), manager, MOVED)
    await applied(target, service(namespace, {**HTTP, "port": 82}), writing=way)
    assert numbers(await settled(target, service(namespace, {**HTTP, "port": 82}), way)) == [82]


@pytest.mark.parametrize("way", [DEFAULT, OFF], ids=["server side", "client side"])
async def test_a_port_without_a_name_is_put_back(target: Target, namespace: str, way: Writing) -> None:
    await applied(target, service(namespace, {"port": 80}), writing=way)
    await ports_edited(target, service(namespace), "kubectl-edit", {"port": 81})
    await applied(target, service(namespace, {"port": 80}), writing=way)
    assert numbers(await settled(target, service(namespace, {"port": 80}), way)) == [80]


@pytest.mark.parametrize("way", [DEFAULT, OFF], ids=["server side", "client side"])
async def test_what_people_added_beside_the_changed_port_stays(target: Target, namespace: str, way: Writing) -> None:
    await applied(target, service(namespace, HTTP), writing=way)
    await ports_edited(target, service(namespace), "kubectl-edit", MOVED, {"name": "metrics", "port": 9090})
    await applied(target, service(namespace, HTTP), writing=way)
    assert sorted(numbers(await settled(target, service(namespace, HTTP), way))) == [80, 9090]


@pytest.mark.parametrize("way", [DEFAULT, OFF], ids=["server side", "client side"])
async def test_a_port_that_a_controller_added_is_not_removed_for_one_of_its_name(
    target: Target, namespace: str, way: Writing
) -> None:
    await applied(target, service(namespace, HTTP), writing=way)
    mesh = {"name": "metrics", "port": 9090}
    await edited(target, service(namespace), {"spec": {"ports": [mesh]}}, manager="mesh-operator")
    wanted = service(namespace, HTTP, {"name": "metrics", "port": 9091})
    ((status, message),) = said(await applied(target, wanted, writing=way))
    assert (status, "Duplicate value" in message) == ("SyncFailed", True)
    assert "spec.ports[port=9090,protocol=TCP] is of mesh-operator" in message
    assert sorted(numbers(await target.read(wanted))) == [80, 9090]


@pytest.mark.parametrize("way", [DEFAULT, OFF], ids=["server side", "client side"])
async def test_a_container_port_whose_number_somebody_changed_is_put_back(
    target: Target, namespace: str, way: Writing
) -> None:
    wanted = deployment(namespace, container={"ports": [{"name": "http", "containerPort": 80}]})
    await applied(target, wanted, writing=way)
    path = "/spec/template/spec/containers/0/ports/0/containerPort"
    await edited(target, wanted, [{"op": "replace", "path": path, "value": 81}], manager="kubectl-edit", kind="json")
    await applied(target, wanted, writing=way)
    stored = await settled(target, wanted, way)
    (container,) = stored["spec"]["template"]["spec"]["containers"]
    assert [port["containerPort"] for port in container["ports"]] == [80]


@pytest.mark.parametrize("way", [DEFAULT, OFF], ids=["server side", "client side"])
async def test_an_item_of_a_custom_resource_whose_key_somebody_changed_is_put_back(
    target: Target, namespace: str, way: Writing
) -> None:
    kind = "Gatetwo" if way.server_side == "off" else "Gateone"
    rule = "self.all(a, self.exists_one(b, a.port == b.port))"
    spec = {"listeners": [{"name": "http", "port": 80}, {"name": "dns", "port": 53}]}
    wanted = declared(namespace, "apply.test/v1", kind, "g", spec=spec)
    await applied(target, doors(kind, rule), wanted, writing=way)
    await schema_of(target, kind)
    rename = [{"op": "replace", "path": "/spec/listeners/0/name", "value": "web"}]
    await edited(target, wanted, rename, manager="kubectl-edit", kind="json")
    await applied(target, wanted, writing=way)
    stored = await settled(target, wanted, way)
    assert sorted(stored["spec"]["listeners"], key=lambda item: item["port"], reverse=True) == spec["listeners"]


@pytest.mark.parametrize("make", [deployment, *REPLACED.values()], ids=["a Deployment", *REPLACED.keys()])
async def test_an_object_that_argo_cd_created_is_no_drift_in_its_defaults(
    target: Target, namespace: str, make: Callable[[str], Manifest]
) -> None:
    wanted = make(namespace)
    if wanted.key.namespace == "" and wanted.key.kind != "Namespace":
        wanted = widget_definition("fences", "Fence")
    await client_side(target, wanted, FIELD_MANAGER)
    for way in (DEFAULT, OFF, REPLACE):
        assert await drift(target, wanted, way) == []

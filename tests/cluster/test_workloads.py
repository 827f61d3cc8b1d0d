"""Controllers that stand in for kube-controller-manager lead to what that leads to."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from tests.conftest import Cluster, make_namespace
from tests.support.patience import stretched

from pocketkube.controlplane import ControlPlane
from trueup.demo.simulating import simulated
from trueup.kube.cache import WatchCache
from trueup.kube.client import Client
from trueup.kube.config import load_kubeconfig
from trueup.kube.discovery import Discovery
from trueup.model.live import Seen
from trueup.model.resource import GroupKind

Object = dict[str, Any]
Step = dict[str, Object]
"""Merge patches by ``Kind/name``; those of one step are made together."""

LEFT = (
    "garbage-collector-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "root-ca-certificate-publisher-controller",
)
GROUPS = {
    "Deployment": "apps",
    "ReplicaSet": "apps",
    "StatefulSet": "apps",
    "ControllerRevision": "apps",
    "Job": "batch",
    "CronJob": "batch",
    "PodDisruptionBudget": "policy",
    "Pod": "",
    "PersistentVolumeClaim": "",
}
SIMULATE = "trueup.dev/simulate"
DELAY = "trueup.dev/simulate-delay"
AT_ONCE = 20
"""Cases of either cluster that are played at a time."""
QUIET = 2.0
"""Seconds without a change after which nothing more comes: no case waits for longer than one second."""


def template(wish: str = "", **annotations: str) -> Object:
    asked = {SIMULATE: wish} if wish else {}
    return {
        "metadata": {"labels": {"app": "web"}, "annotations": {**asked, **annotations}},
        "spec": {"containers": [{"name": "main", "image": "registry.example/main:1"}]},
    }


def workload(kind: str, pods: Object | None = None, **spec: Any) -> Object:
    selector = {"matchLabels": {"app": "web"}}
    return {
        "kind": kind,
        "metadata": {"name": "web"},
        "spec": {"selector": selector, "template": pods or template(), **spec},
    }


def job(wish: str = "", delay: str = "", **spec: Any) -> Object:
    pods = template(wish, **({DELAY: delay} if delay else {}))
    pods["spec"]["restartPolicy"] = "Never"
    return {"kind": "Job", "metadata": {"name": "web"}, "spec": {"template": pods, **spec}}


def budget(**spec: Any) -> Object:
    return {
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, **spec},
    }


def spec(**changes: Any) -> Object:
    return {"spec": changes}


def pods(**changes: Any) -> Object:
    return {"spec": {"template": {"spec": changes}}}


DATA = {
    "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}
NEXT: Step = {"Deployment/web": pods(terminationGracePeriodSeconds=7)}
STUCK: Step = {"Deployment/web": {"spec": {"template": {"metadata": {"annotations": {SIMULATE: "image-pull-error"}}}}}}

CASES: dict[str, tuple[list[Object], list[Step]]] = {
    "a Deployment comes up": ([workload("Deployment", replicas=3)], []),
    "a Deployment of nothing": ([workload("Deployment", replicas=0)], []),
    "a Deployment that crashes runs out of time": (
        [workload("Deployment", template("crash-loop"), replicas=2, progressDeadlineSeconds=1)],
        [],
    ),
    "a Deployment waits for its Pods to stay ready": ([workload("Deployment", replicas=2, minReadySeconds=1)], []),
    "a rollout": ([workload("Deployment", replicas=3)], [NEXT]),
    "a rollout and back": (
        [workload("Deployment", replicas=3)],
        [NEXT, {"Deployment/web": pods(terminationGracePeriodSeconds=30)}],
    ),
    "a rollout that recreates": ([workload("Deployment", replicas=2, strategy={"type": "Recreate"})], [NEXT]),
    "a rollout that is stuck": ([workload("Deployment", replicas=4)], [STUCK]),
    "a rollout that is stuck and scaled": (
        [workload("Deployment", replicas=4)],
        [STUCK, {"Deployment/web": spec(replicas=10)}],
    ),
    "a history that is cut": (
        [workload("Deployment", replicas=1, revisionHistoryLimit=1)],
        [
            NEXT,
            {"Deployment/web": pods(terminationGracePeriodSeconds=8)},
            {"Deployment/web": pods(terminationGracePeriodSeconds=9)},
        ],
    ),
    "a Deployment that is paused": ([workload("Deployment", replicas=1, paused=True)], []),
    "a Deployment that is resumed": (
        [workload("Deployment", replicas=1, paused=True)],
        [{"Deployment/web": spec(replicas=2)}, {"Deployment/web": spec(paused=False)}],
    ),
    "a ReplicaSet that is scaled down": ([workload("ReplicaSet", replicas=3)], [{"ReplicaSet/web": spec(replicas=1)}]),
    "a StatefulSet with claims": (
        [workload("StatefulSet", replicas=3, serviceName="web", volumeClaimTemplates=[DATA])],
        [{"StatefulSet/web": spec(replicas=2)}],
    ),
    "a StatefulSet whose first Pod is not ready": (
        [workload("StatefulSet", template("never-ready"), replicas=3, serviceName="web")],
        [],
    ),
    "a StatefulSet that is updated": (
        [workload("StatefulSet", replicas=3, serviceName="web")],
        [{"StatefulSet/web": pods(terminationGracePeriodSeconds=7)}],
    ),
    "a StatefulSet that is updated in part": (
        [
            workload(
                "StatefulSet",
                replicas=3,
                serviceName="web",
                podManagementPolicy="Parallel",
                updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 1}},
            )
        ],
        [{"StatefulSet/web": pods(terminationGracePeriodSeconds=7)}],
    ),
    **{
        f"an update, {management}, {replicas} Pods, its strategy {json.dumps(strategy)}": (
            [
                workload(
                    "StatefulSet",
                    replicas=replicas,
                    serviceName="web",
                    podManagementPolicy=management,
                    updateStrategy=strategy,
                )
            ],
            [{"StatefulSet/web": pods(terminationGracePeriodSeconds=7)}],
        )
        for management in ("OrderedReady", "Parallel")
        for replicas in (1, 3)
        for strategy in (
            {"type": "RollingUpdate"},
            {"type": "RollingUpdate", "rollingUpdate": {}},
            {"type": "OnDelete"},
        )
    },
    "a Job": ([job()], []),
    "a Job of several": ([job(completions=3, parallelism=2)], []),
    "a Job of numbered parts": ([job(completionMode="Indexed", completions=4, parallelism=2)], []),
    "a Job that takes what comes": ([job(parallelism=2)], []),
    "a Job that fails": ([job("fail", backoffLimit=0)], []),
    "a Job that takes too long": ([job(delay="1h", activeDeadlineSeconds=1)], []),
    "a Job that is suspended": ([job(suspend=True)], []),
    "a Job that is resumed": ([job(suspend=True)], [{"Job/web": spec(suspend=False)}]),
    "a Job that goes": ([job(ttlSecondsAfterFinished=1)], []),
    "a CronJob that waits": (
        [{"kind": "CronJob", "metadata": {"name": "web"}, "spec": {"schedule": "0 0 1 1 *", "jobTemplate": job()}}],
        [],
    ),
    "a budget in numbers": ([workload("Deployment", replicas=3), budget(minAvailable=2)], []),
    "a budget in percent": ([workload("Deployment", replicas=3), budget(maxUnavailable="30%")], []),
    "a budget of nothing": ([budget(minAvailable="50%")], []),
}


@pytest_asyncio.fixture(scope="module")
async def bare(controlplane_folders: list[Path]) -> AsyncIterator[Client]:
    """A control plane whose workloads nobody controls but the simulator."""
    async with ControlPlane(controlplane_folders, controllers=LEFT) as plane:
        config = load_kubeconfig(plane.kubeconfig_of("pod-simulator"), None)
        async with simulated(config, controllers=True), Client(load_kubeconfig(plane.kubeconfig, None)) as client:
            yield client


@pytest_asyncio.fixture(scope="module")
async def ends(cluster: Cluster, admin: Client, bare: Client) -> dict[str, tuple[list[str], list[str]]]:
    """What each case leads to, by the real controllers and by ours; several at a time."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def end(stage: Stage, number: int, name: str) -> list[str]:
        # Those of the other cluster's run may still be on their way out of the bare one.
        namespace = f"workloads-{type(cluster).__name__.lower()}-{number}"
        async with limit:
            await make_namespace(stage.client, namespace)
            found = await stage.play(namespace, *CASES[name])
            await stage.client.request("DELETE", f"/api/v1/namespaces/{namespace}")
            return found

    async with asyncio.timeout(stretched(150)), staged(admin) as real, staged(bare) as ours:
        runs = [end(stage, number, name) for number, name in enumerate(CASES) for stage in (real, ours)]
        found = await asyncio.gather(*runs)
    return dict(zip(CASES, zip(found[::2], found[1::2], strict=True), strict=True))


@pytest.mark.parametrize("name", CASES)
async def test_same_end(ends: dict[str, tuple[list[str], list[str]]], name: str) -> None:
    real, ours = ends[name]
    assert ours == real


async def discover(client: Client) -> Discovery:
    discovery = Discovery(client)
    await discovery.refresh()
    return discovery


class Stage:
    """A cluster on which cases are played, each in a namespace of its own.

    Attributes:
        changed: when something last changed, by namespace, in seconds of the loop.
    """

    def __init__(self, client: Client, discovery: Discovery, changed: dict[str, float]) -> None:
        self.client, self.changed, self._discovery = client, changed, discovery

    async def play(self, namespace: str, objects: list[Object], steps: list[Step]) -> list[str]:
        """Creates the objects, takes each step when all is quiet, and returns what is there in the end."""
        for obj in objects:
            type_ = self._discovery.find(GROUPS[obj["kind"]], obj["kind"])
            assert type_
            body = msgspec.json.encode({**obj, "apiVersion": type_.api_version})
            await self.client.create(type_, namespace, body)
        for step in steps:
            await self._quiet(namespace)
            for target, patch in step.items():
                kind, _, name = target.partition("/")
                type_ = self._discovery.find(GROUPS[kind], kind)
                assert type_
                await self.client.patch(type_, namespace, name, msgspec.json.encode(patch), kind="merge")
        await self._quiet(namespace)
        return await state(self.client, self._discovery, namespace)

    async def _quiet(self, namespace: str) -> None:
        """Returns once nothing has changed for a while."""
        loop = asyncio.get_running_loop()
        self.changed[namespace] = loop.time()
        while (rest := self.changed[namespace] + QUIET - loop.time()) > 0:
            await asyncio.sleep(rest)


@asynccontextmanager
async def staged(client: Client) -> AsyncIterator[Stage]:
    """Watches the kinds that cases are about while the block lasts."""
    discovery, loop = Discovery(client), asyncio.get_running_loop()
    changed: dict[str, float] = {}

    def note(before: Seen | None, after: Seen | None) -> None:
        for live in (before, after):
            if live is not None:
                changed[live.key.namespace] = loop.time()

    cache = WatchCache(client, discovery, classify=lambda _: None)
    cache.subscribe(note)
    await cache.start()
    try:
        await cache.ensure(GroupKind(group, kind) for kind, group in GROUPS.items())
        yield Stage(client, discovery, changed)
    finally:
        await cache.close()


async def state(client: Client, discovery: Discovery, namespace: str) -> list[str]:
    """All objects, without what differs from run to run, as sorted JSON texts."""
    found: list[Object] = []
    for kind, group in GROUPS.items():
        type_ = discovery.find(group, kind)
        assert type_
        found += [{"kind": kind, **live.object()} for live in (await client.list(type_, namespace)).objects]
    text = json.dumps([plain(obj) for obj in found], sort_keys=True)
    for obj in found:
        annotations, labels = obj["metadata"].get("annotations", {}), obj["metadata"].get("labels", {})
        if revision := annotations.get("deployment.kubernetes.io/revision"):
            text = text.replace(labels.get("pod-template-hash", "<none>"), f"<hash {revision}>")
        elif obj["kind"] == "ControllerRevision":
            text = text.replace(labels["controller.kubernetes.io/hash"], f"<hash {obj['revision']}>")
    text = text.replace(namespace, "<namespace>")
    text = re.sub(r'"20[0-9]{2}-[0-9T:-]+Z"', '"<time>"', text)
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<uid>", text)
    return sorted(json.dumps(obj, sort_keys=True) for obj in json.loads(text))


def plain(obj: Object) -> Object:
    """An object without versions, made-up names and what belongs to no controller."""
    metadata = {
        key: value
        for key, value in obj["metadata"].items()
        if key not in ("resourceVersion", "managedFields", "namespace", "finalizers")
    }
    shown = {**obj, "metadata": metadata}
    if "generateName" in metadata and "statefulset.kubernetes.io/pod-name" not in metadata.get("labels", {}):
        metadata["name"] = metadata["generateName"]
    if obj["kind"] == "Pod":
        containers = [{**container, "volumeMounts": None} for container in obj["spec"]["containers"]]
        volumes = [volume for volume in obj["spec"].get("volumes") or () if "projected" not in volume]
        shown["spec"] = {**obj["spec"], "containers": containers, "volumes": volumes}
        shown["status"] = {"phase": obj["status"].get("phase")}
    if obj["kind"] in ("Pod", "ReplicaSet"):
        # How many writes led there may differ.
        metadata.pop("generation", None)
        shown["status"] = {key: value for key, value in shown["status"].items() if key != "observedGeneration"}
    if obj["kind"] == "PersistentVolumeClaim":
        shown["status"] = {key: value for key, value in obj["status"].items() if key != "conditions"}
    return shown


async def test_a_deployment_is_up_at_once(bare: Client) -> None:
    """Each step follows the event of the one before, nothing waits for a clock."""
    await make_namespace(bare, "prompt")
    discovery = await discover(bare)
    type_ = discovery.find("apps", "Deployment")
    assert type_
    loop = asyncio.get_running_loop()
    begun = loop.time()
    body = msgspec.json.encode({**workload("Deployment", replicas=3), "apiVersion": "apps/v1"})
    created = await bare.create(type_, "prompt", body)
    events = bare.watch(type_, created.resource_version, namespace="prompt")
    async with asyncio.timeout(stretched(30)), aclosing(events):
        async for event in events:
            if event.object is not None and event.object.object().get("status", {}).get("availableReplicas") == 3:
                break
    assert loop.time() - begun < stretched(2.0)


ELSEWHERE: dict[str, tuple[list[tuple[str, str, Object]], tuple[str, str, str], Object]] = {
    "a DaemonSet has one Pod": (
        [("apps", "DaemonSet", workload("DaemonSet"))],
        ("apps", "DaemonSet", "web"),
        {"desiredNumberScheduled": 1, "numberReady": 1, "updatedNumberScheduled": 1},
    ),
    "an autoscaler sizes a Deployment": (
        [
            ("apps", "Deployment", workload("Deployment", replicas=1)),
            (
                "autoscaling",
                "HorizontalPodAutoscaler",
                {
                    "kind": "HorizontalPodAutoscaler",
                    "metadata": {"name": "web"},
                    "spec": {
                        "minReplicas": 3,
                        "maxReplicas": 5,
                        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                    },
                },
            ),
        ],
        ("apps", "Deployment", "web"),
        {"readyReplicas": 3},
    ),
    "a CronJob makes a Job": (
        [
            (
                "batch",
                "CronJob",
                {
                    "kind": "CronJob",
                    "metadata": {"name": "web"},
                    "spec": {"schedule": "@every 1s", "jobTemplate": job()},
                },
            )
        ],
        ("batch", "CronJob", "web"),
        {"lastSuccessfulTime": ...},
    ),
}


@pytest.mark.parametrize(("objects", "target", "status"), ELSEWHERE.values(), ids=ELSEWHERE.keys())
async def test_what_needs_nodes_or_time(
    bare: Client,
    namespace: str,
    objects: list[tuple[str, str, Object]],
    target: tuple[str, str, str],
    status: Object,
) -> None:
    await make_namespace(bare, namespace)
    discovery = await discover(bare)
    for group, kind, obj in objects:
        type_ = discovery.find(group, kind)
        assert type_
        await bare.create(type_, namespace, msgspec.json.encode({**obj, "apiVersion": type_.api_version}))
    type_ = discovery.find(*target[:2])
    assert type_
    found: Object = {}
    with suppress(TimeoutError):
        async with asyncio.timeout(stretched(20)):
            while any(
                found.get(key) != value and (value is not ... or not found.get(key)) for key, value in status.items()
            ):
                await asyncio.sleep(0.1)
                found = (await bare.get(type_, namespace, target[2])).object().get("status", {})
    assert {
        key: found.get(key) if value is not ... else ... for key, value in status.items() if found.get(key)
    } == status


async def test_endpoints_follow_pods(bare: Client, namespace: str) -> None:
    await make_namespace(bare, namespace)
    discovery = await discover(bare)
    service = {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}
    made = {("", "Service"): service, ("apps", "Deployment"): workload("Deployment", replicas=2)}
    for (group, kind), obj in made.items():
        type_ = discovery.find(group, kind)
        assert type_
        await bare.create(type_, namespace, msgspec.json.encode({**obj, "kind": kind, "apiVersion": type_.api_version}))
    slices = discovery.find("discovery.k8s.io", "EndpointSlice")
    assert slices
    ready: list[bool] = []
    async with asyncio.timeout(stretched(20)):
        while ready != [True, True]:
            await asyncio.sleep(0.1)
            found = [live.object() for live in (await bare.list(slices, namespace)).objects]
            ready = [endpoint["conditions"]["ready"] for one in found for endpoint in one.get("endpoints") or ()]

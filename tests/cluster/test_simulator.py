"""Workloads come up, end and fail on a control plane that has no node."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from tests.conftest import on_kubernetes
from tests.support.patience import stretched
from tests.support.tiers import everywhere

from pocketkube.controlplane import ControlPlane
from pocketkube.player.player import REPEAT_SECONDS
from trueup.demo.audit import read_audit
from trueup.kube.client import Client
from trueup.kube.discovery import Discovery, ResourceType

Object = dict[str, Any]
Verdict = Callable[[Object], bool]


def condition(name: str, status: str = "True", reason: str = "") -> Verdict:
    """The object has a condition."""

    def holds(live: Object) -> bool:
        conditions = live.get("status", {}).get("conditions", [])
        return any(
            found["type"] == name and found["status"] == status and reason in ("", found.get("reason"))
            for found in conditions
        )

    return holds


def waiting(reason: str) -> Verdict:
    """A container of the Pod waits for this reason."""

    def holds(live: Object) -> bool:
        containers = live.get("status", {}).get("containerStatuses", [])
        return any(found["state"].get("waiting", {}).get("reason") == reason for found in containers)

    return holds


def replicas(count: int) -> Verdict:
    def holds(live: Object) -> bool:
        return int(live["status"].get("readyReplicas", 0)) == count

    return holds


def address(live: Object) -> bool:
    return bool(live["status"].get("loadBalancer", {}).get("ingress", [{}])[0].get("ip"))


def bound(live: Object) -> bool:
    return bool(live["status"]["phase"] == "Bound" and live["status"]["capacity"] == {"storage": "1Gi"})


def pod(simulate: str = "", delay: str = "", **spec: Any) -> Object:
    annotations = {"trueup.dev/simulate": simulate, "trueup.dev/simulate-delay": delay}
    containers = [{"name": "main", "image": "registry.example/main:1"}]
    return {
        "metadata": {"annotations": {name: value for name, value in annotations.items() if value}},
        "spec": {"containers": containers, **spec},
    }


def workload(template: Object, **spec: Any) -> Object:
    labels = {"app": "sample"}
    labelled = {**template, "metadata": {**template["metadata"], "labels": labels}}
    return {"spec": {"selector": {"matchLabels": labels}, "template": labelled, **spec}}


def job(template: Object, **spec: Any) -> Object:
    task = {**template, "spec": {"restartPolicy": "Never", **template["spec"]}}
    return {"spec": {"template": task, "backoffLimit": 0, **spec}}


CASES: dict[str, tuple[str, str, Object, Verdict]] = {
    "a Deployment becomes available": ("apps", "Deployment", workload(pod(), replicas=2), condition("Available")),
    "a StatefulSet's Pods come up one after the other": (
        "apps",
        "StatefulSet",
        workload(pod(), replicas=3, serviceName="sample"),
        replicas(3),
    ),
    "a Job completes": ("batch", "Job", job(pod()), condition("Complete")),
    "a Job with init containers completes": (
        "batch",
        "Job",
        job(pod(initContainers=[{"name": "first", "image": "first"}])),
        condition("Complete"),
    ),
    "a Job that restarts its containers completes": (
        "batch",
        "Job",
        job(pod(restartPolicy="OnFailure")),
        condition("Complete"),
    ),
    "a Job that is asked to fail fails": ("batch", "Job", job(pod("fail")), condition("Failed")),
    "a Pod runs and is ready": ("", "Pod", pod(), condition("Ready")),
    "a Pod that is asked to crash is in back-off": ("", "Pod", pod("crash-loop"), waiting("CrashLoopBackOff")),
    "a Pod whose image is missing says so": ("", "Pod", pod("image-pull-error"), waiting("ImagePullBackOff")),
    "a Pod that never becomes ready runs": (
        "",
        "Pod",
        pod("never-ready"),
        condition("Ready", "False", "ContainersNotReady"),
    ),
    "a load balancer gets an address": (
        "",
        "Service",
        {"spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}},
        address,
    ),
    "an Ingress gets an address": (
        "networking.k8s.io",
        "Ingress",
        {"spec": {"defaultBackend": {"service": {"name": "sample", "port": {"number": 80}}}}},
        address,
    ),
    "a claim is bound": (
        "",
        "PersistentVolumeClaim",
        {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
        bound,
    ),
    "an autoscaler without its target says so": (
        "autoscaling",
        "HorizontalPodAutoscaler",
        {
            "spec": {
                "maxReplicas": 3,
                "minReplicas": 2,
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "sample"},
            }
        },
        condition("AbleToScale", "False", "FailedGetScale"),
    ),
}


@pytest.mark.parametrize(("group", "kind", "body", "verdict"), CASES.values(), ids=CASES.keys())
async def test_simulated_state(
    client: Client, discovery: Discovery, namespace: str, group: str, kind: str, body: Object, verdict: Verdict
) -> None:
    type_ = found(discovery, group, kind)
    await create(client, type_, namespace, body)
    await until(client, type_, namespace, verdict)


async def test_a_pod_stays_unbound_and_is_not_written_again(
    client: Client, discovery: Discovery, namespace: str
) -> None:
    """A node's name would have the garbage collector delete the Pod; endless writes would load every watcher."""
    pods = found(discovery, "", "Pod")
    await create(client, pods, namespace, pod())
    ready = await until(client, pods, namespace, condition("Ready"))
    await asyncio.sleep(1.5)
    later = await until(client, pods, namespace, condition("Ready"))
    assert "nodeName" not in later["spec"]
    assert later["metadata"]["resourceVersion"] == ready["metadata"]["resourceVersion"]


async def test_a_delay_holds_a_pod_back(client: Client, discovery: Discovery, namespace: str) -> None:
    pods = found(discovery, "", "Pod")
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await create(client, pods, namespace, pod(delay="1s"))
    await until(client, pods, namespace, condition("Ready"))
    assert 1.0 <= loop.time() - begun < stretched(5.0)


async def test_a_task_with_a_delay_runs_until_then(client: Client, discovery: Discovery, namespace: str) -> None:
    pods = found(discovery, "", "Pod")
    await create(client, pods, namespace, pod(delay="1s", restartPolicy="Never"))
    await until(client, pods, namespace, lambda live: bool(live["status"]["phase"] == "Running"))
    await until(client, pods, namespace, lambda live: bool(live["status"]["phase"] == "Succeeded"))


@everywhere
@on_kubernetes
async def test_each_status_is_written_once(cluster: ControlPlane) -> None:
    """Whatever the server stores of a status is recognised: only a task with a delay has two."""
    await asyncio.sleep(REPEAT_SECONDS + 0.2)
    entries = read_audit(cluster.audit_log, user="pod-simulator")
    counts = Counter(entry.target for entry in entries if entry.object_ref.name == "sample" and entry.written)
    assert counts
    assert max(counts.values()) <= 2, counts.most_common(3)


def found(discovery: Discovery, group: str, kind: str) -> ResourceType:
    type_ = discovery.find(group, kind)
    assert type_ is not None
    return type_


async def create(client: Client, type_: ResourceType, namespace: str, body: Object) -> None:
    named = {
        "apiVersion": type_.api_version,
        "kind": type_.kind,
        **body,
        "metadata": {**body.get("metadata", {}), "name": "sample"},
    }
    await client.create(type_, namespace, msgspec.json.encode(named))


async def until(client: Client, type_: ResourceType, namespace: str, verdict: Verdict) -> Object:
    """Waits for the object ``sample`` to be as the verdict wants it."""
    live: Object = {}
    try:
        async with asyncio.timeout(stretched(30)):
            while True:
                live = (await client.get(type_, namespace, "sample")).object()
                if verdict(live):
                    return live
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"status stays {live.get('status')}") from None

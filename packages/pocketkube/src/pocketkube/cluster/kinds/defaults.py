"""What a manifest leaves out, by Go struct (k8s.io/kubernetes ``pkg/apis/*/v1/defaults.go``).

A struct gets its defaults before the structs inside it, and after its nulls and empty values are gone.
"""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, Final

from pocketkube.cluster.kinds.constants import CONSTANT
from pocketkube.cluster.kinds.images import pull_policy

Fill = Callable[[dict[str, Any]], None]

_RBAC: Final = "rbac.authorization.k8s.io"
_LARGEST: Final = 2**31 - 1


def _constants(values: dict[str, Any]) -> Fill:
    simple = {key: value for key, value in values.items() if not isinstance(value, dict | list)}
    fresh = {key: value for key, value in values.items() if key not in simple}

    def fill(obj: dict[str, Any]) -> None:
        for key, value in simple.items():
            if key not in obj:
                obj[key] = value
        for key, value in fresh.items():
            if key not in obj:
                obj[key] = value.copy()

    return fill


def deployment_spec(spec: dict[str, Any]) -> None:
    strategy = spec.setdefault("strategy", {})
    if not strategy.get("type"):
        strategy["type"] = "RollingUpdate"
    if strategy["type"] == "RollingUpdate":
        rolling = _child(strategy, "rollingUpdate")
        _absent(rolling, "maxUnavailable", "25%")
        _absent(rolling, "maxSurge", "25%")


def daemon_set_spec(spec: dict[str, Any]) -> None:
    strategy = spec.setdefault("updateStrategy", {})
    if not strategy.get("type"):
        strategy["type"] = "RollingUpdate"
    if strategy["type"] == "RollingUpdate":
        rolling = _child(strategy, "rollingUpdate")
        _absent(rolling, "maxUnavailable", 1)
        _absent(rolling, "maxSurge", 0)


def stateful_set_spec(spec: dict[str, Any]) -> None:
    for claim in spec.get("volumeClaimTemplates") or ():
        if claim is not None:
            claim.setdefault("apiVersion", "v1")
            claim.setdefault("kind", "PersistentVolumeClaim")
    strategy = spec.setdefault("updateStrategy", {})
    if not strategy.get("type"):
        strategy["type"] = "RollingUpdate"
        _child(strategy, "rollingUpdate")
    rolling = strategy.get("rollingUpdate")
    if strategy["type"] == "RollingUpdate" and rolling is not None:
        _absent(rolling, "partition", 0)
        _absent(rolling, "maxUnavailable", 1)


def job(obj: dict[str, Any]) -> None:
    spec = obj.setdefault("spec", {})
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    _absent(spec, "parallelism", 1)
    _absent(spec, "backoffLimit", _LARGEST if spec.get("backoffLimitPerIndex") is not None else 6)
    _copy_template_labels(obj, spec)
    _absent(spec, "completionMode", "NonIndexed")
    _absent(spec, "suspend", False)
    _absent(spec, "podReplacementPolicy", "Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed")
    _absent(spec, "manualSelector", False)


def replication_controller(obj: dict[str, Any]) -> None:
    spec = obj.setdefault("spec", {})
    labels = (((spec.get("template") or {}).get("metadata")) or {}).get("labels")
    if labels and not spec.get("selector"):
        spec["selector"] = dict(labels)
    _copy_template_labels(obj, spec)


def container(obj: dict[str, Any]) -> None:
    if "imagePullPolicy" not in obj:
        obj["imagePullPolicy"] = pull_policy(obj.get("image", ""))
    if "terminationMessagePath" not in obj:
        obj["terminationMessagePath"] = "/dev/termination-log"
    if "terminationMessagePolicy" not in obj:
        obj["terminationMessagePolicy"] = "File"


def volume(obj: dict[str, Any]) -> None:
    if all(key == "name" or value is None for key, value in obj.items()):
        obj["emptyDir"] = {}
    image = obj.get("image")
    if image is not None and not image.get("pullPolicy"):
        image["pullPolicy"] = pull_policy(image.get("reference") or "")


def pod_spec(spec: dict[str, Any]) -> None:
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    for key, value in _POD_SPEC:
        if key not in spec:
            spec[key] = value
    if "securityContext" not in spec:
        spec["securityContext"] = {}


_POD_SPEC: Final = (
    ("dnsPolicy", "ClusterFirst"),
    ("restartPolicy", "Always"),
    ("terminationGracePeriodSeconds", 30),
    ("schedulerName", "default-scheduler"),
)


def pod(obj: dict[str, Any]) -> None:
    spec = obj.setdefault("spec", {})
    if (spec.get("terminationGracePeriodSeconds") or 0) < 0:
        spec["terminationGracePeriodSeconds"] = 1
    for key in ("containers", "initContainers"):
        for item in spec.get(key) or ():
            _pod_container(item or {}, host_network=bool(spec.get("hostNetwork")))
    _absent(spec, "enableServiceLinks", True)


def _pod_container(item: dict[str, Any], host_network: bool) -> None:
    resources = item.get("resources") or {}
    if limits := resources.get("limits"):
        requests = _child(resources, "requests")
        for key, value in limits.items():
            requests.setdefault(key, value)
    if host_network:
        for port in item.get("ports") or ():
            if not port.get("hostPort"):
                port["hostPort"] = port.get("containerPort", 0)


def service(obj: dict[str, Any]) -> None:
    spec = obj.setdefault("spec", {})
    if not spec.get("sessionAffinity"):
        spec["sessionAffinity"] = "None"
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == "ClientIP":
        config = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
        if config.get("timeoutSeconds") is None:
            spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": 10800}}
    if not spec.get("type"):
        spec["type"] = "ClusterIP"
    for port in spec.get("ports") or ():
        if port is not None and not port.get("targetPort"):
            port["targetPort"] = port.get("port", 0)
    balancer = spec["type"] == "LoadBalancer"
    external = spec["type"] == "NodePort" or balancer or (spec["type"] == "ClusterIP" and spec.get("externalIPs"))
    if external and not spec.get("externalTrafficPolicy"):
        spec["externalTrafficPolicy"] = "Cluster"
    if spec["type"] in ("NodePort", "LoadBalancer", "ClusterIP"):
        _absent(spec, "internalTrafficPolicy", "Cluster")
    if balancer:
        _absent(spec, "allocateLoadBalancerNodePorts", True)
        for ingress in ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ():
            if ingress.get("ip"):
                _absent(ingress, "ipMode", "VIP")


def pod_status(status: dict[str, Any]) -> None:
    single, several = status.get("podIP"), status.get("podIPs")
    if single and (not several or several[0].get("ip") != single):
        status["podIPs"] = [{"ip": single}]
    elif not single and several:
        status["podIP"] = several[0].get("ip", "")


def persistent_volume(obj: dict[str, Any]) -> None:
    _absent(obj.setdefault("status", {}), "phase", "Pending")
    spec = obj.setdefault("spec", {})
    _absent(spec, "persistentVolumeReclaimPolicy", "Retain")
    _absent(spec, "volumeMode", "Filesystem")


def persistent_volume_claim(obj: dict[str, Any]) -> None:
    _absent(obj.setdefault("status", {}), "phase", "Pending")


def namespace(obj: dict[str, Any]) -> None:
    metadata = obj.get("metadata") or {}
    if name := metadata.get("name"):
        _child(metadata, "labels")["kubernetes.io/metadata.name"] = name


def node_status(status: dict[str, Any]) -> None:
    if status.get("allocatable") is None and status.get("capacity"):
        status["allocatable"] = dict(status["capacity"])


def limit_range_item(item: dict[str, Any]) -> None:
    if item.get("type") != "Container":
        return
    default, request = dict(item.get("default") or {}), dict(item.get("defaultRequest") or {})
    for target, source in ((default, item.get("max")), (request, default), (request, item.get("min"))):
        for key, value in (source or {}).items():
            target.setdefault(key, value)
    item.update({key: value for key, value in (("default", default), ("defaultRequest", request)) if value})


def network_policy(obj: dict[str, Any]) -> None:
    spec = obj.setdefault("spec", {})
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]


def role_binding(obj: dict[str, Any]) -> None:
    reference = obj.setdefault("roleRef", {})
    if not reference.get("apiGroup"):
        reference["apiGroup"] = _RBAC


def subject(obj: dict[str, Any]) -> None:
    if "apiGroup" not in obj and obj.get("kind") in ("User", "Group"):
        obj["apiGroup"] = _RBAC


def device_request(obj: dict[str, Any]) -> None:
    if obj.get("allocationMode", "ExactCount") == "ExactCount":
        _absent(obj, "count", 1)


CPU_UTILIZATION: Final = 80
"""The target of a HorizontalPodAutoscaler that names no metric, percent."""

SCALE_UP: Final = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
SCALE_DOWN: Final = {
    "selectPolicy": "Max",
    "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
}


def autoscaler(obj: dict[str, Any]) -> None:
    spec = obj.setdefault("spec", {})
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": CPU_UTILIZATION}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    behavior = spec.get("behavior")
    if behavior is not None:
        for key, rules in (("scaleUp", SCALE_UP), ("scaleDown", SCALE_DOWN)):
            given = {name: value for name, value in (behavior.get(key) or {}).items() if value is not None}
            behavior[key] = deepcopy(rules) | given


def _absent(obj: dict[str, Any], key: str, value: Any) -> None:
    if obj.get(key) is None:
        obj[key] = value


def _child(obj: dict[str, Any], key: str) -> dict[str, Any]:
    child: dict[str, Any] | None = obj.get(key)
    if child is None:
        child = obj[key] = {}
    return child


def _copy_template_labels(obj: dict[str, Any], spec: dict[str, Any]) -> None:
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
    metadata = obj.setdefault("metadata", {})
    if labels and not metadata.get("labels"):
        # One object, not a copy: what a Job adds to the labels of its pods shows on the Job too.
        metadata["labels"] = labels


_COMPUTED: Final[dict[str, Fill]] = {
    "apps/v1.DeploymentSpec": deployment_spec,
    "apps/v1.DaemonSetSpec": daemon_set_spec,
    "apps/v1.StatefulSetSpec": stateful_set_spec,
    "autoscaling/v2.HorizontalPodAutoscaler": autoscaler,
    "batch/v1.Job": job,
    "core/v1.Container": container,
    "core/v1.EphemeralContainerCommon": container,
    "core/v1.LimitRangeItem": limit_range_item,
    "core/v1.Namespace": namespace,
    "core/v1.NodeStatus": node_status,
    "core/v1.PersistentVolume": persistent_volume,
    "core/v1.PersistentVolumeClaim": persistent_volume_claim,
    "core/v1.Pod": pod,
    "core/v1.PodSpec": pod_spec,
    "core/v1.PodStatus": pod_status,
    "core/v1.ReplicationController": replication_controller,
    "core/v1.Service": service,
    "core/v1.Volume": volume,
    "networking/v1.NetworkPolicy": network_policy,
    "rbac/v1.ClusterRoleBinding": role_binding,
    "rbac/v1.RoleBinding": role_binding,
    "rbac/v1.Subject": subject,
    "resource/v1.DeviceSubRequest": device_request,
    "resource/v1.ExactDeviceRequest": device_request,
}


def _both(constants: Fill, computed: Fill) -> Fill:
    def fill(obj: dict[str, Any]) -> None:
        constants(obj)
        computed(obj)

    return fill


DEFAULTS: Final[dict[str, Fill]] = _COMPUTED | {
    name: _both(_constants(values), _COMPUTED[name]) if name in _COMPUTED else _constants(values)
    for name, values in CONSTANT.items()
}

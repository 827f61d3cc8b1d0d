"""Pods: what admission adds, what never changes, how good their service is."""

from typing import Any, Final

from kubegrammar.quantity import canonical_quantity, parse_quantity
from kubegrammar.time import format_time
from pocketkube.cluster.failure import Failure
from pocketkube.cluster.kinds.podspec import check_annotations, check_pod_spec
from pocketkube.cluster.kinds.problems import Problems
from pocketkube.cluster.kinds.rules import HomeCluster, KindRules, at
from pocketkube.cluster.resource import Object

Json = dict[str, Any]

_MOUNTED_AT: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
_TOKEN_SECONDS: Final = 3607
"""An hour and a bit, by which the kubelet knows these tokens from others."""
_UPDATABLE: Final = (
    "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only"
    " additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was"
    " previously negative)"
)
_TOLERATED: Final = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
_TOLERATED_SECONDS: Final = 300
_SYSTEM_PRIORITIES: Final = {"system-node-critical": 2_000_001_000, "system-cluster-critical": 2_000_000_000}
_APP_ARMOR: Final = "container.apparmor.security.beta.kubernetes.io/"
_PROFILES: Final = {"runtime/default": "RuntimeDefault", "unconfined": "Unconfined"}
_QOS_RESOURCES: Final = ("cpu", "memory")


def create(cluster: HomeCluster, pod: Object) -> None:
    """Admission (LimitRanger and quotas aside), then the strategy."""
    _service_account(cluster, pod)
    _priority(cluster, pod)
    _tolerations(pod["spec"])
    _app_armor(pod)
    _pod_requests(pod["spec"])
    status: Json = {"phase": "Pending", "qosClass": quality(pod["spec"])}
    if pod["spec"].get("schedulingGates"):
        status["conditions"] = [
            {
                "type": "PodScheduled",
                "status": "False",
                "lastProbeTime": None,
                "lastTransitionTime": format_time(cluster.now()),
                "reason": "SchedulingGated",
                "message": "Scheduling is blocked due to non-empty scheduling gates",
            }
        ]
    pod["status"] = status


def _forbidden(pod: Object, why: str) -> Failure:
    name = pod["metadata"].get("name", "")
    return Failure("Forbidden", f'pods "{name}" is forbidden: {why}', name=name, kind="pods")


def _service_account(cluster: HomeCluster, pod: Object) -> None:
    """The account itself, its pull secrets, and its token in every container."""
    spec, namespace = pod["spec"], pod["metadata"].get("namespace", "")
    if "kubernetes.io/config.mirror" in (pod["metadata"].get("annotations") or {}):
        return
    name = spec.get("serviceAccountName") or "default"
    spec["serviceAccountName"] = spec["serviceAccount"] = name
    account = cluster.objects.find("serviceaccounts", namespace, name)
    if account is None:
        why = f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found'
        raise _forbidden(pod, why)
    if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
        spec["imagePullSecrets"] = [dict(item) for item in account["imagePullSecrets"]]
    mounted = spec.get("automountServiceAccountToken")
    if mounted is None:
        mounted = account.get("automountServiceAccountToken")
    if mounted is not False:
        _mount_token(cluster, spec)


def _mount_token(cluster: HomeCluster, spec: Json) -> None:
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    bare = [
        item
        for item in containers
        if all(mount.get("mountPath") != _MOUNTED_AT for mount in item.get("volumeMounts") or ())
    ]
    volumes = spec.get("volumes") or []
    prefix = "kube-api-access-"
    known = next((volume["name"] for volume in volumes if volume.get("name", "").startswith(prefix)), "")
    name = known or prefix + cluster.suffix()
    for item in bare:
        mount = {"name": name, "readOnly": True, "mountPath": _MOUNTED_AT}
        item["volumeMounts"] = [*(item.get("volumeMounts") or ()), mount]
    if bare and not known:
        spec["volumes"] = [*volumes, _token_volume(name)]


def _token_volume(name: str) -> Json:
    reference = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": _TOKEN_SECONDS, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": reference}]}},
    ]
    return {"name": name, "projected": {"sources": sources, "defaultMode": 0o644}}


def _priority(cluster: HomeCluster, pod: Object) -> None:
    spec = pod["spec"]
    name = spec.get("priorityClassName")
    chosen: Json | None = None
    if name:
        chosen = cluster.objects.find("priorityclasses.scheduling.k8s.io", "", name)
        if chosen is None and name in _SYSTEM_PRIORITIES:
            chosen = {"value": _SYSTEM_PRIORITIES[name]}
        if chosen is None:
            raise _forbidden(pod, f"no PriorityClass with name {name} was found")
    else:
        classes = cluster.objects.every("priorityclasses.scheduling.k8s.io")
        chosen = min(
            (item for item in classes if item.get("globalDefault")), key=lambda item: item["value"], default=None
        )
        if chosen is not None:
            spec["priorityClassName"] = chosen["metadata"]["name"]
    value = (chosen or {}).get("value", 0)
    if spec.get("priority") is not None and spec["priority"] != value:
        why = f"the integer value of priority ({spec['priority']}) must not be provided in pod spec; priority admission"
        raise _forbidden(pod, f"{why} controller computed {value} from the given PriorityClass name")
    spec["priority"] = value
    policy = (chosen or {}).get("preemptionPolicy", "PreemptLowerPriority")
    given = spec.get("preemptionPolicy")
    if given is not None and given != policy:
        why = f"the string value of PreemptionPolicy ({given}) must not be provided in pod spec; priority admission"
        raise _forbidden(pod, f"{why} controller computed {policy} from the given PriorityClass name")
    spec["preemptionPolicy"] = policy


def _tolerations(spec: Json) -> None:
    """A pod stays five minutes on a node that is gone, unless it says otherwise."""
    given = spec.get("tolerations") or []
    added = [
        {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": _TOLERATED_SECONDS}
        for key in _TOLERATED
        if not any(
            item.get("key") in (key, None, "") and item.get("effect") in ("NoExecute", None, "") for item in given
        )
    ]
    if added:
        spec["tolerations"] = [*given, *added]


def _app_armor(pod: Object) -> None:
    """The annotation of old for a container's profile becomes its field (``applyAppArmorVersionSkew``)."""
    annotations = pod["metadata"].get("annotations") or {}
    if not any(key.startswith(_APP_ARMOR) for key in annotations):
        return
    for item in [*(pod["spec"].get("initContainers") or ()), *(pod["spec"].get("containers") or ())]:
        value = annotations.get(_APP_ARMOR + item.get("name", ""), "")
        profile: Json | None = None
        if value.startswith("localhost/"):
            profile = {"type": "Localhost", "localhostProfile": value.removeprefix("localhost/")}
        elif value in _PROFILES:
            profile = {"type": _PROFILES[value]}
        if profile is not None:
            item.setdefault("securityContext", {}).setdefault("appArmorProfile", profile)


def _pod_requests(spec: Json) -> None:
    """Limits of the whole pod are its requests too, unless its containers ask for some themselves."""
    resources = spec.get("resources") or {}
    limits = resources.get("limits")
    if not limits:
        return
    requests = dict(resources.get("requests") or {})
    for name in limits:
        if name not in requests:
            asked = [at(item, "resources", "requests", name) for item in spec.get("containers") or ()]
            amounts = [parse_quantity(amount) for amount in asked if amount]
            requests[name] = canonical_quantity(str(sum(amounts))) if amounts else limits[name]
    resources["requests"] = requests


def quality(spec: Json) -> str:
    """``Guaranteed``, ``Burstable`` or ``BestEffort`` (``ComputePodQOS``)."""
    if at(spec, "resources", "requests") or at(spec, "resources", "limits"):
        parts = [spec["resources"]]
    else:
        every = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
        parts = [item.get("resources") or {} for item in every]
    asked = [_amounts(part.get("requests")) for part in parts]
    limited = [_amounts(part.get("limits")) for part in parts]
    if not any(asked) and not any(limited):
        return "BestEffort"
    full = all(len(item) == len(_QOS_RESOURCES) for item in limited)
    return "Guaranteed" if full and asked == limited else "Burstable"


def _amounts(amounts: Json | None) -> Json:
    parsed = {name: parse_quantity(amount) for name, amount in (amounts or {}).items() if name in _QOS_RESOURCES}
    return {name: value for name, value in parsed.items() if value > 0}


def update(_: HomeCluster, old: Object, new: Object) -> None:
    spec = new["spec"]
    for key in ("priority", "preemptionPolicy", "resources"):
        if key not in spec and key in old["spec"]:
            spec[key] = old["spec"][key]
    _tolerations(spec)


def on_subresource(_: HomeCluster, old: Object, new: Object, subresource: str) -> None:
    """``status`` keeps the owners; ``ephemeralcontainers`` and ``resize`` change their own part of the spec only."""
    if subresource == "status":
        if "ownerReferences" in old["metadata"]:
            new["metadata"]["ownerReferences"] = old["metadata"]["ownerReferences"]
        else:
            new["metadata"].pop("ownerReferences", None)
        status = new.setdefault("status", {})
        if not status.get("qosClass") and at(old, "status", "qosClass"):
            status["qosClass"] = old["status"]["qosClass"]
        return
    spec = dict(old["spec"])
    if subresource == "ephemeralcontainers":
        spec["ephemeralContainers"] = new["spec"].get("ephemeralContainers") or []
    elif subresource == "resize":
        for key in ("containers", "initContainers"):
            given = {item.get("name"): item.get("resources") for item in new["spec"].get(key) or ()}
            if spec.get(key):
                spec[key] = [
                    item | {"resources": given[item.get("name")] or {}} if item.get("name") in given else item
                    for item in spec[key]
                ]
    new["spec"], new["status"] = spec, old.get("status", {})
    if spec != old["spec"]:
        new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1


def _check(pod: Object, problems: Problems) -> None:
    check_annotations(pod["metadata"].get("annotations"), "metadata.annotations", problems)
    spec = pod["spec"]
    check_pod_spec(spec, "spec", problems)
    for key in ("containers", "initContainers"):
        for index, item in enumerate(spec.get(key) or ()):
            if item.get("image", "") != item.get("image", "").strip():
                text = "must not have leading or trailing whitespace"
                problems.invalid(f"spec.{key}[{index}].image", item["image"], text)
    if not pod["metadata"].get("resourceVersion"):
        if spec.get("ephemeralContainers"):
            problems.forbidden("spec.ephemeralContainers", "cannot be set on create")
        if spec.get("nodeName") and spec.get("schedulingGates"):
            problems.forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared")


def _change(old: Object, new: Object, problems: Problems) -> None:
    before, after = old["spec"], new["spec"]
    for key in ("containers", "initContainers"):
        if len(before.get(key) or ()) != len(after.get(key) or ()):
            problems.forbidden(f"spec.{key}", "pod updates may not add or remove containers")
            return
    deadline, known = after.get("activeDeadlineSeconds"), before.get("activeDeadlineSeconds")
    if deadline is not None and known is not None and known < deadline:
        text = "must be less than or equal to previous value"
        problems.invalid("spec.activeDeadlineSeconds", deadline, text)
        return
    if deadline is None and known is not None:
        text = "must not update from a positive integer to nil value"
        problems.invalid("spec.activeDeadlineSeconds", None, text)
    _only_added(before.get("tolerations") or [], after.get("tolerations") or [], problems)
    gates = [gate.get("name") for gate in before.get("schedulingGates") or ()]
    for index, gate in enumerate(after.get("schedulingGates") or ()):
        if gate.get("name") not in gates:
            text = f"only deletion is allowed, but found new scheduling gate '{gate.get('name', '')}'"
            problems.forbidden(f"spec.schedulingGates[{index}].name", text)
    if _settled(before, before) != _settled(after, before):
        problems.forbidden("spec", f"pod updates may not change fields other than {_UPDATABLE}")


def _only_added(before: list[Json], after: list[Json], problems: Problems) -> None:
    kept = [{key: value for key, value in item.items() if key != "tolerationSeconds"} for item in after]
    for item in before:
        if {key: value for key, value in item.items() if key != "tolerationSeconds"} not in kept:
            text = "existing toleration can not be modified except its tolerationSeconds"
            problems.forbidden("spec.tolerations", text)
            return


def _settled(spec: Json, old: Json) -> Json:
    """The spec without what may change."""
    free = ["activeDeadlineSeconds", "tolerations", "schedulingGates"]
    if old.get("schedulingGates"):
        free.append("nodeSelector")
    settled = {key: value for key, value in spec.items() if key not in free}
    for key in ("containers", "initContainers"):
        if settled.get(key):
            settled[key] = [{name: part for name, part in item.items() if name != "image"} for item in settled[key]]
    if (old.get("terminationGracePeriodSeconds") or 0) < 0 and spec.get("terminationGracePeriodSeconds") == 1:
        settled["terminationGracePeriodSeconds"] = old["terminationGracePeriodSeconds"]
    return settled


def _labels(pod: Object) -> dict[str, str]:
    addresses = [item.get("ip", "") for item in at(pod, "status", "podIPs") or ()]
    return {
        "spec.nodeName": at(pod, "spec", "nodeName") or "",
        "spec.restartPolicy": at(pod, "spec", "restartPolicy") or "",
        "spec.schedulerName": at(pod, "spec", "schedulerName") or "",
        "spec.serviceAccountName": at(pod, "spec", "serviceAccountName") or "",
        "spec.hostNetwork": "true" if at(pod, "spec", "hostNetwork") else "false",
        "status.phase": at(pod, "status", "phase") or "",
        "status.podIP": addresses[0] if addresses else at(pod, "status", "podIP") or "",
        "status.podIPs": ",".join(addresses),
        "status.nominatedNodeName": at(pod, "status", "nominatedNodeName") or "",
    }


RULES: Final[dict[tuple[str, str], KindRules]] = {
    ("", "Pod"): KindRules(
        status=True,
        moves=("spec",),
        numbered=True,
        status_resets=(("spec",), ("metadata", "deletionTimestamp"), ("metadata", "ownerReferences")),
        create=create,
        update=update,
        on_subresource=on_subresource,
        check=_check,
        change=_change,
        labels=_labels,
    ),
}

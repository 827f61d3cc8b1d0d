"""What is wrong with a pod's spec, in a Pod and in a template (k8s.io/kubernetes ``pkg/apis/core/validation``)."""

from collections.abc import Callable
from typing import Any, Final

from pocketkube.cluster import names
from pocketkube.cluster.kinds.containers import (
    check_container,
    check_host_ports,
    check_lifecycle,
    check_probes,
    check_resources,
    check_seccomp,
)
from pocketkube.cluster.kinds.podvolumes import check_volumes
from pocketkube.cluster.kinds.problems import Problems
from pocketkube.cluster.kinds.selectors import check_labels, check_selector

Json = dict[str, Any]
Forms = dict[str, Callable[[str], list[str]]]

_EFFECTS: Final = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def check_template(template: Json, field: str, problems: Problems) -> None:
    """A pod template, as workloads have it."""
    metadata = template.get("metadata") or {}
    check_labels(metadata.get("labels"), f"{field}.labels", problems)
    check_annotations(metadata.get("annotations"), f"{field}.annotations", problems)
    spec = template.get("spec") or {}
    check_pod_spec(spec, f"{field}.spec", problems)
    if spec.get("ephemeralContainers"):
        problems.forbidden(f"{field}.spec.ephemeralContainers", "ephemeral containers not allowed in pod template")


def check_annotations(annotations: dict[str, str] | None, field: str, problems: Problems) -> None:
    for key in annotations or ():
        problems.each(field, key, names.label_key(key.lower()))


def check_pod_spec(spec: Json, field: str, problems: Problems) -> None:
    volumes = check_volumes(spec.get("volumes") or [], f"{field}.volumes", problems)
    containers = spec.get("containers") or []
    grace = spec.get("terminationGracePeriodSeconds") or 0
    _check_containers(containers, f"{field}.containers", volumes, grace, problems)
    known = {item.get("name", "") for item in containers}
    first = spec.get("initContainers") or []
    _check_init_containers(first, f"{field}.initContainers", known, volumes, grace, problems)
    if spec.get("hostNetwork"):
        _check_host_network(spec, field, problems)
    if spec.get("resources"):
        check_resources(spec["resources"], f"{field}.resources", problems)
    problems.one_of(f"{field}.restartPolicy", spec.get("restartPolicy"), ("Always", "OnFailure", "Never"))
    policies = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
    problems.one_of(f"{field}.dnsPolicy", spec.get("dnsPolicy"), policies)
    _check_dns(spec, f"{field}.dnsConfig", problems)
    check_labels(spec.get("nodeSelector"), f"{field}.nodeSelector", problems)
    _check_pod_security(spec.get("securityContext") or {}, f"{field}.securityContext", problems)
    _check_affinity(spec.get("affinity") or {}, f"{field}.affinity", problems)
    _check_spread(spec.get("topologySpreadConstraints") or [], f"{field}.topologySpreadConstraints", problems)
    _check_names(spec, field, _ACCOUNT_AND_NODE, problems)
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline < 2**31:
        problems.invalid(f"{field}.activeDeadlineSeconds", deadline, "must be between 1 and 2147483647, inclusive")
    _check_names(spec, field, _HOST, problems)
    check_tolerations(spec.get("tolerations") or [], f"{field}.tolerations", problems)
    _check_names(spec, field, _CLASSES, problems)
    problems.one_of(
        f"{field}.preemptionPolicy",
        spec.get("preemptionPolicy"),
        ("PreemptLowerPriority", "Never"),
        required=False,
    )


_ACCOUNT_AND_NODE: Final[Forms] = {"serviceAccountName": names.subdomain, "nodeName": names.subdomain}
_HOST: Final[Forms] = {"hostname": names.label, "subdomain": names.label}
_CLASSES: Final[Forms] = {"priorityClassName": names.subdomain, "runtimeClassName": names.subdomain}


def _check_names(spec: Json, field: str, forms: Forms, problems: Problems) -> None:
    for key, form in forms.items():
        if spec.get(key):
            problems.each(f"{field}.{key}", spec[key], form(spec[key]))


def _check_containers(items: list[Json], field: str, volumes: set[str], grace: int, problems: Problems) -> None:
    if not items:
        problems.required(field)
        return
    seen: set[str] = set()
    for index, item in enumerate(items):
        path, name = f"{field}[{index}]", item.get("name", "")
        check_container(item, path, volumes, problems)
        if name in seen:
            problems.duplicate(f"{path}.name", name)
        seen.add(name)
        check_lifecycle(item, path, grace, problems)
        check_probes(item, path, problems)
    check_host_ports(items, field, problems)


def _check_init_containers(
    items: list[Json], field: str, known: set[str], volumes: set[str], grace: int, problems: Problems
) -> None:
    seen = set(known)
    for index, item in enumerate(items):
        path, name = f"{field}[{index}]", item.get("name", "")
        check_container(item, path, volumes, problems)
        if name in seen:
            problems.duplicate(f"{path}.name", name)
        elif name:
            seen.add(name)
        if item.get("restartPolicy") == "Always":
            check_lifecycle(item, path, grace, problems)
            check_probes(item, path, problems)
            continue
        for key in ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe"):
            if item.get(key) is not None:
                text = "may not be set for init containers without restartPolicy=Always"
                problems.forbidden(f"{path}.{key}", text)


def _check_dns(spec: Json, field: str, problems: Problems) -> None:
    config = spec.get("dnsConfig")
    if spec.get("dnsPolicy") == "None":
        if config is None:
            problems.required(field, "must provide `dnsConfig` when `dnsPolicy` is None")
        elif not config.get("nameservers"):
            text = "must provide at least one DNS nameserver when `dnsPolicy` is None"
            problems.required(f"{field}.nameservers", text)
    for index, server in enumerate((config or {}).get("nameservers") or ()):
        if names.address(server) is None:
            text = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
            problems.invalid(f"{field}.nameservers[{index}]", server, text)


def _check_host_network(spec: Json, field: str, problems: Problems) -> None:
    for key in ("containers", "initContainers"):
        for index, item in enumerate(spec.get(key) or ()):
            for number, port in enumerate(item.get("ports") or ()):
                if port.get("hostPort") and port["hostPort"] != port.get("containerPort"):
                    path = f"{field}.{key}[{index}].ports[{number}].containerPort"
                    text = "must match `hostPort` when `hostNetwork` is true"
                    problems.invalid(path, port.get("containerPort", 0), text)


def _check_pod_security(context: Json, field: str, problems: Problems) -> None:
    for key in ("fsGroup", "runAsUser", "runAsGroup"):
        value = context.get(key)
        if value is not None and not 0 <= value < 2**31:
            problems.invalid(f"{field}.{key}", value, "must be between 0 and 2147483647, inclusive")
    check_seccomp(context.get("seccompProfile"), f"{field}.seccompProfile", problems)
    policy = context.get("fsGroupChangePolicy")
    problems.one_of(f"{field}.fsGroupChangePolicy", policy, ("Always", "OnRootMismatch"), required=False)


def _check_affinity(affinity: Json, field: str, problems: Problems) -> None:
    nodes = (affinity.get("nodeAffinity") or {}).get("requiredDuringSchedulingIgnoredDuringExecution")
    if nodes is not None and not nodes.get("nodeSelectorTerms"):
        path = f"{field}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
        problems.required(path, "must have at least one node selector term")
    for kind in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(kind) or {}
        required = rules.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
        for index, term in enumerate(required):
            path = f"{field}.{kind}.requiredDuringSchedulingIgnoredDuringExecution[{index}]"
            _check_term(term, path, problems)
        preferred = rules.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
        for index, weighted in enumerate(preferred):
            path = f"{field}.{kind}.preferredDuringSchedulingIgnoredDuringExecution[{index}]"
            if not 1 <= weighted.get("weight", 0) <= 100:
                problems.invalid(f"{path}.weight", weighted.get("weight", 0), "must be in the range 1-100")
            _check_term(weighted.get("podAffinityTerm") or {}, f"{path}.podAffinityTerm", problems)


def _check_term(term: Json, field: str, problems: Problems) -> None:
    check_selector(term.get("labelSelector"), f"{field}.labelSelector", problems)
    key = term.get("topologyKey", "")
    if not key:
        problems.required(f"{field}.topologyKey", "can not be empty")
    problems.each(f"{field}.topologyKey", key, names.label_key(key))


def _check_spread(constraints: list[Json], field: str, problems: Problems) -> None:
    for index, constraint in enumerate(constraints):
        path = f"{field}[{index}]"
        if constraint.get("maxSkew", 0) <= 0:
            problems.invalid(f"{path}.maxSkew", constraint.get("maxSkew", 0), "must be greater than zero")
        if not constraint.get("topologyKey"):
            problems.required(f"{path}.topologyKey", "can not be empty")
        choices = ("DoNotSchedule", "ScheduleAnyway")
        if constraint.get("whenUnsatisfiable", "") not in choices:
            problems.unsupported(f"{path}.whenUnsatisfiable", constraint.get("whenUnsatisfiable", ""), choices)
        check_selector(constraint.get("labelSelector"), f"{path}.labelSelector", problems)


def check_tolerations(tolerations: list[Json], field: str, problems: Problems) -> None:
    for index, toleration in enumerate(tolerations):
        path, key, operator = f"{field}[{index}]", toleration.get("key", ""), toleration.get("operator", "")
        if key:
            problems.each(f"{path}.key", key, names.label_key(key))
        elif operator != "Exists":
            text = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            problems.invalid(f"{path}.operator", operator, text)
        if toleration.get("tolerationSeconds") is not None and toleration.get("effect") != "NoExecute":
            text = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            problems.invalid(f"{path}.effect", toleration.get("effect", ""), text)
        value = toleration.get("value", "")
        if operator in ("", "Equal"):
            if wrong := names.label_value(value):
                problems.invalid(f"{path}.operator", value, ";".join(wrong))
        elif operator == "Exists":
            if value:
                problems.invalid(f"{path}.operator", value, "value must be empty when `operator` is 'Exists'")
        else:
            choices = ("Equal", "Exists", "Lt", "Gt") if operator in ("Lt", "Gt") else ("Equal", "Exists")
            problems.unsupported(f"{path}.operator", operator, choices)
        if toleration.get("effect"):
            problems.one_of(f"{path}.effect", toleration["effect"], _EFFECTS)

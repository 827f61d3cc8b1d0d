"""What is wrong with a container (k8s.io/kubernetes ``pkg/apis/core/validation``)."""

from typing import Any, Final

from kubegrammar.quantity import parse_quantity
from pocketkube.cluster import names
from pocketkube.cluster.kinds.problems import Problems

PROTOCOLS: Final = ("SCTP", "TCP", "UDP")
_FIELDS: Final = (
    *("metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName"),
    *("status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"),
)
_RESOURCES: Final = tuple(
    f"{kind}.{name}" for kind in ("limits", "requests") for name in ("cpu", "ephemeral-storage", "memory")
)
_HANDLERS: Final = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
_SOURCES: Final = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
_STANDARD: Final = ("cpu", "memory", "ephemeral-storage", "storage")
_NATIVE: Final = "kubernetes.io/"
Json = dict[str, Any]


def check_container(item: Json, field: str, volumes: set[str], problems: Problems) -> None:
    """What regular, init and ephemeral containers share."""
    if not item.get("name"):
        problems.required(f"{field}.name")
    else:
        problems.each(f"{field}.name", item["name"], names.label(item["name"]))
    if not item.get("image"):
        problems.required(f"{field}.image")
    policies = ("File", "FallbackToLogsOnError")
    problems.one_of(f"{field}.terminationMessagePolicy", item.get("terminationMessagePolicy"), policies)
    check_ports(item, f"{field}.ports", problems)
    check_environment(item, field, problems)
    check_mounts(item, f"{field}.volumeMounts", volumes, problems)
    problems.one_of(f"{field}.imagePullPolicy", item.get("imagePullPolicy"), ("Always", "IfNotPresent", "Never"))
    check_resources(item.get("resources") or {}, f"{field}.resources", problems)
    check_security(item.get("securityContext") or {}, f"{field}.securityContext", problems)


def check_ports(item: Json, field: str, problems: Problems) -> None:
    seen: set[str] = set()
    for index, port in enumerate(item.get("ports") or ()):
        path = f"{field}[{index}]"
        if name := port.get("name"):
            if wrong := names.port_name(name):
                problems.each(f"{path}.name", name, wrong)
            elif name in seen:
                problems.duplicate(f"{path}.name", name)
            seen.add(name)
        if not port.get("containerPort"):
            problems.required(f"{path}.containerPort")
        else:
            problems.each(f"{path}.containerPort", port["containerPort"], names.port_number(port["containerPort"]))
        if port.get("hostPort"):
            problems.each(f"{path}.hostPort", port["hostPort"], names.port_number(port["hostPort"]))
        problems.one_of(f"{path}.protocol", port.get("protocol"), PROTOCOLS)


def check_host_ports(items: list[Json], field: str, problems: Problems) -> None:
    """No two containers take the same port of the node."""
    seen: set[str] = set()
    for index, item in enumerate(items):
        for number, port in enumerate(item.get("ports") or ()):
            if not port.get("hostPort"):
                continue
            key = f"{port.get('protocol', '')}/{port.get('hostIP', '')}/{port['hostPort']}"
            if key in seen:
                problems.duplicate(f"{field}[{index}].ports[{number}].hostPort", key)
            seen.add(key)


def check_environment(item: Json, field: str, problems: Problems) -> None:
    for index, variable in enumerate(item.get("env") or ()):
        path = f"{field}.env[{index}]"
        if not variable.get("name"):
            problems.required(f"{path}.name")
        else:
            problems.each(f"{path}.name", variable["name"], names.environment_name(variable["name"]))
        if variable.get("valueFrom") is not None:
            _check_source(variable, f"{path}.valueFrom", problems)
    for index, source in enumerate(item.get("envFrom") or ()):
        path = f"{field}.envFrom[{index}]"
        if source.get("prefix"):
            problems.each(f"{path}.prefix", source["prefix"], names.environment_name(source["prefix"]))
        given = [key for key in ("configMapRef", "secretRef") if source.get(key) is not None]
        for key in given:
            if not source[key].get("name"):
                problems.required(f"{path}.{key}.name")
            else:
                problems.each(f"{path}.{key}.name", source[key]["name"], names.subdomain(source[key]["name"]))
        if not given:
            problems.invalid(f"{field}.envFrom", "", "must specify one of: `configMapRef` or `secretRef`")
        elif len(given) > 1:
            problems.invalid(f"{field}.envFrom", "", "may not have more than one field specified at a time")


def _check_source(variable: Json, field: str, problems: Problems) -> None:
    source = variable["valueFrom"]
    given = [key for key in _SOURCES if source.get(key) is not None]
    if "fieldRef" in given:
        check_field_reference(source["fieldRef"], f"{field}.fieldRef", _FIELDS, problems)
    if "resourceFieldRef" in given:
        resource = source["resourceFieldRef"].get("resource", "")
        if not resource:
            problems.required(f"{field}.resourceFieldRef.resource")
        elif resource not in _RESOURCES and not resource.partition(".")[2].startswith("hugepages-"):
            problems.unsupported(f"{field}.resourceFieldRef.resource", resource, _RESOURCES)
    for key in ("configMapKeyRef", "secretKeyRef"):
        if key in given:
            name = source[key].get("name", "")
            problems.each(f"{field}.{key}.name", name, names.subdomain(name))
            if not source[key].get("key"):
                problems.required(f"{field}.{key}.key")
            else:
                problems.each(f"{field}.{key}.key", source[key]["key"], names.config_key(source[key]["key"]))
    if not given:
        listed = ", ".join(f"`{key}`" for key in _SOURCES[:-1])
        problems.invalid(field, "", f"must specify one of: {listed} or `{_SOURCES[-1]}`")
    elif variable.get("value"):
        problems.invalid(field, "", "may not be specified when `value` is not empty")
    elif len(given) > 1:
        problems.invalid(field, "", "may not have more than one field specified at a time")


def check_field_reference(reference: Json, field: str, allowed: tuple[str, ...], problems: Problems) -> None:
    """A ``fieldRef`` of an environment variable or of a downward volume."""
    path = reference.get("fieldPath", "")
    if not path:
        problems.required(f"{field}.fieldPath")
        return
    root, bracket, rest = path.partition("['")
    if bracket and rest.endswith("']"):
        key = rest[:-2]
        if root in ("metadata.annotations", "metadata.labels"):
            problems.each(field, key, names.label_key(key.lower() if root == "metadata.annotations" else key))
        else:
            problems.invalid(field, root, "does not support subscript")
    elif path not in allowed:
        if path in _CONVERTIBLE:
            problems.unsupported(f"{field}.fieldPath", path, allowed)
        else:
            text = f"error converting fieldPath: field label not supported: {path}"
            problems.invalid(f"{field}.fieldPath", path, text)


_CONVERTIBLE: Final = (*_FIELDS, "metadata.annotations", "metadata.labels", "spec.restartPolicy", "status.phase")


def check_mounts(item: Json, field: str, volumes: set[str], problems: Problems) -> None:
    paths: set[str] = set()
    for index, mount in enumerate(item.get("volumeMounts") or ()):
        path, name, target = f"{field}[{index}]", mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            problems.required(f"{path}.name")
        if name not in volumes:
            problems.missing(f"{path}.name", name)
        if not target:
            problems.required(f"{path}.mountPath")
        if target in paths:
            problems.invalid(f"{path}.mountPath", target, "must be unique")
        paths.add(target)
        for key in ("subPath", "subPathExpr"):
            if mount.get(key):
                check_relative(mount[key], f"{field}.{key}", problems)
        if mount.get("subPath") and mount.get("subPathExpr"):
            text = "subPathExpr and subPath are mutually exclusive"
            problems.invalid(f"{path}.subPathExpr", mount["subPathExpr"], text)


def check_relative(path: str, field: str, problems: Problems) -> None:
    """A path below some folder."""
    if path.startswith("/"):
        problems.invalid(field, path, "must be a relative path")
    if ".." in path.split("/"):
        problems.invalid(field, path, "must not contain '..'")


def check_resources(resources: Json, field: str, problems: Problems) -> None:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for kind, amounts in (("limits", limits), ("requests", requests)):
        for name, amount in amounts.items():
            path = f"{field}.{kind}[{name}]"
            _check_resource_name(name, path, problems)
            check_amount(amount, path, problems, whole="/" in name and _NATIVE not in name)
            if kind == "limits" or name not in limits:
                continue
            limit = limits[name]
            extended = "/" in name and _NATIVE not in name
            if (extended or name.startswith("hugepages-")) and parse_quantity(amount) != parse_quantity(limit):
                problems.invalid(f"{field}.requests", amount, f"must be equal to {name} limit of {limit}")
            elif parse_quantity(amount) > parse_quantity(limit):
                problems.invalid(f"{field}.requests", amount, f"must be less than or equal to {name} limit of {limit}")


def _check_resource_name(name: str, field: str, problems: Problems) -> None:
    if wrong := names.label_key(name):
        problems.each(field, name, wrong)
    elif "/" not in name and name not in _STANDARD and not name.startswith("hugepages-"):
        problems.invalid(field, name, "must be a standard resource type or fully qualified")
        problems.invalid(field, name, "must be a standard resource for containers")
    elif name == "storage":
        problems.invalid(field, name, "must be a standard resource for containers")


def check_amount(amount: str, field: str, problems: Problems, *, whole: bool = False) -> None:
    """Not negative, and whole where the resource has no parts."""
    try:
        value = parse_quantity(amount)
    except ValueError:
        return
    if value < 0:
        problems.invalid(field, amount, "must be greater than or equal to 0")
    elif whole and value % 1:
        problems.invalid(field, amount, "must be an integer")


def check_probes(item: Json, field: str, problems: Problems) -> None:
    for key in ("livenessProbe", "readinessProbe", "startupProbe"):
        probe, path = item.get(key), f"{field}.{key}"
        if probe is None:
            continue
        check_handler(probe, path, problems)
        for name in ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"):
            problems.not_negative(f"{path}.{name}", probe.get(name))
        grace = probe.get("terminationGracePeriodSeconds")
        if grace is not None and grace <= 0:
            problems.invalid(f"{path}.terminationGracePeriodSeconds", grace, "must be greater than 0")
        if key == "readinessProbe":
            if grace is not None:
                text = "must not be set for readinessProbes"
                problems.invalid(f"{path}.terminationGracePeriodSeconds", grace, text)
        elif probe.get("successThreshold") != 1:
            problems.invalid(f"{path}.successThreshold", probe.get("successThreshold", 0), "must be 1")


def check_lifecycle(item: Json, field: str, grace: int, problems: Problems) -> None:
    lifecycle = item.get("lifecycle") or {}
    for key in ("postStart", "preStop"):
        if lifecycle.get(key) is not None:
            check_handler(lifecycle[key], f"{field}.lifecycle.{key}", problems, grace)


def check_handler(handler: Json, field: str, problems: Problems, grace: int = 0) -> None:
    """Exactly one of exec, httpGet, tcpSocket, grpc and sleep.

    Args:
        grace: how long the pod may take to end, seconds.
    """
    given = [key for key in _HANDLERS if handler.get(key) is not None]
    if not given:
        problems.required(field, "must specify a handler type")
        return
    _check_action(given[0], handler[given[0]], f"{field}.{given[0]}", problems, grace)
    for key in given[1:]:
        problems.forbidden(f"{field}.{key}", "may not specify more than 1 handler type")


def _check_action(kind: str, action: Json, path: str, problems: Problems, grace: int) -> None:
    if kind == "sleep" and not 0 <= action.get("seconds", 0) <= grace:
        text = f"must be non-negative and less than terminationGracePeriodSeconds ({grace})"
        problems.invalid(path, action.get("seconds", 0), text)
    if kind == "exec" and not action.get("command"):
        problems.required(f"{path}.command")
    if kind == "httpGet":
        if not action.get("path"):
            problems.required(f"{path}.path")
        problems.each(f"{path}.port", action.get("port", 0), names.port(action.get("port", 0)))
        if action.get("scheme") not in ("HTTP", "HTTPS"):
            problems.unsupported(f"{path}.scheme", action.get("scheme", ""), ("HTTP", "HTTPS"))
        for header in action.get("httpHeaders") or ():
            problems.each(f"{path}.httpHeaders", header.get("name", ""), names.header_name(header.get("name", "")))
    if kind in ("tcpSocket", "grpc"):
        problems.each(f"{path}.port", action.get("port", 0), names.port(action.get("port", 0)))


def check_security(context: Json, field: str, problems: Problems) -> None:
    for key in ("runAsUser", "runAsGroup"):
        value = context.get(key)
        if value is not None and not 0 <= value < 2**31:
            problems.invalid(f"{field}.{key}", value, "must be between 0 and 2147483647, inclusive")
    if context.get("allowPrivilegeEscalation") is False and context.get("privileged"):
        text = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
        problems.invalid(field, context, text)
    check_seccomp(context.get("seccompProfile"), f"{field}.seccompProfile", problems)


def check_seccomp(profile: Json | None, field: str, problems: Problems) -> None:
    if profile is None:
        return
    kinds = ("Localhost", "RuntimeDefault", "Unconfined")
    kind = profile.get("type", "")
    if not kind:
        problems.required(f"{field}.type", "type is required when seccompProfile is set")
    elif kind not in kinds:
        problems.unsupported(f"{field}.type", kind, kinds)
    elif kind == "Localhost" and not profile.get("localhostProfile"):
        problems.required(f"{field}.localhostProfile", "must be set when seccomp type is Localhost")
    elif kind != "Localhost" and profile.get("localhostProfile") is not None:
        text = "can only be set when seccomp type is Localhost"
        problems.invalid(f"{field}.localhostProfile", profile["localhostProfile"], text)

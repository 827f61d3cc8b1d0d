"""Services."""

from ipaddress import ip_network
from typing import Any, Final

from pocketkube.cluster import names
from pocketkube.cluster.kinds.allocations import needs_health_check
from pocketkube.cluster.kinds.containers import PROTOCOLS
from pocketkube.cluster.kinds.problems import Problems
from pocketkube.cluster.kinds.rules import HomeCluster, KindRules, at
from pocketkube.cluster.kinds.selectors import check_labels
from pocketkube.cluster.resource import Object

Json = dict[str, Any]

_TYPES: Final = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_ONLY_BALANCER: Final = "may only be used when `type` is 'LoadBalancer'"
_NOT_EXTERNAL_NAME: Final = "may not be set for ExternalName services"


def _external(spec: Json) -> bool:
    """Reached from outside the cluster."""
    kind = spec.get("type")
    return kind in ("NodePort", "LoadBalancer") or (kind == "ClusterIP" and bool(spec.get("externalIPs")))


def _headless(spec: Json) -> bool:
    return spec.get("clusterIPs") == ["None"]


def _same_addresses(spec: Json, old: Json) -> None:
    """Keeps the one address and the list of addresses together (``normalizeClusterIPs``)."""
    single, several = spec.get("clusterIP"), spec.get("clusterIPs") or []
    if not old:
        if single and not several:
            spec["clusterIPs"] = [single]
        return
    before, earlier = old.get("clusterIP"), old.get("clusterIPs") or []
    if single != before and several == earlier:
        if single:
            spec["clusterIPs"] = [single]
        else:
            spec.pop("clusterIPs", None)


def create(cluster: HomeCluster, service: Object) -> None:
    spec = service["spec"]
    _same_addresses(spec, {})
    problems = Problems()
    _check(service, problems, allocated=False)
    if not problems:
        cluster.allocate(None, service)
    if spec.get("type") == "ExternalName":
        spec.pop("internalTrafficPolicy", None)


def update(cluster: HomeCluster, old: Object, new: Object) -> None:
    spec, before = new["spec"], old["spec"]
    _inherit(spec, before)
    _same_addresses(spec, before)
    _drop(new, old)
    problems = Problems()
    _check(new, problems, allocated=False)
    _change(old, new, problems)
    if not problems:
        cluster.allocate(old, new)
    if spec["type"] == "ExternalName":
        spec.pop("internalTrafficPolicy", None)


def _inherit(spec: Json, old: Json) -> None:
    """An update that leaves out what was allocated means to keep it (``patchAllocatedValues``)."""
    if spec["type"] != "ExternalName" and old["type"] != "ExternalName":
        if not spec.get("clusterIP") and old.get("clusterIP"):
            spec["clusterIP"] = old["clusterIP"]
        if not spec.get("clusterIPs") and old.get("clusterIPs"):
            spec["clusterIPs"] = list(old["clusterIPs"])
    node = ("NodePort", "LoadBalancer")
    if spec["type"] in node and old["type"] in node:
        known = {port.get("name"): port.get("nodePort") for port in old.get("ports") or ()}
        used = {port.get("nodePort") for port in spec.get("ports") or () if port.get("nodePort")}
        for port in spec.get("ports") or ():
            number = known.get(port.get("name"))
            if not port.get("nodePort") and number and number not in used:
                port["nodePort"] = number
    known_port = old.get("healthCheckNodePort") if needs_health_check(spec) and needs_health_check(old) else None
    if known_port and not spec.get("healthCheckNodePort"):
        spec["healthCheckNodePort"] = known_port


def _drop(new: Object, old: Object) -> None:
    """Clears what the new type has no use for, where it was not changed in the same breath."""
    spec, before = new["spec"], old["spec"]
    if spec["type"] == "ExternalName" and before["type"] != "ExternalName":
        if all(spec.get(key) in (before.get(key), None) for key in ("clusterIP", "clusterIPs")):
            spec.pop("clusterIP", None)
            spec.pop("clusterIPs", None)
        for key in ("ipFamilies", "ipFamilyPolicy"):
            if spec.get(key) == before.get(key):
                spec.pop(key, None)
    node = ("NodePort", "LoadBalancer")
    if before["type"] in node and spec["type"] not in node:
        known = {port.get("nodePort") for port in before.get("ports") or ()}
        if all(port.get("nodePort") in known or not port.get("nodePort") for port in spec.get("ports") or ()):
            for port in spec.get("ports") or ():
                port.pop("nodePort", None)
    for key, needed in _NEEDED.items():
        if needed(before) and not needed(spec) and spec.get(key) == before.get(key):
            spec.pop(key, None)
    if spec["type"] != "LoadBalancer":
        new["status"] = new.get("status", {}) | {"loadBalancer": {}}


def _balanced(spec: Json) -> bool:
    return spec.get("type") == "LoadBalancer"


_NEEDED: Final = {
    "healthCheckNodePort": needs_health_check,
    "allocateLoadBalancerNodePorts": _balanced,
    "loadBalancerClass": _balanced,
    "externalTrafficPolicy": _external,
}


def check(service: Object, problems: Problems) -> None:
    _check(service, problems, allocated=True)


def _check(service: Object, problems: Problems, *, allocated: bool) -> None:
    spec = service["spec"]
    kind = spec.get("type", "")
    if not spec.get("ports") and not _headless(spec) and kind != "ExternalName":
        problems.required("spec.ports")
    if kind in ("LoadBalancer", "NodePort") and _headless(spec):
        problems.invalid("spec.clusterIPs[0]", "None", f"may not be set to 'None' for {kind} services")
    if kind == "ExternalName":
        _check_external_name(spec, problems)
    _check_ports(spec, problems)
    check_labels(spec.get("selector"), "spec.selector", problems)
    problems.one_of("spec.sessionAffinity", spec.get("sessionAffinity"), ("ClientIP", "None"))
    if spec.get("sessionAffinity") == "ClientIP":
        seconds = at(spec, "sessionAffinityConfig", "clientIP", "timeoutSeconds") or 0
        if not 0 < seconds <= 86400:
            field = "spec.sessionAffinityConfig.clientIP.timeoutSeconds"
            problems.invalid(field, seconds, "must be greater than 0 and less than 86400")
    if kind != "ExternalName":
        _check_addresses(spec, problems)
    for index, address in enumerate(spec.get("externalIPs") or ()):
        if names.address(address) is None:
            text = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
            problems.invalid(f"spec.externalIPs[{index}]", address, text)
    problems.one_of("spec.type", kind, _TYPES)
    _check_numbers(spec, problems)
    _check_balancer(spec, problems)
    _check_policies(spec, problems, allocated=allocated)


def _check_external_name(spec: Json, problems: Problems) -> None:
    for key in ("clusterIPs", "ipFamilies", "ipFamilyPolicy"):
        if spec.get(key):
            problems.forbidden(f"spec.{key}", _NOT_EXTERNAL_NAME)
    name = (spec.get("externalName") or "").removesuffix(".")
    if name:
        problems.each("spec.externalName", name, names.subdomain(name))
    else:
        problems.required("spec.externalName")


def _check_ports(spec: Json, problems: Problems) -> None:
    ports = spec.get("ports") or []
    seen: set[str] = set()
    for index, port in enumerate(ports):
        field, name = f"spec.ports[{index}]", port.get("name", "")
        if not name and len(ports) > 1:
            problems.required(f"{field}.name")
        elif name:
            problems.each(f"{field}.name", name, names.label(name))
            if name in seen:
                problems.duplicate(f"{field}.name", name)
            seen.add(name)
        problems.each(f"{field}.port", port.get("port", 0), names.port_number(port.get("port", 0)))
        problems.one_of(f"{field}.protocol", port.get("protocol"), PROTOCOLS)
        problems.each(f"{field}.targetPort", port.get("targetPort", 0), names.port(port.get("targetPort", 0)))
        if port.get("appProtocol") is not None:
            problems.each(f"{field}.appProtocol", port["appProtocol"], names.label_key(port["appProtocol"]))


def _check_addresses(spec: Json, problems: Problems) -> None:
    single, several = spec.get("clusterIP"), spec.get("clusterIPs") or []
    if single and not several:
        problems.required("spec.clusterIPs")
    elif single and several[0] != single:
        problems.invalid("spec.clusterIPs", several, "first value must match `clusterIP`")
    elif several and not single:
        problems.invalid("spec.clusterIPs", several, "must be empty when `clusterIP` is not specified")
    seen: set[str] = set()
    for index, family in enumerate(spec.get("ipFamilies") or ()):
        if family not in ("IPv4", "IPv6"):
            problems.unsupported(f"spec.ipFamilies[{index}]", family, ("IPv4", "IPv6"))
        if family in seen:
            problems.duplicate(f"spec.ipFamilies[{index}]", family)
        seen.add(family)
    policies = ("PreferDualStack", "RequireDualStack", "SingleStack")
    problems.one_of("spec.ipFamilyPolicy", spec.get("ipFamilyPolicy"), policies, required=False)
    for index, address in enumerate(several):
        if index == 0 and address == "None":
            if len(several) > 1:
                problems.invalid("spec.clusterIPs", several, "'None' must be the first and only value")
        elif names.address(address) is None:
            text = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
            problems.invalid(f"spec.clusterIPs[{index}]", address, text)
    if len(several) > 2:
        problems.invalid("spec.clusterIPs", several, "may only hold up to 2 values")


def _check_numbers(spec: Json, problems: Problems) -> None:
    ports = spec.get("ports") or []
    if spec.get("type") == "ClusterIP":
        for index, port in enumerate(ports):
            if port.get("nodePort"):
                text = "may not be used when `type` is 'ClusterIP'"
                problems.forbidden(f"spec.ports[{index}].nodePort", text)
    for key, field in (("nodePort", ".nodePort"), ("port", "")):
        seen: set[tuple[Any, Any]] = set()
        for index, port in enumerate(ports):
            pair = (port.get("protocol"), port.get(key, 0))
            if key == "nodePort" and not pair[1]:
                continue
            if pair in seen:
                value = pair[1] if field else {"port": pair[1], "protocol": pair[0], "targetPort": 0}
                problems.duplicate(f"spec.ports[{index}]{field}", value)
            seen.add(pair)


def _check_balancer(spec: Json, problems: Problems) -> None:
    balancer = spec.get("type") == "LoadBalancer"
    ranges = spec.get("loadBalancerSourceRanges") or []
    if ranges and not balancer:
        problems.forbidden("spec.LoadBalancerSourceRanges", _ONLY_BALANCER)
    for index, text in enumerate(ranges):
        if not _is_network(text.strip()):
            why = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
            problems.invalid(f"spec.LoadBalancerSourceRanges[{index}]", text, why)
    if spec.get("allocateLoadBalancerNodePorts") is not None and not balancer:
        problems.forbidden("spec.allocateLoadBalancerNodePorts", _ONLY_BALANCER)
    name = spec.get("loadBalancerClass")
    if name is not None and balancer:
        problems.each("spec.loadBalancerClass", name, names.label_key(name))
    elif name is not None:
        problems.forbidden("spec.loadBalancerClass", _ONLY_BALANCER)


def _is_network(text: str) -> bool:
    if "/" not in text:
        return False
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _check_policies(spec: Json, problems: Problems, *, allocated: bool) -> None:
    policy, choices = spec.get("externalTrafficPolicy"), ("Cluster", "Local")
    if _external(spec):
        problems.one_of("spec.externalTrafficPolicy", policy, choices)
    elif policy:
        text = "may only be set for externally-accessible services"
        problems.invalid("spec.externalTrafficPolicy", policy, text)
    port = spec.get("healthCheckNodePort")
    if not needs_health_check(spec):
        if port:
            text = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
            problems.invalid("spec.healthCheckNodePort", port, text)
    elif port:
        problems.each("spec.healthCheckNodePort", port, names.port_number(port))
    elif allocated:
        problems.required("spec.healthCheckNodePort")
    problems.one_of("spec.internalTrafficPolicy", spec.get("internalTrafficPolicy"), choices, required=False)
    distribution = spec.get("trafficDistribution")
    if distribution is not None:
        wanted = ("PreferClose", "PreferSameZone", "PreferSameNode")
        problems.one_of("spec.trafficDistribution", distribution, wanted)


def _change(old: Object, new: Object, problems: Problems) -> None:
    spec, before = new["spec"], old["spec"]
    if "ExternalName" not in (spec["type"], before["type"]) and not (_headless(spec) and _headless(before)):
        _same_list(spec, before, "clusterIPs", "primary clusterIP can not be unset", problems)
        if not _headless(spec) and not _headless(before):
            _same_list(spec, before, "ipFamilies", "primary ipFamily can not be unset", problems)
    if _balanced(spec) and _balanced(before) and spec.get("loadBalancerClass") != before.get("loadBalancerClass"):
        problems.invalid("spec.loadBalancerClass", spec.get("loadBalancerClass"), "may not change once set")
    checked = needs_health_check(spec) and needs_health_check(before)
    if checked and spec.get("healthCheckNodePort") != before.get("healthCheckNodePort"):
        problems.forbidden("spec.healthCheckNodePort", "field is immutable")


def _same_list(spec: Json, before: Json, key: str, unset: str, problems: Problems) -> None:
    now, was = spec.get(key) or [], before.get(key) or []
    if not now and was:
        # Left out, the families are filled in again.
        if key == "clusterIPs":
            problems.invalid(f"spec.{key}[0]", now, unset)
    elif was and now[0] != was[0]:
        problems.invalid(f"spec.{key}[0]", now, "may not change once set")


def _change_status(_: Object, new: Object, subresource: str, problems: Problems) -> None:
    if subresource != "status":
        return
    ingress = at(new, "status", "loadBalancer", "ingress") or []
    if ingress and new["spec"].get("type") != "LoadBalancer":
        problems.forbidden("status.loadBalancer.ingress", "may only be used when `spec.type` is 'LoadBalancer'")
        return
    for index, item in enumerate(ingress):
        field = f"status.loadBalancer.ingress[{index}]"
        if item.get("ip"):
            if names.address(item["ip"]) is None:
                text = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
                problems.invalid(f"{field}.ip", item["ip"], text)
            if item.get("ipMode") is None:
                problems.required(f"{field}.ipMode", "must be specified when `ip` is set")
        elif item.get("ipMode") is not None:
            problems.forbidden(f"{field}.ipMode", "may not be specified when `ip` is not set")
        if item.get("hostname"):
            problems.each(f"{field}.hostname", item["hostname"], names.subdomain(item["hostname"]))


def _labels(service: Object) -> dict[str, str]:
    return {
        "spec.clusterIP": at(service, "spec", "clusterIP") or "",
        "spec.type": at(service, "spec", "type") or "",
    }


RULES: Final[dict[tuple[str, str], KindRules]] = {
    ("", "Service"): KindRules(
        status=True,
        create=create,
        update=update,
        check=check,
        change=_change,
        change_subresource=_change_status,
        labels=_labels,
        name=names.label,
    ),
}

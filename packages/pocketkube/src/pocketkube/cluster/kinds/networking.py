"""Ingresses, NetworkPolicies, EndpointSlices and their kin."""

from ipaddress import ip_network
from typing import Any, Final

from pocketkube.cluster import names
from pocketkube.cluster.kinds.containers import PROTOCOLS
from pocketkube.cluster.kinds.problems import Problems
from pocketkube.cluster.kinds.rules import KindRules
from pocketkube.cluster.kinds.selectors import check_selector
from pocketkube.cluster.resource import Object

Json = dict[str, Any]

GROUP: Final = "networking.k8s.io"
_CLASS: Final = "kubernetes.io/ingress.class"
_PATHS: Final = ("Exact", "ImplementationSpecific", "Prefix")
_NOT_IN_PATH: Final = ("//", "/./", "/../", "%2f", "%2F")
_NOT_AT_END: Final = ("/..", "/.")
_CIDR: Final = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"


def _ingress(obj: Object, problems: Problems) -> None:
    spec = obj.get("spec") or {}
    rules, backend = spec.get("rules") or [], spec.get("defaultBackend")
    if not rules and backend is None:
        problems.invalid("spec", None, "either `defaultBackend` or `rules` must be specified")
    if backend is not None:
        _backend(backend, "spec.defaultBackend", problems)
    for index, rule in enumerate(rules):
        _rule(rule, f"spec.rules[{index}]", problems)
    for index, tls in enumerate(spec.get("tls") or ()):
        for number, host in enumerate(tls.get("hosts") or ()):
            wrong = names.wildcard_subdomain(host) if "*" in host else names.subdomain(host)
            problems.each(f"spec.tls[{index}].hosts[{number}]", host, wrong)
        if name := tls.get("secretName"):
            problems.each(f"spec.tls[{index}].secretName", name, names.subdomain(name))
    name = spec.get("ingressClassName")
    if name is not None:
        problems.each("spec.ingressClassName", name, names.subdomain(name))
    old = (obj["metadata"].get("annotations") or {}).get(_CLASS)
    if not obj["metadata"].get("resourceVersion") and old is not None and name is not None and old != name:
        problems.invalid(f"annotations.{_CLASS}", old, "must match `ingressClassName` when both are specified")


def _rule(rule: Json, field: str, problems: Problems) -> None:
    host = rule.get("host", "")
    if host:
        if names.address(host) is not None:
            problems.invalid(f"{field}.host", host, "must be a DNS name, not an IP address")
        wrong = names.wildcard_subdomain(host) if "*" in host else names.subdomain(host)
        problems.each(f"{field}.host", host, wrong)
    http = rule.get("http")
    if http is None:
        return
    if not http.get("paths"):
        problems.required(f"{field}.http.paths")
    for index, path in enumerate(http.get("paths") or ()):
        _path(path, f"{field}.http.paths[{index}]", problems)


def _path(path: Json, field: str, problems: Problems) -> None:
    kind, text = path.get("pathType"), path.get("path", "")
    if kind is None:
        problems.required(f"{field}.pathType", "pathType must be specified")
        return
    if kind in ("Exact", "Prefix"):
        if not text.startswith("/"):
            problems.invalid(f"{field}.path", text, "must be an absolute path")
        for part in _NOT_IN_PATH if text else ():
            if part in text:
                problems.invalid(f"{field}.path", text, f"must not contain '{part}'")
        for end in _NOT_AT_END if text else ():
            if text.endswith(end):
                problems.invalid(f"{field}.path", text, f"cannot end with '{end}'")
    elif kind == "ImplementationSpecific":
        if text and not text.startswith("/"):
            problems.invalid(f"{field}.path", text, "must be an absolute path")
    else:
        problems.unsupported(f"{field}.pathType", kind, _PATHS)
    _backend(path.get("backend") or {}, f"{field}.backend", problems)


def _backend(backend: Json, field: str, problems: Problems) -> None:
    resource, service = backend.get("resource"), backend.get("service")
    if resource is not None and service is not None:
        problems.invalid(field, "", "cannot set both resource and service backends")
    elif resource is not None:
        for key in ("kind", "name"):
            if not resource.get(key):
                problems.required(f"{field}.resource.{key}")
    elif service is not None:
        name, port = service.get("name", ""), service.get("port") or {}
        if not name:
            problems.required(f"{field}.service.name")
        else:
            problems.each(f"{field}.service.name", name, names.label(name))
        if port.get("name") and port.get("number"):
            problems.invalid(field, "", "cannot set both port name & port number")
        elif port.get("name"):
            problems.each(f"{field}.service.port.name", port["name"], names.port_name(port["name"]))
        elif port.get("number"):
            problems.each(f"{field}.service.port.number", port["number"], names.port_number(port["number"]))
        else:
            problems.required(field, "port name or number is required")
    else:
        problems.invalid(field, "", "resource or service backend is required")


def _ingress_warnings(obj: Object) -> list[str]:
    annotated = _CLASS in (obj["metadata"].get("annotations") or {})
    if annotated and (obj.get("spec") or {}).get("ingressClassName") is None:
        return [f"annotation \"{_CLASS}\" is deprecated, please use 'spec.ingressClassName' instead"]
    return []


def _ingress_class(obj: Object, problems: Problems) -> None:
    spec = obj.get("spec") or {}
    domain_path(spec.get("controller", ""), "spec.controller", problems)
    parameters = spec.get("parameters")
    if parameters is None:
        return
    for key in ("kind", "name"):
        if not parameters.get(key):
            problems.declared_required(f"spec.parameters.{key}")
        problems.each(f"spec.parameters.{key}", parameters.get(key, ""), names.path_segment(parameters.get(key, "")))
    scope = parameters.get("scope")
    if scope not in ("Cluster", "Namespace"):
        problems.unsupported("spec.parameters.scope", scope, ("Cluster", "Namespace"))
    elif scope == "Namespace" and parameters.get("namespace") is None:
        problems.required("spec.parameters.namespace", "`parameters.scope` is set to 'Namespace'")
    elif scope == "Cluster" and parameters.get("namespace") is not None:
        problems.forbidden("spec.parameters.namespace", "`parameters.scope` is set to 'Cluster'")


def domain_path(text: str, field: str, problems: Problems) -> None:
    """``example.com/name`` (``IsDomainPrefixedPath``)."""
    domain, slash, path = text.partition("/")
    if not text:
        problems.required(field)
    elif not slash:
        problems.invalid(field, text, 'must be a domain-prefixed path (such as "acme.io/foo")')
    else:
        problems.each(field, domain, names.subdomain(domain))
        if not path:
            problems.invalid(field, path, "must specify path after domain")


def _network_policy(obj: Object, problems: Problems) -> None:
    spec = obj.get("spec") or {}
    check_selector(spec.get("podSelector"), "spec.podSelector", problems)
    for direction, side in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(spec.get(direction) or ()):
            field = f"spec.{direction}[{index}]"
            for number, port in enumerate(rule.get("ports") or ()):
                _policy_port(port, f"{field}.ports[{number}]", problems)
            for number, peer in enumerate(rule.get(side) or ()):
                _peer(peer, f"{field}.{side}[{number}]", problems)
    kinds = spec.get("policyTypes") or []
    if len(kinds) > 2:
        problems.invalid("spec.policyTypes", kinds, "may not specify more than two policyTypes")
        return
    for index, kind in enumerate(kinds):
        if kind not in ("Ingress", "Egress"):
            problems.unsupported(f"spec.policyTypes[{index}]", kind, ("Ingress", "Egress"))


def _policy_port(port: Json, field: str, problems: Problems) -> None:
    protocol, number, end = port.get("protocol"), port.get("port"), port.get("endPort")
    problems.one_of(f"{field}.protocol", protocol, ("TCP", "UDP", "SCTP"), required=False)
    if number is None:
        if end is not None:
            problems.invalid(f"{field}.endPort", end, "may not be specified when `port` is not specified")
    elif isinstance(number, str):
        if end is not None:
            problems.invalid(f"{field}.endPort", end, "may not be specified when `port` is non-numeric")
        problems.each(f"{field}.port", number, names.port_name(number))
    else:
        problems.each(f"{field}.port", number, names.port_number(number))
        if end is not None:
            if end < number:
                problems.invalid(f"{field}.endPort", end, "must be greater than or equal to `port`")
            problems.each(f"{field}.endPort", end, names.port_number(end))


def _peer(peer: Json, field: str, problems: Problems) -> None:
    given = [key for key in ("podSelector", "namespaceSelector", "ipBlock") if peer.get(key) is not None]
    for key in ("podSelector", "namespaceSelector"):
        check_selector(peer.get(key), f"{field}.{key}", problems)
    if "ipBlock" in given:
        _block(peer["ipBlock"], f"{field}.ipBlock", problems)
    if not given:
        problems.required(field, "must specify a peer")
    elif len(given) > 1 and "ipBlock" in given:
        problems.forbidden(field, "may not specify both ipBlock and another peer")


def _block(block: Json, field: str, problems: Problems) -> None:
    text = block.get("cidr", "")
    if not text:
        problems.declared_required(f"{field}.cidr")
        return
    network = _network(text)
    if network is None:
        problems.invalid(f"{field}.cidr", text, _CIDR)
        return
    for index, exception in enumerate(block.get("except") or ()):
        inner = _network(exception)
        path = f"{field}.except[{index}]"
        if inner is None:
            problems.invalid(path, exception, _CIDR)
        elif inner.version != network.version or inner.prefixlen <= network.prefixlen or not _inside(inner, network):
            problems.invalid(path, exception, "must be a strict subset of `cidr`")


def _network(text: str) -> Any:
    try:
        return ip_network(text, strict=False) if "/" in text else None
    except ValueError:
        return None


def _inside(inner: Any, network: Any) -> bool:
    return bool(inner.subnet_of(network))


def _endpoint_slice(obj: Object, problems: Problems) -> None:
    problems.one_of("addressType", obj.get("addressType"), ("FQDN", "IPv4", "IPv6"))
    seen: set[str] = set()
    for index, port in enumerate(obj.get("ports") or ()):
        field, name = f"ports[{index}]", port.get("name") or ""
        if name:
            problems.each(f"{field}.name", name, names.label(name))
        if name in seen:
            problems.duplicate(f"{field}.name", name)
        seen.add(name)
        problems.one_of(f"{field}.protocol", port.get("protocol"), PROTOCOLS)
    for index, endpoint in enumerate(obj.get("endpoints") or ()):
        if not endpoint.get("addresses"):
            problems.declared_required(f"endpoints[{index}].addresses")
        for number, address in enumerate(endpoint.get("addresses") or ()):
            if obj.get("addressType") in ("IPv4", "IPv6") and names.address(address) is None:
                text = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
                problems.invalid(f"endpoints[{index}].addresses[{number}]", address, text)


RULES: Final[dict[tuple[str, str], KindRules]] = {
    (GROUP, "Ingress"): KindRules(
        status=True,
        moves=("spec",),
        numbered=True,
        check=_ingress,
        warn=_ingress_warnings,
    ),
    (GROUP, "IngressClass"): KindRules(
        moves=("spec",), numbered=True, check=_ingress_class, immutable_first=True, immutable=(("spec", "controller"),)
    ),
    (GROUP, "NetworkPolicy"): KindRules(moves=("spec",), numbered=True, check=_network_policy),
    (GROUP, "ServiceCIDR"): KindRules(status=True, status_resets=(("metadata",), ("spec",))),
    (GROUP, "IPAddress"): KindRules(name=names.address_name),
    ("discovery.k8s.io", "EndpointSlice"): KindRules(
        moves=("endpoints", "ports", "addressType", "metadata.labels"),
        numbered=True,
        check=_endpoint_slice,
        declared_immutable=(("addressType",),),
    ),
}

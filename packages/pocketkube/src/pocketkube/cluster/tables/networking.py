"""Cells of Services, what is behind them, and Ingresses."""

from datetime import datetime

from pocketkube.cluster.resource import Object
from pocketkube.cluster.tables.cells import NONE, UNSET, dig, items, members, number, shortened, text
from pocketkube.cluster.tables.durations import UNKNOWN

DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"
MOST = 3
"""Entries that are listed before the rest is counted."""


def cluster_ip_cell(service: Object, now: datetime) -> str:
    """The first address inside the cluster."""
    addresses = items(service, "spec", "clusterIPs")
    return str(addresses[0]) if addresses else NONE


def external_ip_cell(service: Object, now: datetime) -> str:
    """Where a Service is reached from outside; depends on its type."""
    external = [str(address) for address in items(service, "spec", "externalIPs")]
    match text(service, "spec", "type"):
        case "ClusterIP" | "NodePort":
            return ",".join(external) or NONE
        case "LoadBalancer":
            return ",".join([*_balancers(service), *external]) or "<pending>"
        case "ExternalName":
            return text(service, "spec", "externalName")
        case _:
            return UNKNOWN


def _balancers(obj: Object) -> list[str]:
    entries = items(obj, "status", "loadBalancer", "ingress")
    return sorted({text(entry, "ip") or text(entry, "hostname") for entry in entries} - {""})


def ports_cell(service: Object, now: datetime) -> str:
    """Ports as ``80/TCP``, with a port of the nodes ``80:30080/TCP``."""
    return ",".join(map(_port, items(service, "spec", "ports"))) or NONE


def _port(port: Object) -> str:
    on_nodes = number(port, "nodePort")
    return f"{number(port, 'port')}{f':{on_nodes}' if on_nodes > 0 else ''}/{text(port, 'protocol')}"


def endpoints_cell(endpoints: Object, now: datetime) -> str:
    """Addresses with their ports."""
    subsets = items(endpoints, "subsets")
    found: list[str] = []
    for subset in subsets:
        addresses = [text(address, "ip") for address in items(subset, "addresses")]
        ports = items(subset, "ports")
        if not ports:
            found += addresses
        for port in ports:
            found += [_host_port(address, number(port, "port")) for address in addresses]
    return shortened(found, MOST) if subsets else NONE


def _host_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def slice_ports_cell(endpoint_slice: Object, now: datetime) -> str:
    """The port numbers of an EndpointSlice."""
    ports = items(endpoint_slice, "ports")
    found = [str(next((port[key] for key in ("port", "name") if dig(port, key) is not None), "*")) for port in ports]
    return shortened(found, MOST) or UNSET


def slice_endpoints_cell(endpoint_slice: Object, now: datetime) -> str:
    """The addresses of an EndpointSlice."""
    endpoints = items(endpoint_slice, "endpoints")
    found = [str(address) for endpoint in endpoints for address in items(endpoint, "addresses")]
    return shortened(found, MOST) or UNSET


def hosts_cell(ingress: Object, now: datetime) -> str:
    """The hosts of an Ingress' rules. Only those that are named are listed, but all rules are counted."""
    hosts: list[str] = []
    rules = items(ingress, "spec", "rules")
    for rule in rules:
        if len(hosts) == MOST:
            return shortened(hosts, MOST, total=len(rules))
        if host := text(rule, "host"):
            hosts.append(host)
    return ",".join(hosts) or "*"


def ingress_address_cell(ingress: Object, now: datetime) -> str:
    """Where the load balancer of an Ingress is."""
    return ",".join(_balancers(ingress))


def ingress_ports_cell(ingress: Object, now: datetime) -> str:
    """The ports that are open by convention."""
    return "80, 443" if items(ingress, "spec", "tls") else "80"


def class_name_cell(ingress_class: Object, now: datetime) -> str:
    """The name, marked where it is the default."""
    default = members(ingress_class, "metadata", "annotations").get(DEFAULT_CLASS) == "true"
    return text(ingress_class, "metadata", "name") + (" (default)" if default else "")


def class_parameters_cell(ingress_class: Object, now: datetime) -> str:
    """The object that holds an IngressClass' parameters."""
    parameters = dig(ingress_class, "spec", "parameters")
    if parameters is None:
        return NONE
    group = dig(parameters, "apiGroup")
    return f"{text(parameters, 'kind')}{'' if group is None else f'.{group}'}/{text(parameters, 'name')}"


def parent_cell(address: Object, now: datetime) -> str:
    """What an IPAddress belongs to, as ``services/default/kubernetes``."""
    parent = dig(address, "spec", "parentRef")
    if parent is None:
        return NONE
    resource = ".".join(filter(None, (text(parent, "resource"), text(parent, "group")))).lower()
    return "/".join(filter(None, (resource, text(parent, "namespace")))) + f"/{text(parent, 'name')}"

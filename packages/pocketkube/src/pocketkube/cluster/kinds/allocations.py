"""Addresses and node ports of Services (k8s.io/kubernetes ``pkg/registry/core/service/storage/alloc.go``)."""

from collections import Counter
from ipaddress import IPv4Address, IPv4Network
from random import Random
from typing import Any, Final

from pocketkube.cluster.failure import Failure, invalid
from pocketkube.cluster.kinds.problems import Problems
from pocketkube.cluster.kinds.rules import at
from pocketkube.cluster.resource import Object

NETWORK: Final = IPv4Network("10.96.0.0/12")
NODE_PORTS: Final = range(30000, 32768)
_NO_ADDRESS: Final = "None"
_FIRST: Final = int(NETWORK.network_address) + 1
_COUNT: Final = NETWORK.num_addresses - 2


class Allocations:
    """What the Services of a cluster hold. ``take`` and ``release`` follow what is stored; ``give`` only picks."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._addresses: set[str] = set()
        # Two ports of one Service may share a node port when their protocols differ.
        self._ports: Counter[int] = Counter()

    def take(self, service: Object) -> None:
        self._addresses.update(_held_addresses(service))
        self._ports.update(_held_ports(service))

    def release(self, service: Object) -> None:
        self._addresses.difference_update(_held_addresses(service))
        self._ports.subtract(_held_ports(service))
        self._ports = +self._ports

    def give(self, old: Object | None, new: Object) -> None:
        """Fills in families, addresses and ports of a Service that is otherwise right.

        Raises:
            Failure: Invalid where an address or a port it asks for is taken or out of range; InternalError where none
                is left.
        """
        spec = new["spec"]
        if spec["type"] != "ExternalName":
            _families(spec, (old or {}).get("spec") or {}, at(new, "metadata", "name") or "")
            self._give_address(old, new)
        self._give_ports(old, new)

    def _give_address(self, old: Object | None, new: Object) -> None:
        spec, known = new["spec"], at(old, "spec", "clusterIPs") or []
        given = spec.get("clusterIPs") or []
        if given and (given[0] == _NO_ADDRESS or given == known):
            return
        if given:
            self._check_address(new, given)
            return
        for _ in range(_COUNT):
            address = str(IPv4Address(_FIRST + self._random.randrange(_COUNT)))
            if address not in self._addresses:
                spec["clusterIP"], spec["clusterIPs"] = address, [address]
                return
        raise Failure("InternalError", "failed to allocate a serviceIP: range is full")

    def _check_address(self, service: Object, given: list[str]) -> None:
        address = given[0]
        why = ""
        if IPv4Address(address) not in NETWORK:
            why = f"failed to allocate IP {address}: the provided network does not match the current range"
        elif address in self._addresses:
            why = f"failed to allocate IP {address}: provided IP is already allocated"
        if why:
            problems = Problems()
            problems.invalid("spec.clusterIPs", given, why)
            raise invalid("Service", "", at(service, "metadata", "name") or "", problems)

    def _give_ports(self, old: Object | None, new: Object) -> None:
        spec = new["spec"]
        mine = Counter(_held_ports(old)) if old else Counter[int]()
        wanted = spec["type"] in ("NodePort", "LoadBalancer")
        allocate = spec["type"] == "NodePort" or (wanted and spec.get("allocateLoadBalancerNodePorts") is not False)
        ports = spec.get("ports") or []
        chosen: dict[int, int] = {}
        if wanted:
            for index, port in enumerate(ports):
                asked = port.get("nodePort") or 0
                if asked and asked not in mine and asked not in chosen.values():
                    self._check_port(new, f"spec.ports[{index}].nodePort", asked)
                if asked:
                    chosen.setdefault(port.get("port", 0), asked)
            for port in ports:
                if not port.get("nodePort") and allocate:
                    number = chosen.get(port.get("port", 0)) or self._free_port({*mine, *chosen.values()})
                    chosen[port.get("port", 0)] = port["nodePort"] = number
        if needs_health_check(spec) and not spec.get("healthCheckNodePort"):
            spec["healthCheckNodePort"] = self._free_port({*mine, *chosen.values()})

    def _free_port(self, others: set[int]) -> int:
        free = [port for port in NODE_PORTS if port not in self._ports and port not in others]
        if not free:
            raise Failure("InternalError", "failed to allocate a nodePort: range is full")
        return self._random.choice(free)

    def _check_port(self, service: Object, field: str, port: int) -> None:
        why = ""
        if port not in NODE_PORTS:
            limits = f"{NODE_PORTS.start}-{NODE_PORTS.stop - 1}"
            why = f"provided port is not in the valid range. The range of valid ports is {limits}"
        elif port in self._ports:
            why = "provided port is already allocated"
        if why:
            problems = Problems()
            problems.invalid(field, port, why)
            raise invalid("Service", "", at(service, "metadata", "name") or "", problems)


def needs_health_check(spec: dict[str, Any]) -> bool:
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def _families(spec: dict[str, Any], old: dict[str, Any], name: str) -> None:
    headless = spec.get("clusterIP") == _NO_ADDRESS
    bare = headless and not spec.get("selector")
    if not spec.get("ipFamilyPolicy"):
        spec["ipFamilyPolicy"] = old.get("ipFamilyPolicy") or ("RequireDualStack" if bare else "SingleStack")
    families = spec.get("ipFamilies") or []
    for address in spec.get("clusterIPs") or ():
        if address != _NO_ADDRESS and not families:
            families = ["IPv6" if ":" in address else "IPv4"]
    problems = Problems()
    if not bare:
        if spec["ipFamilyPolicy"] == "RequireDualStack":
            text = "this cluster is not configured for dual-stack services"
            problems.invalid("spec.ipFamilyPolicy", "RequireDualStack", text)
        for index, family in enumerate(families):
            if family != "IPv4":
                problems.invalid(f"spec.ipFamilies[{index}]", family, "not configured on this cluster")
    if problems:
        raise invalid("Service", "", name, problems)
    families = list(families) or ["IPv4"]
    if bare and spec["ipFamilyPolicy"] != "SingleStack" and len(families) == 1:
        families.append("IPv6" if families[0] == "IPv4" else "IPv4")
    spec["ipFamilies"] = families


def _held_addresses(service: Object) -> list[str]:
    return [address for address in at(service, "spec", "clusterIPs") or () if address not in ("", _NO_ADDRESS)]


def _held_ports(service: Object) -> set[int]:
    ports = {port["nodePort"] for port in at(service, "spec", "ports") or () if port.get("nodePort")}
    health = at(service, "spec", "healthCheckNodePort")
    return ports | {health} if health else ports

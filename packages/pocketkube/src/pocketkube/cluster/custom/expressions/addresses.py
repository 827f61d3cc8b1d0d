"""Functions of CEL on addresses, networks and versions."""

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

from pocketkube.cluster.custom.expressions.refusal import FunctionRefusal

_SEMVER: Final = re.compile(
    r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?", re.ASCII
)


def address_of(text: str) -> IPv4Address | IPv6Address:
    try:
        found = ip_address(text)
    except ValueError:
        raise FunctionRefusal(f"IP Address '{text}' parse error during conversion from string") from None
    if "%" in text:
        raise FunctionRefusal(f"IP address {text!r} with zone value is not allowed")
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        raise FunctionRefusal("IPv4-mapped IPv6 address is not allowed")
    return found


def ip_of(value: Any) -> dict[str, str]:
    if isinstance(value, dict):
        return {"@ip": value["@cidr"].partition("/")[0]}
    return {"@ip": str(address_of(value))}


def of_ip(read: Callable[[Any], Any], value: dict[str, str]) -> Any:
    return read(address_of(value["@ip"]))


def network_of(value: Any) -> IPv4Network | IPv6Network:
    text = value["@cidr"] if isinstance(value, dict) else value
    try:
        if "/" not in text:
            raise ValueError
        return ip_network(text, strict=False)
    except ValueError:
        raise FunctionRefusal(f"network address parse error during conversion from string: {text}") from None


def cidr_of(text: str) -> dict[str, str]:
    network_of(text)
    return {"@cidr": text}


def contains_ip(network: Any, address: Any) -> bool:
    return address_of(address["@ip"] if isinstance(address, dict) else address) in network_of(network)


def contains_cidr(network: Any, other: Any) -> bool:
    outer, inner = network_of(network), network_of(other)
    return outer.version == inner.version and inner.subnet_of(outer)  # type: ignore[arg-type]  # the versions are equal


def version_of(value: Any, normalise: bool = False) -> tuple[Any, ...]:
    text = value["@semver"] if isinstance(value, dict) else value
    if normalise:
        text = text.removeprefix("v")
        core, dash, rest = text.partition("-")
        parts = [part.lstrip("0") or "0" for part in core.split(".")]
        text = ".".join([*parts, "0", "0"][:3]) + dash + rest
    found = _SEMVER.fullmatch(text)
    if found is None:
        raise FunctionRefusal(f"invalid semantic version: {text}")
    before = tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in (found[4] or "").split(".") if part
    )
    return int(found[1]), int(found[2]), int(found[3]), not before, before


def semver_of(text: str, normalise: bool = False) -> dict[str, str]:
    major, minor, patch, released, before = version_of(text, normalise)
    rest = "" if released else "-" + ".".join(str(name or digits) for _, digits, name in before)
    return {"@semver": f"{major}.{minor}.{patch}{rest}"}


def compare_versions(one: Any, other: Any) -> int:
    left, right = version_of(one), version_of(other)
    return (left > right) - (left < right)

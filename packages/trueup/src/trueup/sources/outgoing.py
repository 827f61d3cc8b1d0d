"""Requests to hosts that strangers name: which addresses are asked, and through which proxy."""

import ipaddress
import socket
from typing import Any
from urllib.request import getproxies, proxy_bypass

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from trueup.model.errors import Stalled

_INTERNAL = tuple(
    ipaddress.ip_network(each)
    for each in (
        # This machine, and what answers only to it: a cloud's metadata service gives credentials to whoever asks.
        *("127.0.0.0/8", "0.0.0.0/8", "169.254.0.0/16", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32"),
        *("224.0.0.0/4", "255.255.255.255/32"),
        *("::1/128", "::/128", "fe80::/10", "fd00:ec2::254/128", "ff00::/8"),
    )
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_SIX_TO_FOUR = ipaddress.ip_network("2002::/16")


class AddressRefused(Stalled):
    """A host of somebody else leads to this machine, or to what answers only to it."""

    reason = "AddressRefused"


def is_internal(address: str) -> bool:
    """Whether an IP address, however it is written, is of this machine, of its link alone, or of a metadata service.
    Private networks are not: registries lie there."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        elif ip in _SIX_TO_FOUR:
            inner = ip.sixtofour
        if inner is not None:
            ip = inner
    return any(ip in network for network in _INTERNAL if network.version == ip.version)


def is_loopback(host: str | None) -> bool:
    """Whether a host is this machine by its name or address."""
    if host is None:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_outside(url: URL) -> None:
    """Refuse a URL whose host is one of this machine by itself; names are looked up by :class:`Outside`.

    Raises:
        AddressRefused.
    """
    host = url.host or ""
    if is_loopback(host) or is_internal(host):
        raise _refused(host)


async def require_host_outside(host: str) -> None:
    """Refuse a host of this machine, by its address or by what its name leads to now. Who asks it afterwards looks the
    name up again: this stops whoever may name a host, not who rules over its name.

    Raises:
        AddressRefused.
    """
    if is_loopback(host) or is_internal(host):
        raise _refused(host)
    resolver = Outside()
    try:
        await resolver.resolve(host, family=socket.AF_UNSPEC)
    except AddressRefused:
        raise
    except OSError:
        # Whoever asks it says so, with a proxy or without.
        return
    finally:
        await resolver.close()


class Outside(AbstractResolver):
    """Looks names up; one that leads to this machine, also in part, leads nowhere. The address that was looked at is
    the one that is asked, so a name that changes its mind changes nothing."""

    def __init__(self) -> None:
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Addresses of a host.

        Raises:
            AddressRefused, OSError.
        """
        found = await self._resolver.resolve(host, port, family)
        if any(is_internal(each["host"]) for each in found):
            raise _refused(host)
        return found

    async def close(self) -> None:
        """Nothing is held."""
        await self._resolver.close()


def proxy_for(url: URL) -> URL | None:
    """The proxy that the environment names for a URL. aiohttp's own way to find it would read ``~/.netrc`` too, and
    show the passwords in it."""
    host = url.host or ""
    try:
        proxy = "" if proxy_bypass(host) else getproxies().get(url.scheme, "")
        return URL(proxy) if proxy else None
    except ValueError:
        return None


def proxy_of(url: URL, proxy: str, no_proxy: str) -> URL | None:
    """The proxy for a URL by a repository Secret's ``proxy`` and ``noProxy``; the environment's where it names none."""
    if not proxy:
        return proxy_for(url)
    host = url.host or ""
    without = [each.strip().lower().removeprefix("*").removeprefix(".") for each in no_proxy.split(",") if each.strip()]
    return None if any(not each or host == each or host.endswith(f".{each}") for each in without) else URL(proxy)


def session(**options: Any) -> aiohttp.ClientSession:
    """A session that reads nothing from the user's files; each request names its proxy by :func:`proxy_for`."""
    return aiohttp.ClientSession(trust_env=False, cookie_jar=aiohttp.DummyCookieJar(), **options)


def _refused(host: str) -> AddressRefused:
    return AddressRefused(
        f"host {host[:100]} is an address of the engine's own machine, or of what answers to it alone",
        hint="name the registry's own host; an operator may name this one in registries.conf",
    )

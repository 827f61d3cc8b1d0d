"""``CertificateService``: which servers are trusted beyond the machine's own certificates."""

import base64
import binascii
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Final

from cryptography import x509

from kubegrammar.glob import glob_match
from trueup.server.errors import Code, Fault
from trueup.server.gate import may, require
from trueup.server.request import Functions, Json, Request
from trueup.store.credentials import CERTIFICATES, KNOWN_HOSTS

RESOURCE = "certificates"
_SSH_KEY: Final = "ssh_known_hosts"
_HOST_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")
_LONGEST_HOST: Final = 253
MOST: Final = 1000
"""Certificates of one request."""

Change = Callable[[str, Callable[[dict[str, str]], None]], Awaitable[None]]
"""Changes the data of a ConfigMap, by its name."""


class CertificateResources:
    """The functions, over their ports.

    Args:
        trusted: certificates as PEM, by the servers that they are of, and the text of known SSH hosts.
    """

    def __init__(self, trusted: Callable[[], tuple[Mapping[str, str], str]], change: Change) -> None:
        self._trusted, self._change = trusted, change

    def functions(self) -> Functions:
        """By their methods."""
        return {
            "CertificateService.ListCertificates": self.listed,
            "CertificateService.CreateCertificate": self.create,
            "CertificateService.DeleteCertificate": self.delete,
        }

    async def listed(self, request: Request) -> Json:
        """Those that the caller may see, of a pattern of servers, and of a kind."""
        found = self._chosen(request.message)
        seen = [each for each in found if may(request.caller, RESOURCE, "get", each["serverName"])]
        return {"metadata": {}, "items": seen}

    async def create(self, request: Request) -> Json:
        """Trust some servers; the answer has what is new."""
        given = (request.message.get("certificates") or {}).get("items") or []
        if len(given) > MOST:
            raise Fault(Code.INVALID_ARGUMENT, f"{MOST} certificates at once at most")
        for each in given:
            require(request.caller, RESOURCE, "create", each.get("serverName", ""))
        for each in given:
            if each.get("certType") not in ("https", "ssh"):
                kind = str(each.get("certType", ""))[:40]
                raise Fault(Code.INVALID_ARGUMENT, f"certType '{kind}' is neither ssh nor https")
        tls = dict(_certificate(each) for each in given if each["certType"] == "https")
        keys = [_known_host(each) for each in given if each["certType"] == "ssh"]
        made: dict[str, list[Json]] = {}
        upsert = request.message.get("upsert", False)

        def with_tls(data: dict[str, str]) -> None:
            made[CERTIFICATES] = _add_certificates(data, tls, upsert=upsert)

        def with_keys(data: dict[str, str]) -> None:
            made[KNOWN_HOSTS] = _add_keys(data, keys, upsert=upsert)

        if tls:
            await self._change(CERTIFICATES, with_tls)
        if keys:
            await self._change(KNOWN_HOSTS, with_keys)
        return {"metadata": {}, "items": [each for items in made.values() for each in items]}

    async def delete(self, request: Request) -> Json:
        """Trust servers of a pattern no more; the answer has what is gone."""
        pattern = request.message.get("hostNamePattern", "")
        if not pattern:
            raise Fault(Code.INVALID_ARGUMENT, "hostNamePattern has to be there")
        found = self._chosen(request.message)
        for host in {each["serverName"] for each in found} or {pattern}:
            require(request.caller, RESOURCE, "delete", host)
        tls = {each["serverName"] for each in found if each["certType"] == "https"}
        keys = {(each["serverName"], each["certSubType"]) for each in found if each["certType"] == "ssh"}

        def without_tls(data: dict[str, str]) -> None:
            for host in tls:
                data.pop(host, None)

        def without_keys(data: dict[str, str]) -> None:
            lines = data.get(_SSH_KEY, "").splitlines()
            data[_SSH_KEY] = "".join(f"{line}\n" for each in lines for line in _without(each, keys))

        if tls:
            await self._change(CERTIFICATES, without_tls)
        if keys:
            await self._change(KNOWN_HOSTS, without_keys)
        return {"metadata": {}, "items": found}

    def _chosen(self, message: Json) -> list[Json]:
        tls, hosts = self._trusted()
        kinds = {"certType": message.get("certType", ""), "certSubType": message.get("certSubType", "")}
        pattern = message.get("hostNamePattern", "") or "*"
        return [
            each
            for each in (*_tls(tls), *_ssh(hosts))
            if all(value in ("", "*", each[field]) for field, value in kinds.items())
            and (pattern in ("*", each["serverName"]) or glob_match(pattern, each["serverName"]))
        ]


def _add_certificates(data: dict[str, str], given: Mapping[str, str], *, upsert: bool) -> list[Json]:
    """Add to the data of a ConfigMap; what is new."""
    for host, text in given.items():
        if data.get(host, text) != text and not upsert:
            raise _there(f"TLS certificate for server '{host}'")
    made = list(_tls({host: text for host, text in given.items() if data.get(host) != text}))
    data.update(given)
    return made


def _add_keys(data: dict[str, str], given: Iterable[tuple[str, str, str]], *, upsert: bool) -> list[Json]:
    """Add to the lines of known hosts; what is new."""
    lines, made = data.get(_SSH_KEY, "").splitlines(), list[Json]()
    for host, kind, key in given:
        mine = [line for line in lines if _is_key(line, host, kind)]
        if mine and mine[0].split()[2] == key:
            continue
        if mine and not upsert:
            raise _there(f"Key for '{host}' (subtype: '{kind}')")
        lines = [*(line for line in lines if line not in mine), f"{host} {kind} {key}"]
        made += _ssh(lines[-1])
    data[_SSH_KEY] = "".join(f"{line}\n" for line in lines)
    return made


def _tls(data: Mapping[str, str]) -> Iterator[Json]:
    for server, text in sorted(data.items()):
        try:
            for each in x509.load_pem_x509_certificates(text.encode()):
                yield _entry(server, "https", "rsa", each.subject.rfc4514_string())
        except ValueError:
            continue


def _ssh(text: str) -> Iterator[Json]:
    for line in text.splitlines():
        parts = line.split()
        if len(parts) < 3 or parts[0].startswith("#"):
            continue
        try:
            digest = hashlib.sha256(base64.b64decode(parts[2], validate=True)).digest()
        except (binascii.Error, ValueError):
            continue
        for host in parts[0].split(","):
            yield _entry(host, "ssh", parts[1], f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}")


def _entry(server: str, kind: str, kind_of_key: str, info: str) -> Json:
    return {"serverName": server, "certType": kind, "certSubType": kind_of_key, "certInfo": info, "certData": None}


def _certificate(given: Json) -> tuple[str, str]:
    """A server and its certificates, as PEM."""
    host = _host(given)
    if not _HOST_LETTERS.issuperset(host):
        raise Fault(Code.INVALID_ARGUMENT, f"serverName '{host}' is no name of a host")
    try:
        text = _data(given).decode()
        if x509.load_pem_x509_certificates(text.encode()):
            return host, text
    except ValueError:
        pass
    raise Fault(Code.INVALID_ARGUMENT, f"No valid certificate data of '{host}' was given: it has to be PEM")


def _known_host(given: Json) -> tuple[str, str, str]:
    """A host, the kind of its key, and the key in base64, as ``known_hosts`` has them."""
    host, kind = _host(given), str(given.get("certSubType", ""))
    bare = host[1:].replace("]:", "", 1) if host.startswith("[") else host
    if not (_HOST_LETTERS | {":"}).issuperset(bare):
        raise Fault(Code.INVALID_ARGUMENT, f"serverName '{host}' is no name of a host")
    data = _data(given)
    try:
        key = data.decode("ascii").strip()
        blob = base64.b64decode(key, validate=True)
    except (UnicodeDecodeError, binascii.Error, ValueError):
        key, blob = base64.b64encode(data).decode(), data
    name = kind.encode("ascii", "replace")
    # A key says itself of which kind it is.
    if not name or blob[: 4 + len(name)] != len(name).to_bytes(4, "big") + name:
        raise Fault(Code.INVALID_ARGUMENT, f"the key of '{host}' is no SSH key of the kind '{kind[:40]}'")
    return host, kind, key


def _host(given: Json) -> str:
    host = str(given.get("serverName", ""))
    if not host or len(host) > _LONGEST_HOST or not host.isprintable() or " " in host:
        raise Fault(Code.INVALID_ARGUMENT, f"serverName '{host[:60]!a}' is no name of a host")
    return host


def _data(given: Json) -> bytes:
    """What was sent; the description says that it is bytes."""
    data = given.get("certData")
    return data if isinstance(data, bytes) else b""


def _there(what: str) -> Fault:
    return Fault(Code.INVALID_ARGUMENT, f"{what} already exist, and upsert was not specified.")


def _is_key(line: str, host: str, kind: str) -> bool:
    parts = line.split()
    return len(parts) >= 3 and parts[:2] == [host, kind]


def _without(line: str, gone: set[tuple[str, str]]) -> Iterator[str]:
    """A line of known hosts, without some of its hosts."""
    parts = line.split(maxsplit=1)
    kind = parts[1].split()[0] if len(parts) == 2 else ""
    if not kind or line.startswith("#"):
        yield line
        return
    hosts = parts[0].split(",")
    left = [host for host in hosts if (host, kind) not in gone]
    if left:
        yield line if left == hosts else f"{','.join(left)} {parts[1]}"

"""``CertificateService``: which servers are trusted beyond the machine's own certificates."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterator, Mapping

from cryptography import x509

from trueup.server.gate import may
from trueup.server.request import Functions, Json, Request

RESOURCE = "certificates"


def certificate_functions(trusted: Callable[[], tuple[Mapping[str, str], str]]) -> Functions:
    """ListCertificates.

    Args:
        trusted: certificates as PEM, by the servers that they are of, and the text of known SSH hosts.
    """

    async def listed(request: Request) -> Json:
        message, (tls, hosts) = request.message, trusted()
        wanted = {"serverName": message.get("hostNamePattern", ""), "certType": message.get("certType", "")}
        wanted["certSubType"] = message.get("certSubType", "")
        found = [
            each
            for each in (*_tls(tls), *_ssh(hosts))
            if all(not value or value == "*" or each[field] == value for field, value in wanted.items())
            and may(request.caller, RESOURCE, "get", each["serverName"])
        ]
        return {"metadata": {}, "items": found}

    return {"CertificateService.ListCertificates": listed}


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

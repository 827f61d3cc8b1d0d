"""Certificates, known hosts and keys for signatures through the API."""

import base64
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from tests.support.apiserver import ByHand
from tests.unit.server.resources.test_projects import ask, may_see

from trueup.model.public_key import PublicKey
from trueup.runtime.clock import SystemClock
from trueup.server.errors import Code, Fault
from trueup.server.request import Json
from trueup.server.resources.certificates import MOST, CertificateResources
from trueup.server.resources.gpgkeys import MOST_BYTES, GpgKeyResources
from trueup.server.transport.certificate import self_made
from trueup.store.credentials import CERTIFICATES, KEYRING, KNOWN_HOSTS

ED25519 = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + b"k" * 32).decode()
OTHER = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + b"o" * 32).decode()


class Maps:
    """ConfigMaps by hand; each change is asked for twice, as where somebody else has written meanwhile."""

    def __init__(self) -> None:
        self.maps: dict[str, dict[str, str]] = {}

    async def change(self, name: str, change: Callable[[dict[str, str]], None]) -> None:
        change(dict(self.maps.get(name, {})))
        change(self.maps.setdefault(name, {}))

    def trusted(self) -> tuple[dict[str, str], str]:
        return self.maps.get(CERTIFICATES, {}), self.maps.get(KNOWN_HOSTS, {}).get("ssh_known_hosts", "")


def https(host: str, pem: bytes) -> Json:
    return {"serverName": host, "certType": "https", "certData": pem}


def ssh(host: str, key: str = ED25519, kind: str = "ssh-ed25519") -> Json:
    return {"serverName": host, "certType": "ssh", "certSubType": kind, "certData": key.encode()}


async def create(maps: Maps, *items: Json, upsert: bool = False, caller: ByHand | None = None) -> list[Json]:
    functions = CertificateResources(maps.trusted, maps.change).functions()
    message = {"certificates": {"items": list(items)}, "upsert": upsert}
    found: list[Json] = (await ask(functions, "CertificateService.CreateCertificate", message, caller))["items"]
    return found


async def test_certificates_and_known_hosts_are_listed() -> None:
    certificate, _ = self_made(SystemClock().now())
    hosts = "# text\ngit.example.com,192.0.2.1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5\nodd line\n"
    maps = Maps()
    functions = CertificateResources(
        lambda: ({"tls.example.com": certificate.decode(), "odd": "x"}, hosts), maps.change
    ).functions()
    found = (await ask(functions, "CertificateService.ListCertificates", {}))["items"]
    assert [(each["serverName"], each["certType"]) for each in found] == [
        ("tls.example.com", "https"),
        ("git.example.com", "ssh"),
        ("192.0.2.1", "ssh"),
    ]
    assert found[0]["certInfo"] == "CN=trueup"
    assert found[1]["certInfo"].startswith("SHA256:")
    seen = await ask(functions, "CertificateService.ListCertificates", {"certType": "ssh"}, may_see("git.example.com"))
    assert [each["serverName"] for each in seen["items"]] == ["git.example.com"]
    some = await ask(functions, "CertificateService.ListCertificates", {"hostNamePattern": "*.example.com"})
    assert len(some["items"]) == 2


async def test_what_is_trusted_is_added_and_taken_away() -> None:
    maps, (pem, _), (another, _) = Maps(), self_made(SystemClock().now()), self_made(SystemClock().now())
    made = await create(maps, https("tls.example.com", pem), ssh("git.example.com"), ssh("[git.example.com]:2222"))
    assert [each["serverName"] for each in made] == ["tls.example.com", "git.example.com", "[git.example.com]:2222"]
    assert all(each["certData"] is None for each in made)
    assert await create(maps, https("tls.example.com", pem), ssh("git.example.com")) == []
    for changed in (https("tls.example.com", another), ssh("git.example.com", OTHER)):
        with pytest.raises(Fault, match="already exist, and upsert was not specified"):
            await create(maps, changed)
        assert len(await create(maps, changed, upsert=True)) == 1
    assert maps.trusted()[1].count("git.example.com ssh-ed25519") == 1

    functions = CertificateResources(maps.trusted, maps.change).functions()
    query = {"hostNamePattern": "git.example.com", "certType": "ssh"}
    with pytest.raises(Fault, match="permission denied"):
        await ask(functions, "CertificateService.DeleteCertificate", query, may_see("git.example.com"))
    gone = await ask(functions, "CertificateService.DeleteCertificate", query)
    assert [each["serverName"] for each in gone["items"]] == ["git.example.com"]
    await ask(functions, "CertificateService.DeleteCertificate", {"hostNamePattern": "tls.*"})
    assert maps.trusted() == ({}, f"[git.example.com]:2222 ssh-ed25519 {ED25519}\n")


async def test_of_a_line_with_several_hosts_one_goes() -> None:
    maps = Maps()
    line = f"# ours\ngit.example.com,192.0.2.1 ssh-ed25519 {ED25519} comment\n"
    maps.maps[KNOWN_HOSTS] = {"ssh_known_hosts": line}
    functions = CertificateResources(maps.trusted, maps.change).functions()
    await ask(functions, "CertificateService.DeleteCertificate", {"hostNamePattern": "192.0.2.1"})
    assert maps.trusted()[1] == f"# ours\ngit.example.com ssh-ed25519 {ED25519} comment\n"


@pytest.mark.parametrize(
    "given",
    [
        https("tls.example.com", b"no certificate"),
        https("", b""),
        https("a/b", b""),
        ssh("git.example.com\nevil.example.com"),
        ssh("git.example.com,evil.example.com"),
        ssh("@cert-authority"),
        ssh("git.example.com", kind="ssh-rsa"),
        ssh("git.example.com", kind=""),
        ssh("git.example.com", key="AAAA\nevil.example.com ssh-ed25519 AAAA"),
        {"serverName": "x", "certType": "odd"},
        {},
    ],
    ids=[
        "no PEM",
        "no host",
        "no host's name",
        "two lines",
        "two hosts",
        "a marker",
        "a key of another kind",
        "no kind",
        "a key of two lines",
        "a kind that is none",
        "nothing",
    ],
)
async def test_what_proves_nothing_is_not_trusted(given: Json) -> None:
    maps = Maps()
    with pytest.raises(Fault) as refused:
        await create(maps, given)
    assert refused.value.code is Code.INVALID_ARGUMENT
    assert maps.maps == {}


async def test_certificates_are_for_who_may_make_each_of_them() -> None:
    def allowed(resource: str, action: str, of: str) -> bool:
        return (resource, action, of) == ("certificates", "create", "git.example.com")

    maps, ada = Maps(), ByHand("ada", allowed)
    assert len(await create(maps, ssh("git.example.com"), caller=ada)) == 1
    with pytest.raises(Fault, match="permission denied"):
        await create(maps, ssh("git.example.com", OTHER), ssh("other.example.com"), caller=ada, upsert=True)
    with pytest.raises(Fault, match="at most"):
        await create(maps, *[ssh("git.example.com")] * (MOST + 1))
    assert OTHER not in maps.trusted()[1]


def key(name: str, **parts: Any) -> PublicKey:
    return PublicKey(name, f"{name:0>40}", "RSA", f"{name} <x@example.com>", "", False, f"text of {name}", **parts)


async def read(texts: Sequence[str]) -> list[PublicKey]:
    """Keys by hand: a text names them."""
    return [key(name.removesuffix("!"), secret=name.endswith("!")) for text in texts for name in text.split()[-1:]]


async def test_keys_for_signatures_are_added_shown_and_taken_away() -> None:
    maps = Maps()
    functions = GpgKeyResources(lambda: tuple(maps.maps.get(KEYRING, {}).values()), read, maps.change).functions()
    made = await ask(functions, "GPGKeyService.Create", {"publickey": {"keyData": "AAAA"}})
    assert ([each["keyID"] for each in made["created"]["items"]], made["skipped"]) == (["AAAA"], [])
    again = await ask(functions, "GPGKeyService.Create", {"publickey": {"keyData": "AAAA"}})
    assert (again["created"]["items"], again["skipped"]) == ([], ["AAAA"])
    (shown,) = (await ask(functions, "GPGKeyService.List", {}))["items"]
    assert shown == {
        "keyID": "AAAA",
        "fingerprint": f"{'AAAA':0>40}",
        "owner": "AAAA <x@example.com>",
        "subType": "RSA",
    }
    assert (await ask(functions, "GPGKeyService.Get", {"keyID": "aaaa"}))["keyData"] == "text of AAAA"
    assert (await ask(functions, "GPGKeyService.List", {}, may_see("BBBB")))["items"] == []
    for method in ("Get", "Delete"):
        with pytest.raises(Fault, match="No such key"):
            await ask(functions, f"GPGKeyService.{method}", {"keyID": "BBBB"})
        with pytest.raises(Fault, match="permission denied"):
            await ask(functions, f"GPGKeyService.{method}", {"keyID": "AAAA"}, may_see())
    assert await ask(functions, "GPGKeyService.Delete", {"keyID": "aaaa"}) == {}
    assert maps.maps[KEYRING] == {}


@pytest.mark.parametrize("data", ["", "AAAA!", "A" * (MOST_BYTES + 1)], ids=["nothing", "a secret key", "too much"])
async def test_what_is_no_public_key_is_refused(data: str) -> None:
    maps = Maps()
    functions = GpgKeyResources(tuple, read, maps.change).functions()
    with pytest.raises(Fault) as refused:
        await ask(functions, "GPGKeyService.Create", {"publickey": {"keyData": data}})
    assert refused.value.code is Code.INVALID_ARGUMENT
    with pytest.raises(Fault, match="permission denied"):
        await ask(functions, "GPGKeyService.Create", {"publickey": {"keyData": "AAAA"}}, may_see())
    assert maps.maps == {}

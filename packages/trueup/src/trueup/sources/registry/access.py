"""What a registry is shown, and how Docker's configuration keeps it."""

import base64
from typing import Any

import msgspec

from kubegrammar import json
from trueup.model.errors import InvalidSpec

_DOCKER_HOSTS = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach a registry.

    Attributes:
        token: an identity token, which buys access tokens (``identitytoken`` of Docker's configuration).
        ca: PEM certificates that are trusted beside the system's.
        certificate, key: PEM, of the client.
        proxy: on the way to the registry itself; the environment's where it is empty.
        no_proxy: hosts that are reached without it, as ``NO_PROXY`` names them.
        insecure: certificates are not verified.
        plain_http: without TLS.
        servers: token servers, as ``host[:port]``, that belong to the registry by the word of who named its password.
        guarded: a stranger named the registry: it may not be this machine.
    """

    username: str = ""
    password: str = ""
    token: str = ""
    ca: bytes = b""
    certificate: str = ""
    key: str = ""
    proxy: str = ""
    no_proxy: str = ""
    insecure: bool = False
    plain_http: bool = False
    servers: tuple[str, ...] = ()
    guarded: bool = False

    def __repr__(self) -> str:
        return "Access(…)"

    @property
    def secret(self) -> bool:
        """Whether there is anything to show."""
        return bool(self.username or self.password or self.token)

    @property
    def basic(self) -> str:
        """The value of an ``Authorization`` header; empty without a user."""
        if not self.username and not self.password:
            return ""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


def access_from_dockerconfig(data: bytes, registry: str, repository: str) -> Access | None:
    """The entry of a ``.dockerconfigjson`` (or the older ``.dockercfg``) for an image; None where there is none.

    The key with the longest path that leads to the image wins, as for the kubelet.

    Raises:
        InvalidSpec: it is no such configuration; the message names the field, never a value.
    """
    try:
        found: Any = json.received(data)
    except ValueError:
        raise InvalidSpec(
            "the pull secret is not JSON", hint="make it by kubectl create secret docker-registry"
        ) from None
    entries = found.get("auths", found) if isinstance(found, dict) else None
    if not isinstance(entries, dict):
        raise InvalidSpec("the pull secret: auths is not a mapping", hint="make it by kubectl create secret")
    best: tuple[int, str] | None = None
    for key in entries:
        host, path = _place(key)
        whole = f"{repository}/"
        if same_registry(host, registry) and whole.startswith(f"{path}/" if path else ""):
            best = max(best or (-1, ""), (len(path), key))
    return _entry(best[1], entries[best[1]]) if best else None


def _place(key: str) -> tuple[str, str]:
    text = key.partition("://")[2] if "://" in key else key
    host, _, path = text.partition("/")
    path = path.strip("/")
    return host.lower(), "" if path in ("v1", "v2") else path


def same_registry(host: str, registry: str) -> bool:
    """Whether two hosts, with their ports, are one registry. Docker's has several names."""
    return host == registry.lower() or (host in _DOCKER_HOSTS and registry in _DOCKER_HOSTS)


def _entry(key: str, entry: Any) -> Access:
    if not isinstance(entry, dict):
        raise InvalidSpec(f"the pull secret: auths[{key}] is not a mapping", hint="write username and password")
    values = {name: entry.get(name) or "" for name in ("username", "password", "auth", "identitytoken")}
    for name, value in values.items():
        if not isinstance(value, str):
            raise InvalidSpec(f"the pull secret: auths[{key}].{name} is not a text", hint="write it as a text")
    username, password = values["username"], values["password"]
    if values["auth"] and not username:
        try:
            username, colon, password = base64.b64decode(values["auth"]).decode().partition(":")
        except ValueError:  # no base64, no ASCII, or bytes that are no text
            colon = ""
        if not colon:
            raise InvalidSpec(
                f"the pull secret: auths[{key}].auth is not base64 of USER:PASSWORD", hint="make the Secret anew"
            )
    return Access(username=username, password=password, token=values["identitytoken"])

"""Which token server may see a password: one that belongs to the registry by its host, by common knowledge, or by the
word of an operator."""

from yarl import URL

from trueup.model.errors import SourceUnavailable
from trueup.sources.registry.access import Access
from trueup.sources.registry.errors import TokenServerRefused

TOKEN_SERVERS = {
    "registry-1.docker.io": "auth.docker.io",
    "registry.gitlab.com": "gitlab.com",
    "registry.digitalocean.com": "api.digitalocean.com",
}
"""Of public registries, the host that their token server has."""
_LONGEST = 2048


def token_server(text: str, base: URL, access: Access, registry: str) -> URL:
    """The token server that a registry names, if it may be asked.

    Args:
        text: the challenge's ``realm``.
        base: the registry's origin.

    Raises:
        SourceUnavailable: it is no URL of a token server.
        TokenServerRefused: it would see a password that is not for it.
    """
    realm = _read(text)
    if realm is None:
        raise SourceUnavailable(f"registry {registry}: it names no token server")
    ours = (realm.host or "") == (base.host or "")
    if realm.scheme == "http":
        # In the clear at most what the registry itself would see in the clear: the same place, not only the same host.
        if base.scheme == "http" and not access.secret:
            return realm
        if base.scheme == "http" and (realm.origin() == base.origin() or f"http://{_place(realm)}" in access.servers):
            return realm
        raise TokenServerRefused(
            f"registry {registry}: its token server {realm.host} has no TLS, and would see the password",
            hint="let the token server serve https",
        )
    if ours or not access.secret or _place(realm) in access.servers:
        return realm
    if TOKEN_SERVERS.get(base.host or "") == realm.host and realm.port == 443 and base.port == 443:
        return realm
    raise TokenServerRefused(
        f"registry {registry}: its token server is on another host, {_place(realm)}, which is not shown the password",
        hint=f"if it belongs to the registry, name it in registries.conf: token_server: {_place(realm)}",
    )


def _read(text: str) -> URL | None:
    if len(text) > _LONGEST or not text.isascii() or not text.isprintable() or any(mark in text for mark in "\\ #"):
        return None
    try:
        realm = URL(text)
    except ValueError:
        return None
    if realm.scheme not in ("https", "http") or not realm.host or realm.user is not None or realm.password is not None:
        return None
    return realm


def _place(url: URL) -> str:
    return url.host_port_subcomponent or ""

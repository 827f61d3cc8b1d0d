"""The cookie that a browser's session is in, in pieces where it is long (Argo CD ``util/http``)."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from trueup.server.errors import Code, Fault

NAME: Final = "argocd.token"
_PIECE: Final = 4093 - len(NAME) - 100
"""Bytes of a value that fit into a cookie with its attributes."""
_MOST: Final = 20
LONGEST_HEADER: Final = 64 * 1024


def cookies_of(header: str) -> dict[str, str]:
    """The cookies of a header; of two with one name the first counts."""
    found: dict[str, str] = {}
    if len(header) > LONGEST_HEADER:
        raise Fault(Code.UNAUTHENTICATED, "invalid session: cookies are too long")
    for part in header.split(";"):
        name, equals, value = part.strip().partition("=")
        if equals and name not in found:
            found[name] = value
    return found


def joined(cookies: Mapping[str, str]) -> str:
    """The token of some cookies; empty for none.

    Raises:
        Fault: a piece of it is missing.
    """
    first = cookies.get(NAME, "")
    count, colon, rest = first.partition(":")
    if not colon or not (count.isascii() and count.isdecimal()):
        return first
    wanted = int(count) if len(count) < 3 else _MOST + 1
    pieces = [rest, *(cookies.get(f"{NAME}-{index}", "") for index in range(1, min(wanted, _MOST)))]
    if wanted > _MOST or not all(pieces) or f"{NAME}-{wanted}" in cookies:
        raise Fault(Code.UNAUTHENTICATED, "invalid session: a piece of the cookie is missing")
    return "".join(pieces)


def set_cookies(token: str, *, secure: bool, path: str = "/", before: Mapping[str, str] | None = None) -> list[str]:
    """``Set-Cookie`` values that put a token into a browser, and an empty one out of it.

    Args:
        secure: the browser came by TLS.
        before: the cookies that it has: pieces that are too many go.
    """
    flags = f"Path={path}; SameSite=lax; HttpOnly" + ("; Secure" if secure else "")
    pieces = [token[at : at + _PIECE] for at in range(0, len(token), _PIECE)]
    if len(pieces) > _MOST:
        raise Fault(Code.INVALID_ARGUMENT, "the token is too long for a cookie")
    if len(pieces) > 1:
        pieces[0] = f"{len(pieces)}:{pieces[0]}"
    lines = [f"{NAME if not at else f'{NAME}-{at}'}={piece}; {flags}" for at, piece in enumerate(pieces)]
    named = {NAME, *(name for name in before or {} if name.startswith(f"{NAME}-"))}
    kept = {line.partition("=")[0] for line in lines}
    return lines + [f"{name}=; {flags}; Max-Age=0" for name in sorted(named - kept)]


def same_origin(headers: Mapping[str, str], urls: tuple[str, ...], *, secure: bool = False) -> bool:
    """Whether a browser's request comes from a page of this server, as far as the browser says where it comes from.

    Browsers say so with whatever changes something, and with each WebSocket. A link on another site's page is not from
    this server either: reading an Application can ask for a refresh of it.

    Args:
        urls: under which the server is reached (``url`` and ``additionalUrls``). They say by which scheme a host is.
        secure: the server itself speaks TLS, so that no page of its own is without. Where a proxy does so before it,
            nobody here knows: what a proxy adds to a request could be anybody's.
    """
    if headers.get("sec-fetch-site", "") in ("cross-site", "same-site"):
        return False
    origin = headers.get("origin", "")
    if not origin:
        return True
    asked = _place(origin)
    if asked is None:
        return False
    own = {place for url in urls if (place := _place(url)) is not None}
    if asked[1] in {host for _, host in own}:
        return asked in own
    return asked[1] == _host(asked[0], headers.get("host", "")) and (asked[0] == "https" or not secure)


def _place(url: str) -> tuple[str, str] | None:
    """Scheme, and host with port where that is not the scheme's own."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return None
    return parts.scheme, _host(parts.scheme, parts.netloc)


def _host(scheme: str, netloc: str) -> str:
    host = netloc.rpartition("@")[2].lower()
    return host.removesuffix(":443" if scheme == "https" else ":80")


def bearer(headers: Mapping[str, str]) -> str:
    """The token of a program, which says so itself: in ``authorization``, or ``token`` in gRPC's metadata."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return headers.get("token", "").strip()

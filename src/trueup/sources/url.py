"""Repository URLs: compared, admitted, masked."""

import base64
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

import msgspec

from trueup.model.errors import InvalidSpec

_HELPER = re.compile(r"^([A-Za-z0-9+.-]+)::")
_SCP = re.compile(r"^(?:([^/@]*)@)?([^/:@]+):(.*)$", re.DOTALL)
_SSH_USER = re.compile(r"^[A-Za-z0-9_.][A-Za-z0-9_.-]*$")
_HOST = re.compile(r"^(?:[\w.-]+|[0-9A-Fa-f:.]+)$")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_USER_AND_SECRET = re.compile(r"(://[^\s/?#:@]*):(?!\d*(?:[/?#\s]|$))[^\s@]*@(?:[^\s/?#@]*@)*")
_USER = re.compile(r"(://)[^\s/?#:@]+@")
_BEFORE_LAST_AT = re.compile(r"^([A-Za-z0-9+.-]*://)?.*@", re.DOTALL)
_LOCAL_HINT = "Name a folder that holds it in --allow-local-repos."


class Remote(msgspec.Struct, frozen=True, repr_omit_defaults=True):
    """An admitted repository.

    Args:
        address: what git is given; it never holds credentials.
        identity: two URLs of one identity share a mirror.
        shown: the URL for people, masked.
        protocols: the transports that may be used to reach it.
        config: git configuration that carries the URL's credentials, bound to its host.
    """

    address: str
    identity: str
    shown: str
    protocols: tuple[str, ...]
    config: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Remote({self.shown!r})"

    @property
    def origin(self) -> str:
        """``scheme://host[:port]`` of an address over HTTP."""
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}"


def redact(text: str) -> str:
    """A URL, or a text with URLs, with passwords and tokens masked: ``https://u:******@host/r``."""
    return _USER.sub(r"\1******@", _USER_AND_SECRET.sub(r"\1:******@", text))


def check(url: str, allowed_local: Sequence[Path]) -> None:
    """Refuse a URL git must not be given. See :func:`admit`.

    Raises:
        InvalidSpec.
    """
    admit(url, allowed_local)


def admit(url: str, allowed_local: Sequence[Path]) -> Remote:
    """Check a URL and take it apart.

    Args:
        url: ``http(s)://…``, ``ssh://…``, ``user@host:path``, or a local repository as ``file:///path``, ``/path`` or
            ``./path``.
        allowed_local: folders below which local repositories may lie; links are resolved on both sides.

    Raises:
        InvalidSpec: the scheme, host, path or a character is not allowed.
    """
    text = url.strip(" ")
    if not text:
        raise InvalidSpec("repoURL is empty")
    if _CONTROL.search(text) or _CONTROL.search(unquote(text)):
        _refuse(text, "control character in the URL")
    if text.startswith("-"):
        _refuse(text, 'a URL must not start with "-"')
    if helper := _HELPER.match(text):
        _refuse_scheme(text, helper[1])
    if "://" in text:
        return _admit_url(text, allowed_local)
    if text.startswith(("/", "./", "../")) or text in (".", ".."):
        return _admit_local(text, text, allowed_local)
    if scp := _SCP.match(text):
        user, host, path = scp[1] or "", scp[2], scp[3]
        _refuse_dash(text, host)
        return _admit_ssh(text, user, host, None, path)
    _refuse(text, "neither a URL nor a path", hint="Write https://host/repository, or ./path for a local one.")


def _admit_url(text: str, allowed_local: Sequence[Path]) -> Remote:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        _refuse(text, "host or port cannot be read", hint="Percent-encode special characters of a password.")
    _refuse_dash(text, unquote(parts.netloc.rpartition("@")[2]))
    scheme = parts.scheme.lower()
    if scheme == "file":
        if host not in ("", "localhost"):
            _refuse(text, "file:// names a path of this machine, not a host")
        return _admit_local(text, unquote(parts.path), allowed_local)
    if scheme == "ssh":
        if parts.password is not None:
            _refuse(text, "ssh takes no password from the URL", hint="Put a key into the repository's Secret.")
        return _admit_ssh(text, unquote(parts.username or ""), host, port, parts.path)
    if scheme not in ("http", "https"):
        _refuse_scheme(text, scheme)
    if not _HOST.match(host):
        _refuse(text, "no valid host in the URL")
    return _remote_over_http(parts, host, port)


def _admit_ssh(text: str, user: str, host: str, port: int | None, path: str) -> Remote:
    """One address for both notations. ``host:path`` is relative to the user's home, ``ssh://host/path`` is not."""
    if not _HOST.match(host):
        _refuse(text, "no valid host in the URL")
    if user and not _SSH_USER.match(user):
        _refuse(text, "no valid user in the URL")
    path = path.rstrip("/")
    if not path or path.startswith("-"):
        _refuse(text, "no path in the URL")
    who = f"{user}@" if user else ""
    if "://" not in text:
        address = f"{who}{host.lower()}:{path}"
        return Remote(address, address, address, ("ssh",))
    place = f"[{host}]" if ":" in host else host
    address = f"ssh://{who}{place}{f':{port}' if port is not None else ''}{path}"
    return Remote(address, address, address, ("ssh",))


def _remote_over_http(parts: SplitResult, host: str, port: int | None) -> Remote:
    place = f"[{host}]" if ":" in host else host
    if port is not None:
        place += f":{port}"
    scheme = parts.scheme.lower()
    address = urlunsplit((scheme, place, parts.path.rstrip("/"), parts.query, ""))
    userinfo = parts.netloc.rpartition("@")[0]
    config = {}
    shown = address
    if userinfo:
        user, colon, password = userinfo.partition(":")
        shown = address.replace("://", f"://{user}:******@" if colon else "://******@", 1)
        token = base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()
        # Without redirects: a redirect must not carry the header to a host the URL does not name.
        config = {
            f"http.{scheme}://{place}/.extraHeader": f"Authorization: Basic {token}",
            "http.followRedirects": "false",
        }
    return Remote(address, f"{userinfo}@{address}", shown, (scheme, "https"), config)


def _admit_local(text: str, path: str, allowed_local: Sequence[Path]) -> Remote:
    if not path.startswith(("/", ".")):
        _refuse(text, "no path in the URL")
    real = Path(path).resolve()
    if not any(real.is_relative_to(prefix.resolve()) for prefix in allowed_local):
        _refuse(text, "local repositories are not allowed here", hint=_LOCAL_HINT)
    address = "file://" + quote(str(real))
    return Remote(address, address, text, ("file",))


def _refuse_dash(text: str, host: str) -> None:
    if host.startswith("-"):
        _refuse(text, 'host must not start with "-"')


def _refuse_scheme(text: str, scheme: str) -> NoReturn:
    _refuse(text, f'scheme "{scheme}" not allowed', hint="Use https://, http://, ssh:// or an allowed local path.")


def _refuse(text: str, why: str, *, hint: str = "") -> NoReturn:
    """A refused URL may have its password anywhere, so all before its last ``@`` is masked."""
    shown = _CONTROL.sub("?", _BEFORE_LAST_AT.sub(r"\1******@", text))[:200]
    raise InvalidSpec(f'repoURL "{shown}": {why}', hint=hint)

"""One reading of a repository's URL, made once: what is checked, whose credential is shown and what is fetched follow
from the same value.

A URL that a reader, a Git client and a server could read in different ways is refused: it could pass a check as one
repository and be fetched as another.
"""

import ipaddress
import string
import unicodedata
from functools import lru_cache
from typing import NoReturn
from urllib.parse import quote, unquote_to_bytes

import msgspec

from trueup.model.errors import InvalidSpec

HTTP = ("http", "https")
OCI = "oci"
PORTS = {"http": 80, "https": 443, "ssh": 22}
_NAME = frozenset(string.ascii_letters + string.digits + "_.-")
_SCHEME = frozenset(string.ascii_letters + string.digits + "+.-")
_LABEL = frozenset(string.ascii_lowercase + string.digits + "_-")
_LONGEST = 2048
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"})
"""Characters without a shape of their own, and spaces other than the plain one."""
REMEMBERED = 4096
"""URLs that are read once."""
SAFE = "/:@!$&'()*+,=~-._"
"""Not encoded in a path; a semicolon and a percent sign never get there."""


class RepositoryUrl(msgspec.Struct, frozen=True, kw_only=True):
    """Where a repository is. Made by :func:`parse_repository_url` alone.

    Attributes:
        scheme: ``https``, ``http``, ``ssh``, ``oci`` for a registry, or ``file`` for a folder of this machine.
        user: of ssh, and of HTTP where no password stands beside it; decoded.
        userinfo: of HTTP, user and password as they are written; a secret.
        host: in lower case, an IPv6 address without brackets; empty for a folder.
        port: None for the scheme's own.
        path: decoded, without a slash at either end, without empty segments and dots.
        rooted: whether the path begins at the root: of ``host:path`` and ``./path`` it does not.
    """

    scheme: str
    user: str = ""
    userinfo: str = ""
    host: str = ""
    port: int | None = None
    path: str = ""
    rooted: bool = True

    def __repr__(self) -> str:
        return f"RepositoryUrl({self.name!r})"

    @property
    def place(self) -> str:
        """Host and port as a URL has them; the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """``scheme://host[:port]``."""
        return f"{self.scheme}://{self.place}"

    @property
    def address(self) -> str:
        """What git is given; of HTTP it never says who asks, which a header does. Not for a relative folder."""
        who = f"{self.user}@" if self.user and self.scheme == "ssh" else ""
        if not self.rooted:
            return f"{who}{self.place}:{self.path}"
        path = quote(self.path, safe=SAFE)
        return f"{self.scheme}://{who}{self.place}/{path}" if path else f"{self.scheme}://{who}{self.place}"

    @property
    def spelling(self) -> str:
        """The whole of it in one spelling, for comparisons: ssh in one notation, HTTP without who asks, and without
        ``.git``."""
        path = quote(self.path, safe=SAFE).removesuffix(".git")
        if self.scheme == "ssh":
            # The home folder by its two names.
            who = f"{self.user}@" if self.user else ""
            return f"{who}{self.place}/{path.removeprefix('~/')}"
        if self.scheme == "file":
            return f"file:///{path}" if self.rooted else f"./{path}"
        return f"{self.origin}/{path}" if path else self.origin

    @property
    def name(self) -> str:
        """The form in which Argo CD compares URLs (``NormalizeGitURL``): one name for two URLs of one repository."""
        return self.spelling.lower()

    def within(self, prefix: "RepositoryUrl") -> bool:
        """Whether this is what another URL names, or lies below it: on the very same host, by whole segments.

        A prefix of text alone would fit ``https://h.evil.example`` and ``https://h/team-evil`` as well.
        """
        return self.name == prefix.name or self.name.startswith(prefix.name.rstrip("/") + "/")


@lru_cache(REMEMBERED)
def parse_repository_url(url: str) -> RepositoryUrl:
    """Take a URL apart.

    Args:
        url: ``http(s)://…``, ``ssh://…``, ``user@host:path``, or a folder as ``file:///path``, ``/path`` or ``./path``.

    Raises:
        InvalidSpec: it is none, or it can be read in more than one way; says why, without the password.
    """
    text = url.strip(" ")
    if not text:
        raise InvalidSpec("repoURL is empty")
    if len(text) > _LONGEST:
        _refuse(text, f"longer than {_LONGEST} characters")
    if odd := _unseen(text):
        _refuse(text, f"{odd} in the URL")
    if text.startswith("-"):
        _refuse(text, 'a URL must not start with "-"')
    if "\\" in text:
        _refuse(text, "a backslash in the URL", hint="Write slashes.")
    helper, colons, _ = text.partition("::")
    if colons and helper and _SCHEME.issuperset(helper):
        _refuse_scheme(text, helper)
    if "://" in text:
        return _url(text)
    if text.startswith(("/", "./", "../")) or text in (".", ".."):
        return _folder(text, text)
    who, colon, path = text.partition(":")
    if colon and "/" not in who:
        user, at, host = who.rpartition("@")
        if "[" in who:
            _refuse(text, "brackets in the URL", hint="Write ssh://user@host:port/path.")
        if at and not user:
            _refuse(text, "no valid user in the URL")
        if "%" in path:
            _refuse(text, "a percent sign in a path that is not decoded", hint="Write the characters themselves.")
        return _ssh(text, user, host, None, path, rooted=False)
    _refuse(text, "neither a URL nor a path", hint="Write https://host/repository, or ./path for a local one.")


def _url(text: str) -> RepositoryUrl:
    scheme, _, rest = text.partition("://")
    scheme = scheme.lower()
    authority, _, path = rest.partition("/")
    userinfo, _, place = authority.rpartition("@")
    if _plain(place).startswith("-"):
        _refuse(text, 'host must not start with "-"')
    if scheme not in (*PORTS, OCI, "file"):
        _refuse_scheme(text, scheme)
    for mark, what in (("?", "a question mark"), ("#", "a number sign")):
        if mark in text:
            _refuse(text, f"{what} in the URL", hint="A repository's URL ends with its path; encode it in a password.")
    if scheme == "file":
        if authority.lower() not in ("", "localhost"):
            _refuse(text, "file:// names a path of this machine, not a host")
        return _folder(text, _decoded(text, "/" + path if path else "", once=True))
    port = _port(text, place)
    host = place if port is None and place.endswith("]") else place.rpartition(":")[0] if ":" in place else place
    if scheme == "ssh":
        if ":" in userinfo:
            _refuse(text, "ssh takes no password from the URL", hint="Put a key into the repository's Secret.")
        return _ssh(text, _decoded(text, userinfo), host, port, _decoded(text, path), rooted=True)
    if "@" in userinfo:
        _refuse(text, 'more than one "@" before the host', hint='Write %40 for an "@" in a password.')
    if odd := _unseen(_plain(userinfo)):
        _refuse(text, f"{odd} in the URL")
    if scheme == OCI and userinfo:
        _refuse(text, "a user in the URL of a registry", hint="Put user and password into the repository's Secret.")
    has_password = ":" in userinfo
    return RepositoryUrl(
        scheme=scheme,
        # Git would ask for the password of a user; so do we, of the repository's Secret.
        user="" if has_password else _plain(userinfo),
        userinfo=userinfo if has_password else "",
        host=_host(text, host),
        port=None if port == PORTS.get(scheme) else port,
        path=_path(text, _decoded(text, path)),
    )


def _ssh(text: str, user: str, host: str, port: int | None, path: str, *, rooted: bool) -> RepositoryUrl:
    """Both notations. ``host:path`` is relative to the user's home, ``ssh://host/path`` is not."""
    if host.startswith("-"):
        _refuse(text, 'host must not start with "-"')
    host = _host(text, host)
    if user and (user.startswith("-") or not _NAME.issuperset(user)):
        _refuse(text, "no valid user in the URL")
    rooted = rooted or path.startswith("/")
    if path.lstrip("/").startswith(("-", ":")) or not path.strip("/"):
        _refuse(text, "no path in the URL")
    port = None if port == PORTS["ssh"] else port
    return RepositoryUrl(scheme="ssh", user=user, host=host, port=port, path=_path(text, path), rooted=rooted)


def _folder(text: str, path: str) -> RepositoryUrl:
    """A folder of this machine. Dots are resolved as text; what is a link is seen where the folder is opened."""
    if not path:
        _refuse(text, "no path in the URL")
    rooted = path.startswith("/")
    found: list[str] = []
    for segment in path.split("/"):
        if segment == ".." and found and found[-1] != "..":
            found.pop()
        elif segment == "..":
            found += [] if rooted else [segment]
        elif segment not in ("", "."):
            found.append(segment)
    return RepositoryUrl(scheme="file", path="/".join(found), rooted=rooted)


def _unseen(text: str) -> str:
    """What of a text cannot be seen, in words; empty where all can."""
    if text.isascii() and text.isprintable():
        return ""
    found = {unicodedata.category(character) for character in text if character != " "} & _UNSEEN
    if "Cc" in found:
        return "control character"
    return "an invisible character, or a space that is none," if found else ""


def _plain(text: str) -> str:
    return unquote_to_bytes(text).decode("utf-8", "replace")


def _decoded(text: str, part: str, *, once: bool = False) -> str:
    """A part of a URL without its percent signs; one that would be read otherwise when decoded again is refused.

    Args:
        once: nobody decodes it again: it names a folder.
    """
    if any(len(each) < 2 or not set(each[:2]) <= set(string.hexdigits) for each in part.split("%")[1:]):
        _refuse(text, "a percent sign that encodes nothing", hint="Write two hexadecimal digits behind it.")
    try:
        plain = unquote_to_bytes(part).decode()
    except UnicodeDecodeError:
        _refuse(text, "percent-encoded bytes that are no UTF-8 text")
    if odd := _unseen(plain):
        _refuse(text, f"{odd} in the URL")
    if plain.count("/") != part.count("/") or "\\" in plain:
        _refuse(text, "an encoded slash in the URL", hint="Write the slash itself.")
    if "%" in plain and not once:
        _refuse(text, "an encoded percent sign in the URL", hint="Encode each character once.")
    return plain


def _path(text: str, path: str) -> str:
    """A path at a server, tidy. Dots lead elsewhere than they read, for Git's own client resolves them, or the server;
    so do what some servers take for them."""
    segments = [segment for segment in path.split("/") if segment]
    for segment in segments:
        folded = unicodedata.normalize("NFKC", segment)
        if not folded.replace(" ", "").strip("."):
            _refuse(text, 'a "." or ".." in its path', hint="Write the path itself.")
        if ";" in segment or any(mark in folded for mark in "/\\"):
            _refuse(text, "a character in its path that some servers read as a slash or an end")
    return "/".join(segments)


def _port(text: str, place: str) -> int | None:
    host, colon, port = place.rpartition(":")
    if not colon or (host.startswith("[") and not host.endswith("]")) or not port:
        return None
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536):
        _refuse(text, "host or port cannot be read", hint="Percent-encode special characters of a password.")
    return int(port)


def _host(text: str, host: str) -> str:
    if host.startswith("[") or ":" in host:
        return _ipv6(text, host)
    host = host.lower().removesuffix(".")
    if not host.isascii():
        _refuse(text, "a host with letters of other alphabets", hint="Write it as it is in DNS: xn--…")
    labels = host.split(".")
    if len(host) > 253 or not all(map(_is_label, labels)):
        _refuse(text, "no valid host in the URL")
    if labels[-1].isdigit() or (labels[-1].startswith("0x") and set(labels[-1][2:]) <= set(string.hexdigits)):
        # 127.1, 0177.0.0.1 and 2130706433 are 127.0.0.1 for a resolver, and not for a reader.
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            _refuse(text, "a host that is a number, but no IPv4 address of four decimal parts")
    return host


def _is_label(text: str) -> bool:
    return bool(text) and _LABEL.issuperset(text) and text.strip("-") == text


def _ipv6(text: str, host: str) -> str:
    try:
        address = ipaddress.IPv6Address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        _refuse(text, "no valid host in the URL")
    if address.scope_id is not None:
        _refuse(text, "an IPv6 address with a zone")
    if address.ipv4_mapped is not None:
        _refuse(text, "an IPv4 address written as IPv6", hint=f"Write {address.ipv4_mapped}.")
    return str(address)


def _refuse_scheme(text: str, scheme: str) -> NoReturn:
    _refuse(text, f'scheme "{scheme[:40]}" not allowed', hint="Use https://, http://, ssh:// or an allowed local path.")


def _refuse(text: str, why: str, *, hint: str = "") -> NoReturn:
    raise refusal(text, why, hint=hint)


def refusal(text: str, why: str, *, hint: str = "") -> InvalidSpec:
    """An error about a URL. One that cannot be read may have its password anywhere: all before its last ``@`` is
    masked."""
    before, at, rest = text.rpartition("@")
    scheme, separator, _ = before.partition("://")
    shown = f"{scheme if separator else ''}{separator}******@{rest}" if at else text
    shown = "".join("?" if unicodedata.category(c) in _UNSEEN and c != " " else c for c in shown)
    return InvalidSpec(f'repoURL "{shown[:200]}": {why}', hint=hint)

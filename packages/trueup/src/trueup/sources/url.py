"""Repository URLs: compared, admitted, masked."""

import base64
import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote, unquote

import msgspec

from kubegrammar.redact import redact_url
from trueup.model.repository_url import OCI, RepositoryUrl, parse_repository_url, refusal

_LOCAL_HINT = "Name a folder that holds it in --allow-local-repos."


class Remote(msgspec.Struct, frozen=True, repr_omit_defaults=True):
    """An admitted repository.

    Args:
        url: what was read of its URL: what a project and a credential are asked about.
        address: what git is given; it never holds credentials.
        identity: two URLs of one identity share a mirror.
        shown: the URL for people, masked.
        protocols: the transports that may be used to reach it.
        config: git configuration that carries the URL's credentials, bound to its host.
    """

    url: RepositoryUrl
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
        return self.url.origin


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
    read = parse_repository_url(url)
    if read.scheme == "file":
        return _folder(read, url.strip(" "), allowed_local)
    address = read.address
    if read.scheme == OCI:
        return Remote(read, address, address, address, (OCI,))
    if read.scheme == "ssh":
        return Remote(read, address, address, address, ("ssh",))
    return _over_http(read)


def detours(remote: Remote) -> list[Remote]:
    """Where the same repository may be when its server says that it is elsewhere: under its other spelling, or behind
    TLS on the same host. These are the redirects that Git hosts make; any other is for people to follow."""
    url = remote.url
    if url.scheme not in ("http", "https"):
        return []
    paths = [url.path, f"{url.path}.git"] if not url.path.endswith(".git") else [url.path]
    schemes = [url.scheme, "https"] if url.scheme == "http" and url.port is None else [url.scheme]
    others = [msgspec.structs.replace(url, scheme=scheme, path=path) for scheme in schemes for path in paths]
    return [_over_http(other) for other in others if other != url]


def _over_http(read: RepositoryUrl) -> Remote:
    address = shown = read.address
    config = {}
    if read.user:
        shown = redact_url(address.replace("://", f"://{quote(read.user, safe='')}@", 1))
    if read.userinfo:
        user, _, password = read.userinfo.partition(":")
        shown = redact_url(address.replace("://", f"://{read.userinfo}@", 1))
        token = base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()
        config = {f"http.{read.origin}/.extraHeader": f"Authorization: Basic {token}"}
    return Remote(read, address, f"{read.userinfo}@{address}", shown, (read.scheme, "https"), config)


def _folder(read: RepositoryUrl, text: str, allowed_local: Sequence[Path]) -> Remote:
    """A folder below one of the allowed, with no link and no other repository on the way from there.

    Who may push to a repository says what lies in its files: a link there, or a whole repository, which names the
    objects of another one, would be that person's way to every folder of this machine.
    """
    path = Path("/" if read.rooted else "", read.path)
    path = path if read.rooted else Path(os.path.normpath(Path.cwd() / path))
    for prefix in allowed_local:
        for base in dict.fromkeys((Path(os.path.abspath(prefix)), prefix.resolve())):  # noqa: PTH100 - links stay
            if path.is_relative_to(base):
                return _below(read, text, prefix.resolve(), path.relative_to(base))
    raise refusal(text, "local repositories are not allowed here", hint=_LOCAL_HINT)


def _below(read: RepositoryUrl, text: str, base: Path, rest: Path) -> Remote:
    real = base / rest
    if real.resolve() != real:
        raise refusal(text, "there is a link in its path", hint="Name the folder itself; " + _LOCAL_HINT)
    for outer in (base / part for part in rest.parents if part != Path()):
        if (outer / ".git").exists() or all((outer / part).exists() for part in ("HEAD", "objects", "refs")):
            raise refusal(text, "it lies in another repository", hint="Name that one.")
    address = "file://" + quote(str(real))
    return Remote(read, address, address, text, ("file",))

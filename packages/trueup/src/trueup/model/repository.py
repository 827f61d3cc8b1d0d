"""Whose repository is meant, and when two URLs, or a URL and a pattern, are of one."""

import string
from functools import lru_cache
from urllib.parse import quote

import msgspec

from trueup.model.errors import InvalidSpec
from trueup.model.repository_url import HTTP, OCI, PORTS, REMEMBERED, SAFE, parse_repository_url

_HEX = frozenset(string.hexdigits)


class RepositoryOf(msgspec.Struct, frozen=True):
    """A repository on behalf of a project: another project's credentials may show another content, or none.

    Attributes:
        chart: what is read of a repository of charts; empty for one of Git, and for an artifact of a registry.
    """

    url: str
    project: str
    chart: str = ""

    @property
    def packed(self) -> bool:
        """Whether archives are read of it, rather than commits."""
        return bool(self.chart) or in_registry(self.url)


def short_revision(revision: str, length: int = 8) -> str:
    """A revision for people: of a commit its beginning, of an artifact that of its digest; a version as it is."""
    _, colon, digest = revision.partition(":")
    if colon:
        return digest[:length]
    return revision[:length] if _HEX.issuperset(revision) else revision


def in_registry(url: str) -> bool:
    """Whether a URL, as it is written, is of a registry."""
    return url.strip(" ")[:6].lower() == f"{OCI}://"


def registry_address(url: str) -> str:
    """The URL of a registry's namespace, which Argo CD has without a scheme where a chart is named: ``ghcr.io/org``."""
    text = url.strip(" ")
    if not text or "://" in text or text.startswith(("/", ".")) or "@" in text:
        return url
    return f"{OCI}://{text}"


@lru_cache(REMEMBERED)
def same_repository(one: str, other: str) -> bool:
    """Whether two URLs are of one repository; what is no URL is the same as its text alone."""
    return _named(one) == _named(other)


def _named(url: str) -> str:
    try:
        return parse_repository_url(url).name
    except InvalidSpec:
        return url


def comparable_pattern(pattern: str) -> str:
    """A pattern for URLs, such as an entry of ``sourceRepos``, in the spelling of :attr:`RepositoryUrl.spelling`.

    One without wildcards is a URL, and read as such.
    """
    text = pattern.strip()
    if not any(mark in text for mark in "*?[]{}"):
        try:
            return parse_repository_url(text).spelling
        except InvalidSpec:
            return text
    scheme, separator, rest = text.partition("://")
    if separator:
        scheme = scheme.lower()
        authority, slash, path = rest.partition("/")
        user, at, place = authority.rpartition("@")
        place = place.removesuffix(f":{PORTS[scheme]}") if scheme in PORTS else place
        prefix = "" if scheme == "ssh" else f"{scheme}://"
        # A user names the same repository, as hosts show it in the URL to clone; a group that ends elsewhere is none.
        who = "" if scheme in HTTP and not any(mark in user for mark in "[]{}!") else user + at
        return (prefix + who + place + slash + _tidy(path)).removesuffix(".git")
    if text.startswith("/"):
        return f"file:///{_tidy(text[1:])}".removesuffix(".git")
    who, colon, path = text.partition(":")
    if colon and "/" not in who:
        return f"{who}/{_tidy(path)}".removesuffix(".git")
    return text.removesuffix(".git")


def names_a_user(pattern: str) -> bool:
    """Whether a pattern of :func:`comparable_pattern` for HTTP says who asks, as ``https://user@host/…`` does."""
    scheme, separator, rest = pattern.partition("://")
    return bool(separator) and scheme.lower() in HTTP and "@" in rest.partition("/")[0]


def _tidy(path: str) -> str:
    """A pattern's path, encoded as a URL's is."""
    while "//" in path:
        path = path.replace("//", "/")
    return quote(path.strip("/"), safe=SAFE + "?[]{}!^%\\")


# --- the notations -------------------------------------------------------------------------------------------------


# --- the parts -----------------------------------------------------------------------------------------------------


# --- refusals ------------------------------------------------------------------------------------------------------

"""Repository URLs as project rules see them."""

import re

_SSH = re.compile(r"(?:ssh://)?[^/:]*@[^@]+\Z")
_USERINFO = re.compile(r"(?<=://)[^/\s]*@")
_DOT_SEGMENT = re.compile(r"(?:^|/)(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)


def normalise(url: str) -> str:
    """A URL, or a pattern for one, in the form in which Argo CD compares them (``NormalizeGitURL``)."""
    text = url.strip().lower()
    if _SSH.match(text) and not text.startswith("ssh://"):
        text = text.replace(":", "/", 1)
    return text.removesuffix(".git").removeprefix("ssh://")


def disguise(url: str) -> str:
    """Why a URL may lead elsewhere than it reads, and so past a pattern; empty when it may not.

    Git's HTTP client resolves ``..`` before it asks, and ends the host at ``?``, ``#`` and ``\\``.
    """
    address = url.strip().partition("://")[2] or url.strip()
    if _DOT_SEGMENT.search(address) and not url.strip().startswith((".", "/")):
        return 'a "." or ".." in its path'
    if any(mark in address.partition("/")[0] for mark in "?#\\"):
        return "a character that ends the host"
    return ""


def redacted(url: str) -> str:
    """A URL without its user and password, for messages."""
    return _USERINFO.sub("******@", url)

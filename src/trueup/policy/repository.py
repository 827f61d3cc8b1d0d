"""Repository URLs in messages."""

from trueup.formats import pattern

_USERINFO = pattern.compile(r"(://)[^/\s]*@")


def redacted(url: str) -> str:
    """A URL without its user and password, for messages."""
    return _USERINFO.sub(r"\1******@", url)

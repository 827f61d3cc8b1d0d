"""Repository URLs in messages."""

import re

_USERINFO = re.compile(r"(?<=://)[^/\s]*@")


def redacted(url: str) -> str:
    """A URL without its user and password, for messages."""
    return _USERINFO.sub("******@", url)

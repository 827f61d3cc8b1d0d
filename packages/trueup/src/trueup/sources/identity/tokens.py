"""Answers of token servers (RFC 6749, section 5.1)."""

from collections.abc import Mapping
from typing import Any

from trueup.sources.identity.port import IdentityRefused

_LONGEST = 24 * 3600


def access_token(answer: Mapping[str, Any], now: float) -> tuple[str, float]:
    """The token of an answer, and when it ends, in seconds since 1970.

    Raises:
        IdentityRefused: it has none.
    """
    token, lasts = answer.get("access_token"), answer.get("expires_in")
    try:
        seconds = float(str(lasts))
    except ValueError:
        seconds = 0.0
    if not isinstance(token, str) or not token or not (token.isascii() and token.isprintable()) or not seconds > 0:
        raise IdentityRefused("the token server's answer has no access token", hint="look at the identity's rights")
    return token, now + min(seconds, _LONGEST)

"""What a token is, and what it says of itself to whoever holds it."""

import base64
import json
import string
from typing import Any

from trueup.model.errors import TrueupError

_LETTERS = frozenset(string.ascii_letters + string.digits + "-_.=")
_LONGEST = 64 << 10
"""Letters: no server takes a longer header."""


def claims(token: str) -> dict[str, Any]:
    """The claims; nothing where it is no token. Nobody has looked at its signature."""
    parts = token.split(".")
    try:
        said = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def require_token(given: Any, who: str) -> str:
    """What somebody gives as a token (RFC 7519), where it is one; it goes into a file, into headers and to terminals.

    Args:
        who: gives it.

    Raises:
        TrueupError: it is none. What it is stands in no message.
    """
    if (
        not isinstance(given, str)
        or not 0 < len(given) <= _LONGEST
        or not _LETTERS.issuperset(given)
        or given.count(".") != 2
        or not claims(given)
    ):
        raise TrueupError(f"{who} gives no token", hint="is it an API server of Argo CD's kind?")
    return given

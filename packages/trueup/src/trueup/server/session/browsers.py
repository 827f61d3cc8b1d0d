"""What a browser is told to keep of a session."""

from collections.abc import Mapping
from typing import Any

from trueup.server.session.cookies import cookies_of, set_cookies


def session_cookies(
    method: str, answer: Mapping[str, Any], headers: Mapping[str, str], *, secure: bool, path: str
) -> list[str]:
    """``Set-Cookie`` values that go with an answer.

    Args:
        method: ``Service.Method``.
        headers: of the request.
        secure: the browser came by TLS.
        path: below which the server is.
    """
    if method not in ("SessionService.Create", "SessionService.Delete"):
        return []
    token = answer.get("token", "") if method == "SessionService.Create" else ""
    return set_cookies(token, secure=secure, path=path or "/", before=cookies_of(headers.get("cookie", "")))

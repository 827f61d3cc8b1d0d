"""Tokens that are signed here: HS256 with ``server.secretkey``, as Argo CD's (RFC 7519)."""

import json
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from kubegrammar.depth import nests_deeper
from trueup.model.subject import LOCAL_ISSUER

ALGORITHM: Final = "HS256"
LONGEST: Final = 65_536
"""Characters of a token that is looked at."""
_SKEW: Final = 30
"""Seconds by which the clock of another replica may be ahead."""
SHORTEST_KEY: Final = 16


class BadToken(Exception):
    """A token is no good; says why, and nothing of the token."""


class LocalClaims(msgspec.Struct, frozen=True, kw_only=True):
    """What a token of ours says. Times in seconds since 1970; ``exp`` 0 for never."""

    sub: str
    iat: int
    exp: int = 0
    jti: str = ""


def issue(claims: LocalClaims, key: str) -> str:
    """A token."""
    said = {"iss": LOCAL_ISSUER, "sub": claims.sub, "nbf": claims.iat, "iat": claims.iat}
    said |= {"exp": claims.exp} if claims.exp else {}
    said |= {"jti": claims.jti} if claims.jti else {}
    payload = json.dumps(said, separators=(",", ":")).encode()
    return jws.serialize_compact({"alg": ALGORITHM, "typ": "JWT"}, payload, _key(key), algorithms=[ALGORITHM])


def claims_of(token: str) -> dict[str, Any]:
    """What a token claims, whoever has signed it.

    Raises:
        BadToken: it is none, or says something twice.
    """
    if len(token) > LONGEST or not token.isascii():
        raise BadToken("invalid session: token is too long, or no token")
    try:
        return parsed(jws.extract_compact(token.encode()).payload)
    except (JoseError, ValueError, RecursionError) as error:
        raise BadToken("invalid session: token is malformed") from error


def read(token: str, key: str, now: float) -> LocalClaims:
    """The claims of a token that was signed here.

    Raises:
        BadToken.
    """
    if len(key) < SHORTEST_KEY:
        raise BadToken("invalid session: this installation has no key to sign with")
    said = parsed(verified(token, _key(key), [ALGORITHM]))
    if said.get("iss") != LOCAL_ISSUER:
        raise BadToken("invalid session: another issuer")
    sub, jti = said.get("sub"), said.get("jti", "")
    if not isinstance(sub, str) or not sub:
        raise BadToken("invalid session: subject required")
    if not isinstance(jti, str):
        raise BadToken("invalid session: jti is no text")
    iat = check_times(said, now)
    return LocalClaims(sub=sub, iat=iat, exp=int(said.get("exp", 0)), jti=jti)


def verified(token: str, key: Any, algorithms: list[str]) -> bytes:
    """The payload of a token whose signature is good.

    Raises:
        BadToken: it is not, or its algorithm is not allowed.
    """
    if len(token) > LONGEST or not token.isascii():
        raise BadToken("invalid session: token is too long, or no token")
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise BadToken("invalid session: token is malformed") from error
    if header.get("alg") not in algorithms:
        raise BadToken("invalid session: algorithm not allowed")
    if "crit" in header:
        raise BadToken("invalid session: critical header not understood")
    try:
        return jws.deserialize_compact(token.encode(), key, algorithms=algorithms).payload
    except (JoseError, ValueError, TypeError) as error:
        raise BadToken("invalid session: signature invalid") from error


def check_times(said: Mapping[str, Any], now: float, skew: int = _SKEW) -> int:
    """Whether a token counts now; gives when it was issued.

    Raises:
        BadToken.
    """
    for name in ("iat", "exp", "nbf"):
        value = said.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**53:
            raise BadToken(f"invalid session: {name} is no time")
    if "iat" not in said:
        raise BadToken("invalid session: iat required")
    if max(said["iat"], said.get("nbf", 0)) > now + skew:
        raise BadToken("invalid session: token is not yet valid")
    if said.get("exp") and said["exp"] <= now:
        raise BadToken("invalid session: token is expired")
    return int(said["iat"])


def parsed(payload: bytes) -> dict[str, Any]:
    """Claims as JSON, none of them twice.

    Raises:
        BadToken.
    """
    if nests_deeper(payload):
        raise BadToken("invalid session: token is malformed")
    try:
        said = json.loads(payload, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadToken("invalid session: token is malformed") from error
    if not isinstance(said, dict):
        raise BadToken("invalid session: token is malformed")
    return said


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BadToken("invalid session: duplicate claim")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(name)


def _key(text: str) -> OctKey:
    return OctKey.import_key(text.encode())

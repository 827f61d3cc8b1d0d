"""Tokens of an identity provider: signature, issuer, audience, times (OpenID Connect Core 3.1.3.7)."""

from collections.abc import Mapping
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError

from trueup.server.session.oidc.config import ProviderConfig
from trueup.server.session.oidc.provider import ALGORITHMS, Provider
from trueup.server.session.tokens import LONGEST, BadToken, check_times, parsed, verified

SKEW: Final = 60
"""Seconds by which the provider's clock may be ahead."""
_MOST_AUDIENCES: Final = 100


async def verify(provider: Provider, token: str, now: float, nonce: str | None = None) -> dict[str, Any]:
    """The claims of an identity token that is good now.

    Args:
        nonce: that it has to repeat; None for one that was not asked for just now.

    Raises:
        BadToken.
        ProviderUnavailable: the provider does not tell its keys.
    """
    algorithm, key_id = _header(token)
    if algorithm not in ALGORITHMS:
        raise BadToken("invalid session: algorithm not allowed for issuer")
    key = await provider.key(key_id, algorithm)
    if key is None:
        raise BadToken("invalid session: unknown key")
    claims = parsed(verified(token, key, [algorithm]))
    if claims.get("iss") != provider.config.issuer:
        raise BadToken("invalid session: another issuer")
    check_audience(provider.config, claims)
    if "exp" not in claims or not claims["exp"]:
        raise BadToken("invalid session: exp required")
    check_times(claims, now, SKEW)
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise BadToken("invalid session: subject required")
    if nonce is not None and claims.get("nonce") != nonce:
        raise BadToken("invalid session: the answer is to another question")
    return claims


def check_audience(config: ProviderConfig, claims: Mapping[str, Any]) -> None:
    """Whether a token is for this installation.

    Raises:
        BadToken.
    """
    said = claims.get("aud")
    audiences = [said] if isinstance(said, str) else said
    if not audiences:
        if config.without_audience:
            return
        raise BadToken("invalid session: audience required")
    if not isinstance(audiences, list) or len(audiences) > _MOST_AUDIENCES:
        raise BadToken("invalid session: audience is no list of texts")
    if not any(isinstance(each, str) and each in config.audiences for each in audiences):
        raise BadToken("invalid session: token is for another audience")


def identifier(claims: Mapping[str, Any]) -> str:
    """Who it is: with Dex, whom the connector behind it knows."""
    federated = claims.get("federated_claims")
    if isinstance(federated, dict) and isinstance(federated.get("user_id"), str) and federated["user_id"]:
        return str(federated["user_id"])
    return str(claims["sub"])


def _header(token: str) -> tuple[str, str]:
    if len(token) > LONGEST or not token.isascii():
        raise BadToken("invalid session: token is too long, or no token")
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise BadToken("invalid session: token is malformed") from error
    algorithm, key_id = header.get("alg"), header.get("kid", "")
    if not isinstance(algorithm, str) or not isinstance(key_id, str):
        raise BadToken("invalid session: token is malformed")
    return algorithm, key_id

"""Bearer tokens: fixed ones of the known users, signed ones of ServiceAccounts."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from kubegrammar.time import format_time
from pocketkube.cluster.api import User

_ISSUER: Final = "https://kubernetes.default.svc"
_HEADER: Final = b'{"alg":"HS256","typ":"JWT"}'
_ACCOUNT: Final = "system:serviceaccount:"


class Secrets(msgspec.Struct):
    """What is kept in a file.

    Attributes:
        users: tokens by user.
        key: signs tokens of ServiceAccounts.
    """

    users: dict[str, str]
    key: str


class TokenBook:
    """Who has which token.

    Args:
        groups: of each user who has a fixed token.
        now: the time, with a time zone.
    """

    def __init__(self, kept: Secrets, groups: Mapping[str, tuple[str, ...]], now: Callable[[], datetime]) -> None:
        self._key, self._now = kept.key.encode(), now
        self._users = {
            token: User(name, (*groups.get(name, ()), "system:authenticated"), name)
            for name, token in kept.users.items()
        }

    def user_of(self, token: str) -> User | None:
        """Who has a token; None where it is not valid, or no longer."""
        return self._users.get(token) or self._account_of(token)

    def issue(self, user: User, seconds: int, audiences: list[str]) -> tuple[str, str]:
        """A token for a ServiceAccount, and when it expires."""
        now = self._now()
        expires = now + timedelta(seconds=seconds)
        claims = {
            "aud": audiences,
            "exp": int(expires.timestamp()),
            "iat": int(now.timestamp()),
            "iss": _ISSUER,
            "jti": secrets.token_hex(16),
            "sub": user.name,
            "uid": user.uid,
        }
        signed = f"{_encoded(_HEADER)}.{_encoded(msgspec.json.encode(claims))}"
        return f"{signed}.{self._signature(signed)}", format_time(expires)

    def _signature(self, signed: str) -> str:
        return _encoded(hmac.new(self._key, signed.encode(), hashlib.sha256).digest())

    def _account_of(self, token: str) -> User | None:
        signed, dot, signature = token.rpartition(".")
        if not dot or not token.isascii() or not hmac.compare_digest(self._signature(signed), signature):
            return None
        payload = signed.partition(".")[2]
        claims = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        if claims["exp"] < self._now().timestamp():
            return None
        name: str = claims["sub"]
        namespace = name.removeprefix(_ACCOUNT).partition(":")[0]
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
        return User(name, groups, claims["uid"])


def ensure_secrets(file: Path, users: Mapping[str, object]) -> Secrets:
    """The tokens in a file; made where it is missing, readable by its owner only."""
    if file.exists():
        return msgspec.json.decode(file.read_bytes(), type=Secrets)
    made = Secrets({user: secrets.token_urlsafe(24) for user in users}, secrets.token_urlsafe(32))
    file.touch(mode=0o600)
    file.write_bytes(msgspec.json.encode(made))
    return made


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")

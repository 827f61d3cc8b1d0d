"""Local accounts, as ``argocd-cm`` and ``argocd-secret`` keep them (Argo CD ``util/settings/accounts.go``)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, TypeAlias

import msgspec

from kubegrammar.json import received
from kubegrammar.time import format_time, parse_time
from trueup.policy.rbac.builtin import ADMIN_ACCOUNT

SECRET_NAME: Final = "argocd-secret"  # noqa: S105
INITIAL_SECRET: Final = "argocd-initial-admin-secret"  # noqa: S105
SESSIONS_SECRET: Final = "trueup-sessions"  # noqa: S105
"""Ours: tries, and tokens that were given up."""
INITIAL_PASSWORD: Final = "password"  # noqa: S105
SIGNING_KEY: Final = "server.secretkey"

Capability: TypeAlias = Literal["login", "apiKey"]

_TRUE: Final = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "false", "FALSE", "False"})
_CAPABILITIES: Final[Mapping[str, Capability]] = {"login": "login", "apiKey": "apiKey"}


class ApiToken(msgspec.Struct, frozen=True, omit_defaults=True):
    """A token that was made for an account. Times in seconds since 1970; ``exp`` 0 for never."""

    id: str
    iat: int
    exp: int = 0


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A local account.

    Attributes:
        capabilities: ``login`` to sign in with a password, ``apiKey`` to have tokens.
        password_hash: of bcrypt; empty for none.
        password_time: since when it has this password: older tokens are no good.
    """

    name: str
    enabled: bool = True
    capabilities: tuple[Capability, ...] = ()
    password_hash: str = ""
    password_time: datetime | None = None
    tokens: tuple[ApiToken, ...] = ()

    def token(self, id_: str) -> ApiToken | None:
        """The token of an id."""
        return next((token for token in self.tokens if token.id == id_), None)

    def without(self, id_: str) -> "Account":
        """The account without the token of an id."""
        return msgspec.structs.replace(self, tokens=tuple(token for token in self.tokens if token.id != id_))

    def __repr__(self) -> str:
        return f"Account({self.name!r})"


def read_accounts(settings: Mapping[str, str], secret: Mapping[str, str]) -> tuple[dict[str, Account], list[str]]:
    """The accounts by name, and what of them cannot be read. The account ``admin`` is always there.

    Whatever cannot be read takes something away: a switch that is neither true nor false is off, a password whose time
    is no time is none.

    Args:
        settings: of ``argocd-cm``.
        secret: of ``argocd-secret``.
    """
    warnings: list[str] = []
    found: dict[str, tuple[bool, tuple[Capability, ...]]] = {}
    for key, value in sorted(settings.items()):
        head, dot, rest = key.partition(".")
        if head != "accounts" or not dot:
            continue
        name, dot, suffix = rest.partition(".")
        if not name or "." in suffix or (dot and suffix != "enabled"):
            warnings.append(
                f"{key[:80]}: a name of an account has no dot, and accounts.NAME.enabled is all that follows"
            )
            continue
        enabled, capabilities = found.get(name, (True, ()))
        if suffix:
            found[name] = (_switch(key, value, warnings), capabilities)
        else:
            found[name] = (enabled, _capabilities(key, value, warnings))
    enabled, capabilities = found.pop(ADMIN_ACCOUNT, (True, ()))
    if "admin.enabled" in settings:
        enabled = enabled and _switch("admin.enabled", settings["admin.enabled"], warnings)
    accounts = {ADMIN_ACCOUNT: (enabled, tuple(dict.fromkeys(("login", *capabilities)))), **found}
    return {name: _account(name, *said, secret, warnings) for name, said in accounts.items()}, warnings


def account_keys(name: str) -> tuple[str, str, str]:
    """Where an account's password, its time and its tokens are in ``argocd-secret``."""
    place = ADMIN_ACCOUNT if name == ADMIN_ACCOUNT else f"accounts.{name}"
    return f"{place}.password", f"{place}.passwordMtime", f"{place}.tokens"


def written_account(account: Account) -> dict[str, str | None]:
    """What an account is in ``argocd-secret``; None for a key that goes."""
    password, time, tokens = account_keys(account.name)
    return {
        password: account.password_hash or None,
        time: format_time(account.password_time) if account.password_time else None,
        tokens: msgspec.json.encode(account.tokens).decode() if account.tokens else None,
    }


def _account(
    name: str, enabled: bool, capabilities: tuple[Capability, ...], secret: Mapping[str, str], warnings: list[str]
) -> Account:
    password, time, tokens = (secret.get(key, "") for key in account_keys(name))
    _, time_key, tokens_key = account_keys(name)
    since = None
    if time:
        try:
            since = parse_time(time.strip())
        except ValueError:
            warnings.append(f"{SECRET_NAME}: {time_key} is no time; the account has no password until it is one")
            password = ""
    listed: tuple[ApiToken, ...] = ()
    if tokens.strip():
        try:
            listed = received(tokens.encode(), tuple[ApiToken, ...])
        except ValueError:
            warnings.append(f"{SECRET_NAME}: {tokens_key} is no list of tokens; the account has none")
    return Account(
        name=name,
        enabled=enabled,
        capabilities=capabilities,
        password_hash=password.strip(),
        password_time=since,
        tokens=listed,
    )


def _switch(key: str, text: str, warnings: list[str]) -> bool:
    if text in _TRUE:
        return True
    if text not in _FALSE:
        warnings.append(f"{key[:80]}: {text[:40]!r} is neither true nor false; the account is disabled")
    return False


def _capabilities(key: str, text: str, warnings: list[str]) -> tuple[Capability, ...]:
    said = [word.strip() for word in text.split(",") if word.strip()]
    for word in said:
        if word not in _CAPABILITIES:
            warnings.append(f"{key[:80]}: {word[:40]!r} is no capability: apiKey and login are")
    return tuple(dict.fromkeys(_CAPABILITIES[word] for word in said if word in _CAPABILITIES))

"""Local accounts: who they are, and what is changed of them."""

import secrets
import string
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from trueup.policy.rbac.builtin import ADMIN_ACCOUNT
from trueup.runtime.logger import Logger
from trueup.server.errors import Code, Fault
from trueup.server.session.attempts import Changes, SecretStore, Texts
from trueup.server.session.passwords import Passwords
from trueup.store.accounts import (
    INITIAL_PASSWORD,
    INITIAL_SECRET,
    SECRET_NAME,
    SIGNING_KEY,
    Account,
    account_keys,
    read_accounts,
    written_account,
)

log = Logger("trueup.session")

_INITIAL_LENGTH: Final = 16
_LETTERS: Final = string.ascii_letters + string.digits + "-"
_KEY_BYTES: Final = 32


class LocalAccounts:
    """The accounts as settings and Secret have them now.

    Args:
        settings: the data of ``argocd-cm``; the same object until it changes.
    """

    def __init__(self, store: SecretStore, settings: Callable[[], Mapping[str, str]], now: Callable[[], float]) -> None:
        self.store, self._settings, self._now = store, settings, now
        self._read: tuple[Mapping[str, str], Texts] = ({}, {})
        self._accounts: dict[str, Account] = {}

    @property
    def settings(self) -> Mapping[str, str]:
        """The data of ``argocd-cm``."""
        return self._settings()

    @property
    def key(self) -> str:
        """What tokens are signed with; empty until there is one."""
        return self.store.secret(SECRET_NAME).get(SIGNING_KEY, "")

    def all(self) -> Mapping[str, Account]:
        """All accounts by name."""
        settings, secret = self._settings(), self.store.secret(SECRET_NAME)
        if not self._accounts or self._read[0] is not settings or self._read[1] is not secret:
            self._accounts, warnings = read_accounts(settings, secret)
            self._read = (settings, secret)
            for warning in warnings:
                log.warning("an account is not read", problem=warning)
        return self._accounts

    def get(self, name: str) -> Account:
        """The account of a name.

        Raises:
            Fault: there is none.
        """
        found = self.all().get(name)
        if found is None:
            raise Fault(Code.NOT_FOUND, f"account '{name}' does not exist")
        return found

    async def change(self, name: str, decide: Callable[[Account], Account]) -> None:
        """Change an account's password or tokens.

        Args:
            decide: from the account as it is stored; what it raises is raised.

        Raises:
            Fault: there is no such account.
            TrueupError: it cannot be written.
        """

        def changes(secret: Texts) -> Changes:
            account = read_accounts(self._settings(), secret)[0].get(name)
            if account is None:
                raise Fault(Code.NOT_FOUND, f"account '{name}' does not exist")
            after = written_account(decide(account))
            return {key: after[key] for key in account_keys(name) if secret.get(key) != after[key]}

        await self.store.update(SECRET_NAME, changes)

    def password_time(self) -> datetime:
        """The time of a password that is set now: later than any token that there is.

        Times are kept in whole seconds.
        """
        return datetime.fromtimestamp(int(self._now()) + 1, UTC)

    async def prepare(self, passwords: Passwords) -> None:
        """Make what an installation begins with: a key to sign with, and a password of ``admin`` that is random, kept
        in ``argocd-initial-admin-secret`` until somebody deletes it.

        Raises:
            TrueupError: it cannot be written.
        """
        secret = self.store.secret(SECRET_NAME)
        admin = self.all()[ADMIN_ACCOUNT]
        fresh: dict[str, str | None] = {}
        if not secret.get(SIGNING_KEY):
            fresh[SIGNING_KEY] = secrets.token_urlsafe(_KEY_BYTES)
        if admin.enabled and not admin.password_hash and not secret.get(account_keys(ADMIN_ACCOUNT)[0]):
            initial = "".join(secrets.choice(_LETTERS) for _ in range(_INITIAL_LENGTH))
            # First where people look for it: an end in between makes another one next time.
            await self.store.update(INITIAL_SECRET, lambda _: {INITIAL_PASSWORD: initial})
            password, time, _ = account_keys(ADMIN_ACCOUNT)
            fresh[password] = await passwords.hash(initial)
            fresh[time] = datetime.fromtimestamp(int(self._now()), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            log.info("the account admin has an initial password", secret=INITIAL_SECRET)
        if fresh:
            # What another replica has made meanwhile stays.
            await self.store.update(SECRET_NAME, lambda data: {k: v for k, v in fresh.items() if not data.get(k)})

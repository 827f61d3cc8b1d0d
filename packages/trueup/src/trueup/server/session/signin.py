"""Signing in, and telling who sends a request."""

import asyncio
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from trueup.model.errors import InvalidSpec
from trueup.model.live import LiveObject
from trueup.model.project import Project
from trueup.model.subject import ANONYMOUS, LOCAL_ISSUER, Principal, project_role
from trueup.server.errors import Code, Fault
from trueup.server.session.attempts import Attempts, Revoked
from trueup.server.session.caller import SignedIn
from trueup.server.session.cookies import bearer, cookies_of, joined, same_origin
from trueup.server.session.local import LocalAccounts
from trueup.server.session.passwords import Busy, Passwords
from trueup.server.session.rights import Rights
from trueup.server.session.settings import SignInSettings, read_sign_in
from trueup.server.session.tokens import BadToken, LocalClaims, claims_of, issue, read
from trueup.store.accounts import Account, Capability
from trueup.store.projects import read_project

LONGEST_NAME: Final = 32
"""Bytes of an account's name."""
REFUSAL_SECONDS: Final = 0.5
"""How long a refusal takes, whatever it was: names of accounts are not told by the time."""
_RENEW_SECONDS: Final = 300

INVALID: Final = "Invalid username or password"


class Foreign(Protocol):
    """Tokens of an identity provider."""

    async def person(self, token: str, claims: Mapping[str, Any]) -> SignedIn:
        """Whom a token is of.

        Raises:
            Fault: it is no good.
        """
        ...


class SignIn:
    """Who may come in, and who sends a request.

    Args:
        project: a project as it is stored, by its name.
        refusal_seconds: that a refused password takes at least.
        secure: the server speaks TLS.
    """

    def __init__(
        self,
        accounts: LocalAccounts,
        passwords: Passwords,
        attempts: Attempts,
        revoked: Revoked,
        rights: Rights,
        project: Callable[[str], LiveObject | None],
        now: Callable[[], float],
        *,
        foreign: Foreign | None = None,
        refusal_seconds: float = REFUSAL_SECONDS,
        secure: bool = False,
    ) -> None:
        self.accounts, self.passwords, self.revoked, self.rights = accounts, passwords, revoked, rights
        self._attempts, self._project, self._now = attempts, project, now
        self._foreign, self._refusal_seconds, self._secure = foreign, refusal_seconds, secure
        self._read: Mapping[str, str] = {}
        self._settings = SignInSettings()

    @property
    def settings(self) -> SignInSettings:
        """What ``argocd-cm`` says of signing in."""
        data = self.accounts.settings
        if data is not self._read:
            self._read, self._settings = data, read_sign_in(data)
        return self._settings

    # --- by a password -------------------------------------------------------------------------------------------

    async def login(self, name: str, password: str, peer: str = "") -> str:
        """A token for who knows the password of an account.

        Args:
            peer: the address that it comes from; empty where nobody knows.

        Raises:
            Fault: it is not the right one, there is no such account, or it was tried too often: all alike.
        """
        await self.check_password(name, password, peer)
        account = self.accounts.get(name)
        if not account.enabled:
            raise Fault(Code.UNAUTHENTICATED, f"Account {name} is disabled")
        if "login" not in account.capabilities:
            raise Fault(Code.UNAUTHENTICATED, f"Account {name} does not have login capability")
        return self.token(account, "login", int(self.settings.session_seconds), str(uuid.uuid4()))

    async def check_password(self, name: str, password: str, peer: str = "") -> None:
        """Whether a password is that of an account.

        Args:
            peer: as of :meth:`login`.

        Raises:
            Fault: as :meth:`login`.
        """
        if not password:
            raise Fault(Code.UNAUTHENTICATED, "Blank passwords are not allowed")
        if len(name.encode("utf-8", "surrogatepass")) > LONGEST_NAME:
            raise Fault(Code.INVALID_ARGUMENT, f"Username is too long ({LONGEST_NAME} bytes max)")
        until = asyncio.get_running_loop().time() + self._refusal_seconds
        if not await self._matches(name, password, peer):
            await asyncio.sleep(until - asyncio.get_running_loop().time())
            raise Fault(Code.UNAUTHENTICATED, INVALID)

    async def _matches(self, name: str, password: str, peer: str) -> bool:
        account = self.accounts.all().get(name)
        if account is None or not self._attempts.begin(name, peer):
            await self._looked_at(password, "")
            return False
        good = False
        try:
            good = await self._looked_at(password, account.password_hash)
        finally:
            await self._attempts.end(name, peer, good=good)
        return good

    async def _looked_at(self, password: str, hashed: str) -> bool:
        try:
            return await self.passwords.match(password, hashed)
        except Busy:
            raise Fault(Code.RESOURCE_EXHAUSTED, "too many people sign in at once, try again") from None

    def token(self, account: Account, capability: Capability, seconds: int, id_: str) -> str:
        """A token for an account; 0 seconds for one that does not end."""
        now = int(self._now())
        since = int(account.password_time.timestamp()) if account.password_time else 0
        # One that is made in the second in which the password was set is younger than the password.
        issued = max(now, since) if since <= now + 1 else now
        claims = LocalClaims(
            sub=f"{account.name}:{capability}", iat=issued, exp=now + seconds if seconds else 0, jti=id_
        )
        return self.signed(claims)

    def signed(self, claims: LocalClaims) -> str:
        """A token of these claims.

        Raises:
            Fault: there is no key to sign it with.
        """
        if not self.accounts.key:
            raise Fault(Code.UNAVAILABLE, "this installation has no key to sign tokens with yet")
        return issue(claims, self.accounts.key)

    # --- by a token ----------------------------------------------------------------------------------------------

    async def authenticate(self, headers: Mapping[str, str]) -> SignedIn | None:
        """Who has sent a request with these headers; None for nobody.

        Raises:
            Fault: a token or cookie that is not, or no longer, good, or that a page of another site has sent.
        """
        token = bearer(headers)
        if not token:
            token = joined(cookies_of(headers.get("cookie", "")))
            if token and not same_origin(headers, self.settings.urls, secure=self._secure):
                raise Fault(Code.PERMISSION_DENIED, "a page of another site may not ask for anything in your name")
        if not token:
            return SignedIn(principal=ANONYMOUS, rights=self.rights) if self.settings.anonymous else None
        try:
            claims = claims_of(token)
            if claims.get("iss") == LOCAL_ISSUER:
                return self._local(read(token, self.accounts.key, self._now()))
        except BadToken as error:
            raise Fault(Code.UNAUTHENTICATED, str(error)) from None
        if self._foreign is None:
            raise Fault(Code.UNAUTHENTICATED, "invalid session: SSO is not configured")
        found = await self._foreign.person(token, claims)
        if found.token_id and self.revoked.has(found.principal, found.token_id):
            raise _invalid("token is revoked, please re-login")
        return found

    async def logout(self, caller: SignedIn) -> None:
        """Give a token up: a session is put on record until its end, a token of an account is deleted. That of a role
        of a project stays: it is the project's.

        Raises:
            TrueupError: it cannot be written.
        """
        if caller.session and caller.token_id:
            await self.revoked.add(caller.principal, caller.token_id, caller.expires)
        elif caller.account and caller.token_id:
            await self.accounts.change(caller.account, lambda account: account.without(caller.token_id))

    def _local(self, claims: LocalClaims) -> SignedIn:
        name, _, said = claims.sub.partition(":")
        role = project_role(claims.sub)
        if role is not None:
            self._check_role(*role, claims)
            name = claims.sub
        elif said not in ("", "login", "apiKey"):
            raise _invalid("subject is neither an account's nor a role's")
        capability: Capability = "login" if said == "login" else "apiKey"
        renewed = "" if role is not None else self._check_account(name, capability, claims)
        return SignedIn(
            principal=Principal(name=name),
            rights=self.rights,
            issued_at=claims.iat,
            token_id=claims.jti,
            expires=claims.exp,
            session=role is None and capability == "login",
            renewed=renewed,
        )

    def _check_account(self, name: str, capability: Capability, claims: LocalClaims) -> str:
        account = self.accounts.all().get(name)
        if account is None:
            raise _invalid(f"account '{name}' does not exist")
        if not account.enabled:
            raise _invalid(f"account {name} is disabled")
        if capability not in account.capabilities:
            raise _invalid(f"account {name} does not have '{capability}' capability")
        if not claims.jti:
            raise _invalid("token does not have a unique identifier (jti claim) and cannot be validated")
        if capability == "login" and self.revoked.has(Principal(name=name), claims.jti):
            raise _invalid("token is revoked, please re-login")
        if capability == "apiKey" and account.token(claims.jti) is None:
            raise _invalid(f"account {name} does not have token with id {claims.jti[:80]}")
        if account.password_time is not None and claims.iat < int(account.password_time.timestamp()):
            raise _invalid("account password has changed since token issued")
        if capability != "login":
            return ""
        if not claims.exp:
            raise _invalid("exp required")
        if claims.exp - self._now() >= _RENEW_SECONDS:
            return ""
        return self.token(account, "login", max(claims.exp - claims.iat, 1), str(uuid.uuid4()))

    def _check_role(self, project: str, role: str, claims: LocalClaims) -> None:
        found = self._stored(project)
        if found is None or not any(each.name == role for each in found.spec.roles):
            raise _invalid(f"role '{role[:80]}' does not exist in project '{project[:80]}'")
        if not any(_same(token, claims) for token in role_tokens(found, role)):
            raise _invalid(
                f"JWT token for role '{role}' issued at '{claims.iat}' does not exist in project '{project}'"
            )

    def _stored(self, name: str) -> Project | None:
        live = self._project(name)
        try:
            return None if live is None else read_project(live)
        except InvalidSpec:
            return None


def role_tokens(project: Project, role: str) -> list[dict[str, Any]]:
    """The tokens of a role, as its project lists them in its status, or in its specification as it was once done."""
    listed = project.status.jwt_tokens_by_role.get(role, {}).get("items")
    if not isinstance(listed, list):
        listed = next((each.jwt_tokens for each in project.spec.roles if each.name == role), [])
    return [token for token in listed if isinstance(token, dict)]


def _same(token: dict[str, Any], claims: LocalClaims) -> bool:
    """By the id where the token has one, else by the second in which it was made."""
    if claims.jti:
        return bool(token.get("id") == claims.jti)
    return not token.get("id") and token.get("iat") == claims.iat


def _invalid(reason: str) -> Fault:
    return Fault(Code.UNAUTHENTICATED, f"invalid session: {reason}")

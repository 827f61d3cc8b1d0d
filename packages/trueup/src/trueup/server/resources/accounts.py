"""``AccountService``: local accounts, their passwords and tokens, and what I may do (Argo CD ``server/account``)."""

import uuid
from collections.abc import Callable
from typing import Final

import msgspec

from kubegrammar import pattern
from trueup.policy.rbac.words import ACTIONS, FINE, PROJECT_SCOPED, RESOURCES
from trueup.server.errors import Code, Fault
from trueup.server.gate import may, require
from trueup.server.request import Function, Functions, Json, Request
from trueup.server.session.caller import SignedIn
from trueup.server.session.passwords import LONGEST, Busy
from trueup.server.session.signin import SignIn
from trueup.store.accounts import Account, ApiToken

RESOURCE: Final = "accounts"
_SSO_SECONDS: Final = 300
"""How long after signing in somebody of an identity provider may set passwords."""
_LONGEST_ID: Final = 256
_MOST_TOKENS: Final = 200
"""Tokens of an account or a role: whoever makes them fills no Secret and no project."""


def account_functions(sign_in: SignIn, now: Callable[[], float], control_namespace: str) -> Functions:
    """Functions of the service."""
    accounts = sign_in.accounts

    async def list_(request: Request) -> Json:
        seen = (each for name, each in sorted(accounts.all().items()) if _own(request, name) or _may_get(request, name))
        return {"items": [_message(each) for each in seen]}

    async def get(request: Request) -> Json:
        name = _name(request)
        _require(request, "get", name)
        return _message(accounts.get(name))

    async def can_i(request: Request) -> Json:
        resource, action = request.message.get("resource", ""), request.message.get("action", "")
        verb, slash, _ = action.partition("/")
        if verb not in ACTIONS or (slash and verb not in FINE):
            raise Fault(Code.INVALID_ARGUMENT, f"[{' '.join(ACTIONS)}] does not contain {action[:80]}")
        if resource not in RESOURCES:
            raise Fault(Code.INVALID_ARGUMENT, f"[{' '.join(RESOURCES)}] does not contain {resource[:80]}")
        of = request.message.get("subresource", "")
        parts = of.split("/")
        if resource in PROJECT_SCOPED and len(parts) == 3 and parts[1] == control_namespace:
            of = f"{parts[0]}/{parts[2]}"
        return {"value": "yes" if may(request.caller, resource, action, of) else "no"}

    async def create_token(request: Request) -> Json:
        name, seconds = _name(request), request.message.get("expiresIn", 0)
        id_ = request.message.get("id", "") or str(uuid.uuid4())
        _require(request, "update", name)
        check_token(id_, seconds)
        made = ""

        def with_token(account: Account) -> Account:
            nonlocal made
            if account.token(id_) is not None:
                raise Fault(Code.ALREADY_EXISTS, f"account already has token with id '{id_}'")
            if "apiKey" not in account.capabilities:
                raise Fault(Code.FAILED_PRECONDITION, f"account '{name}' does not have apiKey capability")
            check_room(len(account.tokens))
            made = sign_in.token(account, "apiKey", seconds, id_)
            issued = int(now())
            token = ApiToken(id=id_, iat=issued, exp=issued + seconds if seconds else 0)
            return msgspec.structs.replace(account, tokens=(*account.tokens, token))

        await accounts.change(name, with_token)
        return {"token": made}

    async def delete_token(request: Request) -> Json:
        name, id_ = _name(request), request.message.get("id", "")
        _require(request, "update", name)

        def without(account: Account) -> Account:
            if account.token(id_) is None:
                raise Fault(Code.NOT_FOUND, f"token with id '{id_[:80]}' does not exist")
            return account.without(id_)

        await accounts.change(name, without)
        return {}

    return {
        "AccountService.CanI": can_i,
        "AccountService.UpdatePassword": _password_function(sign_in, now),
        "AccountService.ListAccounts": list_,
        "AccountService.GetAccount": get,
        "AccountService.CreateToken": create_token,
        "AccountService.DeleteToken": delete_token,
    }


def _password_function(sign_in: SignIn, now: Callable[[], float]) -> Function:
    accounts = sign_in.accounts

    async def update_password(request: Request) -> Json:
        caller = _signed_in(request)
        target = request.message.get("name", "") or caller.account
        if target != caller.account or not caller.account:
            if not target:
                raise Fault(
                    Code.INVALID_ARGUMENT, f'password can only be changed for local users, not user "{caller.name}"'
                )
            require(caller, RESOURCE, "update", target)
        if caller.local:
            try:
                current = request.message.get("currentPassword", "")
                await sign_in.check_password(caller.account, current, request.peer)
            except Fault as fault:
                if fault.code is not Code.UNAUTHENTICATED:
                    raise
                raise Fault(Code.INVALID_ARGUMENT, "current password does not match") from None
        elif now() - caller.issued_at > _SSO_SECONDS:
            raise Fault(
                Code.FAILED_PRECONDITION, "SSO token is too old. Please use 'argocd relogin' to get a new token"
            )
        new = request.message.get("newPassword", "")
        _check_new(new, sign_in.settings.password_pattern)
        accounts.get(target)
        try:
            hashed = await sign_in.passwords.hash(new)
        except Busy:
            raise Fault(Code.RESOURCE_EXHAUSTED, "too many people sign in at once, try again") from None
        since = accounts.password_time()
        await accounts.change(
            target, lambda account: msgspec.structs.replace(account, password_hash=hashed, password_time=since)
        )
        return {}

    return update_password


def check_token(id_: str, seconds: int) -> None:
    """Whether a token may be made so.

    Raises:
        Fault.
    """
    if seconds < 0 or seconds >= 2**40:
        raise Fault(Code.INVALID_ARGUMENT, "expiresIn: seconds from now, or 0 for a token that does not end")
    if len(id_) > _LONGEST_ID or not id_.isprintable():
        raise Fault(Code.INVALID_ARGUMENT, f"id: up to {_LONGEST_ID} printable characters")


def check_room(tokens: int) -> None:
    """Whether an account or role with so many tokens may have another.

    Raises:
        Fault.
    """
    if tokens >= _MOST_TOKENS:
        raise Fault(Code.RESOURCE_EXHAUSTED, f"there are {tokens} tokens already, the most there may be: delete some")


def _check_new(password: str, expression: str) -> None:
    try:
        fits = pattern.given(expression).search(password) is not None
    except pattern.BadPattern:
        raise Fault(Code.FAILED_PRECONDITION, "passwordPattern of argocd-cm is no regular expression") from None
    if not fits:
        raise Fault(Code.INVALID_ARGUMENT, f"new password does not match the following expression: {expression}")
    if not password or len(password.encode("utf-8", "surrogatepass")) > LONGEST:
        raise Fault(Code.INVALID_ARGUMENT, f"new password has 1 to {LONGEST} bytes")


def _signed_in(request: Request) -> SignedIn:
    if not isinstance(request.caller, SignedIn):
        raise Fault(Code.UNAUTHENTICATED, "no session information")
    return request.caller


def _name(request: Request) -> str:
    return str(request.message.get("name", ""))


def _own(request: Request, name: str) -> bool:
    """Everybody has rights over their own account."""
    return isinstance(request.caller, SignedIn) and bool(name) and request.caller.account == name


def _may_get(request: Request, name: str) -> bool:
    return may(request.caller, RESOURCE, "get", name)


def _require(request: Request, action: str, name: str) -> None:
    if not _own(request, name):
        require(request.caller, RESOURCE, action, name)


def _message(account: Account) -> Json:
    tokens = sorted(account.tokens, key=lambda token: -token.iat)
    said: Json = {"name": account.name, "enabled": account.enabled, "capabilities": list(account.capabilities)}
    if tokens:
        said["tokens"] = [
            {"id": each.id, "issuedAt": each.iat, **({"expiresAt": each.exp} if each.exp else {})} for each in tokens
        ]
    return said

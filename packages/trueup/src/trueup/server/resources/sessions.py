"""``SessionService``: signing in with a password, leaving, and who one is."""

from collections.abc import Collection

from trueup.server.errors import Code, Fault
from trueup.server.request import Functions, Json, Request
from trueup.server.session.caller import SignedIn
from trueup.server.session.signin import SignIn

CREATE = "SessionService.Create"


def claimed(method: str, message: Json, accounts: Collection[str]) -> str:
    """The account that somebody asks to sign in to, for the audit trail; empty for a name that is none.

    What is typed into the wrong field is often a password.
    """
    name = message.get("username") if method == CREATE else None
    return name if isinstance(name, str) and name in accounts else ""


def session_functions(sign_in: SignIn) -> Functions:
    """Functions of the service."""

    async def create(request: Request) -> Json:
        message = request.message
        if message.get("token"):
            raise Fault(
                Code.UNAUTHENTICATED, "token-based session creation no longer supported. please upgrade argocd cli"
            )
        if not message.get("username") or not message.get("password"):
            raise Fault(Code.UNAUTHENTICATED, "no credentials supplied")
        return {"token": await sign_in.login(message["username"], message["password"], request.peer)}

    async def delete(request: Request) -> Json:
        if isinstance(request.caller, SignedIn):
            await sign_in.logout(request.caller)
        return {"token": ""}

    async def who(request: Request) -> Json:
        caller = request.caller
        if not isinstance(caller, SignedIn) or not caller.principal.name:
            return {"loggedIn": False}
        principal = caller.principal
        found = {"loggedIn": True, "username": caller.name, "iss": principal.issuer}
        return found | ({"groups": list(principal.groups)} if principal.groups else {})

    return {
        CREATE: create,
        "SessionService.Delete": delete,
        "SessionService.GetUserInfo": who,
    }

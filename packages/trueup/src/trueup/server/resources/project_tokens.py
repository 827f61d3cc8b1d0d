"""Tokens of roles of projects: two methods of ``ProjectService``."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from trueup.model.project import Project, ProjectRole
from trueup.model.subject import role_subject
from trueup.policy.rbac.project import group_name
from trueup.server.errors import Code, Fault, denied
from trueup.server.gate import may
from trueup.server.request import Functions, Json, Request
from trueup.server.resources.accounts import check_room, check_token
from trueup.server.session.caller import SignedIn
from trueup.server.session.signin import SignIn, role_tokens
from trueup.server.session.tokens import LocalClaims

RESOURCE: Final = "projects"

Tokens = list[dict[str, Any]]


class TokenStore(Protocol):
    """Projects, and the tokens of their roles."""

    def change(self, project: str, role: str, decide: Callable[[Project], Tokens]) -> Awaitable[None]:
        """Put the tokens that a function makes of a stored project in the place of a role's.

        Raises:
            NotFound: there is no such project.
        """
        ...

    def get(self, project: str) -> Project | None:
        """A project as it is; None where there is none."""
        ...


def project_token_functions(sign_in: SignIn, store: TokenStore, now: Callable[[], float]) -> Functions:
    """Functions of the service that are about tokens."""

    async def create(request: Request) -> Json:
        project, role = _asked(request, store)
        id_ = request.message.get("id", "") or str(uuid.uuid4())
        seconds = request.message.get("expiresIn", 0)
        check_token(id_, seconds)
        issued = int(now())
        expires = issued + seconds if seconds else 0
        made = sign_in.signed(LocalClaims(sub=role_subject(project, role), iat=issued, exp=expires, jti=id_))

        def with_token(stored: Project) -> Tokens:
            listed = role_tokens(stored, role)
            if any(token.get("id") == id_ for token in listed):
                raise Fault(Code.INVALID_ARGUMENT, f"Token id '{id_}' has been used. ")
            check_room(len(listed))
            return [*listed, {"iat": issued, **({"exp": expires} if expires else {}), "id": id_}]

        await store.change(project, role, with_token)
        return {"token": made}

    async def delete(request: Request) -> Json:
        project, role = _asked(request, store)
        id_, issued = request.message.get("id", ""), request.message.get("iat", 0)

        def without(stored: Project) -> Tokens:
            def goes(token: dict[str, Any]) -> bool:
                return bool(token.get("id") == id_ if id_ else token.get("iat") == issued)

            listed = role_tokens(stored, role)
            if not any(map(goes, listed)):
                raise Fault(Code.NOT_FOUND, f"role '{role}' of project '{project}' has no such token")
            return [token for token in listed if not goes(token)]

        await store.change(project, role, without)
        return {}

    return {"ProjectService.CreateToken": create, "ProjectService.DeleteToken": delete}


def _asked(request: Request, store: TokenStore) -> tuple[str, str]:
    """Project and role, where the caller may have its tokens: with rights over the project, or with the role."""
    name, role = str(request.message.get("project", "")), str(request.message.get("role", ""))
    stored = store.get(name)
    roles = stored.spec.roles if stored is not None else []
    found = next((each for each in roles if each.name == role), None)
    if not may(request.caller, RESOURCE, "update", name) and not (found is not None and _has(request, found)):
        raise denied()
    if stored is None:
        raise Fault(Code.NOT_FOUND, f'appprojects.argoproj.io "{name[:80]}" not found')
    if found is None:
        raise Fault(Code.NOT_FOUND, f"project '{name}' does not have role '{role[:80]}'")
    return name, role


def _has(request: Request, role: ProjectRole) -> bool:
    caller = request.caller
    groups = {group_name(group) for group in role.groups}
    return isinstance(caller, SignedIn) and not groups.isdisjoint(caller.principal.groups)

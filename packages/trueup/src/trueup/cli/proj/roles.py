"""``trueup proj role``: roles of a project; their tokens are made by an API server alone."""

import asyncio
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

import click
import msgspec

from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.duration import DURATION
from trueup.cli.examples import examples
from trueup.cli.output import output_option, show, table
from trueup.cli.proj.lists import name_argument
from trueup.cli.proj.port import Spec, projects_of
from trueup.cli.screen import raw, say
from trueup.cli.servers.client import ServerClient, escaped
from trueup.cli.servers.options import ServerAccess, server_options
from trueup.cli.servers.shape import part, rows
from trueup.cli.servers.tokens import claims, require_token
from trueup.model.errors import TrueupError
from trueup.model.project import ProjectRole
from trueup.model.subject import role_subject
from trueup.policy.rbac.project import check_role

_role_argument = click.argument("role", metavar="ROLE")


@click.group()
def role() -> None:
    """Roles of a project: what they may do, who has them, their tokens."""


@role.command(epilog=examples("trueup proj role create shop ci --description 'the pipeline'"))
@name_argument
@_role_argument
@click.option("--description", default="", help="What the role is for.")
@reach_options
def create(access: ClusterAccess, name: str, role: str, description: str) -> None:
    """Make a role."""

    def edit(spec: Spec) -> None:
        roles = spec.setdefault("roles", [])
        if _find(roles, role) is not None:
            raise TrueupError(f"project '{name}' already has role '{role}'", hint="`trueup proj role get` shows it")
        made = {"name": role} | ({"description": description} if description else {})
        _check(name, made)
        roles.append(made)

    _changed(access, name, edit)
    say(f"Role '{role}' created")


@role.command(epilog=examples("trueup proj role delete shop ci"))
@name_argument
@_role_argument
@reach_options
def delete(access: ClusterAccess, name: str, role: str) -> None:
    """Take a role away: its tokens are no good any more."""

    def edit(spec: Spec) -> None:
        spec["roles"] = [each for each in spec.get("roles") or [] if each is not _found(spec, name, role)]

    _changed(access, name, edit)
    say(f"Role '{role}' deleted")


@role.command("list", epilog=examples("trueup proj role list shop"))
@name_argument
@output_option("wide", "name", "json", "yaml")
@reach_options
def list_(access: ClusterAccess, name: str, output: str) -> None:
    """List the roles of a project."""
    roles = _read(access, name).get("spec", {}).get("roles") or []
    if output == "name":
        for each in roles:
            say(each.get("name", ""))
    elif output == "wide":
        table(("ROLE-NAME", "DESCRIPTION"), [(each.get("name", ""), each.get("description", "")) for each in roles])
    else:
        show(roles, output)


@role.command(epilog=examples("trueup proj role get shop ci"))
@name_argument
@_role_argument
@reach_options
def get(access: ClusterAccess, name: str, role: str) -> None:
    """Show a role: its policies, its groups, its tokens."""
    body = _read(access, name)
    found = _found(body.get("spec") or {}, name, role)
    say(f"Role Name:     {role}")
    say(f"Description:   {found.get('description', '')}")
    say("Policies:")
    say(f"p, {role_subject(name, role)}, projects, get, {name}, allow")
    for line in found.get("policies") or []:
        say(line)
    if groups := found.get("groups"):
        say(f"Groups:        {', '.join(groups)}")
    say("JWT Tokens:")
    _tokens(body, role)


def _policy_line(command: Callable[..., None]) -> Callable[..., None]:
    """Options that make one line of a role's policy; the command is handed the line."""

    @click.option("-a", "--action", required=True, help="Such as get, sync, update/*, or * for all.")
    @click.option("-o", "--object", "object_", required=True, help="Object of the project, a glob; without its name.")
    @click.option(
        "-p",
        "--permission",
        type=click.Choice(["allow", "deny"]),
        default="allow",
        show_default=True,
        help="Whether it gives the right or takes it.",
    )
    @click.option("-r", "--resource", default="applications", show_default=True, help="Such as applications or logs.")
    @wraps(command)
    def with_line(
        access: ClusterAccess, name: str, role: str, action: str, object_: str, permission: str, resource: str
    ) -> None:
        command(
            access, name, role, f"p, {role_subject(name, role)}, {resource}, {action}, {name}/{object_}, {permission}"
        )

    return with_line


@role.command("add-policy", epilog=examples("trueup proj role add-policy shop ci --action sync --object web"))
@name_argument
@_role_argument
@reach_options
@_policy_line
def add_policy(access: ClusterAccess, name: str, role: str, line: str) -> None:
    """Let a role do something with the project's objects, or forbid it."""
    _listed(access, name, role, "policies", line, adds=True)


@role.command("remove-policy", epilog=examples("trueup proj role remove-policy shop ci --action sync --object web"))
@name_argument
@_role_argument
@reach_options
@_policy_line
def remove_policy(access: ClusterAccess, name: str, role: str, line: str) -> None:
    """Undo `add-policy`; its options are those that the line was added with."""
    _listed(access, name, role, "policies", line, adds=False)


@role.command("add-group", epilog=examples("trueup proj role add-group shop ci builders"))
@name_argument
@_role_argument
@click.argument("group")
@reach_options
def add_group(access: ClusterAccess, name: str, role: str, group: str) -> None:
    """Give the role to a group of the identity provider."""
    _listed(access, name, role, "groups", group, adds=True)


@role.command("remove-group", epilog=examples("trueup proj role remove-group shop ci builders"))
@name_argument
@_role_argument
@click.argument("group")
@reach_options
def remove_group(access: ClusterAccess, name: str, role: str, group: str) -> None:
    """Take the role away from a group."""
    _listed(access, name, role, "groups", group, adds=False)


@role.command("create-token", epilog=examples("trueup proj role create-token shop ci --expires-in 720h"))
@name_argument
@_role_argument
@click.option("-e", "--expires-in", type=DURATION, default="0s", show_default=True, help="0s for never.")
@click.option("-i", "--id", "id_", default="", help="Id of the token; one is made without.")
@click.option("-t", "--token-only", is_flag=True, help="Print the token alone.")
@server_options
def create_token(access: ServerAccess, name: str, role: str, expires_in: float, id_: str, token_only: bool) -> None:
    """Make a token for a role, by the API server: nobody can see it again."""
    path = f"/api/v1/projects/{escaped(name)}/roles/{escaped(role)}/token"
    body = {"expiresIn": int(expires_in), "id": id_}
    known = access.known()
    token = require_token(ServerClient(known).ask("POST", path, body).get("token"), known.address)
    if token_only:
        raw(token)
        return
    said = claims(token)
    say(f"Create token succeeded for {said.get('sub', '')}.")
    say(f"  ID: {said.get('jti', '')}")
    say(f"  Issued At: {_moment(said.get('iat'))}")
    say(f"  Expires At: {_moment(said.get('exp'))}")
    raw(f"  Token: {token}")


@role.command("delete-token", epilog=examples("trueup proj role delete-token shop ci 1700000000"))
@name_argument
@_role_argument
@click.argument("issued_at", metavar="ISSUED-AT", type=int)
@server_options
def delete_token(access: ServerAccess, name: str, role: str, issued_at: int) -> None:
    """Delete a token of a role, by the API server."""
    ServerClient(access.known()).ask(
        "DELETE", f"/api/v1/projects/{escaped(name)}/roles/{escaped(role)}/token/{issued_at}"
    )


@role.command("list-tokens", epilog=examples("trueup proj role list-tokens shop ci"))
@name_argument
@_role_argument
@reach_options
def list_tokens(access: ClusterAccess, name: str, role: str) -> None:
    """List the tokens of a role."""
    body = _read(access, name)
    _found(body.get("spec") or {}, name, role)
    _tokens(body, role)


def _read(access: ClusterAccess, name: str) -> dict[str, Any]:
    async def one() -> dict[str, Any]:
        async with projects_of(access) as projects:
            return await projects.read(name)

    return asyncio.run(one())


def _changed(access: ClusterAccess, name: str, edit: Callable[[Spec], None]) -> None:
    async def run() -> None:
        async with projects_of(access) as projects:
            await projects.change(name, edit)

    asyncio.run(run())


def _listed(access: ClusterAccess, name: str, role: str, field: str, entry: str, *, adds: bool) -> None:
    def edit(spec: Spec) -> None:
        found = _found(spec, name, role)
        listed = found.setdefault(field, [])
        if adds:
            listed.append(entry)
            _check(name, found)
        elif entry in listed:
            listed.remove(entry)
        else:
            raise TrueupError(f"role '{role}' has no such entry: {entry}", hint="`trueup proj role get` shows them")

    _changed(access, name, edit)
    say(f"Role '{role}' updated")


def _check(project: str, role: dict[str, Any]) -> None:
    check_role(project, msgspec.convert(role, ProjectRole))


def _found(spec: Spec, project: str, role: str) -> dict[str, Any]:
    found = _find(spec.get("roles") or [], role)
    if found is None:
        raise TrueupError(
            f"role '{role}' does not exist in project '{project}'", hint="`trueup proj role list` shows those that do"
        )
    return found


def _find(roles: list[dict[str, Any]], name: str) -> dict[str, Any] | None:
    return next((each for each in roles if each.get("name") == name), None)


def _tokens(body: dict[str, Any], role: str) -> None:
    items = rows(part(part(part(body, "status"), "jwtTokensByRole"), role), "items")
    lines = [(str(each.get("id", "")), _moment(each.get("iat")), _moment(each.get("exp"))) for each in items]
    table(("ID", "ISSUED-AT", "EXPIRES-AT"), lines)


def _moment(seconds: Any) -> str:
    if not seconds:
        return "never"
    try:
        return f"{int(seconds)} ({time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(int(seconds)))})"
    except (TypeError, ValueError, OverflowError, OSError):
        return "unknown"

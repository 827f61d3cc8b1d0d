"""Typed reads of AppProjects."""

from typing import Any

import msgspec

from kubegrammar import depth
from trueup.model.errors import InvalidSpec
from trueup.model.live import LiveObject
from trueup.model.project import Project

SHALLOWER = "take out of that field what is nested"


def read_project(live: LiveObject) -> Project:
    """A project from the object that is stored. One that can be read in part only cannot be read: what is missing might
    have been a denial.

    Raises:
        InvalidSpec: naming the field.
    """
    if place := too_deep(live, "spec"):
        raise InvalidSpec(f"project {live.key.name} cannot be read: {place}", hint=SHALLOWER)
    try:
        project = msgspec.json.decode(live.body, type=Project)
    except msgspec.DecodeError as error:
        raise InvalidSpec(
            f"project {live.key.name} cannot be read: {error}", hint="correct the AppProject's field of that path"
        ) from error
    # Which project it is, is for the server to say.
    metadata = msgspec.structs.replace(project.metadata, name=live.key.name, namespace=live.key.namespace)
    return msgspec.structs.replace(project, metadata=metadata)


def too_deep(live: LiveObject, field: str) -> str:
    """What nests too deeply in a field of an object; empty where nothing does."""
    place = next((place for place in live.deep if place.partition(".")[0] == field), "")
    return f"{place} is nested more than {depth.DEEPEST} levels deep" if place else ""


def with_tokens_of_roles(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """A project that is changed, with the tokens of those roles alone that were there and stay.

    The status lists tokens by the names of roles: one that is made anew would have those of its namesake.
    """
    status = after.get("status")
    listed = status.get("jwtTokensByRole") if isinstance(status, dict) else None
    if not isinstance(status, dict) or not isinstance(listed, dict):
        return after
    stay = _role_names(before) & _role_names(after)
    kept = {role: tokens for role, tokens in listed.items() if role in stay}
    return {**after, "status": {**status, "jwtTokensByRole": kept}}


def orphaned_tokens(live: LiveObject) -> list[str]:
    """Roles that a project's status lists tokens of, and that it does not have: whoever takes a role away with kubectl
    leaves those, and a role that is made anew later would have them."""
    try:
        body = msgspec.json.decode(live.body, type=_Listed)
    except msgspec.DecodeError:
        return []
    names = {each.name for each in (body.spec.roles if body.spec else None) or []}
    return sorted(role for role in (body.status.tokens if body.status else None) or {} if role not in names)


class _Role(msgspec.Struct):
    name: str = ""


class _Roles(msgspec.Struct):
    roles: list[_Role] | None = None


class _Tokens(msgspec.Struct):
    tokens: dict[str, Any] | None = msgspec.field(default=None, name="jwtTokensByRole")


class _Listed(msgspec.Struct):
    spec: _Roles | None = None
    status: _Tokens | None = None


def _role_names(body: dict[str, Any]) -> set[Any]:
    return {each.get("name") for each in (body.get("spec") or {}).get("roles") or []}

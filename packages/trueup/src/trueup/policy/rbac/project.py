"""What the roles of a project may do, and which rows a role may have (Argo CD ``app_project_types.go``).

Rows of a project count for its own objects alone. Where one of them cannot be read, or is about somebody else, the
project's roles have no rights: nobody can say what a row that is left out would have denied.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from kubegrammar import pattern
from kubegrammar.visible import visible
from trueup.model.errors import InvalidSpec
from trueup.model.project import Project, ProjectRole
from trueup.model.subject import role_subject
from trueup.policy.rbac.row import MatchMode, Membership, PolicyRow, Right, RowProblem, read_row
from trueup.policy.rbac.table import PolicyTable
from trueup.policy.rbac.words import OF_ROLES, PROJECTS

_ACTIONS: Final = frozenset({"get", "create", "update", "delete", "sync", "rollback", "override", "*"})
_ACTION_FORMS: Final = ("action/", "update/", "delete/")
_NAME: Final = pattern.compile(r"[*A-Za-z0-9_.-]+")
_ROLE: Final = pattern.compile("[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?")
_IN_GROUPS: Final = frozenset('"\n\r\t')


class ProjectRights(msgspec.Struct, frozen=True):
    """The rows of a project's roles, and why there are none where they cannot be read."""

    table: PolicyTable = PolicyTable()
    problems: tuple[str, ...] = ()


def project_rights(project: Project, mode: MatchMode) -> ProjectRights:
    """The rows of a project's roles: what they say, that each may look at the project, and the groups that have
    them."""
    rows: list[PolicyRow] = []
    problems: list[str] = []
    for index, role in enumerate(project.spec.roles):
        place = f"spec.roles[{index}]"
        try:
            rows += _rows(project.metadata.name, role, mode)
        except RowProblem as problem:
            problems.append(f"AppProject {project.metadata.name}: {place}: {problem}")
    return ProjectRights(PolicyTable([] if problems else rows, mode), tuple(problems))


def _rows(project: str, role: ProjectRole, mode: MatchMode) -> Iterator[PolicyRow]:
    subject = role_subject(project, role.name)
    if not role.name or ":" in role.name:
        raise RowProblem(f"a role has a name without a colon, not {visible(role.name, keep='')!r}")
    # The project's name is compared as it is, whatever the mode.
    yield Right(subject, PROJECTS, "get", project if mode == "glob" else f"^{pattern.escape(project)}$", True)
    for index, line in enumerate(role.policies):
        # Each string is one row: what is smuggled in behind a line break is none.
        try:
            row = read_row(line.strip(), mode)
        except RowProblem as problem:
            raise RowProblem(f"policies[{index}]: {problem}") from None
        if not isinstance(row, Right) or row.subject != subject:
            raise RowProblem(f"policies[{index}]: policy subject must be: '{subject}'")
        yield row
    for group in role.groups:
        name = group_name(group)
        if wrong := group_problem(group):
            raise RowProblem(wrong)
        yield Membership(name, subject)


def check_role(project: str, role: ProjectRole) -> None:
    """Whether a role may be written.

    Raises:
        InvalidSpec: with Argo CD's words.
    """
    if not _ROLE.fullmatch(role.name):
        raise InvalidSpec(
            f"invalid role name '{visible(role.name, keep='')}'. Must consist of alphanumeric characters, '-' or '_', "
            "and must start and end with an alphanumeric character"
        )
    said: set[str] = set()
    for line in role.policies:
        _check_policy(project, role.name, line)
        if line in said:
            raise InvalidSpec(f"policy '{visible(line, keep='')}' already exists for role '{role.name}'")
        said.add(line)
    groups: set[str] = set()
    for group in role.groups:
        if problem := group_problem(group):
            raise InvalidSpec(problem)
        if group in groups:
            raise InvalidSpec(f"group '{visible(group, keep='')}' already exists for role '{role.name}'")
        groups.add(group)


def _check_policy(project: str, role: str, line: str) -> None:
    said = f"invalid policy rule '{visible(line, keep='')}'"
    parts = [part.strip(" ") for part in line.split(",")]
    if len(parts) != 6 or parts[0] != "p":
        raise InvalidSpec(f"{said}: must be of the form: 'p, sub, res, act, obj, eft'")
    _, subject, resource, action, name, effect = parts
    wanted = role_subject(project, role)
    if subject != wanted:
        raise InvalidSpec(f"{said}: policy subject must be: '{wanted}', not '{visible(subject, keep='')}'")
    if resource not in OF_ROLES:
        *most, last = (f"'{each}'" for each in OF_ROLES)
        listed = f"{', '.join(most)} or {last}"
        raise InvalidSpec(f"{said}: project resource must be: {listed}, not '{visible(resource, keep='')}'")
    if action not in _ACTIONS and not action.startswith(_ACTION_FORMS):
        raise InvalidSpec(f"{said}: invalid action '{visible(action, keep='')}'")
    below = name.removeprefix(f"{project}/").split("/")
    if not name.startswith(f"{project}/") or len(below) > 2 or not all(map(_NAME.fullmatch, below)):
        raise InvalidSpec(
            f"{said}: object must be of form '{project}/*', '{project}[/<NAMESPACE>]/<APPNAME>' or "
            f"'{project}/<APPNAME>', not '{visible(name, keep='')}'"
        )
    if effect not in ("allow", "deny"):
        raise InvalidSpec(f"{said}: effect must be: 'allow' or 'deny'")
    try:
        read_row(line, "glob")
    except RowProblem as problem:
        raise InvalidSpec(f"{said}: {problem}") from None


def group_name(group: str) -> str:
    """A group without the quotes that a name with a comma stands in."""
    text = group.strip()
    return text[1:-1] if _quoted(text) else text


def group_problem(group: str) -> str:
    """What is wrong with the name of a group; empty when nothing is."""
    text = group.strip()
    inner = group_name(group)
    if not inner.strip():
        return f"group '{visible(group, keep='')}' is empty"
    if not _IN_GROUPS.isdisjoint(inner) or ("," in inner and not _quoted(text)) or not inner.isprintable():
        return f"group '{visible(group, keep='')}' contains invalid characters"
    return ""


def _quoted(text: str) -> bool:
    return len(text) > 1 and text.startswith('"') and text.endswith('"')

"""May somebody do something? Argo CD's model: some row allows it and none denies it.

First the default role is asked, then who asks, then each group that some ``g`` row names; where one of them may, it may
be done. An object of a project is asked about with the rows of the project's roles beside the others'.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from trueup.model.subject import Principal
from trueup.policy.rbac.builtin import BUILT_IN
from trueup.policy.rbac.config import RbacConfig
from trueup.policy.rbac.project import ProjectRights
from trueup.policy.rbac.table import PolicyTable
from trueup.policy.rbac.words import project_of

DEEPEST: Final = 10
"""Roles of roles of roles: Casbin follows so many, as Argo CD uses it."""

_BUILT_IN: Final = PolicyTable(BUILT_IN)


class Enforcer:
    """Answers by one configuration.

    Args:
        config: what ``argocd-rbac-cm`` says.
        projects: the rows of a project's roles by the project's name; None where there is no such project.
        built_in: whether the built-in policy counts.
    """

    def __init__(
        self,
        config: RbacConfig,
        projects: Callable[[str], ProjectRights | None] = lambda _: None,
        *,
        built_in: bool = True,
    ) -> None:
        self._default = config.default_role
        self._projects = projects
        own = PolicyTable(config.rows, config.mode)
        self._tables = (_BUILT_IN, own) if built_in else (own,)

    def may(self, principal: Principal, resource: str, action: str, name: str) -> bool:
        """Whether somebody may do something to an object.

        Args:
            name: of the object, as :func:`~trueup.policy.rbac.words.object_name` makes it; never a pattern.
        """
        if self._default and self._permits(self._default, resource, action, name, self._tables):
            return True
        tables = self._tables
        if project := project_of(resource, name):
            rights = self._projects(project)
            if rights is not None:
                role = principal.project_role
                if role is not None and role[0] != project:
                    return False
                tables = (*tables, rights.table)
                if self._default and self._permits(self._default, resource, action, name, tables):
                    return True
        return any(
            self._permits(subject, resource, action, name, tables)
            for subject in _subjects(principal, tables)
            if subject
        )

    def _permits(self, subject: str, resource: str, action: str, name: str, tables: tuple[PolicyTable, ...]) -> bool:
        allowed = False
        for role in _roles(subject, tables):
            for table in tables:
                for objects in table.about(role, resource, action):
                    verdict = objects.verdict(name)
                    if verdict is False:
                        return False
                    allowed = allowed or verdict is True
        return allowed


def _subjects(principal: Principal, tables: tuple[PolicyTable, ...]) -> Iterator[str]:
    yield principal.name
    yield from (group for group in principal.groups if any(group in table.roles for table in tables))


def _roles(subject: str, tables: Iterable[PolicyTable]) -> list[str]:
    """A subject and all roles that it has, the nearest first."""
    found, seen = [subject], {subject}
    begin = 0
    for _ in range(DEEPEST):
        end = len(found)
        for member in found[begin:end]:
            for table in tables:
                for role in table.roles.get(member, ()):
                    if role not in seen:
                        seen.add(role)
                        found.append(role)
        if end == len(found):
            break
        begin = end
    return found

"""The rights of the installation as they are now: ``argocd-rbac-cm`` and the roles of projects."""

from collections.abc import Callable, Mapping
from typing import Final

from trueup.model.errors import InvalidSpec
from trueup.model.live import LiveObject
from trueup.model.subject import Principal
from trueup.policy.rbac.config import RbacConfig, read_config
from trueup.policy.rbac.enforcer import Enforcer
from trueup.policy.rbac.project import ProjectRights, project_rights
from trueup.runtime.logger import Logger
from trueup.store.projects import read_project

log = Logger("trueup.rbac")

_NO_MAP: Final[Mapping[str, str]] = {}


class Rights:
    """Answers by what the cluster holds now; what cannot be read leaves the last good in force.

    Args:
        config_map: ``argocd-rbac-cm`` as it is; None where there is none.
        project: a project as it is, by its name.
    """

    def __init__(
        self, config_map: Callable[[], LiveObject | None], project: Callable[[str], LiveObject | None]
    ) -> None:
        self._config_map, self._project = config_map, project
        self._version: str | None = None
        self._config = RbacConfig()
        self._enforcer = Enforcer(self._config, self._of_project)
        self._projects: dict[str, tuple[str, ProjectRights]] = {}

    @property
    def config(self) -> RbacConfig:
        """What is in force."""
        self._read()
        return self._config

    def may(self, principal: Principal, resource: str, action: str, of: str) -> bool:
        """Whether somebody may do something to an object."""
        self._read()
        return self._enforcer.may(principal, resource, action, of)

    def _read(self) -> None:
        live = self._config_map()
        version = live.resource_version if live is not None else ""
        if version == self._version:
            return
        self._version = version
        data = (live.object().get("data") if live is not None else None) or _NO_MAP
        self._config = read_config(data, self._config)
        self._enforcer = Enforcer(self._config, self._of_project)
        self._projects.clear()
        for problem in self._config.refused:
            log.warning("rights are not read, the last good are in force", problem=f"argocd-rbac-cm: {problem}")
        for problem in self._config.warnings:
            log.warning("a right is without effect", problem=f"argocd-rbac-cm: {problem}")

    def _of_project(self, name: str) -> ProjectRights | None:
        live = self._project(name)
        if live is None:
            return None
        known = self._projects.get(name)
        if known is not None and known[0] == live.resource_version:
            return known[1]
        try:
            found = project_rights(read_project(live), self._config.mode)
        except InvalidSpec as error:
            found = ProjectRights(problems=(str(error),))
        for problem in found.problems:
            log.warning("the roles of a project have no rights", project=name, problem=problem)
        self._projects[name] = (live.resource_version, found)
        return found

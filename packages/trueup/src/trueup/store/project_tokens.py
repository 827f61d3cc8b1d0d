"""Tokens of roles of projects, written beside what else a project says of them."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from trueup.kube.client import Client
from trueup.kube.errors import Conflict
from trueup.model.errors import TrueupError
from trueup.model.live import LiveObject
from trueup.model.project import Project
from trueup.store.kinds import PROJECT
from trueup.store.projects import read_project
from trueup.store.vault import FIELD_MANAGER

_TRIES: Final = 6

Tokens = list[dict[str, Any]]


class RoleTokens:
    """Projects of the control namespace, and the tokens of their roles.

    Args:
        stored: a project as the watch cache has it.
    """

    def __init__(self, client: Client, namespace: str, stored: Callable[[str], LiveObject | None]) -> None:
        self._client, self._namespace, self._stored = client, namespace, stored

    def get(self, project: str) -> Project | None:
        """A project as it is; None where there is none.

        Raises:
            InvalidSpec: it cannot be read.
        """
        live = self._stored(project)
        return None if live is None else read_project(live)

    async def change(self, project: str, role: str, decide: Callable[[Project], Tokens]) -> None:
        """Put the tokens that a function makes of a stored project in the place of a role's.

        Raises:
            NotFound: there is no such project.
            TrueupError: it cannot be written.
        """
        for _ in range(_TRIES):
            live = await self._client.get(PROJECT, self._namespace, project)
            tokens = decide(read_project(live))
            body = live.object()
            roles = [dict(each) for each in body["spec"].get("roles", [])]
            for each in roles:
                if each.get("name") == role:
                    # Argo CD keeps them here too.
                    each["jwtTokens"] = tokens
            patch = {
                "metadata": {"resourceVersion": live.resource_version},
                "spec": {"roles": roles},
                "status": {"jwtTokensByRole": {role: {"items": tokens}}},
            }
            try:
                await self._client.patch(
                    PROJECT,
                    self._namespace,
                    project,
                    msgspec.json.encode(patch),
                    kind="merge",
                    manager=FIELD_MANAGER,
                )
            except Conflict:
                continue
            return
        raise TrueupError(f"project {project} is changed by others all the time", hint="try again")

"""Projects as commands reach them: straight on Kubernetes, or through an API server. One port, two fillings."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Protocol

from trueup.cli.connect import ClusterAccess, filling
from trueup.kube.client import Client

if TYPE_CHECKING:
    from trueup.cli.servers.session import ServerSession

Body = dict[str, Any]
Spec = dict[str, Any]


class ProjectsPort(Protocol):
    """All of them that may be seen.

    Raises:
        TrueupError: there is none of that name, it is refused, or nobody answers.
    """

    @property
    def namespace(self) -> str:
        """Where they are; empty where that is the server's to say."""
        ...

    async def list(self) -> list[Body]:
        """All, by their names."""
        ...

    async def read(self, name: str) -> Body:
        """One, as it is stored."""
        ...

    async def change(self, name: str, edit: Callable[[Spec], None]) -> bool:
        """Change its specification in place; whether anything has changed."""
        ...

    async def create(self, body: Body, *, upsert: bool) -> str:
        """Make one; what was done, in a word."""
        ...

    async def delete(self, name: str) -> None:
        """Delete one that no application uses."""
        ...


def projects_of(access: ClusterAccess) -> AbstractAsyncContextManager[ProjectsPort]:
    """The projects that a command is about.

    Raises:
        TrueupError: there is no way to them.
    """

    def served(session: "ServerSession") -> ProjectsPort:
        from trueup.cli.servers.projects import ServedProjects

        return ServedProjects(session)

    def direct(client: Client) -> ProjectsPort:
        from trueup.cli.proj.direct import DirectProjects

        return DirectProjects(client, access.namespace)

    return filling(access, served, direct)

"""Projects as commands reach them: straight on Kubernetes, or through an API server. One port, two fillings."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol

from trueup.cli.connect import ClusterAccess, connected

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


@asynccontextmanager
async def projects_of(access: ClusterAccess) -> AsyncIterator[ProjectsPort]:
    """The projects that a command is about.

    Raises:
        TrueupError: there is no way to them.
    """
    if access.served is not None:
        from trueup.cli.servers.projects import ServedProjects
        from trueup.cli.servers.session import ServerSession

        async with ServerSession(access.served) as session:
            yield ServedProjects(session)
        return
    from trueup.cli.proj.direct import DirectProjects

    async with connected(access) as client:
        yield DirectProjects(client, access.namespace)

"""Repositories as commands reach them: straight on Kubernetes, or through an API server. One port, two fillings."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple, Protocol

from trueup.cli.connect import ClusterAccess, connected
from trueup.store.repository_secrets import RepositorySecret


class RepositoryView(NamedTuple):
    """A repository, without what is secret.

    Attributes:
        problem: why it cannot be read; empty where it can, None where nobody has looked.
    """

    of: RepositorySecret
    problem: str | None


class RepositoriesPort(Protocol):
    """The repositories that are known, or the URLs below which credentials count.

    Raises:
        TrueupError: there is none of that URL, it is refused, or nobody answers.
    """

    async def list(self, *, refresh: bool) -> list[RepositoryView]:
        """All, in the order of their URLs.

        Args:
            refresh: look whether each can be read.
        """
        ...

    async def get(self, url: str, project: str | None) -> RepositoryView:
        """One, and whether it can be read."""
        ...

    async def add(self, data: Mapping[str, str], *, upsert: bool, validate: bool) -> str:
        """Make one known, by the fields of Argo CD's Secrets; what was done, in a word."""
        ...

    async def remove(self, url: str, project: str | None) -> None:
        """Forget one."""
        ...


@asynccontextmanager
async def repositories_of(access: ClusterAccess, kind: str) -> AsyncIterator[RepositoriesPort]:
    """The repositories that a command is about.

    Args:
        kind: of their Secrets, ``repository`` or ``repo-creds``.

    Raises:
        TrueupError: there is no way to them.
    """
    if access.served is not None:
        from trueup.cli.servers.repositories import ServedRepositories
        from trueup.cli.servers.session import ServerSession

        async with ServerSession(access.served) as session:
            yield ServedRepositories(session, kind)
        return
    from trueup.cli.repo.direct import DirectRepositories

    async with connected(access) as client:
        yield DirectRepositories(client, access.namespace, kind)

"""Repositories as commands reach them: straight on Kubernetes, or through an API server. One port, two fillings."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, NamedTuple, Protocol

from trueup.cli.connect import ClusterAccess, filling
from trueup.kube.client import Client
from trueup.store.repository_secrets import RepositorySecret

if TYPE_CHECKING:
    from trueup.cli.servers.session import ServerSession


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


def repositories_of(access: ClusterAccess, kind: str) -> AbstractAsyncContextManager[RepositoriesPort]:
    """The repositories that a command is about.

    Args:
        kind: of their Secrets, ``repository`` or ``repo-creds``.

    Raises:
        TrueupError: there is no way to them.
    """

    def served(session: "ServerSession") -> RepositoriesPort:
        from trueup.cli.servers.repositories import ServedRepositories

        return ServedRepositories(session, kind)

    def direct(client: Client) -> RepositoriesPort:
        from trueup.cli.repo.direct import DirectRepositories

        return DirectRepositories(client, access.namespace, kind)

    return filling(access, served, direct)

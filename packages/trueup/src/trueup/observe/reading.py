"""What is read of repositories. They are kept fresh by somebody else."""

from typing import Protocol

from trueup.model.repository import RepositoryOf
from trueup.sources.port import Origin


class Reading(Protocol):
    """Mirrors, as they are now."""

    def identity(self, repository: str | RepositoryOf) -> str:
        """What the URLs of one repository have in common."""
        ...

    def mirror(self, repository: str | RepositoryOf) -> Origin | None:
        """The mirror, once it has been fetched.

        Raises:
            TrueupError: the last attempt to fetch a mirror that was never there failed.
        """
        ...

    def state(self, repository: str | RepositoryOf) -> int:
        """A number for the refs a mirror has: another one after each change, 0 while there is no mirror."""
        ...

    async def obtain(self, repository: str | RepositoryOf, revision: str) -> bool:
        """Whether the mirror holds a revision; one that it does not follow is asked of the server."""
        ...

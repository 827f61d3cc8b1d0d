"""What is read of repositories. They are kept fresh by somebody else."""

from typing import Protocol

from trueup.model.repository import RepositoryOf
from trueup.sources.port import Origin


class Reading(Protocol):
    """Repositories, as they were when they were last looked at."""

    def identity(self, repository: str | RepositoryOf) -> str:
        """What the URLs of one repository have in common."""
        ...

    def origin(self, repository: str | RepositoryOf) -> Origin | None:
        """Where the files of a repository come from, once it has been looked at.

        Raises:
            TrueupError: there was no look that did not fail.
        """
        ...

    def state(self, repository: str | RepositoryOf) -> int:
        """A number for what a repository has: another one after each change, 0 before the first look."""
        ...

    async def obtain(self, repository: str | RepositoryOf, revision: str) -> bool:
        """Whether a revision is here; one that is not followed is asked of the server."""
        ...

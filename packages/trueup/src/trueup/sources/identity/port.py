"""What an identity is, and what it may ask."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from trueup.model.errors import SourceUnavailable
from trueup.model.repository_url import RepositoryUrl


class IdentityRefused(SourceUnavailable):
    """Whoever exchanges identities answers, and gives nothing for this one."""


class IdentityShown(msgspec.Struct, frozen=True, kw_only=True):
    """What an identity was exchanged for.

    Attributes:
        until: when it ends, in seconds since 1970.
    """

    username: str = ""
    password: str = ""
    bearer_token: str = ""
    until: float

    def __repr__(self) -> str:
        return "Shown(…)"


class Ask(Protocol):
    """Asks a server of identities."""

    async def __call__(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Its answer, an object of JSON.

        Raises:
            IdentityRefused: it gives none for this request.
            SourceUnavailable: it cannot be asked now.
        """
        ...


class Identity(Protocol):
    """Somebody whom a server believes by a signature or a long-lived secret. Compared and hashed by its fields."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What nobody may be told of it."""
        ...

    def subject(self, url: RepositoryUrl) -> str:
        """For what of a repository's URL another exchange is due; empty where one serves all."""
        ...

    async def exchange(self, ask: Ask, url: RepositoryUrl, now: float) -> IdentityShown:
        """What it is exchanged for.

        Args:
            now: seconds since 1970.

        Raises:
            InvalidSpec: its key cannot be read.
            SourceUnavailable: as ``ask``.
        """
        ...

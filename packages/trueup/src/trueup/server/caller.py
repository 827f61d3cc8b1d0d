"""Who asks: all that the rest of the server knows of signing in."""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Final, Protocol

ASKING: Final[ContextVar[str]] = ContextVar("who asks", default="")
"""The name of the caller whose request is being answered: whose share of what is scarce its work takes."""


class Caller(Protocol):
    """Somebody who has signed in, with the rights that they have."""

    @property
    def name(self) -> str:
        """The subject, for the audit trail and ``initiatedBy``."""
        ...

    @property
    def issued_at(self) -> int:
        """When they signed in, in seconds since 1970; 0 where nobody knows."""
        ...

    def may(self, resource: str, action: str, of: str) -> bool:
        """Whether a policy allows this.

        Args:
            resource: such as ``applications``.
            action: such as ``get`` or ``action/apps/Deployment/restart``.
            of: the object, such as ``project/name`` or ``project/namespace/name``.
        """
        ...


class Authenticator(Protocol):
    """Tells who asks."""

    async def authenticate(self, headers: Mapping[str, str]) -> Caller | None:
        """Who has sent a request with these headers, their names in small letters; None where nobody has signed in.

        Raises:
            Fault: a token or cookie that is not, or no longer, good.
        """
        ...


class Nobody:
    """Lets nobody in."""

    async def authenticate(self, headers: Mapping[str, str]) -> Caller | None:
        """Nobody, whoever it is."""
        return None

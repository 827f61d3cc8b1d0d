"""Public keys as commands reach them: straight on Kubernetes, or through an API server. One port, two fillings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from trueup.cli.connect import ClusterAccess, connected
from trueup.model.errors import TrueupError
from trueup.model.public_key import PublicKey


class KeysPort(Protocol):
    """The keys that are known.

    Raises:
        TrueupError: there is none of that name, it is refused, or nobody answers.
    """

    async def all(self) -> list[PublicKey]:
        """All."""
        ...

    async def get(self, key: str) -> PublicKey:
        """One, with the key itself."""
        ...

    async def add(self, text: bytes) -> tuple[int, int]:
        """Make the keys of a text known; how many are new, and how many were there."""
        ...

    async def remove(self, key: str) -> None:
        """Forget one."""
        ...


def unknown(key: str) -> TrueupError:
    """There is none of that name."""
    return TrueupError(f"no key {key[:60]} is known", hint="`trueup gpg list` shows those that are")


@asynccontextmanager
async def keys_of(access: ClusterAccess) -> AsyncIterator[KeysPort]:
    """The keys that a command is about.

    Raises:
        TrueupError: there is no way to them.
    """
    if access.served is not None:
        from trueup.cli.servers.keys import ServedKeys
        from trueup.cli.servers.session import ServerSession

        async with ServerSession(access.served) as session:
            yield ServedKeys(session)
        return
    from trueup.cli.gpg.direct import DirectKeys

    async with connected(access) as client:
        yield DirectKeys(client, access.namespace)

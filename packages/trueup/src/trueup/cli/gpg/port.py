"""Public keys as commands reach them: straight on Kubernetes, or through an API server. One port, two fillings."""

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol

from trueup.cli.connect import ClusterAccess, filling
from trueup.kube.client import Client
from trueup.model.errors import TrueupError
from trueup.model.public_key import PublicKey

if TYPE_CHECKING:
    from trueup.cli.servers.session import ServerSession


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


def keys_of(access: ClusterAccess) -> AbstractAsyncContextManager[KeysPort]:
    """The keys that a command is about.

    Raises:
        TrueupError: there is no way to them.
    """

    def served(session: "ServerSession") -> KeysPort:
        from trueup.cli.servers.keys import ServedKeys

        return ServedKeys(session)

    def direct(client: Client) -> KeysPort:
        from trueup.cli.gpg.direct import DirectKeys

        return DirectKeys(client, access.namespace)

    return filling(access, served, direct)

"""Trusted servers as commands reach them: straight on Kubernetes, or through an API server. One port, two fillings."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

from trueup.cli.connect import ClusterAccess, connected

Entry = dict[str, Any]
"""A certificate or a key, by the fields of Argo CD's API: ``serverName``, ``certType``, ``certSubType``, ``certInfo``,
``certData`` in base64."""


class CertificatesPort(Protocol):
    """What is trusted.

    Raises:
        TrueupError: it is refused, or nobody answers.
    """

    async def all(self, host: str, kind: str) -> list[Entry]:
        """Those of a pattern of hosts, and of a kind, ``ssh`` or ``https``; empty is any."""
        ...

    async def add(self, entries: Sequence[Entry], *, upsert: bool) -> list[Entry]:
        """Trust some; what is new."""
        ...

    async def remove(self, host: str, kind: str, key: str) -> list[Entry]:
        """Trust those of a pattern no more; what is gone.

        Args:
            key: kind of the key, such as ``ssh-ed25519``; empty is any.
        """
        ...


@asynccontextmanager
async def certificates_of(access: ClusterAccess) -> AsyncIterator[CertificatesPort]:
    """What a command is about.

    Raises:
        TrueupError: there is no way to it.
    """
    if access.served is not None:
        from trueup.cli.servers.certificates import ServedCertificates
        from trueup.cli.servers.session import ServerSession

        async with ServerSession(access.served) as session:
            yield ServedCertificates(session)
        return
    from trueup.cli.cert.direct import DirectCertificates

    async with connected(access) as client:
        yield DirectCertificates(client, access.namespace)

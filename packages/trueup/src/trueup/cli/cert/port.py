"""Trusted servers as commands reach them: straight on Kubernetes, or through an API server. One port, two fillings."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Protocol

from trueup.cli.connect import ClusterAccess, filling
from trueup.kube.client import Client

if TYPE_CHECKING:
    from trueup.cli.servers.session import ServerSession

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


def certificates_of(access: ClusterAccess) -> AbstractAsyncContextManager[CertificatesPort]:
    """What a command is about.

    Raises:
        TrueupError: there is no way to it.
    """

    def served(session: "ServerSession") -> CertificatesPort:
        from trueup.cli.servers.certificates import ServedCertificates

        return ServedCertificates(session)

    def direct(client: Client) -> CertificatesPort:
        from trueup.cli.cert.direct import DirectCertificates

        return DirectCertificates(client, access.namespace)

    return filling(access, served, direct)

"""Trusted servers through an API server."""

from collections.abc import Sequence

from trueup.cli.cert.port import Entry
from trueup.cli.servers.session import ServerSession
from trueup.cli.servers.shape import rows

_ALL = "/api/v1/certificates"


class ServedCertificates:
    """Those that the server shows; :class:`~trueup.cli.cert.port.CertificatesPort`."""

    def __init__(self, session: ServerSession) -> None:
        self._session = session

    async def all(self, host: str, kind: str) -> list[Entry]:
        found = await self._session.get(_ALL, {"hostNamePattern": host, "certType": kind})
        return rows(found, "items")

    async def add(self, entries: Sequence[Entry], *, upsert: bool) -> list[Entry]:
        found = await self._session.ask("POST", _ALL, {"upsert": upsert}, {"items": list(entries)})
        return rows(found, "items")

    async def remove(self, host: str, kind: str, key: str) -> list[Entry]:
        query = {"hostNamePattern": host, "certType": kind, "certSubType": key}
        return rows(await self._session.ask("DELETE", _ALL, query), "items")

"""One question at a time to an API server."""

import asyncio
from typing import Any

from trueup.cli.servers.known import KnownServer
from trueup.cli.servers.session import Json, ServerRefused, ServerSession, UnknownCertificate, escaped

__all__ = ["ServerClient", "ServerRefused", "UnknownCertificate", "escaped"]


class ServerClient:
    """Asks a server."""

    def __init__(self, server: KnownServer) -> None:
        self._server = server

    def get(self, path: str) -> Json:
        """What is at a path."""
        return self.ask("GET", path)

    def ask(self, verb: str, path: str, body: Any = None) -> Json:
        """The answer to a question; as :meth:`ServerSession.ask`."""

        async def asked() -> Json:
            async with ServerSession(self._server) as session:
                return await session.ask(verb, path, body=body)

        return asyncio.run(asked())

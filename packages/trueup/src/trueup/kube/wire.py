"""What carries requests to an API server: the port that :class:`~trueup.kube.transport.Transport` speaks through.

There are two: :mod:`trueup.kube.pooledwire` for an engine, with many connections and streams, and
:mod:`trueup.kube.plainwire` for a command that asks a few questions and must not pay for more than those.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

REQUEST_SECONDS = 65.0
"""Deadline of one request, more than the sixty seconds a server gives itself."""
CONNECT_SECONDS = 10.0


class Headers(Protocol):
    """Header fields by name, in any case."""

    def get(self, name: str, default: str, /) -> str: ...


class Answer(msgspec.Struct, frozen=True):
    """An answer, whatever its status.

    Attributes:
        warnings: the values of its Warning headers.
    """

    status: int
    headers: Headers
    body: bytes
    warnings: Sequence[str] = ()


class Lost(Exception):
    """No answer came.

    Attributes:
        cause: why, in words for a person; never a credential.
        connected: the request may have reached the server.
    """

    def __init__(self, cause: str, *, connected: bool = True) -> None:
        super().__init__(cause)
        self.cause = cause
        self.connected = connected


class TooLong(Exception):
    """The answer went past the limit and was dropped. ``status`` is that of the answer."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class WireStream(Protocol):
    """An answer that is read as it comes."""

    status: int

    async def read(self) -> bytes:
        """What has come since; empty at the end.

        Raises:
            Lost: the connection broke.
        """

    async def whole(self, limit: int) -> Answer:
        """The rest of it, for an answer that turned out to be a refusal; of so many bytes.

        Raises:
            Lost, TooLong.
        """

    def close(self) -> None:
        """Let the connection go."""


class Wire(Protocol):
    """Connections to one server, open between ``open`` and ``close``. Redirects are answers."""

    async def open(self) -> None:
        """Called once, before the first request, on the loop that makes them."""

    async def close(self) -> None:
        """Called once, after the last."""

    async def renew(self) -> None:
        """Requests to come go over connections of their own: the client certificate is another one."""

    async def exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, limit: int
    ) -> Answer:
        """One request and its answer.

        Args:
            target: path and query, quoted.
            limit: bytes of the answer, after decompression.

        Raises:
            Lost, TooLong.
        """

    async def stream(self, target: str, headers: Mapping[str, str]) -> WireStream:
        """A GET on a connection of its own; the caller closes the stream.

        Raises:
            Lost.
        """

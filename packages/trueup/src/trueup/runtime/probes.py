"""A kubelet's questions: is the engine alive, and has it begun to work?"""

import asyncio
import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Self

from trueup.model.errors import TrueupError

_SECONDS = 5.0
"""That a question may take to arrive."""
_AT_ONCE = 16
_LONGEST = 4096


class Probes:
    """Answers ``GET /healthz`` as long as the event loop turns, and ``GET /readyz`` once :attr:`ready` is set.

    It says nothing else unless it is given :attr:`pages`: who can reach the port learns no more than that an engine
    runs. More than a few askers at a time, slow ones and long requests are hung up on.

    Args:
        port: to listen on; 0 for none.
        host: the address; by default every one, since a kubelet comes by the Pod's own.
        option: that has named the port, for the error.

    Attributes:
        pages: what is answered beside, by its path: the media type, and what makes the text.

    Raises (on entry):
        TrueupError: the port is taken.
    """

    def __init__(self, port: int, host: str | None = None, option: str = "--probe-port") -> None:
        self.ready = False
        self.pages: dict[bytes, tuple[str, Callable[[], bytes]]] = {}
        self._port, self._host, self._option = port, host or None, option
        self._server: asyncio.Server | None = None
        self._open = 0

    async def __aenter__(self) -> Self:
        if self._port:
            try:
                self._server = await asyncio.start_server(self._answer, self._host, self._port, limit=_LONGEST)
            except OSError as error:
                raise TrueupError(
                    f"port {self._port} cannot be listened on: {error.strerror or error}",
                    hint=f"name another one by {self._option}",
                ) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server:
            self._server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= _AT_ONCE:
                async with asyncio.timeout(_SECONDS):
                    head = await reader.readuntil(b"\r\n\r\n")
                    writer.write(self._said(head))
                    await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self._open -= 1
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(_SECONDS):
                    await writer.wait_closed()

    def _said(self, head: bytes) -> bytes:
        asked = head.split(b"\r\n", 1)[0].split(b" ")[:2]
        status = b"404 Not Found"
        if asked == [b"GET", b"/healthz"] or (asked == [b"GET", b"/readyz"] and self.ready):
            status = b"200 OK"
        elif asked == [b"GET", b"/readyz"]:
            status = b"503 Service Unavailable"
        text, media = status[4:] + b"\n", "text/plain"
        if asked[0] == b"GET" and asked[-1].partition(b"?")[0] in self.pages:
            media, made = self.pages[asked[-1].partition(b"?")[0]]
            status, text = b"200 OK", made()
        return b"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (
            status,
            media.encode(),
            len(text),
            text,
        )

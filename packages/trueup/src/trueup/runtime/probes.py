"""A kubelet's questions: is the engine alive, and has it begun to work?"""

import asyncio
import contextlib
from types import TracebackType
from typing import Self

from trueup.model.errors import TrueupError

_SECONDS = 5.0
"""That a question may take to arrive."""
_AT_ONCE = 16
_LONGEST = 4096


class Probes:
    """Answers ``GET /healthz`` as long as the event loop turns, and ``GET /readyz`` once :attr:`ready` is set.

    It says nothing else: who can reach the port learns no more than that an engine runs. More than a few askers at a
    time, slow ones and long requests are hung up on.

    Args:
        port: to listen on, on every address, since a kubelet comes by the Pod's own; 0 for none.

    Raises (on entry):
        TrueupError: the port is taken.
    """

    def __init__(self, port: int) -> None:
        self.ready = False
        self._port = port
        self._server: asyncio.Server | None = None
        self._open = 0

    async def __aenter__(self) -> Self:
        if self._port:
            try:
                self._server = await asyncio.start_server(self._answer, port=self._port, limit=_LONGEST)
            except OSError as error:
                raise TrueupError(
                    f"port {self._port} cannot be listened on: {error.strerror or error}",
                    hint="name another one by --probe-port",
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
        text = status[4:] + b"\n"
        return b"HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (
            status,
            len(text),
            text,
        )

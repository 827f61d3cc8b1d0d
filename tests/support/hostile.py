"""Servers on the loopback interface that mean ill: silent, endless, trickling."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

Answer = Callable[[BaseHTTPRequestHandler, threading.Event], None]
"""Answers a request, until the event says that the test is over."""


class HostileServer:
    """A context manager that answers every request as one function does.

    Attributes:
        requests: paths asked for, in order.
    """

    def __init__(self, answer: Answer) -> None:
        self.requests: list[str] = []
        self.over = threading.Event()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                owner.requests.append(self.path)
                self.close_connection = True
                try:
                    answer(self, owner.over)
                except OSError:
                    return  # the other side has had enough

            def do_POST(self) -> None:
                self.do_GET()

            def do_HEAD(self) -> None:
                self.do_GET()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing: a test reads ``requests``."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "HostileServer":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def silent(request: BaseHTTPRequestHandler, over: threading.Event) -> None:
    """Take the request and say nothing."""
    over.wait()


def trickling(request: BaseHTTPRequestHandler, over: threading.Event) -> None:
    """An answer of one byte a second, for ever."""
    _begin(request, "application/x-git-upload-pack-advertisement")
    while not over.wait(1.0):
        request.wfile.write(b"0")
        request.wfile.flush()


def huge_refs(request: BaseHTTPRequestHandler, over: threading.Event) -> None:
    """A listing of refs without end (protocol version 0)."""
    _begin(request, "application/x-git-upload-pack-advertisement")
    request.wfile.write(_line(b"# service=git-upload-pack\n") + b"0000")
    request.wfile.write(_line(b"1" * 40 + b" HEAD\0 symref=HEAD:refs/heads/main agent=git/2\n"))
    number = 0
    while not over.is_set():
        block = b"".join(_line(b"1" * 40 + b" refs/heads/branch-%09d\n" % (number + n)) for n in range(2000))
        number += 2000
        request.wfile.write(block)


def endless_pack(request: BaseHTTPRequestHandler, over: threading.Event) -> None:
    """One branch, and a pack for it that announces a million objects and goes on as fast as it is read."""
    if "info/refs" in request.path:
        _begin(request, "application/x-git-upload-pack-advertisement")
        first = b"2" * 40 + b" refs/heads/main\0 side-band-64k ofs-delta agent=git/2\n"
        request.wfile.write(_line(b"# service=git-upload-pack\n") + b"0000" + _line(first) + b"0000")
        return
    request.rfile.read(int(request.headers.get("Content-Length") or 0))
    _begin(request, "application/x-git-upload-pack-result")
    request.wfile.write(_line(b"NAK\n"))
    # A blob of many gigabytes by its header, stored (not packed) in zlib blocks of 65,535 bytes.
    head = b"PACK\0\0\0\2\0\x0f\x42\x40" + b"\xbf\xff\xff\xff\xff\x7f" + b"\x78\x01"
    request.wfile.write(_line(b"\1" + head))
    block = b"\0\xff\xff\0\0" + b"x" * 65535
    stream = block * 4
    while not over.is_set():
        for at in range(0, len(stream), 60000):
            request.wfile.write(_line(b"\1" + stream[at : at + 60000]))


def _begin(request: BaseHTTPRequestHandler, kind: str) -> None:
    request.send_response(200)
    request.send_header("Content-Type", kind)
    request.send_header("Connection", "close")
    request.end_headers()


def _line(content: bytes) -> bytes:
    return b"%04x" % (len(content) + 4) + content

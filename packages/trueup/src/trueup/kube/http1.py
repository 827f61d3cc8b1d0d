"""HTTP/1.1 as one client speaks it to an API server: a request as bytes, an answer from a stream of them (RFC 9112).

No more than that: no pipelining, no upgrade, no request whose body is not known. What a server sends otherwise than the
standard says ends the connection; nothing is guessed.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

import msgspec

from trueup.kube.wire import TooLong

HEAD_LIMIT = 256 * 1024
"""Bytes of everything in an answer that is not its body."""
_PIECE = 1 << 16
_MOST_DIGITS = 16
_BLANKS = " \t"


class Malformed(Exception):
    """What came is no HTTP/1.1 answer, or none that is whole."""


class ByteStream(Protocol):
    """What an answer is read from, such as a socket's file."""

    def readline(self, limit: int, /) -> bytes: ...

    def read(self, size: int, /) -> bytes: ...


class HeaderFields:
    """The header fields of an answer, in their order; names in any case."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._pairs = [(name.lower(), value) for name, value in pairs]

    def all(self, name: str) -> list[str]:
        """Every value of a field."""
        name = name.lower()
        return [value for known, value in self._pairs if known == name]

    def get(self, name: str, default: str = "", /) -> str:
        """The first value of a field."""
        return next(iter(self.all(name)), default)

    def words(self, name: str) -> list[str]:
        """What a field lists, in small letters: ``Connection: close, TE``."""
        return [word.strip().lower() for value in self.all(name) for word in value.split(",") if word.strip()]


class Reply(msgspec.Struct, frozen=True):
    """An answer.

    Attributes:
        reusable: another request may follow on the connection.
    """

    status: int
    fields: HeaderFields
    body: bytes
    reusable: bool


def request_bytes(method: str, target: str, fields: Mapping[str, str], body: bytes | None) -> bytes:
    """A request.

    Args:
        target: path and query, quoted.

    Raises:
        ValueError: something that would not stay in its line, or that a line cannot hold.
    """
    if body is not None or method in ("POST", "PUT", "PATCH"):
        fields = {**fields, "Content-Length": str(len(body or b""))}
    if any(not "!" <= char <= "~" for char in target):
        raise ValueError("a target holds what is not quoted")
    for value in fields.values():
        if any(char < " " or char == "\x7f" for char in value):
            raise ValueError("a header field holds a control character")
    head = "\r\n".join((f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""))
    return head.encode("latin-1") + (body or b"")


def read_reply(stream: ByteStream, limit: int) -> Reply:
    """The answer to a request that was no HEAD.

    Args:
        limit: bytes of the body.

    Raises:
        Malformed.
        TooLong: the body is longer than the limit.
    """
    lines = _Lines(stream)
    status, version = 100, ""
    while 100 <= status < 200:
        # Before the answer there may be others that only say that it will come.
        version, status = _status(lines.next())
        if status == 101:
            raise Malformed("the server changes to another protocol")
        fields = _fields(lines)
    closes = version == "HTTP/1.0" or "close" in fields.words("Connection")
    if status in (204, 304):
        return Reply(status, fields, b"", not closes)
    body, framed = _body(lines, fields, status, limit)
    return Reply(status, fields, body, framed and not closes)


class _Lines:
    """The lines of an answer, within a limit for all of them."""

    def __init__(self, stream: ByteStream) -> None:
        self.stream = stream
        self._left = HEAD_LIMIT

    def next(self) -> bytes:
        """The next one, without its end."""
        line = self.stream.readline(self._left + 1)
        self._left -= len(line)
        if self._left < 0:
            raise Malformed(f"its head is over {HEAD_LIMIT} bytes")
        if not line.endswith(b"\n"):
            raise Malformed("the connection was closed before the answer was whole" if line else "no answer came")
        return line[:-1].removesuffix(b"\r")

    def exactly(self, size: int) -> bytes:
        """So many bytes of the body."""
        pieces, left = [], size
        while left:
            piece = self.stream.read(min(left, _PIECE))
            if not piece:
                raise Malformed("the connection was closed before the answer was whole")
            pieces.append(piece)
            left -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _status(line: bytes) -> tuple[str, int]:
    version, _, rest = line.decode("latin-1").partition(" ")
    code = rest[:3]
    if version not in ("HTTP/1.1", "HTTP/1.0") or not _digits(code) or rest[3:4] not in ("", " ") or code < "100":
        raise Malformed("it does not answer in HTTP/1.1")
    return version, int(code)


def _fields(lines: _Lines) -> HeaderFields:
    pairs: list[tuple[str, str]] = []
    while line := lines.next():
        text = line.decode("latin-1")
        if text[0] in _BLANKS and pairs:
            # Folded, as old servers do.
            name, value = pairs.pop()
            pairs.append((name, f"{value} {text.strip(_BLANKS)}"))
            continue
        name, colon, value = text.partition(":")
        if not colon or not name or any(not "!" <= char <= "~" for char in name):
            raise Malformed("a header field of its answer cannot be read")
        pairs.append((name, value.strip(_BLANKS)))
    return HeaderFields(pairs)


def _body(lines: _Lines, fields: HeaderFields, status: int, limit: int) -> tuple[bytes, bool]:
    """The body, and whether its end was marked, so that the connection can go on."""
    codings = fields.words("Transfer-Encoding")
    if codings == ["chunked"]:
        return _chunks(lines, status, limit), True
    if codings:
        raise Malformed("its answer is encoded for the transfer in a way that was not asked for")
    sizes = set(fields.words("Content-Length"))
    if not sizes:
        return _rest(lines, status, limit), False
    if len(sizes) > 1 or not all(map(_digits, sizes)):
        raise Malformed("the length of its answer cannot be read")
    size = sizes.pop()
    if len(size) > _MOST_DIGITS or int(size) > limit:
        raise TooLong(status)
    return lines.exactly(int(size)), True


def _chunks(lines: _Lines, status: int, limit: int) -> bytes:
    pieces: list[bytes] = []
    left = limit
    while size := _chunk_size(lines.next()):
        if size > left:
            raise TooLong(status)
        left -= size
        pieces.append(lines.exactly(size))
        if lines.next():
            raise Malformed("a chunk of its answer is longer than it says")
    while lines.next():
        pass  # fields behind the body: nobody asked for any
    return b"".join(pieces)


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip(b" \t").decode("latin-1")
    if not 0 < len(digits) <= _MOST_DIGITS or not set(digits) <= _HEXADECIMAL:
        raise Malformed("the size of a chunk of its answer cannot be read")
    return int(digits, 16)


_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")


def _rest(lines: _Lines, status: int, limit: int) -> bytes:
    pieces: list[bytes] = []
    left = limit
    while piece := lines.stream.read(_PIECE):
        left -= len(piece)
        if left < 0:
            raise TooLong(status)
        pieces.append(piece)
    return b"".join(pieces)


def _digits(text: str) -> bool:
    return text.isascii() and text.isdecimal()

"""HTTP/1.1 as one client speaks it to an API server: a request as bytes, an answer from a stream of them (RFC 9112).

A body is read whole or as it comes. No more than that: no pipelining, no upgrade, no request whose body is not known.
What a server sends otherwise than the standard says ends the connection; nothing is guessed.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

import msgspec

from trueup.kube.wire import TooLong

HEAD_LIMIT = 256 * 1024
"""Bytes of everything in an answer that is not its body."""
_PIECE = 1 << 16
_MOST_DIGITS = 16
_CHUNK_LINES = 16
"""Bytes that say how long a chunk is."""
_BLANKS = " \t"


class Malformed(Exception):
    """What came is no HTTP/1.1 answer, or none that is whole."""


class ByteStream(Protocol):
    """What an answer is read from, such as a socket's file."""

    def readline(self, limit: int, /) -> bytes: ...

    def read(self, size: int, /) -> bytes: ...

    def read1(self, size: int, /) -> bytes: ...


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


class Opening(msgspec.Struct, frozen=True):
    """An answer whose body is read as it comes.

    Attributes:
        size: bytes of the body, where its head says so.
        pieces: of the body. They raise Malformed where it is cut off, and after the last one another request may follow
            on the connection, where the answer is ``reusable``.
    """

    status: int
    fields: HeaderFields
    size: int | None
    pieces: Iterator[bytes]
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
    opening = open_reply(stream)
    return Reply(opening.status, opening.fields, whole_body(opening, limit), opening.reusable)


def whole_body(opening: Opening, limit: int) -> bytes:
    """The rest of a body.

    Raises:
        Malformed.
        TooLong: it is longer than the limit.
    """
    if opening.size is not None and opening.size > limit:
        raise TooLong(opening.status)
    pieces: list[bytes] = []
    left = limit
    for piece in opening.pieces:
        left -= len(piece)
        if left < 0:
            raise TooLong(opening.status)
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def open_reply(stream: ByteStream) -> Opening:
    """The head of the answer to a request that was no HEAD.

    Raises:
        Malformed.
    """
    lines = _Lines(stream)
    status, version = 100, ""
    while 100 <= status < 200:
        # Before the answer there may be others that only say that it will come.
        version, status = _status(lines.next())
        if status == 101:
            raise Malformed("the server changes to another protocol")
        fields = _fields(lines)
    lasting = version != "HTTP/1.0" and "close" not in fields.words("Connection")
    if status in (204, 304):
        return Opening(status, fields, 0, iter(()), lasting)
    codings = fields.words("Transfer-Encoding")
    if codings == ["chunked"]:
        return Opening(status, fields, None, _chunks(lines), lasting)
    if codings:
        raise Malformed("its answer is encoded for the transfer in a way that was not asked for")
    size = _size(fields)
    if size is None:
        return Opening(status, fields, None, _rest(stream), False)
    return Opening(status, fields, size, lines.exactly(size), lasting)


class _Lines:
    """The lines of an answer, within a limit for all that come before a piece of its body."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._left = HEAD_LIMIT

    def next(self) -> bytes:
        """The next one, without its end."""
        line = self._stream.readline(self._left + 1)
        self._left -= len(line)
        if self._left < 0:
            raise Malformed(f"its head is over {HEAD_LIMIT} bytes")
        if not line.endswith(b"\n"):
            raise Malformed("the connection was closed before the answer was whole" if line else "no answer came")
        return line[:-1].removesuffix(b"\r")

    def exactly(self, size: int) -> Iterator[bytes]:
        """So many bytes of the body."""
        while size:
            piece = self._stream.read(min(size, _PIECE))
            if not piece:
                raise Malformed("the connection was closed before the answer was whole")
            size -= len(piece)
            # A stream may go on for days: its lines are counted anew with what they bring.
            self._left = min(HEAD_LIMIT, self._left + len(piece) + _CHUNK_LINES)
            yield piece


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


def _size(fields: HeaderFields) -> int | None:
    sizes = set(fields.words("Content-Length"))
    if not sizes:
        return None
    if len(sizes) > 1 or not all(map(_digits, sizes)):
        raise Malformed("the length of its answer cannot be read")
    digits = sizes.pop()
    # More than anybody takes: no number is made of what may be a million digits.
    return int(digits) if len(digits) <= _MOST_DIGITS else 10**_MOST_DIGITS


def _chunks(lines: _Lines) -> Iterator[bytes]:
    while size := _chunk_size(lines.next()):
        yield from lines.exactly(size)
        if lines.next():
            raise Malformed("a chunk of its answer is longer than it says")
    while lines.next():
        pass  # fields behind the body: nobody asked for any


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip(b" \t").decode("latin-1")
    if not 0 < len(digits) <= _MOST_DIGITS or not set(digits) <= _HEXADECIMAL:
        raise Malformed("the size of a chunk of its answer cannot be read")
    return int(digits, 16)


_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")


def _rest(stream: ByteStream) -> Iterator[bytes]:
    while piece := stream.read1(_PIECE):
        yield piece


def _digits(text: str) -> bool:
    return text.isascii() and text.isdecimal()

"""An answer of HTTP/1.1: what a server may write, and what ends the connection instead."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.kube.http1 import HEAD_LIMIT, Malformed, read_reply, request_bytes
from trueup.kube.wire import TooLong

OK = b"HTTP/1.1 200 OK\r\n"
LIMIT = 1000

WHOLE: dict[str, tuple[bytes, int, bytes, bool]] = {
    "a length": (OK + b"Content-Length: 2\r\n\r\nab", 200, b"ab", True),
    "a length said twice the same": (OK + b"Content-Length: 2\r\ncontent-length:2\r\n\r\nab", 200, b"ab", True),
    "chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n1;x=y\r\nb\r\n0\r\n\r\n", 200, b"ab", True),
    "chunks win over a length": (
        OK + b"Content-Length: 9\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nab\r\n0\r\nDigest: x\r\n\r\n",
        200,
        b"ab",
        True,
    ),
    "up to the end": (OK + b"\r\nab", 200, b"ab", False),
    "no more after this": (OK + b"Connection: TE, close\r\nContent-Length: 2\r\n\r\nab", 200, b"ab", False),
    "an old server": (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab", 200, b"ab", False),
    "it will come": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + OK + b"\r\n",
        200,
        b"",
        False,
    ),
    "no body": (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nHTTP/", 204, b"", True),
    "not modified": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, b"", True),
    "no reason": (b"HTTP/1.1 429\r\nContent-Length: 0\r\n\r\n", 429, b"", True),
    "bare line feeds": (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nab", 200, b"ab", True),
}


@pytest.mark.parametrize("said", WHOLE)
def test_an_answer_ends_where_its_server_says(said: str) -> None:
    data, status, body, reusable = WHOLE[said]
    reply = read_reply(io.BytesIO(data), LIMIT)
    assert (reply.status, reply.body, reply.reusable) == (status, body, reusable)


BROKEN = {
    "nothing": b"",
    "another protocol": b"SSH-2.0-OpenSSH\r\n",
    "a newer protocol": b"HTTP/2 200\r\n\r\n",
    "no number": b"HTTP/1.1 2x0 OK\r\n\r\n",
    "digits of another script": "HTTP/1.1 ²00 OK\r\n\r\n".encode("latin-1"),
    "another protocol from here on": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "a field without a colon": OK + b"Content-Length\r\n\r\n",
    "a blank before a colon": OK + b"Content-Length : 2\r\n\r\nab",
    "a field without a name": OK + b": 2\r\n\r\nab",
    "folded before any field": OK + b" a\r\n\r\n",
    "two lengths": OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
    "a length below nothing": OK + b"Content-Length: -1\r\n\r\n",
    "a coding that nobody asked for": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    "less than its length": OK + b"Content-Length: 3\r\n\r\nab",
    "no end of its head": OK + b"Content-Length: 0\r\n",
    "a chunk of no size": OK + b"Transfer-Encoding: chunked\r\n\r\n\r\n",
    "a chunk of a negative size": OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
    "a chunk of half a size": OK + b"Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
    "a chunk longer than it says": OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
    "no last chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
    "fields without end": OK + b"A: b\r\n" * HEAD_LIMIT,
    "answers that never come": b"HTTP/1.1 100 Continue\r\n\r\n" * HEAD_LIMIT,
    "a line without end": b"HTTP/1.1 200 " + b"a" * (HEAD_LIMIT + 1),
    "chunks that say more than they hold": (
        OK + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"a" * HEAD_LIMIT + b"\r\na\r\n0\r\n\r\n"
    ),
}


@pytest.mark.parametrize("said", BROKEN)
def test_what_is_no_answer_ends_the_connection(said: str) -> None:
    with pytest.raises(Malformed):
        read_reply(io.BytesIO(BROKEN[said]), LIMIT)


LONG = {
    "by its length": OK + b"Content-Length: 1001\r\n\r\n",
    "by a length that is no length": OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "by its chunks": OK
    + b"Transfer-Encoding: chunked\r\n\r\n"
    + (b"190\r\n" + b"a" * 400 + b"\r\n") * 3
    + b"0\r\n\r\n",
    "without a word": OK + b"\r\n" + b"a" * 1001,
}


@pytest.mark.parametrize("said", LONG)
def test_an_answer_over_the_limit_is_left_unread(said: str) -> None:
    with pytest.raises(TooLong) as caught:
        read_reply(io.BytesIO(LONG[said]), LIMIT)
    assert caught.value.status == 200


def test_fields_are_found_in_any_case_and_every_time_they_are_said() -> None:
    data = OK + b'Warning: 299 - "a"\r\nX: 1\r\nwarning:\t299 - "b"\r\n  folded\r\nContent-Length: 0\r\n\r\n'
    fields = read_reply(io.BytesIO(data), LIMIT).fields
    assert fields.all("WARNING") == ['299 - "a"', '299 - "b" folded']
    assert (fields.get("x", ""), fields.get("y", "none")) == ("1", "none")


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=6), st.binary(max_size=10))
def test_a_body_is_the_same_in_chunks_and_whole_and_what_follows_is_left(pieces: list[bytes], after: bytes) -> None:
    whole = b"".join(pieces)
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    for head, body in (
        (b"Content-Length: %d\r\n\r\n" % len(whole), whole),
        (b"Transfer-Encoding: chunked\r\n\r\n", chunks + b"0\r\n\r\n"),
    ):
        stream = io.BytesIO(OK + head + body + after)
        assert read_reply(stream, LIMIT).body == whole
        assert stream.read() == after


@given(st.binary(max_size=200))
def test_whatever_a_server_writes_is_an_answer_or_none(data: bytes) -> None:
    for start in (b"", OK, OK + b"Transfer-Encoding: chunked\r\n\r\n"):
        try:
            reply = read_reply(io.BytesIO(start + data), LIMIT)
        except (Malformed, TooLong):
            continue
        assert len(reply.body) <= LIMIT


REQUESTS = {
    "a read": (("GET", "/a?b=c", {"Host": "h"}, None), b"GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n"),
    "a write": (("PUT", "/a", {}, b"xy"), b"PUT /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nxy"),
    "a write of nothing": (("POST", "/a", {}, None), b"POST /a HTTP/1.1\r\nContent-Length: 0\r\n\r\n"),
}


@pytest.mark.parametrize("asked", REQUESTS)
def test_a_request_says_how_long_it_is(asked: str) -> None:
    (method, target, fields, body), expected = REQUESTS[asked]
    assert request_bytes(method, target, fields, body) == expected


@pytest.mark.parametrize(
    ("target", "value"), [("/a\r\nX: y", ""), ("/a b", ""), ("/ä", ""), ("/", "a\r\nX: y"), ("/", "\0")]
)
def test_nothing_gets_out_of_its_line(target: str, value: str) -> None:
    with pytest.raises(ValueError, match="holds"):
        request_bytes("GET", target, {"Impersonate-User": value}, None)

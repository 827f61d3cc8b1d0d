"""Messages between the pool and its children: a length, then msgpack."""

import struct

import msgspec

from trueup.model.manifest import Rendering
from trueup.render.job import Recipe

HEADER = struct.Struct(">Q")
READY = b"R"
"""What a child says first, once it can take tasks; then a frame with what it is enclosed by."""

MAX_FRAME = 256 * 1024 * 1024
"""Bytes of one message; a child that announces more is broken."""


class RenderTask(msgspec.Struct, frozen=True):
    """A render to do."""

    recipe: Recipe
    files: dict[str, bytes]
    cpu_seconds: int


class Done(msgspec.Struct, frozen=True, tag=True):
    """The child's answer."""

    rendering: Rendering


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The source's fault, or a limit.

    Attributes:
        narrow: a file outside the closure was looked for.
        stopped: a limit of this machine was met, which says nothing certain about the source.
    """

    message: str
    hint: str = ""
    narrow: bool = False
    stopped: bool = False


Answer = Done | Failed

_encoder = msgspec.msgpack.Encoder()
_tasks = msgspec.msgpack.Decoder(RenderTask)
_answers: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


def pack(message: RenderTask | Answer) -> bytes:
    """The body of a frame."""
    return _encoder.encode(message)


def framed(body: bytes) -> bytes:
    """One whole frame."""
    return HEADER.pack(len(body)) + body


def unpack_task(body: bytes) -> RenderTask:
    return _tasks.decode(body)


def unpack_answer(body: bytes) -> Answer:
    return _answers.decode(body)

"""The description as values."""

from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

SCALARS = ("string", "bool", "int32", "int64", "bytes")
Label = Literal["", "repeated", "required", "pointer", "map"]
"""``required`` is written even where it is empty, ``pointer`` tells empty from absent, ``map`` has words for keys."""


class FieldOf(msgspec.Struct, frozen=True):
    """A field of a message.

    Attributes:
        number: on the wire.
        name: on the wire.
        type: a scalar, or the full name of a message.
        json: the key that JSON has for it.
        inline: JSON has the fields of the message in place of the message.
    """

    number: int
    name: str
    type: str
    label: Label
    json: str
    inline: bool = False

    @property
    def scalar(self) -> bool:
        """Whether values are no messages."""
        return self.type in SCALARS


class MessageOf(msgspec.Struct, frozen=True):
    """A message by its full name."""

    name: str
    fields: tuple[FieldOf, ...]

    def field(self, name: str) -> FieldOf | None:
        """By the name that JSON or the wire has for it."""
        return next((each for each in self.fields if name in (each.json, each.name)), None)


class Binding(msgspec.Struct, frozen=True):
    """How REST asks for a method.

    Attributes:
        path: segments, some of them ``{field}`` or ``{field.of.field}``; ``{field=**}`` is all that follows.
        body: the field that the body is; ``*`` for the message itself, empty for none.
    """

    verb: str
    path: str
    body: str = ""


class MethodOf(msgspec.Struct, frozen=True):
    """A method of a service.

    Attributes:
        service: its full name.
        request: the full name of a message.
        response: likewise, of each one where there are many.
        streams: whether there are many.
        uploads: whether many are sent.
    """

    service: str
    name: str
    request: str
    response: str
    streams: bool
    bindings: tuple[Binding, ...]
    uploads: bool = False

    @property
    def path(self) -> str:
        """As gRPC asks for it."""
        return f"/{self.service}/{self.name}"

    @property
    def key(self) -> str:
        """``Service.Method``, without the package."""
        return f"{self.service.rpartition('.')[2]}.{self.name}"


class Description(msgspec.Struct, frozen=True):
    """All messages and methods, by their full names."""

    messages: Mapping[str, MessageOf]
    services: Mapping[str, tuple[MethodOf, ...]]

    def methods(self) -> Iterator[MethodOf]:
        """Of all services, in the order of the description."""
        for methods in self.services.values():
            yield from methods

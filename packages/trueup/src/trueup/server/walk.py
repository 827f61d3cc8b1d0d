"""Pages that a browser walks through, beside what is asked by the description."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec


class WalkAnswer(msgspec.Struct, frozen=True):
    """What a browser is told.

    Attributes:
        location: where it goes; empty to stay, with the text.
        cookies: ``Set-Cookie`` values.
    """

    status: int
    location: str = ""
    cookies: tuple[str, ...] = ()
    text: str = ""


Walk = Callable[[Mapping[str, str], Mapping[str, str]], Awaitable[WalkAnswer]]
"""From headers, by their names in small letters, and the query."""

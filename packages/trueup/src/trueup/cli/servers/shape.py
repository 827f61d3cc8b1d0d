"""What an answer of a server must be made of, for what is read of it: a server is nobody that is to be believed."""

from typing import Any

import msgspec

from trueup.model.errors import TrueupError

Json = dict[str, Any]


class StrangeAnswer(TrueupError):
    """An answer is made of something else than an API server's is."""

    def __init__(self, name: str, meant: str) -> None:
        super().__init__(
            f"the server's answer cannot be read: {name} is no {meant}", hint="is it an API server of Argo CD's kind?"
        )


def rows(body: Json, name: str) -> list[Json]:
    """A list of objects; empty where there is none.

    Raises:
        StrangeAnswer: it is something else.
    """
    found = body.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise StrangeAnswer(name, "list of objects")
    return found


def part(body: Json, name: str) -> Json:
    """An object; empty where there is none.

    Raises:
        StrangeAnswer: it is something else.
    """
    found = body.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise StrangeAnswer(name, "object")
    return found


def word(body: Json, name: str) -> str:
    """A text; empty where there is none.

    Raises:
        StrangeAnswer: it is something else.
    """
    found = body.get(name)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise StrangeAnswer(name, "text")
    return found


def words(body: Json, name: str) -> list[str]:
    """A list of texts; empty where there is none.

    Raises:
        StrangeAnswer: it is something else.
    """
    found = body.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise StrangeAnswer(name, "list of texts")
    return found


def unpacked(text: str, name: str) -> Json | None:
    """An object that is told as a text of JSON; None where it is empty or ``null``.

    Raises:
        StrangeAnswer: it is something else.
    """
    try:
        found = msgspec.json.decode(text) if text else None
    except (msgspec.DecodeError, RecursionError) as error:
        raise StrangeAnswer(name, "JSON") from error
    if found is not None and not isinstance(found, dict):
        raise StrangeAnswer(name, "object as JSON")
    return found

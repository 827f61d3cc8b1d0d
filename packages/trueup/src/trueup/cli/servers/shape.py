"""What an answer of a server must be made of, for what is read of it: a server is nobody that is to be believed."""

from typing import Any, TypeVar

import msgspec

from trueup.model.errors import TrueupError

Json = dict[str, Any]
T = TypeVar("T")


class StrangeAnswer(TrueupError):
    """An answer is made of something else than an API server's is."""

    def __init__(self, name: str, meant: str) -> None:
        super().__init__(
            f"the server's answer cannot be read: {name} is no {meant}", hint="is it an API server of Argo CD's kind?"
        )


def _of_kind(body: Json, name: str, kind: type[T], meant: str) -> T:
    found = body.get(name)
    if found is None:
        return kind()
    if not isinstance(found, kind):
        raise StrangeAnswer(name, meant)
    return found


def _listed(body: Json, name: str, kind: type[T], meant: str) -> list[T]:
    found: list[Any] = _of_kind(body, name, list, meant)
    if not all(isinstance(each, kind) for each in found):
        raise StrangeAnswer(name, meant)
    return found


def rows(body: Json, name: str) -> list[Json]:
    """A list of objects; empty where there is none.

    Raises:
        StrangeAnswer: it is something else.
    """
    return _listed(body, name, dict, "list of objects")


def part(body: Json, name: str) -> Json:
    """An object; empty where there is none.

    Raises:
        StrangeAnswer: it is something else.
    """
    return _of_kind(body, name, dict, "object")


def word(body: Json, name: str) -> str:
    """A text; empty where there is none.

    Raises:
        StrangeAnswer: it is something else.
    """
    return _of_kind(body, name, str, "text")


def words(body: Json, name: str) -> list[str]:
    """A list of texts; empty where there is none.

    Raises:
        StrangeAnswer: it is something else.
    """
    return _listed(body, name, str, "list of texts")


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

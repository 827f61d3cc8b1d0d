"""Secrets by their value: found in a text in every spelling they may be met in, whole or as a piece.

A mask answers a guess: who writes a word and reads ``******`` knows that it is a secret. So what the author of a text
wrote himself is told as he wrote it (:func:`written`), whether or not it is a secret that somebody else has.
"""

import base64
from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import quote, quote_plus, unquote

import msgspec

from kubegrammar.named_secrets import MASK
from kubegrammar.redact import encodable

SHORTEST: Final = 6
"""Characters of a value that is looked for: a shorter one occurs in honest words."""
PIECE: Final = 16
"""Characters of a piece of a value that is hidden where the whole is not there."""
LONGEST: Final = 64 * 1024
"""Characters of a value that are looked for; what comes behind them is told by no message of ours."""
MOST: Final = 1024 * 1024
"""Characters of all values together, as they are spelt."""
_LINE: Final = 12
"""Characters of a line that is looked for though it is a part of a value only."""
_GRAM: Final = 4


class Hidden:
    """Values that are not to be told.

    A text is searched in time that grows with its length, not with the number of values: whole values are known by how
    they begin, pieces by every fourth run of four characters, from which a match grows in both directions.

    Args:
        values: texts; lines of one with several are values of their own. Words such as ``enabled`` are none.
        plain: what is told anyway, such as names of objects: a value that is one of these is no secret.
    """

    def __init__(self, values: Iterable[str], plain: Iterable[str] = ()) -> None:
        self._wholes: dict[str, dict[int, set[str]]] = {}
        self._pieces: dict[str, list[tuple[str, int]]] = {}
        told, left = _PLAIN_WORDS.union(text.lower() for text in plain), MOST
        known: set[str] = set()
        for value in values:
            for text in _texts(value):
                if text.lower() in told or text in known:
                    continue
                known.add(text)
                for spelling in dict.fromkeys(spellings(text)):
                    if (left := left - len(spelling)) < 0:
                        return
                    self._learn(spelling)

    def _learn(self, spelling: str) -> None:
        self._wholes.setdefault(spelling[:_GRAM], {}).setdefault(len(spelling), set()).add(spelling)
        for offset in range(0, len(spelling) - _GRAM + 1, _GRAM) if len(spelling) > PIECE else ():
            known = self._pieces.setdefault(spelling[offset : offset + _GRAM], [])
            if len(known) < _MOST_ALIKE:
                known.append((spelling, offset))

    def __bool__(self) -> bool:
        return bool(self._wholes)

    def hide(self, text: str, written: Callable[[str], bool] | None = None) -> str:
        """The text with ``******`` for each value in it.

        Args:
            written: whether words are those of who reads the text: they are told.
        """
        if not self._wholes:
            return text
        text, pieces, done, at, floor = encodable(text), list[str](), 0, 0, 0
        while at <= len(text) - _GRAM:
            gram = text[at : at + _GRAM]
            if gram not in self._wholes and gram not in self._pieces:
                at += 1
                continue
            begin, end = self._found(text, at, floor)
            if begin == end:
                at += 1
                continue
            at = floor = end
            if written is None or not written(text[begin:end]):
                pieces += [text[done:begin], MASK]
                done = end
        return "".join((*pieces, text[done:])) if pieces else text

    def _found(self, text: str, at: int, floor: int) -> tuple[int, int]:
        """Where the longest value or piece around a place begins and ends; twice the same for none."""
        gram, spans = text[at : at + _GRAM], [(at, at)]
        if lengths := self._wholes.get(gram):
            spans += [(at, at + length) for length, known in lengths.items() if text[at : at + length] in known]
        spans += [_grown(text, at, floor, *each) for each in self._pieces.get(gram, ())]
        return max(spans, key=lambda span: span[1] - span[0])


def written(texts: Callable[[], Iterable[str]]) -> Callable[[str], bool]:
    """Whether words stand in one of the texts, as they are or as a URL spells them, whatever the case of their letters.

    Args:
        texts: asked for when the first words are.
    """
    known: list[str] = []

    def stands(words: str) -> bool:
        if not known:
            all_of_it = "\0".join(encodable(text) for text in texts())
            known.append("\0".join(dict.fromkeys((all_of_it, unquote(all_of_it)))).lower())
        return words.lower() in known[0]

    return stands


_MOST_ALIKE: Final = 64
_PLAIN_WORDS: Final = frozenset(("default", "disabled", "enabled", "localhost", "password", "postgres", "undefined"))


def _grown(text: str, at: int, floor: int, spelling: str, offset: int) -> tuple[int, int]:
    """What of a spelling stands around a place, where that is enough to tell."""
    begin, start = at, offset
    while begin > floor and start > 0 and text[begin - 1] == spelling[start - 1]:
        begin, start = begin - 1, start - 1
    end, stop = at + _GRAM, offset + _GRAM
    while end < len(text) and stop < len(spelling) and text[end] == spelling[stop]:
        end, stop = end + 1, stop + 1
    return (begin, end) if end - begin >= PIECE else (at, at)


def spellings(text: str) -> Iterable[str]:
    """How a value may be spelt: plain, in JSON, in URLs, in hexadecimals, in base64 wherever it stands in a text."""
    data = text.encode("utf-8", "backslashreplace")
    yield text
    escaped = msgspec.json.encode(text.encode("utf-8", "replace").decode()).decode()[1:-1]
    yield escaped
    yield "".join(_GO_ESCAPES.get(char, char) for char in escaped)
    yield escaped.encode("ascii", "backslashreplace").decode()
    yield text.replace("'", "''")
    for quoted in (quote(data, safe=""), quote(data), quote_plus(data)):
        yield quoted
        yield _lower_percent(quoted)
    yield data.hex()
    yield data.hex().upper()
    for shift in range(3):
        # Digits at either end hold bits of what stands beside the value.
        digits = base64.b64encode(bytes(shift) + data).decode().rstrip("=")
        first, whole = (0, 2, 3)[shift], (shift + len(data)) % 3 == 0
        inner = digits[first : None if whole else -1]
        if len(inner) >= SHORTEST:
            yield inner
            yield inner.translate(_URL_SAFE)


_GO_ESCAPES: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_URL_SAFE: Final = str.maketrans("+/", "-_")


def _lower_percent(quoted: str) -> str:
    parts = quoted.split("%")
    return "%".join((parts[0], *(part[:2].lower() + part[2:] for part in parts[1:])))


def _texts(value: str) -> Iterable[str]:
    """What of a value is looked for: it, and those of its lines that are long enough to tell."""
    value = encodable(value)[:LONGEST]
    lines = [line for line in map(str.strip, value.splitlines()) if len(line) >= _LINE and not line.startswith("-----")]
    for text in dict.fromkeys((value, value.strip(), *lines)):
        if len(text) >= SHORTEST and not text.isspace():
            yield text


def secret_values(obj: Any) -> Iterable[str]:
    """The values of a Secret as an API server or a manifest has it: plain where they are text, and as they are encoded.

    Args:
        obj: an object of kind Secret; what is not as it should be is taken as it is.
    """
    if not isinstance(obj, dict):
        return
    for field in ("data", "stringData"):
        for text in leaves(obj.get(field)):
            yield text
            if field == "data":
                try:
                    yield base64.b64decode(text, validate=True).decode()
                except ValueError:
                    continue


def leaves(value: Any) -> Iterable[str]:
    """All texts and numbers of JSON-like data."""
    pending = [value]
    while pending:
        match pending.pop():
            case str() as text:
                yield text
            case dict() as mapping:
                pending += mapping.values()
            case list() as entries:
                pending += entries
            case int() | float() as number if not isinstance(number, bool):
                yield str(number)

"""Label selectors in requests (apimachinery ``labels``): ``app=web,tier in (a, b),!canary``."""

import re
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from pocketkube.cluster.failure import Failure
from pocketkube.cluster.names import label_key, label_value

_TOKEN: Final = re.compile(r"[ \t\r\n]*(?:(==|!=|[=!(),<>])|([^ \t\r\n=!(),<>\0]+)|\Z)")
_WORDS: Final = ("in", "notin")
_COMPARES: Final = ("=", "==", "!=", "<", ">")
_OPERATORS: Final = "in, notin, =, ==, !=, gt, lt"
_END: Final = ""
_LARGEST: Final = (1 << 63) - 1

_HOLDS: Final[Mapping[str, Callable[[str | None, tuple[str, ...]], bool]]] = {
    "in": lambda label, values: label in values,
    "notin": lambda label, values: label is None or label not in values,
    "exists": lambda label, values: label is not None,
    "!": lambda label, values: label is None,
    ">": lambda label, values: _number(label) is not None and (_number(label) or 0) > int(values[0]),
    "<": lambda label, values: _number(label) is not None and (_number(label) or 0) < int(values[0]),
}
_SAME: Final = {"=": "in", "==": "in", "!=": "notin"}


class Requirement(msgspec.Struct, frozen=True):
    """One condition; ``operator`` is a key of the table above."""

    key: str
    operator: str
    values: tuple[str, ...] = ()


class LabelSelector(msgspec.Struct, frozen=True):
    """Conditions that must all hold."""

    requirements: tuple[Requirement, ...]

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(_HOLDS[one.operator](labels.get(one.key), one.values) for one in self.requirements)


def parse_labels(text: str) -> LabelSelector:
    """Raises:
    Failure: BadRequest, in the real server's words.
    """
    return LabelSelector(tuple(_Parser(text).parse()))


class _Parser:
    """Recursive descent; the end is an empty word."""

    def __init__(self, text: str) -> None:
        self._words = _words(text)
        self._position = 0

    def parse(self) -> list[Requirement]:
        found: list[Requirement] = []
        while (word := self._peek()) != _END:
            if not (_is_word(word) or word == "!"):
                raise _bad(f"found '{word}', expected: !, identifier, or 'end of string'")
            try:
                found.append(self._requirement())
            except Failure as failure:
                raise _bad(f"unable to parse requirement: {failure.message}") from None
            word = self._take()
            if word == _END:
                break
            if word != ",":
                raise _bad(f"found '{word}', expected: ',' or 'end of string'")
            following = self._peek()
            if not (_is_word(following) or following == "!"):
                raise _bad(f"found '{following}', expected: identifier after ','")
        return found

    def _peek(self) -> str:
        return self._words[min(self._position, len(self._words) - 1)]

    def _take(self) -> str:
        word = self._peek()
        self._position += 1
        return word

    def _requirement(self) -> Requirement:
        word = self._take()
        absent = word == "!"
        if absent:
            word = self._take()
        if not _is_word(word):
            raise _bad(f"found '{word}', expected: identifier")
        _check("<nil>", word, label_key(word))
        if absent:
            # What follows a negated key is for the caller to refuse, unless it ends there.
            if self._peek() in (_END, ","):
                return Requirement(word, "!")
            return self._compared(word)
        if self._peek() in (_END, ","):
            return Requirement(word, "exists")
        return self._compared(word)

    def _compared(self, key: str) -> Requirement:
        operator = self._take()
        if operator in _WORDS:
            values = self._values()
        elif operator in _COMPARES:
            values = [self._exact()]
        else:
            raise _bad(f"found '{operator}', expected: {_OPERATORS}")
        values = sorted(set(values))
        problems = []
        if operator in ("<", ">"):
            problems += [
                f"values[{index}]: Invalid value: \"{value}\": for 'Gt', 'Lt' operators, the value must be an integer"
                for index, value in enumerate(values)
                if _number(value) is None
            ]
        for index, value in enumerate(values):
            if wrong := label_value(value):
                problems.append(f'values[{index}][{key}]: Invalid value: "{value}": {"; ".join(wrong)}')
        if problems:
            raise _bad(problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]")
        return Requirement(key, _SAME.get(operator, operator), tuple(values))

    def _exact(self) -> str:
        if self._peek() in (_END, ","):
            return ""
        word = self._take()
        if not _is_word(word):
            raise _bad(f"found '{word}', expected: identifier")
        return word

    def _values(self) -> list[str]:
        word = self._take()
        if word != "(":
            raise _bad(f"found '{word}' expected: '('")
        first = self._peek()
        if first == ")":
            self._take()
            return [""]
        if not (_is_word(first) or first == ","):
            raise _bad(f"found '{first}', expected: ',', ')' or identifier")
        values = self._listed()
        if self._take() != ")":
            raise _bad(f"found '{first}', expected: ')'")
        return values

    def _listed(self) -> list[str]:
        values: list[str] = []
        while True:
            word = self._take()
            if _is_word(word):
                values.append(word)
                following = self._peek()
                if following == ")":
                    return values
                if following != ",":
                    raise _bad(f"found '{following}', expected: ',' or ')'")
            elif word == ",":
                following = self._peek()
                if not values or following in (",", ")"):
                    values.append("")
                if following == ")":
                    return values
            else:
                raise _bad(f"found '{word}', expected: ',', or identifier")


def _words(text: str) -> list[str]:
    found: list[str] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        word = (match.group(1) or match.group(2)) if match else None
        if match is None or not word:
            # A NUL ends the text, as in the real lexer.
            break
        found.append(word)
        position = match.end()
    return [*found, _END]


def _is_word(word: str) -> bool:
    return word != _END and word[0] not in "=!(),<>"


def _number(text: str | None) -> int | None:
    if text is None or not re.fullmatch(r"[+-]?[0-9]+", text):
        return None
    number = int(text) if len(text) < 25 else _LARGEST + 1
    return number if -_LARGEST - 1 <= number <= _LARGEST else None


def _check(place: str, value: str, wrong: list[str]) -> None:
    if wrong:
        raise _bad(f'{place}: Invalid value: "{value}": {"; ".join(wrong)}')


def _bad(text: str) -> Failure:
    return Failure("BadRequest", text)

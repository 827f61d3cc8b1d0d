"""Field selectors (apimachinery ``fields``): ``metadata.name=web,status.phase!=Running``."""

from collections.abc import Mapping
from typing import Final

import msgspec

from pocketkube.cluster.failure import Failure

_OPERATORS: Final = ("!=", "==", "=")
_SPECIAL: Final = "\\,="


class FieldTerm(msgspec.Struct, frozen=True):
    """One condition; ``equal`` is False for ``!=``."""

    field: str
    value: str
    equal: bool


class FieldSelector(msgspec.Struct, frozen=True):
    """Conditions that must all hold."""

    terms: tuple[FieldTerm, ...]

    def matches(self, fields: Mapping[str, str]) -> bool:
        """A field that is not there is an empty text."""
        return all((fields.get(term.field, "") == term.value) == term.equal for term in self.terms)

    def names(self) -> list[str]:
        """The fields asked about."""
        return [term.field for term in self.terms]

    def exact(self, name: str) -> str:
        """The value a field must have; empty where there is no such condition."""
        return next((term.value for term in self.terms if term.field == name and term.equal), "")


def parse_fields(text: str) -> FieldSelector:
    """Raises:
    Failure: BadRequest, in the real server's words.
    """
    terms = []
    for part in sorted(_split(text)):
        if not part:
            continue
        field, operator, value = _split_term(part)
        if not operator:
            raise Failure("BadRequest", f"invalid selector: '{text}'; can't understand '{part}'")
        value = _unescaped(value)
        if field or value:
            terms.append(FieldTerm(field, value, operator != "!="))
    return FieldSelector(tuple(terms))


def _split(text: str) -> list[str]:
    """At commas that no backslash stands before."""
    parts, start, escaped = [], 0, False
    for position, character in enumerate(text):
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == ",":
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]]


def _split_term(term: str) -> tuple[str, str, str]:
    for position in range(len(term)):
        for operator in _OPERATORS:
            if term.startswith(operator, position):
                return term[:position], operator, term[position + len(operator) :]
    return "", "", ""


def _unescaped(value: str) -> str:
    if not any(character in value for character in _SPECIAL):
        return value
    found, escaped = [], False
    for character in value:
        if escaped:
            if character not in _SPECIAL:
                raise _bad_escape("\\" + character)
            escaped = False
        elif character == "\\":
            escaped = True
            continue
        elif character in ",=":
            text = f"invalid field selector: unescaped character in value: {ord(character)}"
            raise Failure("BadRequest", text)
        found.append(character)
    if escaped:
        raise _bad_escape("\\")
    return "".join(found)


def _bad_escape(sequence: str) -> Failure:
    return Failure("BadRequest", f"invalid field selector: invalid escape sequence: {sequence}")

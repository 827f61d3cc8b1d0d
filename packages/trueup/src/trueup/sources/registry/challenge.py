"""What a registry says it wants to be shown (RFC 7235, and the token flow of the distribution project)."""

from collections.abc import Iterable

import msgspec

from kubegrammar import pattern

_WORD = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_SCHEME = pattern.compile(rf"[\s,]*({_WORD})(?:\s+|,|\z)")
_PARAMETER = pattern.compile(rf'[\s,]*({_WORD})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_WORD}[^\s,]*))')
_ESCAPE = pattern.compile(r"(?s)\\(.)")
_LONGEST = 4096


class Challenge(msgspec.Struct, frozen=True):
    """One way in: ``basic`` or ``bearer``, with its parameters."""

    scheme: str
    parameters: dict[str, str]


def read_challenges(headers: Iterable[str]) -> list[Challenge]:
    """All challenges of ``WWW-Authenticate`` headers; what is no challenge is left out."""
    found: list[Challenge] = []
    for header in headers:
        text = header[:_LONGEST]
        while match := _SCHEME.match(text):
            text = text[match.end() :]
            parameters: dict[str, str] = {}
            while (parameter := _PARAMETER.match(text)) is not None:
                value = parameter[2] if parameter[2] is not None else parameter[3]
                parameters[parameter[1].lower()] = _ESCAPE.sub(r"\1", value)
                text = text[parameter.end() :]
            found.append(Challenge(match[1].lower(), parameters))
    return found

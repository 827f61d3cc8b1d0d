"""Texts that are secret, found wherever they stand in others: plain, in base64, and as JSON and URLs spell them."""

import base64
from collections.abc import Callable, Iterable
from typing import Final

from kubegrammar.hidden import spellings
from kubegrammar.redact import encodable

SHORTEST: Final = 4
"""Characters of a text that is looked for: a shorter one occurs anywhere."""
MOST: Final = 1 << 20
"""Characters of all texts together, as they are spelt; what is beyond is not looked for."""
_TELLING: Final = 6
"""Bytes of a text that is looked for in further spellings: those of a shorter one are chance."""
_NO_SECRETS: Final = frozenset(("true", "false", "null", "none"))


class Literals:
    """Texts that are looked for, the longest first, in time that grows with the length of what is searched.

    Args:
        texts: asked for when something is searched for the first time.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._texts = texts
        self._known: dict[str, dict[int, dict[str, str]]] = {}

    def __bool__(self) -> bool:
        self._read()
        return bool(self._known)

    def _read(self) -> None:
        texts, self._texts = self._texts, ()
        left = MOST
        for text in sorted(dict.fromkeys(map(encodable, texts)), key=len):
            if len(text) < SHORTEST or text.isspace() or text.lower() in _NO_SECRETS:
                continue
            for spelling in dict.fromkeys(_spelt(text)):
                left -= len(spelling)
                if left < 0:
                    return
                self._known.setdefault(spelling[:SHORTEST], {}).setdefault(len(spelling), {}).setdefault(spelling, text)

    def replaced(self, text: str, mask: Callable[[str], str]) -> str:
        """A text with what ``mask`` has for each of these in it."""
        if not self or len(text) < SHORTEST:
            return text
        pieces, done, at = list[str](), 0, 0
        while at <= len(text) - SHORTEST:
            lengths = self._known.get(text[at : at + SHORTEST])
            if lengths is not None:
                for length in sorted(lengths, reverse=True):
                    found = lengths[length].get(text[at : at + length])
                    if found is not None:
                        pieces += [text[done:at], mask(found)]
                        at = done = at + length
                        break
                else:
                    at += 1
            else:
                at += 1
        return "".join((*pieces, text[done:])) if pieces else text


NO_LITERALS: Final = Literals()


def _spelt(text: str) -> Iterable[str]:
    yield text
    yield base64.b64encode(text.encode()).decode()
    if len(text.encode()) >= _TELLING:
        yield from (each for each in spellings(text) if len(each) >= _TELLING)

"""JSON documents one after the other in a text, as kubectl reads them: with nothing between, or beside YAML documents.

YAML takes one JSON document for its own, but not a second one that begins without ``---``.
"""

from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from kubegrammar import pattern
from kubegrammar.yaml.construct import is_glued
from kubegrammar.yaml.errors import YamlError, YamlLimits
from kubegrammar.yaml.scalars import plain_value

if TYPE_CHECKING:
    from json import JSONDecoder

_MARK: Final = pattern.compile(r"(?m)^---(?:[ \t\r\n]|\z)")
_COMMENTED: Final = " \t\r\n#"
_STRUCTURE: Final = "{[,"


class Cut:
    """The JSON documents of a text, and what is left of it for YAML.

    Args:
        origin: the text's name, for errors and warnings.

    Attributes:
        documents: values with the 1-based line on which each begins, and once more where it is two objects, else 0.
        rest: the text with every JSON document blanked out, lines kept.
        warnings: one for each duplicate key.

    Raises:
        YamlError: a JSON document exceeds the limits, or holds a number outside 64 bits.
    """

    def __init__(self, text: str, origin: str, limits: YamlLimits) -> None:
        self.documents: list[tuple[Any, int, int]] = []
        self.warnings: list[str] = []
        self._origin = origin
        self._limits = limits
        self._line = 1
        self._glued = False
        self._slips: set[int] = set()
        self.rest = "".join(self._pieces(text))

    @cached_property
    def _decoder(self) -> "JSONDecoder":
        # Loaded with the first text that has JSON.
        from json import JSONDecoder

        return JSONDecoder(
            object_pairs_hook=self._mapping, parse_int=plain_value, parse_float=plain_value, parse_constant=_refuse
        )

    def _pieces(self, text: str) -> Iterator[str]:
        """The text between the marks of documents, in order, marks included."""
        if sum(map(text.count, _STRUCTURE)) > self._limits.nodes:
            raise YamlError(self._origin, 1, 1, "too many nodes")
        begin, line = 0, 1
        for end in [*(mark.start() for mark in _MARK.finditer(text)), len(text)]:
            piece = text[begin:end]
            body = 3 if _MARK.match(piece) else 0
            found = self._stream(piece, body, line)
            lines = piece.count("\n")
            if found:
                self.documents += found
                yield piece[:body] + "\n" * lines
            else:
                yield piece
            begin, line = end, line + lines

    def _stream(self, piece: str, at: int, line: int) -> list[tuple[Any, int, int]]:
        """The JSON documents that fill a piece; none when anything else is in it."""
        found: list[tuple[Any, int, int]] = []
        warned = len(self.warnings)
        counted = 0
        at = _end(piece, at)
        while at < len(piece):
            if piece[at] != "{":
                found = []
                break
            line += piece.count("\n", counted, at)
            counted, self._line, self._glued = at, line, False
            self._slips.clear()
            try:
                value, at = self._decoder.raw_decode(piece, at)
            except ValueError:
                # No JSON, or a number that Kubernetes does not take: YAML says what is wrong and where.
                found = []
                break
            except RecursionError:
                raise YamlError(self._origin, line, 1, "nested too deeply") from None
            self._check_depth(value, self._limits.depth)
            items = value.get("items")
            objects = [value, *(items if isinstance(items, list) else ())]
            glued = self._glued or any(id(each) in self._slips for each in objects)
            found.append((value, line, line if glued else 0))
            at = _end(piece, at)
        if not found:
            del self.warnings[warned:]
        return found

    def _mapping(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        mapping = dict(pairs)
        if len(mapping) < len(pairs):
            counts = Counter(name for name, _ in pairs)
            (twice, _), *_ = counts.most_common(1)
            repeated = [name for name, count in counts.items() if count > 1]
            self._glued = self._glued or is_glued(repeated, top=False)
            if is_glued(repeated, top=True):
                self._slips.add(id(mapping))
            self.warnings.append(f"{self._origin}:{self._line}: duplicate key {twice[:80]!r}, the last one is used")
        return mapping

    def _check_depth(self, value: Any, room: int) -> None:
        if isinstance(value, dict | list):
            if room <= 0:
                raise YamlError(self._origin, self._line, 1, "nested too deeply")
            for item in value.values() if isinstance(value, dict) else value:
                self._check_depth(item, room - 1)


def _end(piece: str, at: int) -> int:
    """Where white space and comments end."""
    while at < len(piece) and piece[at] in _COMMENTED:
        if piece[at] == "#":
            line_end = piece.find("\n", at)
            if line_end < 0:
                return len(piece)
            at = line_end
        at += 1
    return at


def _refuse(name: str) -> Any:
    raise ValueError(name)

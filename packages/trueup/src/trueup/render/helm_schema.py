"""References of a ``values.schema.json`` that lead out of it.

Helm hands a schema to a library that opens files and fetches URLs which the schema names. A relative one is looked for
at the machine's root, so none of a chart's own files can be meant. What leads out is refused before Helm sees it;
behind that stands the wall around the process, for spellings that are not seen here.
"""

import json
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin

_BASE = "file:///values.schema.json"
_BUILT_IN = ("http://json-schema.org/draft", "https://json-schema.org/draft", "urn:")
"""Meta-schemas that the library brings along; Helm takes an urn for anything."""
MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 200
"""Objects and lists in one another: Helm's library takes time by the third power of it, 0.1 s here."""
MAX_STEPS = 300_000
"""Steps from the root to each object and list, added up."""
MAX_LOOKS = 100_000
"""Schemas that one value is tried against, each reference followed anew: that is how often Helm's library looks."""
_IDS = ("$id", "id")
_REFERENCES = ("$ref", "$schema", "$dynamicRef", "$recursiveRef")
_NAMES = ("properties", "patternProperties", "definitions", "$defs", "dependentSchemas", "dependencies")
"""Keywords whose value holds schemas by names of the author."""
_SAME = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies")
"""Keywords whose schemas are tried on the very value that their own schema is tried on."""
_DATA = ("enum", "const", "default", "examples")


def too_large(schema: bytes) -> str:
    """What of a schema is more than Helm gets through in seconds; empty where it does."""
    if len(schema) > MAX_BYTES:
        return f"larger than {MAX_BYTES >> 20} MiB"
    deepest = f"nested deeper than {MAX_DEPTH} levels"
    try:
        root = _loaded(schema)
    except ValueError:
        return ""
    except RecursionError:
        return deepest
    steps = 0
    ahead: list[tuple[Any, int]] = [(root, 1)]
    while ahead:
        node, depth = ahead.pop()
        if depth > MAX_DEPTH:
            return deepest
        steps += depth
        if steps > MAX_STEPS:
            return "of too many nested objects"
        inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        ahead += [(value, depth + 1) for value in inner if isinstance(value, dict | list)]
    return ""


def multiplies(schema: bytes) -> bool:
    """Whether references within a schema make one value be tried more often than :data:`MAX_LOOKS`.

    What follows from the depth of the values themselves is not counted; nor is a reference back to a schema that is
    being tried, which Helm refuses.
    """
    try:
        root = _loaded(schema)
    except (ValueError, RecursionError):
        return False
    schemas = _Schemas(root)
    looks: dict[int, int] = {}
    for first in schemas.all:
        ahead = [(first, False)]
        while ahead:
            node, done = ahead.pop()
            tried = schemas.tried(node) if done or id(node) not in looks else []
            if done:
                looks[id(node)] = 1 + sum(looks[id(each)] for each in tried)
                if looks[id(node)] > MAX_LOOKS:
                    return True
            elif id(node) not in looks:
                looks[id(node)] = 1
                ahead += [(node, True), *((each, False) for each in tried)]
    return False


class _Schemas:
    """The objects of a document, and where references to them lead."""

    def __init__(self, root: Any) -> None:
        self.all: list[dict[str, Any]] = []
        self._bases: dict[int, str] = {}
        self._places: dict[tuple[str, str], Any] = {(_BASE, ""): root}
        ahead: list[tuple[Any, str]] = [(root, _BASE)]
        while ahead:
            node, base = ahead.pop()
            if isinstance(node, dict):
                self.all.append(node)
                own = _base(node, base)
                if own != base:
                    self._places[own, ""] = node
                self._bases[id(node)] = base = own
                names = [node.get(word) for word in (*_IDS, "$anchor", "$dynamicAnchor")]
                for name in (text.removeprefix("#") for text in names if isinstance(text, str)):
                    self._places[base, name] = node
            inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
            ahead += [(value, base) for value in inner]

    def tried(self, node: dict[str, Any]) -> list[dict[str, Any]]:
        """The schemas that are tried on whatever value this one is tried on."""
        found = [self._meant(node, node[word]) for word in _REFERENCES if word != "$schema" and word in node]
        for word in _SAME:
            value = node.get(word)
            match value:
                case list():
                    found += value
                case dict() if word.startswith("depend"):
                    found += value.values()
                case _:
                    found.append(value)
        return [each for each in found if isinstance(each, dict)]

    def _meant(self, node: dict[str, Any], reference: Any) -> Any:
        if not isinstance(reference, str):
            return None
        base = self._bases[id(node)]
        document = _joined(base, reference.partition("#")[0]) if reference.partition("#")[0] else base
        fragment = unquote(reference.partition("#")[2])
        if not fragment.startswith("/"):
            return self._places.get((document, fragment))
        value = self._places.get((document, ""))
        for step in fragment[1:].split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            if isinstance(value, list) and name.isdecimal():
                value = value[int(name)] if int(name) < len(value) else None
            else:
                value = value.get(name) if isinstance(value, dict) else None
        return value


def leads_out(schema: bytes) -> str:
    """The first reference that leads to another document, as ``$ref "URL"``; empty when there is none.

    A text that is no JSON, or nested without end, has none: Helm says what is wrong with it.
    """
    try:
        root = _loaded(schema)
    except (ValueError, RecursionError):
        return ""
    # Where a pointer may lead into data, data are schemas.
    data = [word for word in _DATA if f"/{word}".encode() not in schema and b"%" not in schema]
    known = {_BASE}
    found: list[tuple[str, str]] = []
    ahead: list[tuple[Any, str, bool]] = [(root, _BASE, False)]
    while ahead:
        node, base, names = ahead.pop()
        if isinstance(node, list):
            ahead += [(item, base, False) for item in reversed(node)]
        if not isinstance(node, dict):
            continue
        if not names:
            base = _base(node, base)
            known.add(base)
            texts = [(word, node[word]) for word in _REFERENCES if isinstance(node.get(word), str)]
            found += [(f'{word} "{text}"', _joined(base, text)) for word, text in texts]
        ahead += [
            (value, base, not names and key in _NAMES)
            for key, value in reversed(node.items())
            if names or key not in data
        ]
    return next((shown for shown, url in found if url not in known and not url.startswith(_BUILT_IN)), "")


def _loaded(schema: bytes) -> Any:
    # Numbers stay texts: Python refuses the longest.
    return json.loads(schema.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace"), parse_int=str, parse_float=str)


def _base(node: dict[str, Any], base: str) -> str:
    for word in _IDS:
        text = node.get(word)
        if isinstance(text, str) and not text.startswith("#"):
            return _joined(base, text)
    return base


def _joined(base: str, reference: str) -> str:
    """The document that a reference means; of one that cannot be read, the reference itself."""
    try:
        made = urldefrag(urljoin(base, reference)).url
    except ValueError:
        return reference
    # To Go an empty query is one; Python drops it.
    return f"{made}?" if reference.partition("#")[0].endswith("?") and not made.endswith("?") else made

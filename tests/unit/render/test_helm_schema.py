"""Which schemas of charts Helm would work on for ever, told before it begins."""

import json
from typing import Any

import pytest

from trueup.render.helm_schema import multiplies

LEVELS = 40


def doubling(refer: str, **first: Any) -> dict[str, Any]:
    """Definitions each of which tries the next one twice; ``refer`` spells a reference to number ``{n}``."""
    made: dict[str, Any] = {
        f"d{n}": {"$anchor": f"a{n}", "allOf": [{"$ref": refer.format(n=n + 1)}, {"$ref": refer.format(n=n + 1)}]}
        for n in range(LEVELS)
    }
    return {**first, "$ref": refer.format(n=0), "definitions": {**made, f"d{LEVELS}": {"$anchor": f"a{LEVELS}"}}}


def nested(word: str) -> dict[str, Any]:
    levels: dict[str, Any] = {f"d{LEVELS}": {}}
    for n in range(LEVELS):
        refs = [{"$ref": f"#/$defs/d{n + 1}"}] * 2
        levels[f"d{n}"] = {word: refs} if word.endswith("Of") else {word: refs[0], "not": refs[1]}
    return {"properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": levels}


MULTIPLY: dict[str, Any] = {
    "a pointer": doubling("#/definitions/d{n}"),
    "a pointer with escapes": doubling("#/definitions/%64{n}"),
    "an anchor": doubling("#a{n}"),
    "a document's own name": doubling("http://x/s.json#/definitions/d{n}", **{"$id": "http://x/s.json"}),
    "a relative name": doubling("s.json#/definitions/d{n}", **{"$id": "http://x/s.json"}),
    **{word: nested(word) for word in ("anyOf", "oneOf", "if")},
}


@pytest.mark.parametrize("spelling", MULTIPLY)
def test_references_that_multiply_are_told(spelling: str) -> None:
    assert multiplies(json.dumps(MULTIPLY[spelling]).encode())


HONEST: dict[str, Any] = {
    "no references": {"properties": {"a": {"type": "string"}}},
    "a schema that refers to itself": {"$ref": "#"},
    "a tree of values": {"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}},
    "one definition in a thousand places": {
        "properties": {f"p{n}": {"$ref": "#/definitions/d"} for n in range(1000)},
        "definitions": {"d": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
    },
    "a reference to nothing": {"$ref": "#/definitions/nowhere", "allOf": [{"$ref": "#nobody"}, {"$ref": 7}, True]},
    "no object": [1, "a"],
}


@pytest.mark.parametrize("kind", HONEST)
def test_honest_schemas_do_not_multiply(kind: str) -> None:
    assert not multiplies(json.dumps(HONEST[kind]).encode())

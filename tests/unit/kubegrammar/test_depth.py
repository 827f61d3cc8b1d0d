"""Depth of JSON, told before anything recurses."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kubegrammar.depth import cut, nests_deeper

KEYS = st.text(st.sampled_from('{}[]":\\ a\n'), max_size=4)
VALUES = st.recursive(
    st.none() | st.integers() | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=30,
)


def levels(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(levels, inner), default=0)


def shortened(value: Any, most: int) -> Any:
    if isinstance(value, dict | list) and not most:
        return None
    if isinstance(value, dict):
        return {key: shortened(item, most - 1) for key, item in value.items()}
    return [shortened(item, most - 1) for item in value] if isinstance(value, list) else value


@given(VALUES, st.integers(1, 5), st.sampled_from([None, 1]))
@example({'\\"{': [{"]": [[]]}]}, 2, None)
def test_what_lies_deeper_is_left_out_and_nothing_else(value: Any, most: int, indent: int | None) -> None:
    data = json.dumps(value, indent=indent).encode()
    assert nests_deeper(data, most) is (levels(value) > most)
    left, places = cut(data, most)
    assert json.loads(left) == shortened(value, most)
    assert bool(places) is (levels(value) > most)


PLACES = {
    "a field": ('{"spec":{"helm":{"valuesObject":DEEP}}}', ("spec.helm.valuesObject.a.a...",)),
    "below a list": ('{"spec":{"sources":[{"helm":DEEP}]}}', ("spec.sources.helm.a...",)),
    "one of each part": ('{"spec":{"x":DEEP,"y":DEEP},"status":DEEP}', ("spec.x.a.a.a...", "status.a.a.a.a...")),
    "a name that is no name": ('{"spec":{"a\\u202e\\"":DEEP}}', ('spec.a\u202e".a.a.a...',)),
}


@pytest.mark.parametrize("what", PLACES)
def test_the_first_place_of_each_part_is_told(what: str) -> None:
    text, places = PLACES[what]
    assert cut(text.replace("DEEP", '{"a":' * 9000 + "1" + "}" * 9000).encode())[1] == places

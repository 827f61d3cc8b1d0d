"""Elements of lists, found by what they are known by."""

import time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kubegrammar.patch import equal
from trueup.diff.elements import MOST_KINDS_OF_KEYS, Elements
from trueup.diff.ownership import holds, last_applied, nodes_of, without
from trueup.model.annotations import FIELD_MANAGER

MANY = 20_000
SECONDS = 5.0
"""Of processor time: a hundred times what it takes, a hundredth of what it took."""

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(0, 2), st.sampled_from([0.0, 1.0, 1.5]), st.sampled_from("ab")
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("xy"), inner, max_size=2)
)
ITEMS = st.lists(st.one_of(VALUES, st.dictionaries(st.sampled_from("knp"), VALUES)), max_size=6)


@given(items=ITEMS, keys=st.dictionaries(st.sampled_from("knp"), VALUES, min_size=1), value=VALUES)
def test_an_index_finds_what_looking_at_each_would(items: list[Any], keys: dict[str, Any], value: Any) -> None:
    elements = Elements(items)
    assert elements.equal_to(value) == [place for place, item in enumerate(items) if equal(item, value)]
    assert elements.with_keys(keys) == [
        place
        for place, item in enumerate(items)
        if isinstance(item, dict) and all(equal(item.get(name), keys[name]) for name in keys)
    ]


def test_a_record_with_endless_sets_of_keys_tells_nothing_more() -> None:
    elements = Elements([{f"k{number}": 1} for number in range(MOST_KINDS_OF_KEYS + 1)])
    found = [elements.with_keys({f"k{number}": 1}) for number in range(MOST_KINDS_OF_KEYS + 1)]
    assert found[0] == [0] and found[-1] == []


def test_a_list_of_twenty_thousand_elements_is_compared_in_no_time() -> None:
    items = [{"name": f"e{number}", "value": "v"} for number in range(MANY)]
    keyed: dict[str, Any] = {
        f'k:{{"name":"e{number}"}}': {".": {}, "f:name": {}, "f:value": {}} for number in range(MANY)
    }
    texts = [f"e{number}" for number in range(MANY)]
    fields: dict[str, Any] = {"f:spec": {"f:env": keyed, "f:set": {f'v:"{text}"': {} for text in texts}}}
    made = {"apiVersion": "v1", "kind": "X", "metadata": {"name": "a"}, "spec": {"env": items, "set": texts}}
    record = {"manager": FIELD_MANAGER, "operation": "Apply", "apiVersion": "v1", "fieldsV1": fields}
    live = {**made, "metadata": {"name": "a", "managedFields": [record]}}
    began = time.process_time()
    assert holds(made, live, fields)
    assert last_applied(live)["spec"] == made["spec"]
    assert "spec" not in without(made, fields)
    assert None not in nodes_of(keyed, items)
    assert time.process_time() - began < SECONDS

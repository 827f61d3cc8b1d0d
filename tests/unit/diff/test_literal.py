"""What a Secret lends is found wherever it stands, however it is spelt."""

import base64
import json
from typing import Any
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from trueup.diff import Masks, differences
from trueup.diff.literal import MOST, Literals

WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs"]), min_size=4, max_size=30).filter(
    lambda text: text.strip() and text.lower() not in ("true", "false", "null", "none") and set(text) != {"+"}
)
BESIDE = st.text("xyz:/@ ", max_size=9)


def mask(_: str) -> str:
    return "\0"


@given(WORDS, BESIDE, BESIDE)
def test_a_text_is_found_in_any_spelling(word: str, before: str, after: str) -> None:
    found = Literals([word])
    spelt = [word, base64.b64encode(word.encode()).decode()]
    if len(word) >= 6:
        spelt += [json.dumps(word, ensure_ascii=False)[1:-1], quote(word, safe="")]
    for each in spelt:
        assert each not in found.replaced(f"{before}{each}{after}", mask)
    if len(word.encode()) >= 9:
        inner = base64.b64encode(f"{before}{word}{after}".encode()).decode()
        assert "\0" in found.replaced(inner, mask)


@given(st.lists(WORDS, min_size=1, max_size=5), BESIDE)
def test_what_holds_another_goes_first_and_nothing_else_is_lost(words: list[str], beside: str) -> None:
    found = Literals(words)
    longest = max(words, key=len)
    assert found.replaced(beside + longest, mask).replace("\0", "") == beside or len(set(words)) > 1
    assert found.replaced("abc", mask) == "abc"
    assert Literals().replaced(longest, mask) == longest


def test_there_is_an_end_to_what_is_looked_for() -> None:
    assert Literals(f"{number:09}" for number in range(MOST // 40)).replaced("000000000", mask) == "\0"


def config(**data: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "word", "namespace": "shop"}, "data": data}


def test_it_is_masked_in_every_field_but_in_what_names_the_object() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "word"}}
    made = config(**{"key-word": "a word", "in": ["x", {"deep": "word"}]}, number=1234567)
    made["metadata"]["annotations"] = {"note": "the word", "last": json.dumps({"word": 1234567})}
    masks = Masks(lent=Literals(["word", "1234567"]))
    kept, shown = masks.shown([secret])[0], masks.shown(made)
    same = kept["stringData"]["a"]
    assert shown["metadata"]["name"] == "word" and shown["kind"] == "ConfigMap"
    assert shown["data"]["in"][1]["deep"] == same
    assert shown["data"][f"key-{same}"] == f"a {same}"
    del shown["metadata"]["name"]
    assert "word" not in str(shown) and "1234567" not in str(shown)


def test_what_differs_has_masks_that_differ() -> None:
    (change,) = differences(config(a="old-word"), config(a="new-word"), Literals(["old-word", "new-word"]))
    assert {change.before, change.after} == {"++++++++", "+++++++++"}

"""What is asked to be played, by today's names and by former ones."""

from typing import Any

import pytest

from pocketkube.wishes import wishes, with_wishes

RULES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "today's name": ({"pocketkube.dev/simulate": "fail"}, {"pocketkube.dev/simulate": "fail"}),
    "a former name counts by today's": (
        {"trueup.dev/simulate": "fail", "trueup.dev/simulate-delay": "5s"},
        {"pocketkube.dev/simulate": "fail", "pocketkube.dev/simulate-delay": "5s"},
    ),
    "of both, today's counts": (
        {"trueup.dev/simulate": "fail", "pocketkube.dev/simulate": "never-ready"},
        {"pocketkube.dev/simulate": "never-ready"},
    ),
    "what is no wish has no other name": ({"trueup.dev/commit": "x"}, {}),
}


@pytest.mark.parametrize("rule", RULES)
def test_wishes_by_their_names(rule: str) -> None:
    said, expected = RULES[rule]
    found = wishes(said)
    assert {name: value for name, value in found.items() if name.startswith("pocketkube.dev/")} == expected
    assert said.items() - expected.items() <= found.items()


@pytest.mark.parametrize("live", [{}, {"metadata": None}, {"metadata": {"annotations": None}}, {"metadata": {"a": 1}}])
def test_an_object_without_wishes_is_itself(live: dict[str, Any]) -> None:
    assert with_wishes(live) is live

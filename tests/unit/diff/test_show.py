"""Comparisons as text."""

from typing import Any

import pytest

from trueup.diff.show import render

CASES: dict[str, tuple[str, str, bool]] = {
    "values of a query": ("https://h.example/t?grant=x", "https://h.example/t?grant=y", True),
    "passwords of a URL": ("https://u:one@h.example/", "https://u:two@h.example/", True),
    "what is plain to see": ("https://h.example/a", "https://h.example/b", False),
    "the host beside a password": ("https://u:one@h.example/", "https://u:one@g.example/", False),
}


def of(value: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "1", "url": value}}


@pytest.mark.parametrize("rule", CASES)
def test_two_lines_that_look_alike_where_secrets_are_masked_say_that_they_differ(rule: str) -> None:
    one, other, alike = CASES[rule]
    lines = render(of(one), of(other), left="live", right="git").splitlines()
    (new,) = [line for line in lines if line.startswith("+  ")]
    assert new.endswith("# differs in what is masked") is alike
    assert render(of(one), of(one), left="live", right="git") == ""

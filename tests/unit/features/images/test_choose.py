"""Which tag is the newest, by each strategy, and why the others are not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubegrammar.image import Image
from trueup.features.images.choose import choose
from trueup.features.images.rule import ImageRule, Strategy
from trueup.model.errors import InvalidSpec


def rule(strategy: Strategy = Strategy.SEMVER, constraint: str = "", **more: Any) -> ImageRule:
    return ImageRule(alias="web", image=Image("web"), origin="test", strategy=strategy, constraint=constraint, **more)


TAGS = ["1.2.3", "1.10.0", "2.0.0", "v1.3.0", "1.11.0-rc.1", "latest", "main-20260101", "sha-abc"]

CHOICES: dict[str, tuple[ImageRule, list[str], str]] = {
    "semver: the highest version, not the last in text order": (rule(constraint="1.x"), TAGS, "1.10.0"),
    "semver: any version without a range, prereleases not": (rule(), TAGS, "2.0.0"),
    "semver: a prerelease when the range has one": (rule(constraint=">=1.11.0-0 <2"), TAGS, "1.11.0-rc.1"),
    "semver: a v before the version is fine": (rule(constraint="~1.3"), TAGS, "v1.3.0"),
    "semver: nothing fits": (rule(constraint="3.x"), TAGS, ""),
    "semver: of equal versions the one that says more": (rule(), ["1", "1.0", "1.0.0"], "1.0.0"),
    "semver: over what a pattern extracts": (
        rule(allow=r"^app-(?P<v>\d+\.\d+\.\d+)$", extract="$v", constraint="1.x"),
        ["app-1.2.0", "app-1.10.0", "1.99.0"],
        "app-1.10.0",
    ),
    "semver, strict: a date is no version": (
        rule(strict=True),
        ["20240101", "v1.10.0", "2024.01.05", "9.9"],
        "v1.10.0",
    ),
    "semver, strict: what a pattern extracts is judged": (
        rule(strict=True, allow=r"^rel-(?P<v>.*)$", extract="$v"),
        ["rel-20240101", "rel-1.2.3"],
        "rel-1.2.3",
    ),
    "semver, strict: prereleases and build metadata as ever": (
        rule(strict=True, constraint=">=1.0.0-0"),
        ["1.2.3-rc.1+build.5", "1.2"],
        "1.2.3-rc.1+build.5",
    ),
    "alphabetical: the last in text order": (rule(Strategy.ALPHABETICAL), ["b", "a", "c"], "c"),
    "alphabetical, descending": (rule(Strategy.ALPHABETICAL, descending=True), ["b", "a", "c"], "a"),
    "numerical: by number, not by text": (rule(Strategy.NUMERICAL), ["9", "10", "x"], "10"),
    "numerical, descending": (rule(Strategy.NUMERICAL, descending=True), ["9", "10"], "9"),
    "numerical: over what a pattern extracts": (
        rule(Strategy.NUMERICAL, allow=r"^main-[a-f0-9]+-(?P<ts>[0-9]+)", extract="$ts"),
        ["main-abc-9", "main-def-10", "dev-aaa-99"],
        "main-def-10",
    ),
    "digest: the tag that is followed": (rule(Strategy.DIGEST, "latest"), TAGS, "latest"),
    "allowed tags only": (rule(allow="^v"), TAGS, "v1.3.0"),
    "ignored tags not": (rule(ignore=("2.*", "1.10.*")), TAGS, "v1.3.0"),
    "excluded tags not": (rule(exclude=(r"^2\.",), constraint="*"), TAGS, "1.10.0"),
    "no tags at all": (rule(), [], ""),
}


@pytest.mark.parametrize("name", CHOICES)
def test_choice(name: str) -> None:
    wanted, tags, expected = CHOICES[name]
    choice = choose(wanted, tags)
    assert choice.tag == expected
    assert set(choice.passed_over) == set(tags) - {expected}
    assert all(choice.passed_over.values())


def test_newest_build_goes_by_the_time_it_was_made() -> None:
    times = {"a": 3.0, "b": 9.0, "c": 6.0}
    choice = choose(rule(Strategy.NEWEST_BUILD), ["a", "b", "c", "d"], times)
    assert choice.tag == "b"
    assert choice.passed_over["d"] == "it does not say when it was made"


@pytest.mark.parametrize("pattern", ["(((", "[a-", "(?P<x", "a{99999}", "x" * 2000, r"(?=look)"])
def test_a_pattern_that_is_none_is_refused_with_its_place(pattern: str) -> None:
    with pytest.raises(InvalidSpec, match=r"test:.*no regular expression"):
        choose(rule(allow=pattern), ["1.0.0"])


def test_a_hostile_pattern_takes_no_time() -> None:
    assert choose(rule(allow=r"^(a+)+$", constraint="*"), ["a" * 120 + "!"]).tag == ""


@given(st.lists(st.text("0123456789.v-rc", min_size=1, max_size=10), max_size=12, unique=True), st.randoms())
def test_the_choice_does_not_depend_on_the_registrys_order(tags: list[str], random: Any) -> None:
    shuffled = list(tags)
    random.shuffle(shuffled)
    for strategy in (Strategy.SEMVER, Strategy.ALPHABETICAL, Strategy.NUMERICAL):
        assert choose(rule(strategy), tags).tag == choose(rule(strategy), shuffled).tag

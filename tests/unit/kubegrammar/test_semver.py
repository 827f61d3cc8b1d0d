"""Ranges as Masterminds/semver reads them."""

import pytest

from kubegrammar.semver import best_match, is_range, is_strict, parse_version

RANGES = [
    "*",
    "x",
    "1.x",
    "1.2.*",
    "v1.*",
    "^1",
    "~1.2",
    "~>1.2",
    ">1",
    ">= 1.0.0 < 2",
    ">=1,<2",
    "1.0 || 2.0",
    "1 - 2",
]
RANGES += ["=1.2.3", "!=1.2.3", "*-0", ">=0.0.0-0", "=> 1", "=< 1", "v1.0.* "]
NAMES = [
    "",
    "1",
    "1.2",
    "1.2.3",
    "v1.2.3",
    "1.2.3-rc.1+build",
    "main",
    "HEAD",
    "refs/heads/x",
    "release-1.x",
    "1.2.3.4",
]
NAMES += ["2024.03-LTS-RC19", ">", "^", "1.2 main", "1..2", "deadbeef", "1" * 2000]

HELD = {
    "a wildcard takes every release": ("*", ["1.0.0", "0.0.1"], ["1.0.0-rc1"]),
    "a wildcard with -0 takes prereleases": ("*-0", ["1.0.0-rc1", "1.0.0"], []),
    "x for the minor version": ("1.x", ["1.0.0", "1.9.9"], ["2.0.0", "0.9.0"]),
    "a missing patch in a comparison is a wildcard": ("=1.2", ["1.2.0", "1.2.9"], ["1.3.0"]),
    "a full version alone is exact": ("=1.2.3", ["1.2.3", "v1.2.3", "1.2.3+b"], ["1.2.4"]),
    "caret keeps the major version": ("^1.2.3", ["1.2.3", "1.9.0"], ["1.2.2", "2.0.0"]),
    "caret of 0.2 keeps the minor version": ("^0.2.3", ["0.2.3", "0.2.9"], ["0.3.0", "0.2.2"]),
    "caret of 0.0 keeps the patch": ("^0.0.3", ["0.0.3"], ["0.0.4", "0.1.0"]),
    "caret of 0 and no more": ("^0", ["0.0.0", "0.9.0"], ["1.0.0"]),
    "caret of 0.0 and no more": ("^0.0", ["0.0.9"], ["0.1.0"]),
    "tilde keeps the minor version": ("~1.2.3", ["1.2.3", "1.2.9"], ["1.3.0", "1.2.2"]),
    "tilde of a major version keeps it": ("~1", ["1.0.0", "1.9.0"], ["2.0.0"]),
    "tilde of 0.0.0 takes everything": ("~0.0.0", ["0.0.0", "5.0.0"], []),
    "greater than a major version is the next one": (">11", ["12.0.0"], ["11.1.0"]),
    "greater than a minor version is the next one": (">11.1", ["11.2.0"], ["11.1.1"]),
    "at most a major version is all of it": ("<=11", ["11.9.9"], ["12.0.0"]),
    "at most a minor version is all of it": ("<=11.1", ["11.1.9"], ["11.2.0"]),
    "not a minor version": ("!=1.2", ["1.3.0", "2.2.0"], ["1.2.0", "1.2.9"]),
    "not a major version": ("!=1.x", ["2.0.0"], ["1.0.0", "1.9.0"]),
    "a comma is and": (">=1, <2", ["1.0.0", "1.9.0"], ["2.0.0"]),
    "a space is and": (">= 1.0 < 2", ["1.0.0"], ["0.9.0", "2.0.0"]),
    "two bars are or": ("1.0.x || 2.0.x", ["1.0.5", "2.0.5"], ["1.1.0"]),
    "a hyphen is a closed range": ("1.2 - 1.4.5", ["1.2.0", "1.4.5"], ["1.4.6", "1.1.0"]),
    "a hyphen with an open end takes all of it": ("1 - 2", ["2.9.9"], ["3.0.0"]),
    "a prerelease in one comparison is one for its group": (">=1.0.0-0, <2", ["1.0.0-rc1"], ["0.9.0"]),
    "but not for another group": (">=3.0.0-0 || <2", ["3.0.0-rc1", "1.0.0"], ["1.0.0-rc1"]),
    "a prerelease is below its release": ("<1.0.0-z", ["1.0.0-a"], ["1.0.0"]),
}

BEST = {
    "the highest wins, not the last": (">0.5.0", ["0.5.4", "0.7.2", "0.7.10", "0.6.0"], "0.7.10"),
    "the spelling is kept": ("v1.0.*", ["v1.0.0", "v1.0.1", "v1.1.0"], "v1.0.1"),
    "of equal ones the first": ("1.x", ["v1.0.0", "1.0.0", "1.0.0+b"], "v1.0.0"),
    "other names are passed over": ("*", ["latest", "1.0.0", "2024-01", "1.2.3.4", "1.0.0-01"], "1.0.0"),
    "numbers in prereleases count as numbers": ("*-0", ["1.0.0-rc.2", "1.0.0-rc.10"], "1.0.0-rc.10"),
    "words come after numbers": ("*-0", ["1.0.0-alpha", "1.0.0-1"], "1.0.0-alpha"),
    "the longer prerelease is the later": ("*-0", ["1.0.0-a", "1.0.0-a.1"], "1.0.0-a.1"),
    "a release comes after its prereleases": ("*-0", ["1.0.0", "1.0.0-z"], "1.0.0"),
    "dates as prereleases": ("*-0", ["20260309-192056-549", "20260309-193104-150"], "20260309-193104-150"),
    "nothing satisfies": ("0.7.*", ["0.6.0"], None),
    "no versions": ("*", [], None),
    "what is no constraint is satisfied by nothing": ("main", ["1.0.0"], None),
}


@pytest.mark.parametrize("text", RANGES)
def test_a_range_is_told(text: str) -> None:
    assert is_range(text)


@pytest.mark.parametrize("text", NAMES, ids=lambda text: text[:20])
def test_a_version_or_a_name_is_no_range(text: str) -> None:
    assert not is_range(text)


@pytest.mark.parametrize(("constraint", "inside", "outside"), HELD.values(), ids=HELD.keys())
def test_a_constraint_holds(constraint: str, inside: list[str], outside: list[str]) -> None:
    assert [version for version in inside if best_match(constraint, [version]) is None] == []
    assert [version for version in outside if best_match(constraint, [version]) is not None] == []


@pytest.mark.parametrize(("constraint", "versions", "best"), BEST.values(), ids=BEST.keys())
def test_the_best_match(constraint: str, versions: list[str], best: str | None) -> None:
    assert best_match(constraint, versions) == best


@pytest.mark.parametrize(
    "text", ["", "v", "1.", "1.2.3-", "1.2.3-a..b", "1.2.3-01", "a1", "1.2.3\n", "1.99999999999999999999"]
)
def test_what_is_no_version(text: str) -> None:
    assert parse_version(text) is None


@pytest.mark.parametrize(
    ("text", "strict"),
    {
        "three numbers": ("1.2.3", True),
        "a v in front": ("v1.2.3", True),
        "a prerelease and build metadata": ("1.2.3-rc.1+b.7", True),
        "a date": ("20240101", False),
        "two numbers": ("1.2", False),
        "a leading zero": ("2024.01.05", False),
        "two vs": ("vv1.2.3", False),
        "a number beyond 64 bits": (f"{2**64}.0.0", False),
        "an empty prerelease": ("1.2.3-", False),
        "a line break behind it": ("1.2.3\n", False),
        "nothing": ("", False),
    }.values(),
)
def test_a_strict_version_has_three_plain_numbers(text: str, strict: bool) -> None:
    assert is_strict(text) is strict

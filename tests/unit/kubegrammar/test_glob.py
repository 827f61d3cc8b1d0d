"""Both dialects of globs."""

import time

import pytest

from kubegrammar.glob import (
    OutOfSteps,
    Steps,
    doublestar_match,
    doublestar_problem,
    doublestar_size,
    file_match,
    glob_match,
    glob_problem,
)

GOBWAS = {
    "text matches itself": ("abc", "abc", "", True),
    "text matches nothing longer": ("abc", "abcd", "", False),
    "a star matches nothing": ("a*", "a", "", True),
    "a star crosses everything without separators": ("https://*", "https://github.com/a/b", "", True),
    "a star stops at a separator": ("https://github.com/*", "https://github.com/a/b", "/", False),
    "a star matches inside one": ("https://github.com/*/b", "https://github.com/a/b", "/", True),
    "two stars cross separators": ("https://github.com/**", "https://github.com/a/b", "/", True),
    "a star at both ends": ("*.svc*", "kubernetes.default.svc:443", "", True),
    "a question mark matches one": ("a?c", "abc", "", True),
    "a question mark does not match none": ("a?c", "ac", "", False),
    "a question mark is no separator": ("a?c", "a/c", "/", False),
    "a list": ("[abc]x", "bx", "", True),
    "a negated list": ("[!abc]x", "bx", "", False),
    "a range": ("v[0-9]", "v7", "", True),
    "a negated range": ("v[!0-9]", "v7", "", False),
    "a caret in a list is a character": ("[^a]", "^", "", True),
    "a minus in front is a character": ("[-a]", "-", "", True),
    "a list matches a separator": ("a[/]b", "a/b", "/", True),
    "alternatives": ("{dev,prod}-*", "prod-eu", "", True),
    "alternatives with stars": ("{*.yaml,*.yml}", "a.yml", "", True),
    "no alternative": ("{dev,prod}-*", "test-eu", "", False),
    "nested alternatives": ("a{b,{c,d}e}f", "adef", "", True),
    "an empty alternative": ("a{,b}", "a", "", True),
    "a brace that is not closed ends with the pattern": ("a{b,c", "ac", "", True),
    "braces outside are characters": ("a},b", "a},b", "", True),
    "a backslash takes the meaning away": (r"a\*", "a*", "", True),
    "so no other text matches": (r"a\*", "ab", "", False),
    "stars may overlap": ("*a*b*", "xxaxxbxx", "", True),
    "several separators": ("*", "a.b", "/.", False),
    "characters beyond ASCII are one each": ("?é*", "éé😀", "", True),
    "the case counts": ("Pod", "pod", "", False),
}

MALFORMED = {
    "a bracket that is not closed": "p/[",
    "an empty list": "[]",
    "an empty negated list": "[!]",
    "a range of three": "[a-z0]",
    "a range that ends before it begins": "[z-a]",
    "a range without an end": "[a-]",
    "too long": "a*" * 2001,
}

FILES = {
    "a star crosses folders, as in Argo CD": ("*.yaml", "a/b.yaml", True),
    "a folder": ("env-usw2/*", "env-usw2/a.yaml", True),
    "one of several": ("{config.json,env-usw2/*}", "config.json", True),
    "another file": ("config.json", "a/config.json", False),
}

DOUBLESTAR = {
    "a star stops at a slash": ("*.yaml", "a/b.yaml", False),
    "two stars and a slash match no folder": ("**/*.yaml", "b.yaml", True),
    "they match many": ("**/*.yaml", "a/b/c.yaml", True),
    "in the middle too": ("a/**/c.yaml", "a/c.yaml", True),
    "over several folders": ("a/**/c.yaml", "a/x/y/c.yaml", True),
    "whole folders only": ("a/**/c.yaml", "ab/c.yaml", False),
    "at the end they match all below": ("a/**", "a/b/c", True),
    "and the folder itself": ("a/**", "a", True),
    "with text they are one star": ("a/**.yaml", "a/b/c.yaml", False),
    "a class": ("v[0-9].yaml", "v1.yaml", True),
    "a class of several ranges": ("v[0-9a-f].yaml", "vb.yaml", True),
    "a class negated by a caret": ("v[^0-9].yaml", "v1.yaml", False),
    "a class negated by an exclamation mark": ("v[!0-9].yaml", "va.yaml", True),
    "alternatives": ("values-{dev,prod}.yaml", "values-prod.yaml", True),
    "alternatives with folders": ("{a,b/**}/v.yaml", "b/c/v.yaml", True),
    "nested alternatives": ("{a,{b,c}d}.yaml", "cd.yaml", True),
    "a comma outside braces": ("a,b", "a,b", True),
    "a backslash takes the meaning away": (r"\*.yaml", "*.yaml", True),
    "a brace in a class is a character": ("[{]", "{", True),
    "a question mark is no slash": ("a?b", "a/b", False),
}

MALFORMED_DOUBLESTAR = {
    "a bracket that is not closed": "a[",
    "an empty class": "[]a",
    "a brace that is not closed": "{a",
    "a brace that is not opened": "a}",
    "a backslash at the end": "a\\",
    "too many alternatives": "{a,b}" * 11,
    "too long": "a" * 1001,
}


@pytest.mark.parametrize(("pattern", "text", "separators", "matches"), GOBWAS.values(), ids=GOBWAS.keys())
def test_gobwas(pattern: str, text: str, separators: str, matches: bool) -> None:
    assert glob_match(pattern, text, separators) is matches
    assert glob_problem(pattern) == ""


@pytest.mark.parametrize("pattern", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_pattern_matches_nothing_and_says_why(pattern: str) -> None:
    assert glob_match(pattern, pattern) is False
    assert glob_problem(pattern)


@pytest.mark.parametrize(("pattern", "path", "matches"), FILES.values(), ids=FILES.keys())
def test_files_of_a_directory_source(pattern: str, path: str, matches: bool) -> None:
    assert file_match(pattern, path) is matches


@pytest.mark.parametrize(("pattern", "path", "matches"), DOUBLESTAR.values(), ids=DOUBLESTAR.keys())
def test_doublestar(pattern: str, path: str, matches: bool) -> None:
    assert doublestar_match(pattern, path) is matches
    assert doublestar_problem(pattern) == ""


@pytest.mark.parametrize("pattern", MALFORMED_DOUBLESTAR.values(), ids=MALFORMED_DOUBLESTAR.keys())
def test_a_malformed_doublestar_matches_nothing_and_says_why(pattern: str) -> None:
    assert doublestar_match(pattern, pattern) is False
    assert doublestar_problem(pattern)


@pytest.mark.parametrize(
    "pattern", ["*a" * 60 + "b", "**a" * 60 + "b", "{a,aa,*}" * 30 + "b"], ids=["stars", "double stars", "braces"]
)
def test_no_pattern_is_slow(pattern: str) -> None:
    begin = time.process_time()
    assert glob_match(pattern, "a" * 400, "/") is False
    assert time.process_time() - begin < 2


def test_matching_takes_no_more_steps_than_it_is_given() -> None:
    steps = Steps(100)
    assert doublestar_match("a/*.yaml", "a/b.yaml", steps) and 0 < steps.left < 100
    with pytest.raises(OutOfSteps):
        doublestar_match("*a" * 200, "ab" * 200, Steps(10_000))


@pytest.mark.parametrize(
    ("pattern", "least"), [("a/*", 3), ("{a,b}c", 4), ("{a,b}{c,d}", 8), ("{a,b" * 40 + "}" * 40, 10_000)]
)
def test_the_size_of_a_pattern_counts_its_choices(pattern: str, least: int) -> None:
    assert least <= doublestar_size(pattern) <= 1000 * len(pattern)

"""Which texts may be a revision."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.model.errors import InvalidSpec
from trueup.sources.revision import check, match, other_ref, suggestion

SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    "revision",
    [
        "",
        "HEAD",
        "main",
        "feature/login",
        "v1.0.0",
        "refs/heads/main",
        SHA,
        "1.2.*",
        "^1.0",
        ">=1.0.0 <2.0.0",
        "ünï",
        "a@b",
    ],
)
def test_fit_to_be_a_revision(revision: str) -> None:
    check(revision)


REFUSED = {
    "a new line": "main\nx",
    "a new line after a range": ">=1.0.0\n",
    "NUL": "main\0",
    "a space": "main branch",
    "two dots": "main..other",
    "a peeling": "main^{commit}",
    "a parent": "main^",
    "an ancestor": "main~3",
    "a path": "main:secret.yaml",
    "a reflog entry": "main@{1}",
    "an option": "--output=/tmp/x",
    "a short option": "-x",
    "a folder above": "../../x",
    "an absolute path": "/etc/passwd",
    "a lock": "main.lock",
    "a backslash": "a\\b",
    "more than 255 characters": "a" * 256,
}


@pytest.mark.parametrize("rule", REFUSED)
def test_refused(rule: str) -> None:
    with pytest.raises(InvalidSpec, match="invalid git revision"):
        check(REFUSED[rule])


@given(st.text())
def test_a_refusal_is_one_line(text: str) -> None:
    try:
        check(text)
    except InvalidSpec as error:
        assert error.message.isprintable() or not any(ord(each) < 32 for each in error.message)
    else:
        assert not any(ord(each) < 32 or ord(each) == 127 for each in text)


def test_a_range_without_a_tag_in_it_may_be_a_branch() -> None:
    refs = {"refs/heads/1.x": SHA, "refs/tags/v2.0.0": SHA}
    assert match("1.x", "", refs) == "refs/heads/1.x"
    assert match("2.x", "", refs) == "refs/tags/v2.0.0"


def test_a_tag_without_the_prefix_is_not_in_the_range() -> None:
    refs = {"refs/tags/v2.0.0": SHA, "refs/tags/web-1.0.0": SHA, "refs/tags/web-next": SHA}
    assert match(">=0.0.0", "web-", refs) == "refs/tags/web-1.0.0"
    assert match("v2.0.0", "web-", refs) == "refs/tags/v2.0.0"


def test_near_names_are_suggested_without_their_folders() -> None:
    assert suggestion("stagin", {"refs/heads/staging": SHA, "refs/tags/v1": SHA}) == "Did you mean staging?"


OTHERS = {
    "refs/pull/7/head": "refs/pull/7/head",
    "pull/7/head": "refs/pull/7/head",
    "refs/changes/84/6684/3": "refs/changes/84/6684/3",
    "refs/heads/main": "",
    "refs/tags/v1": "",
    "refs/trueup/HEAD": "",
    "main": "",
    "": "",
    SHA: "",
    "1.x": "",
    "refs/pull": "",
    "refs/pull/*/head": "",
    "pull/..": "",
    "--upload-pack=x/y": "",
}


@pytest.mark.parametrize("revision", OTHERS)
def test_a_ref_beside_branches_and_tags(revision: str) -> None:
    assert other_ref(revision) == OTHERS[revision]


def test_a_branch_and_a_tag_come_before_another_ref() -> None:
    refs = {"refs/pull/7/head": "a", "refs/heads/pull/7/head": "b"}
    assert match("pull/7/head", "", refs) == "refs/heads/pull/7/head"
    assert match("refs/pull/7/head", "", refs) == "refs/pull/7/head"
    assert match("pull/7/head", "", {"refs/pull/7/head": "a"}) == "refs/pull/7/head"

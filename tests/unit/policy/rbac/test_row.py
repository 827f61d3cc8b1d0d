"""Which lines are rows of a policy."""

import pytest

from trueup.policy.rbac.row import (
    MatchMode,
    Membership,
    PolicyRow,
    Right,
    RowProblem,
    fields,
    misspelt,
    read_row,
    read_rows,
)

ROWS: dict[str, tuple[str, PolicyRow]] = {
    "a right": ("p, role:x, applications, get, */*, allow", Right("role:x", "applications", "get", "*/*", True)),
    "a denial": ("p,a,logs,get,p/*,deny", Right("a", "logs", "get", "p/*", False)),
    "a role": ("g, alice, role:x", Membership("alice", "role:x")),
    "a name with a comma stands in quotes": ('g, "CN=a, O=b", role:x', Membership("CN=a, O=b", "role:x")),
    "two quotes are one": ('g, "a ""b""", role:x', Membership('a "b"', "role:x")),
    "white space behind a field is part of it, as in Argo CD": ("g, a , role:x", Membership("a ", "role:x")),
    "an action on one object": (
        "p, a, applications, delete/*/Pod/*/*, p/*, allow",
        Right("a", "applications", "delete/*/Pod/*/*", "p/*", True),
    ),
}


@pytest.mark.parametrize(("line", "row"), ROWS.values(), ids=ROWS.keys())
def test_a_row_is_read_as_argo_cd_reads_it(line: str, row: PolicyRow) -> None:
    assert read_row(line, "glob") == row


BAD: dict[str, tuple[MatchMode, str, str]] = {
    "C01 too few fields": ("glob", "p, a", "expected 6 fields, not 2"),
    "C01 too many fields": ("glob", "g, a, b, c", "expected 3 fields, not 4"),
    "C03 an effect that is none": ("glob", "p, a, logs, get, *, alow", "effect must be: 'allow' or 'deny', not 'alow'"),
    "C05 another type": ("glob", "q, a, b", "unknown row type 'q'"),
    "C05 a type that begins so": ("glob", "p2, a, b, c, d, allow", "unknown row type 'p2'"),
    "C09 nobody": ("glob", "p, , logs, get, *, allow", "subject required"),
    "C09 nobody has a role": ("glob", "g, , role:admin", "subject required"),
    "C09 somebody has no role": ("glob", "g, a,", "role required"),
    "C11 a denial of an action that there is not": (
        "glob",
        "p, a, applications, delte, *, deny",
        "unknown action 'delte'",
    ),
    "C11 a denial of a resource that there is not": ("glob", "p, a, aplications, get, *, deny", "unknown resource"),
    "C11 a denial of a part of an action that has none": ("glob", "p, a, logs, get/x, *, deny", "unknown action"),
    "C19 a broken glob": ("glob", "p, a, applications, get, p/[, allow", "invalid pattern 'p/['"),
    "C19 a broken expression": ("regex", "p, a, applications, get, *, allow", "invalid pattern '*'"),
    "C19 an expression that looks behind": ("regex", "p, a, applications, get, (?<=x)y, allow", "invalid pattern"),
    "C27 NUL": ("glob", "g, a\0, role:x", "control character in 'a\\x00'"),
    "C27 a character without width": ("glob", "g, ad\u200bmin, role:x", "control character in 'ad\\u200bmin'"),
    "a quote inside of a field": ("glob", 'g, a"b, role:x', "a quote inside of"),
    "a quote that is not closed": ("glob", 'g, "a, role:x', "a quote is not closed"),
    "text behind a quoted field": ("glob", 'g, "a"b, role:x', "follows a quoted field"),
}


@pytest.mark.parametrize(("mode", "line", "problem"), BAD.values(), ids=BAD.keys())
def test_a_line_that_is_no_row_says_why(mode: MatchMode, line: str, problem: str) -> None:
    with pytest.raises(RowProblem) as caught:
        read_row(line, mode)
    assert problem in str(caught.value)


def test_blank_lines_and_comments_are_no_rows() -> None:
    text = "\n  # p, a\n\t\np, a, logs, get, *, allow\r\n   g, a, role:b"
    assert [line for line, _ in read_rows(text, "glob")] == [4, 5]


@pytest.mark.parametrize("action", ["*", "g*", "{get,sync}", "action/apps/Deployment/restart", "update/*", "debug"])
def test_a_pattern_may_be_about_anything(action: str) -> None:
    assert not misspelt(Right("a", "*", action, "*", True), "glob")


def test_a_line_is_taken_apart_as_go_does_it() -> None:
    assert fields("a, b ,c,") == ["a", "b ", "c", ""]
    assert fields('"","a"') == ["", "a"]

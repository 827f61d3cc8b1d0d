"""Selectors in requests mean what the real server makes of them, and are refused in its words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketkube.cluster.failure import Failure
from pocketkube.cluster.storage import parse_fields, parse_labels

LABELS = {"app": "web", "tier": "front", "weight": "7", "example.com/team": "", "in": "in"}

MATCHING = [
    "",
    "app=web",
    "app==web",
    " app = web , tier in (front,back) ",
    "app",
    "!gone",
    "gone!=x",
    "gone notin (a)",
    "tier notin (back)",
    "weight>6,weight<8",
    "example.com/team=",
    "example.com/team",
    "example.com/team in (,x)",
    "example.com/team in ()",
    "in in (in)",
    "in=in",
]
OTHERS = [
    "app!=web",
    "app=",
    "gone",
    "!app",
    "gone=x",
    "gone in (a)",
    "tier notin (front)",
    "weight>7",
    "weight<7",
    "app>1",
    "gone>1",
    "app in ()",
]


@pytest.mark.parametrize("text", MATCHING)
def test_labels_match(text: str) -> None:
    assert parse_labels(text).matches(LABELS)


@pytest.mark.parametrize("text", OTHERS)
def test_labels_do_not_match(text: str) -> None:
    assert not parse_labels(text).matches(LABELS)


REFUSED = {
    "=web": "found '=', expected: !, identifier, or 'end of string'",
    "app=web,": "found '', expected: identifier after ','",
    "app=web tier": "found 'tier', expected: ',' or 'end of string'",
    "app web": "unable to parse requirement: found 'web', expected: in, notin, =, ==, !=, gt, lt",
    "!": "unable to parse requirement: found '', expected: identifier",
    "app in a": "unable to parse requirement: found 'a' expected: '('",
    "app in (a": "unable to parse requirement: found '', expected: ',' or ')'",
    "app in (a b)": "unable to parse requirement: found 'b', expected: ',' or ')'",
    "app in (=)": "unable to parse requirement: found '=', expected: ',', ')' or identifier",
    "app==(": "unable to parse requirement: found '(', expected: identifier",
    "weight>x": "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value "
    "must be an integer",
}


@pytest.mark.parametrize(("text", "message"), REFUSED.items())
def test_labels_are_refused(text: str, message: str) -> None:
    with pytest.raises(Failure) as caught:
        parse_labels(text)
    assert (caught.value.code, caught.value.message) == (400, message)


def test_a_key_or_value_of_a_wrong_form_is_named() -> None:
    with pytest.raises(Failure, match=r'^unable to parse requirement: <nil>: Invalid value: "a_/b_": prefix part'):
        parse_labels("a_/b_")
    with pytest.raises(Failure, match=r'^unable to parse requirement: values\[0\]\[a\]: Invalid value: "-": a valid'):
        parse_labels("a=-")


@given(st.text(alphabet="ab=!(),<> \t\0in", max_size=30))
def test_any_label_text_is_read_or_refused(text: str) -> None:
    try:
        parse_labels(text).matches(LABELS)
    except Failure as failure:
        assert failure.code == 400


FIELDS = {"metadata.name": "web", "status.phase": "Running", "odd": "a,b=c\\"}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("metadata.name=web", True),
        ("metadata.name==web", True),
        ("metadata.name!=web", False),
        ("metadata.name=web,status.phase!=Failed", True),
        ("metadata.name=web,status.phase=Failed", False),
        ("gone=", True),
        ("gone!=x", True),
        (r"odd=a\,b\=c\\", True),
        (",,metadata.name=web,", True),
    ],
)
def test_fields_match(text: str, matches: bool) -> None:
    assert parse_fields(text).matches(FIELDS) is matches


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("metadata.name", "invalid selector: 'metadata.name'; can't understand 'metadata.name'"),
        ("a=b=c", "invalid field selector: unescaped character in value: 61"),
        (r"a=\x", r"invalid field selector: invalid escape sequence: \x"),
        ("a=b\\", "invalid field selector: invalid escape sequence: \\"),
    ],
)
def test_fields_are_refused(text: str, message: str) -> None:
    with pytest.raises(Failure) as caught:
        parse_fields(text)
    assert (caught.value.code, caught.value.message) == (400, message)


def test_the_value_a_field_must_have() -> None:
    selector = parse_fields("metadata.name=web,status.phase!=Failed")
    assert selector.names() == ["metadata.name", "status.phase"]
    assert selector.exact("metadata.name") == "web"
    assert selector.exact("status.phase") == ""

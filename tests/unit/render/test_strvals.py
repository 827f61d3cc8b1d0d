"""Helm's --set language, compared with Helm's own parser."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.render.strvals import StrvalsError, parse_file_into, parse_into

EXPRESSIONS = [
    "a=1",
    "a.b.c=x",
    "a=true,b=false,c=null",
    "a=TRUE",
    "a=0",
    "a=007",
    "a=-5",
    "a=+5",
    "a=1.5",
    "a=9223372036854775807",
    "a=9223372036854775808",
    "a=",
    "a=,b=1",
    "a={1,2,x}",
    "a={}",
    "a={},b=2",
    "a={1},b=2",
    r"a=x\,y",
    r"a\.b=1",
    r"a\=b=1",
    "a[0]=x",
    "a[2]=x",
    "a[0].b=1,a[0].c=2",
    "a[0][1]=x",
    "a[1].b[0]=z",
    "a=b=c",
    "a=x y",
    "--post-renderer=/bin/sh",
    "a=[1]",
    "a=é",
    "a[",
    "a.",
    "=1",
]
BROKEN = [
    "a",
    "a.b",
    "a[x]=1",
    "a[-1]=1",
    "a[999999999]=1",
    "a={1",
    "a[0]b=1",
    ".".join("a" * 40) + "=1",
    "a,b=1",
    "a=1,a.b=2",
    "a=1,a[0]=2",
]


def ours(text: str, *, strings: bool = False) -> dict[str, Any]:
    values: dict[str, Any] = {}
    parse_into(text, values, strings=strings)
    return values


@pytest.mark.parametrize("text", EXPRESSIONS)
@pytest.mark.parametrize("strings", [False, True], ids=["--set", "--set-string"])
def test_reads_an_expression_as_helm_does(text: str, strings: bool) -> None:
    from helm_python import _native

    function = "helm_strvals_parse_string" if strings else "helm_strvals_parse"
    assert ours(text, strings=strings) == json.loads(_native.call_string(function, text))


@pytest.mark.parametrize("text", BROKEN)
def test_refuses_what_helm_refuses(text: str) -> None:
    from helm_python import HelmError, _native

    with pytest.raises(HelmError):
        _native.call_string("helm_strvals_parse", text)
    with pytest.raises(StrvalsError):
        ours(text)


@given(st.text(alphabet="ab01.[]{}=,\\-", max_size=14))
def test_agrees_with_helm_on_any_text(text: str) -> None:
    from helm_python import HelmError, _native

    try:
        theirs = json.loads(_native.call_string("helm_strvals_parse", text))
    except HelmError:
        theirs = "refused"
    try:
        mine: Any = ours(text)
    except StrvalsError:
        mine = "refused"
    assert mine == theirs


def test_writes_into_values_that_are_there() -> None:
    values = {"a": {"keep": 1, "list": [{"x": 1}, {"y": 2}]}}
    parse_into("a.list[1].y=3,a.new=4", values)
    assert values == {"a": {"keep": 1, "list": [{"x": 1}, {"y": 3}], "new": 4}}


def test_a_file_parameter_is_text_whatever_it_holds() -> None:
    values: dict[str, Any] = {}
    parse_file_into("a.b[0]", "x=1,{y}\n", values)
    assert values == {"a": {"b": ["x=1,{y}\n"]}}

"""Flux's substitution, by the rules of its library: its own table of examples, and what it refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.render.envsubst import LONGEST_TRIMMED, MOST_NESTED, SubstitutionError, check_names, substitute

PATH = {"path": "/home/bozo/ideas/thoughts.for.today"}
LETTERS = {"a": "abcABC123ABCabc"}
REPLACED: list[tuple[dict[str, str], str, str]] = [
    ({}, "no variable, a $ alone, $name and ${}".replace(" and ${}", ""), "no variable, a $ alone, $name"),
    ({"a": "x"}, "${a} ${a}${a}", "x xx"),
    ({}, "[${missing}]", "[]"),
    ({"a": "x"}, "$${a} $$$${a} $$${a} a$$b", "${a} $${a} $x a$b"),
    ({"a": "x"}, "some ${a}$${a$${a}$a${a}", "some x${a${a}$ax"),
    ({"d": "foo"}, "something $${var=${d}}", "something ${var=foo}"),
    ({}, "${a:=x} ${a:-y} ${a=z} ${a:-}", "x y z "),
    ({"a": "set"}, "${a:=x} ${a:-y} ${a=z}", "set set set"),
    ({"a": ""}, "${a:=x} ${a:-y}", "x y"),
    ({"d": "foo"}, "${a:=${d}} ${a=${d}-suffix} ${a=prefix${d}-suffix}", "foo foo-suffix prefixfoo-suffix"),
    ({}, "${a:-http://x:80/?y}", "http://x:80/?y"),
    ({"a": "x"}, "${b:+set} ${a:+set} ${b:?why}", "set x why"),
    ({"a": "abcdEFGH28ij", "u": "ß"}, "${#a} ${#u} ${#missing}", "12 2 0"),
    ({"a": "abC", "b": "ABC"}, "${a^} ${a^^} ${b,} ${b,,} ${a,^}", "AbC ABC aBC abc abC"),
    (
        PATH,
        "${path:11} ${path:11:5} ${path:-5} ${path:99}|${path:x}",
        "ideas/thoughts.for.today ideas /home/bozo/ideas/thoughts.for.today |/home/bozo/ideas/thoughts.for.today",
    ),
    ({"a": "abc"}, "${a:1:-1} ${a: -2} ${a:0:99} ${a:2:-2}|", "b abc abc |"),
    (
        LETTERS,
        "${a/abc/x} ${a//abc/x} ${a/#abc/x} ${a/%abc/x}",
        "xABC123ABCabc xABC123ABCx xABC123ABCabc abcABC123ABCx",
    ),
    ({"a": "value"}, "${a/#/pre-} ${a/%/-suf} ${a/v/}", "pre-value value-suf alue"),
    ({"a": "foo/bar/baz"}, r"${a/\//-} ${a//\//-}", "foo-bar/baz foo-bar-baz"),
    (
        {"f": "bash.string.txt"},
        "${f#*.} ${f##*.} ${f%.*} ${f%%.*} ${f#x}",
        "string.txt txt bash.string bash bash.string.txt",
    ),
    (
        {"f": "/path/to/file"},
        "${f#*/} ${f##*/} ${f#[} ${f#[a-z/]} ${f#?}",
        "path/to/file file /path/to/file path/to/file path/to/file",
    ),
]
REFUSED = {
    "${}": "unable to parse variable name",
    "${a": "missing closing brace",
    "${a.b}": "missing closing brace",
    "${a[@]}": "missing closing brace",
    "${a-x}": "missing closing brace",
    "${a:-": "unable to parse substitution within function",
    "${a:}": "unable to parse substitution within function",
    "${a/b}": "bad substitution",
    "${#}": "bad substitution",
    "${a#${b}c}": "bad substitution",
    "${a%": "unable to parse substitution within function",
}


@pytest.mark.parametrize(("variables", "text", "made"), REPLACED)
def test_expressions_are_replaced_as_flux_does(variables: dict[str, str], text: str, made: str) -> None:
    assert substitute(text, variables) == made


@pytest.mark.parametrize("text", REFUSED)
def test_what_begins_as_an_expression_and_is_none_is_an_error(text: str) -> None:
    with pytest.raises(SubstitutionError, match=REFUSED[text]):
        substitute(f"before {text}", {"a": "1", "b": "2"})


@pytest.mark.parametrize("text", ["${m}", "${#m}", "${m^}", "${m:1}", "${m/a/b}", "${m#a}", "${m%%a}", "${a:-${m}}"])
def test_strict_misses_a_variable_that_has_no_default(text: str) -> None:
    with pytest.raises(SubstitutionError, match=r'variable not set .strict mode.: "m"'):
        substitute(text, {"a": "set"}, strict=True)
    assert substitute("${m:-x}${m:=y}${m=z}${e}", {"e": ""}, strict=True) == "xyz"


def test_names_that_no_expression_has_are_refused() -> None:
    check_names({"_a1": "", "A": ""})
    for name in ("", "1a", "a-b", "a.b", "ä"):
        with pytest.raises(SubstitutionError, match="var name is invalid"):
            check_names({name: ""})


def test_what_is_hostile_ends_soon() -> None:
    with pytest.raises(SubstitutionError, match="nested"):
        substitute("${a:-" * (MOST_NESTED + 5), {})
    with pytest.raises(SubstitutionError, match="longer"):
        substitute("${a#*x}", {"a": "y" * (LONGEST_TRIMMED + 1)})
    assert substitute("$" * 200_000, {}) == "$" * 100_000
    assert len(substitute("${a:-x" + "y" * 200_000 + "}", {})) == 200_001


@given(st.text(), st.dictionaries(st.sampled_from("ab"), st.text()))
def test_a_text_without_expressions_stays_but_for_doubled_dollars(text: str, variables: dict[str, str]) -> None:
    plain = text.replace("${", "{")
    assert substitute(plain.replace("$", "$$"), variables) == plain.replace("${", "{")
    assert substitute(f"${{a}}{plain.replace('$', '')}", variables) == variables.get("a", "") + plain.replace("$", "")

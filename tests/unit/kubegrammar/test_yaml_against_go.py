"""The same text to our reader and to Go's sigs.k8s.io/yaml, which Helm's library brings along.

Go's answer comes through JSON numbers of 53 bits, so integers beyond them are compared as floats.
"""

import itertools
import subprocess
from pathlib import Path
from typing import Any

import helm_python
import pytest

from kubegrammar import yaml
from trueup.workers.kustomize import kubectl

WORDS = """~ null Null y n Y N yes no on off true TRUE tRue False 22:22 190:20:30 0o14 0O7 014 08 09.5 0o8 -0o14 -014
0x1F 0X1f 0x 0xg 0x_1 0x1_0 0b101 0B11 0b 0b+1 0b-1 -0b1 0b12 1e3 1E+3 1e-7 1e 1e+ e1 1e3_0 12e03 0e0 1.0 1.5 .5 -.5
+.5 5. 1.e3 .e5 .5e3 . .. ... ._5 .1_0 .1_ .1__0 .1_0e1_0 1_000 1_0.5 _1 1_ 1__0 0_8 +12 -0 -0.0 + +_ -_1 --1 1-1 00
007 0.10 2001-01-01 2001-1-1 2001-12-14t21:59:43.10-05:00 1e400 -1e400 1e21 1e20 12345678901234567890.5
123456789012345678.5 9223372036854775807 9223372036854775808 18446744073709551615 -9223372036854775808
0x1ffffffffffffffff 0o7777777777777777777777777 0x7fffffffffffffff 0xffffffffffffffff -0x8000000000000001 = << a#b
'12' 'y' "\\u00e9" "\\x41" 1.2.3 10.0.0.1 Infinity NaN nan inf a:b ::x :x http://x a=b a@b x%y é 😀 1K"""

TAGGED = (
    "!foo x|!foo 12|!!str 1|!!str|!!int 3|!!int '3'|!!int x|!!int 0x10|!!int 1.5|!!float 3|!!float 1e3|!!float x|"
    "!!bool yes|!!bool 'no'|!!bool 1|!!null ''|!!null x|!!timestamp 2001-01-01|!!timestamp x|!!merge x|!!map x|!!seq x|"
    "!<tag:yaml.org,2002:int> 5|! 12|! '12'|!!binary aGVsbG8=|!!binary x|!!set {a}|!!omap [a: 1]|!x [1]|!x {b: 1}"
)

SHAPES = {
    "as a value": "k: {}\n",
    "as a key": "{} : v\n",
    "in a flow sequence": "k: [{}]\n",
    "as a key in flow": "k: {{{} : v}}\n",
}

TEXTS = {
    text.replace("\n", "⏎"): text
    for text in (
        "{x: 1, <<: {x: 2}}",
        "{<<: {x: 2}, x: 1}",
        "{<<: [{x: 1}, {x: 2}], y: 1}",
        "'<<': 1",
        "<<: 1",
        "!!str <<: {a: 1}",
        "a: &x {b: 1}\nc: *x\nd: {<<: *x, b: 2}",
        "a: &x [{b: 1}]\nd: {<<: *x, b: 2}",
        "a: &x 1e6\n*x : 2",
        "a: &x y\n*x : 2",
        "&k a: 1\nb: *k",
        "&k <<: {a: 1}\n*k : {b: 1}",
        "a: *z",
        "a: &a [*a]",
        "a: &x\nb: *x",
        "a: &x 1\nb: &x 2\nc: *x",
        "1e-5: a",
        "1e6: a",
        "1e39: a",
        "16777217.0: a",
        "123456789.5: a",
        "0.1: a",
        ".inf: a",
        "[a]: b",
        "{a: 1}: b",
        "~: 1",
        "a:\n- b\n- c",
        "a:\n\tb: 1",
        "a: b\n\tc: d",
        "a: {b:c}",
        "a: {b: http://x}",
        "a: {b}",
        "a: {b: }",
        "a: [b: 1]",
        'a: "x\n  y"',
        "a: |2\n   x\n  y",
        "a: >-\n  x\n\n  y",
        "a: |+\n  x\n\n",
        "a: 'it''s'",
        "a: [\n1\n]",
        "a: [1,2,]",
        "a: {b: 1,}",
        '{"a":1}',
        "? a\n: b",
        "? |\n  a\n: b",
        "a:\n  - - a\n    - b",
        "a:\n  - b\n c: d",
        "a: b: c",
        "a: 'x",
        '"a\tb": c',
        "a:  \t b",
        "a: b # c: d",
        "a: [b # c\n]",
        "a: |\n\tx",
        "a: |\n  x\n\ty\n",
        "a: x\n---\n",
        "a: \u00a0b",
        "x: \u0085y",
        "x: \u2029y",
        "a : b",
        "a: {? b : c}",
        "a: [,]",
        "a: %x",
        "a: [-]",
        "a: [-1]",
        "a: -x",
        "a: - 1",
        'a: "\\ud800"',
        "a: .nan",
    )
}


def go(text: str) -> tuple[str, Any]:
    try:
        return "read", helm_python.values_from_yaml(text)
    except helm_python.HelmError:
        return "refused", None


def ours(text: str) -> tuple[str, Any]:
    try:
        return "read", yaml.load(text.encode(), "values.yaml")
    except yaml.YamlError:
        return "refused", None


def comparable(value: Any) -> Any:
    """Numbers as floats, each value with its kind, so that true is not 1."""
    if isinstance(value, dict):
        return {key: comparable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [comparable(item) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return type(value).__name__, value


def assert_same(text: str) -> None:
    (verdict, value), (our_verdict, our_value) = go(text), ours(text)
    assert (our_verdict, comparable(our_value)) == (verdict, comparable(value)), text


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_a_scalar_means_what_it_means_to_go(shape: str) -> None:
    for word in itertools.chain(WORDS.split(), TAGGED.split("|")):
        assert_same(shape.format(word))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_a_text_means_what_it_means_to_go(text: str) -> None:
    assert_same(text)


@pytest.mark.parametrize("number", ["18446744073709551616", "-9223372036854775809", "+9223372036854775808"])
def test_go_loses_digits_where_we_refuse(number: str) -> None:
    verdict, value = go(f"k: {number}")
    assert verdict == "read"
    assert isinstance(value["k"], int | float)
    assert ours(f"k: {number}") == ("refused", None)


def test_what_we_write_go_reads() -> None:
    strings = [
        *WORDS,
        "a: b",
        "a # b",
        "- a",
        "",
        " a",
        "x\ny\n",
        "  x\ny",
        "x\n\n",
        "\n",
        "a\tb",
        "---",
        "...",
        "\x1f",
    ]
    value = {"list": strings, "keys": {text: {"nested": [[1.5, None], {}, []]} for text in strings}, "long" * 50: [{}]}
    text = yaml.dump(value)
    assert go(text) == ("read", value)
    assert ours(text) == ("read", value)


SEPARATORS = ("---", "---#c", "--- # c", "---\t", "---   ", "\n\n---\n\n# c", "---\n---", "---\n\ufeff")
BLOCKS = ("|\n    x", "|+\n    x\n\n", "|-\n    x\n", ">\n    x", "'---'", "|\n    ---\n    #x")
ENDS = ("", "\n", "\n\n", "\n---", "\n---\n# c", "\n   ")


def test_documents_are_those_of_kubectl(tmp_path: Path) -> None:
    ours = {}
    for number, (separator, block, end, line) in enumerate(itertools.product(SEPARATORS, BLOCKS, ENDS, ("\n", "\r\n"))):
        head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c%d-%d}\ndata:\n  text: " + block
        text = f"{head % (number, 0)}\n{separator}\n{head % (number, 1)}{end}".replace("\n", line)
        (tmp_path / f"{number}.yaml").write_bytes(text.encode())
        for document in yaml.load_all(text.encode(), "f.yaml").documents:
            ours[document.value["metadata"]["name"]] = document.value["data"]["text"]
    done = subprocess.run(
        [kubectl(), "patch", "--local", "-f", tmp_path, "--type", "merge", "-p", "{}", "-o", "json"],
        check=False,
        capture_output=True,
        env={"HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    theirs = [document.value for document in yaml.load_all(done.stdout, "kubectl").documents]
    assert {each["metadata"]["name"]: each["data"]["text"] for each in theirs} == ours

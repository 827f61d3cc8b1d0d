"""Whole numbers of Helm parameters reach the templates as Helm's own --set hands them over: int64, digit for digit."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.support.memtree import MemTree

from trueup.model.application import HelmParameter, HelmSource, Source
from trueup.render.recipe import RenderContext, make_recipe, read_inputs
from trueup.workers.child import render
from trueup.workers.frame import RenderTask

CONTEXT = RenderContext(app_name="r", namespace="n")
# Each leaf with its type and its text as templates see them.
TELL = """{{- define "tell" -}}
{{- $at := .at -}}
{{- if kindIs "map" .v -}}
{{- range $k, $v := .v -}}{{- template "tell" (dict "v" $v "at" (printf "%s/%s" $at $k)) -}}{{- end -}}
{{- else if kindIs "slice" .v -}}
{{- range $i, $v := .v -}}{{- template "tell" (dict "v" $v "at" (printf "%s/%d" $at $i)) -}}{{- end -}}
{{- else }}
  {{ printf "%s" .at | quote }}: {{ printf "%s %v" (typeOf .v) .v | quote }}
{{- end -}}
{{- end -}}
"""
SEEN = """apiVersion: v1
kind: ConfigMap
metadata: {name: NAME}
data: {{- template "tell" (dict "v" .Values "at" "") }}
  end: ""
"""
CHART = "apiVersion: v2\nname: c\nversion: 0.1.0\n"


def chart(values: str = "", **more: str) -> dict[str, str]:
    files = {"Chart.yaml": CHART, "values.yaml": values, "templates/_tell.tpl": TELL}
    return {**files, "templates/seen.yaml": SEEN.replace("NAME", "seen"), **more}


def seen(files: dict[str, str], **parameters: str) -> dict[str, dict[str, str]]:
    """What the ConfigMaps of a chart tell, by their names."""
    given = [HelmParameter(name=name.replace("__", "."), value=value) for name, value in parameters.items()]
    return seen_of(files, HelmSource(parameters=given))


def seen_of(files: dict[str, str], helm: HelmSource) -> dict[str, dict[str, str]]:
    tree = MemTree({f"a/{path}": text for path, text in files.items()})
    recipe = make_recipe(Source(path="a", helm=helm), tree, {}, CONTEXT)
    with TemporaryDirectory() as scratch:
        made = render(RenderTask(recipe, read_inputs(recipe, tree, {}), cpu_seconds=60), Path(scratch))
    return {manifest.key.name: manifest.object()["data"] for manifest in made.manifests}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        pytest.param("20240611", "int64 20240611", id="a date as a tag"),
        pytest.param("0", "int64 0", id="nought"),
        pytest.param("-7", "int64 -7", id="below nought"),
        pytest.param("+7", "int64 7", id="with a sign"),
        pytest.param("9223372036854775807", "int64 9223372036854775807", id="the largest int64"),
        pytest.param("9007199254740993", "int64 9007199254740993", id="more digits than a float64 has"),
        pytest.param("9223372036854775808", "string 9223372036854775808", id="beyond int64: text"),
        pytest.param("007", "string 007", id="a leading nought: text"),
        pytest.param("1e5", "string 1e5", id="an exponent: text"),
        pytest.param("1.10", "string 1.10", id="a point: text"),
        pytest.param("0x1F", "string 0x1F", id="hexadecimal: text"),
        pytest.param("1_000", "string 1_000", id="underscores: text"),
        pytest.param("true", "bool true", id="a boolean"),
        pytest.param(",,,$$$,,", "string ,,,$$,,", id="leading and double commas are text, two dollars are one"),
        pytest.param(",a", "string ,a", id="a leading comma is text"),
        pytest.param("a,", "string a,", id="a trailing comma is text"),
        pytest.param("a,,b", "string a,,b", id="a double comma is text"),
        pytest.param(",", "string ,", id="a comma alone is text"),
        pytest.param("5,6", "string 5,6", id="numbers with a comma are text"),
        pytest.param(r"a\,b", "string a,b", id="an escaped comma is a comma"),
    ],
)
def test_a_parameter_is(value: str, told: str) -> None:
    assert seen(chart("x: old"), x=value)["seen"]["/x"] == told


def test_numbers_of_values_stay_what_helm_makes_of_them() -> None:
    data = seen(chart("a: 20240611\nl: [1, 2]\n"), b="20240611")["seen"]
    assert (data["/a"], data["/b"], data["/l/0"]) == ("float64 2.0240611e+07", "int64 20240611", "float64 1")


def test_a_parameter_inside_a_list_of_the_values_file_leaves_its_neighbours_alone() -> None:
    helm = HelmSource(
        values="l: [1, {a: 2, b: 3}, [4, 5, 6], x]\n",
        parameters=[
            HelmParameter(name="l[0]", value="10"),
            HelmParameter(name="l[1].b", value="30"),
            HelmParameter(name="l[2][1]", value="50"),
            HelmParameter(name="l[5]", value="70"),
        ],
    )
    data = seen_of(chart(), helm)["seen"]
    assert {key: text for key, text in data.items() if key.startswith("/l")} == {
        "/l/0": "int64 10",
        "/l/1/a": "float64 2",
        "/l/1/b": "int64 30",
        "/l/2/0": "float64 4",
        "/l/2/1": "int64 50",
        "/l/2/2": "float64 6",
        "/l/3": "string x",
        "/l/4": "<nil> <nil>",
        "/l/5": "int64 70",
    }


def test_subcharts_and_their_globals_get_the_same_integers() -> None:
    sub = {
        "charts/sub/Chart.yaml": CHART.replace("name: c", "name: sub"),
        "charts/sub/values.yaml": "global: {tag: 1, own: 2}\nport: 3\n",
        "charts/sub/templates/deep/er/than/any/seen.yaml": SEEN.replace("NAME", "below"),
        "charts/sub/charts/leaf/Chart.yaml": CHART.replace("name: c", "name: leaf"),
        "charts/sub/charts/leaf/templates/seen.yaml": SEEN.replace("NAME", "leaf"),
    }
    data = seen(
        chart("global: {a: {b: 1}}\n", **sub),
        global__tag="20240611", global__a__l="{7,x}", sub__port="20240612", sub__leaf__n="20240613",
    )  # fmt: skip
    for name in ("seen", "below", "leaf"):
        at = {"seen": "/global", "below": "/global", "leaf": "/global"}[name]
        assert data[name][f"{at}/tag"] == "int64 20240611"
        assert data[name][f"{at}/a/l/0"] == "int64 7" and data[name][f"{at}/a/b"] == "float64 1"
    assert (data["below"]["/global/own"], data["below"]["/port"]) == ("float64 2", "int64 20240612")
    assert data["leaf"]["/n"] == "int64 20240613"


def test_a_schema_that_asks_for_an_integer_is_content() -> None:
    schema = json.dumps({"type": "object", "properties": {"n": {"type": "integer", "maximum": 10}}})
    files = chart(**{"values.schema.json": schema})
    assert seen(files, n="5")["seen"]["/n"] == "int64 5"
    with pytest.raises(Exception, match="schema"):
        seen(files, n="11")


def test_templates_compare_parameters_with_numbers() -> None:
    files = chart(**{"templates/seen.yaml": SEEN.replace("NAME", '{{ if eq .Values.n 5 }}"five"{{ end }}')})
    assert list(seen(files, n="5")) == ["five"]


def _leaves(value: Any, at: str = "") -> dict[str, Any]:
    if isinstance(value, dict | list) and value:
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        return {key: leaf for name, item in pairs for key, leaf in _leaves(item, f"{at}/{name}").items()}
    return {} if isinstance(value, dict | list) else {at: value}


NAMES = st.text(alphabet="ab\"'\\`é{} ", min_size=1, max_size=3).map(
    lambda text: "".join(f"\\{char}" if char in '\\.[]{},="' else char for char in text)
)
PATHS = st.builds(
    lambda name, rest: name + "".join(rest),
    NAMES,
    st.lists(st.one_of(NAMES.map(lambda name: f".{name}"), st.integers(0, 3).map(lambda n: f"[{n}]")), max_size=3),
).filter(str.strip)
NUMBERS = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-100, 100)).map(str)


@given(st.lists(st.tuples(PATHS, NUMBERS), min_size=1, max_size=5))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_every_number_that_helm_reads_from_parameters_is_an_int64_with_its_digits(
    parameters: list[tuple[str, str]],
) -> None:
    from helm_python import HelmError, _native

    expressions = ",".join(f"{name}={value}" for name, value in dict(parameters).items())
    try:
        theirs = json.loads(_native.call_string("helm_strvals_parse", expressions))
    except HelmError:
        assume(False)
    helm = HelmSource(parameters=[HelmParameter(name=name, value=value) for name, value in parameters])
    data = seen_of(chart(), helm)["seen"]
    for at, leaf in _leaves(theirs).items():
        told = "<nil> <nil>" if leaf is None else f"int64 {leaf}"
        assert data[at] == told

"""Laws of what is refused: not the one spelling that was used somewhere, but all of its kind."""

import re
import string
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.support.memtree import Link, MemTree
from tests.support.often import often

from kubegrammar import yaml
from trueup.kube.config import ClusterConfig
from trueup.kube.errors import ConfigError
from trueup.model.application import HelmParameter, HelmSource, Source
from trueup.model.errors import RenderFailed, TrueupError
from trueup.render import strvals
from trueup.render.job import HelmJob
from trueup.render.recipe import Recipe, RenderContext, make_recipe

CONTEXT = RenderContext(app_name="shop", namespace="prod", kube_version="v1.30.1")
HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"
CHART: dict[str, str] = {
    "app/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
    "app/templates/c.yaml": HEAD,
    "app/v.yaml": "a: 1\n",
}
SEGMENTS = st.sampled_from(["..", ".", "", "app", "a", "v.yaml", "%2e%2e", "..%2f", "~", "\\..", "etc", "passwd", "s"])
PATHS = st.lists(SEGMENTS, min_size=1, max_size=7).map("/".join)
CLIMBING = st.lists(st.sampled_from(["..", ".", "app", "a", ""]), max_size=4).map(
    lambda parts: "/".join(["app", *parts, *[".."] * (len(parts) + 2), "etc", "passwd"])
)
WITHIN = st.builds(
    lambda detours, end: "".join(detours) + end,
    st.lists(st.sampled_from(["./", ".//", "app/../", "a/../", "app/./../"]), max_size=3),
    st.sampled_from(["app", "a", "s", "app/", "a/."]),
)
BESIDE = st.builds(
    lambda detours, end: "".join(detours) + end,
    st.lists(st.sampled_from(["./", "templates/../", "../app/", "../a/../app/"]), max_size=3),
    st.sampled_from(["v.yaml", "/app/v.yaml", "../a/c.yaml", "s/c.yaml"]),
)


def recipe(files: dict[str, str], **source: Any) -> Recipe:
    return make_recipe(Source(**{"path": "app"} | source), MemTree(files), {}, CONTEXT)


@given(often(WITHIN, PATHS | CLIMBING))
def test_no_path_of_an_application_leaves_its_repository(path: str) -> None:
    try:
        made = recipe({**CHART, "a/c.yaml": HEAD, "s": Link("a")}, path=path)
    except TrueupError:
        return
    assert all(file.path.partition("/")[0] in ("app", "a", "s") for file in made.inputs)


@given(CLIMBING)
def test_a_path_that_climbs_out_is_said_to(path: str) -> None:
    with pytest.raises(RenderFailed, match="app path outside root"):
        recipe(CHART, path=path)


@given(often(BESIDE, PATHS | CLIMBING))
def test_no_value_file_is_from_outside_the_repository(path: str) -> None:
    try:
        made = recipe({**CHART, "a/c.yaml": HEAD, "app/s": Link("../a")}, helm=HelmSource(value_files=[path]))
    except TrueupError:
        return
    assert all(".." not in file.path.split("/") and not file.path.startswith("/") for file in made.inputs)
    assert isinstance(made.job, HelmJob)


SCHEMES = st.text(string.ascii_letters + string.digits + "+.-", min_size=2, max_size=10).filter(
    lambda text: text[0].isalpha() and not text.endswith(".")
)


@given(SCHEMES, st.text("ab/.:@", max_size=8))
def test_no_value_file_is_fetched_by_any_scheme(scheme: str, rest: str) -> None:
    with pytest.raises(TrueupError) as refused:
        recipe(CHART, helm=HelmSource(value_files=[f"{scheme}://{rest}"]))
    assert "not allowed" in str(refused.value) or "not supported" in str(refused.value)


@given(st.one_of(st.text(max_size=60), st.text("ab-.A_/", max_size=60)))
def test_a_release_has_the_name_of_a_label_or_none(name: str) -> None:
    assume(name)
    try:
        made = recipe(CHART, helm=HelmSource(release_name=name))
    except TrueupError as refused:
        assert "release name" in str(refused)
        return
    assert isinstance(made.job, HelmJob)
    assert len(made.job.release) <= 53
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", made.job.release)


@given(st.text(string.printable, max_size=20))
def test_a_parameter_is_never_more_than_a_key(name: str) -> None:
    try:
        made = recipe(CHART, helm=HelmSource(parameters=[HelmParameter(name=name, value="/bin/sh")]))
    except TrueupError:
        return
    assert isinstance(made.job, HelmJob)
    assert [(one.name, one.value) for one in made.job.parameters] == [(name, "/bin/sh")]


ALLOWED = {"helm", "kustomize", "directory", "plugin", "path"}
FIELDS = ["repoURL", "project", "targetRevision", "chart", "ref", "destination", "name", "REPOURL", "source", "sources"]


@given(st.sampled_from(FIELDS), st.sampled_from(["", "-shop"]), st.booleans())
def test_an_override_sets_parameters_alone(field: str, suffix: str, beside: bool) -> None:
    text = f"{field}: evil\n" + ("kustomize: {namePrefix: a-}\n" if beside else "")
    try:
        made = recipe({"app/c.yaml": HEAD, f"app/.argocd-source{suffix}.yaml": text})
    except TrueupError as refused:
        assert "argocd-source" in str(refused)
        return
    raise AssertionError(made)


@given(st.integers(min_value=2**64) | st.integers(max_value=-(2**63) - 1), st.sampled_from(["{}", "+{}", "{}_000"]))
def test_no_integer_loses_digits(number: int, notation: str) -> None:
    text = notation.format(number) if number > 0 else str(number)
    with pytest.raises(yaml.YamlError, match="out of range"):
        yaml.load(f"a: {text}\n".encode(), "f.yaml")


@given(st.integers(strvals.MAX_INDEX + 1, 10**30), st.sampled_from(["a[{}]", "a.b[{}]", "a[0][{}]", "a[0].c[{}].d"]))
def test_no_index_makes_a_list_of_any_length(index: int, place: str) -> None:
    with pytest.raises(strvals.StrvalsError, match="index"):
        strvals.parse_into(f"{place.format(index)}=1", {})


@given(
    st.text(string.ascii_letters + "-._", max_size=8),
    st.sampled_from([chr(code) for code in (*range(33), 127, 128, 0x85, 0xA0, 0x200B, 0x2028, 0x202E)]),
    st.text(string.ascii_letters, max_size=8),
)
def test_no_token_holds_what_a_header_cannot(before: str, bad: str, after: str) -> None:
    with pytest.raises(ConfigError, match="control character in credential") as refused:
        ClusterConfig(server="https://here", token=f"{before}{bad}{after}")
    assert not after or after not in str(refused.value) or len(after) < 3

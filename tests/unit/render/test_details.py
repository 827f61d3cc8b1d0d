"""What a folder of a repository offers to who writes an Application."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.support.memtree import Link, MemTree

from trueup.model.application import DirectorySource, HelmSource, Source
from trueup.model.errors import RenderFailed
from trueup.render.budget import Budget, SourceAllowance, TooCostly
from trueup.render.details import MAX_VALUES, MOST_PARAMETERS, applications_of, charts_of, offer_of

CHART = "apiVersion: v2\nname: web\nversion: 1.0.0\ndescription: A web server\nhome: https://example.com\n"
VALUES = "image: {repository: web, tag: '1'}\nports: [80, {name: https}]\ndebug: false\nnothing: null\n"
FILES = {
    "chart/Chart.yaml": CHART + "maintainers: [{name: Ada, email: a@example.com}, {name: Bob}, odd]\n",
    "chart/values.yaml": VALUES,
    "chart/values-prod.yml": "image: {tag: '2'}\nreplicas: 3\n",
    "chart/templates/values.yaml": "",
    "chart/my-VALUES.yaml": "",
    "kustom/kustomization.yaml": "resources: []\n",
    "kustom/Chart.yaml": CHART,
    "plain/a.yaml": "kind: Pod\n",
}


def offer(files: Mapping[str, Any], path: str, **source: Any) -> Any:
    return offer_of(Source(repo_url="r", path=path, **source), MemTree(files), Budget())


def test_a_chart_offers_its_values_by_their_paths() -> None:
    found = offer(FILES, "chart")
    chart = found.chart
    assert (found.type, chart.name, chart.description, chart.home) == (
        "Helm",
        "web",
        "A web server",
        "https://example.com",
    )
    assert chart.maintainers == ("Ada (a@example.com)", "Bob")
    assert chart.value_files == ("my-VALUES.yaml", "values-prod.yml", "values.yaml")
    assert chart.values == VALUES
    assert dict(chart.parameters) == {
        "image.repository": "web",
        "image.tag": "1",
        "ports[0]": "80",
        "ports[1].name": "https",
        "debug": "false",
        "nothing": "",
    }


def test_files_of_values_are_taken_together() -> None:
    named = HelmSource(value_files=["values-prod.yml", "$other/x.yaml", "https://example.com/x.yaml", "../../../etc"])
    chart = offer(FILES, "chart", helm=named).chart
    assert dict(chart.parameters)["image.tag"] == "2"
    assert dict(chart.parameters)["replicas"] == "3"
    assert chart.values == VALUES


@pytest.mark.parametrize(
    ("path", "source", "kind"),
    [
        ("kustom", {}, "Kustomize"),
        ("plain", {}, "Directory"),
        ("chart", {"directory": DirectorySource()}, "Directory"),
    ],
)
def test_the_tool_is_the_one_that_renders(path: str, source: Any, kind: str) -> None:
    assert offer(FILES, path, **source).type == kind


@pytest.mark.parametrize(
    ("files", "path", "text"),
    [
        ({}, "none", "app path does not exist"),
        (FILES, "../x", "app path outside root"),
        ({"c/Chart.yaml": CHART, "c/values.yaml": "a: [\n"}, "c", "c/values.yaml cannot be read"),
        ({"c/Chart.yaml": CHART, "c/values.yaml": "x" * (MAX_VALUES + 1)}, "c", "larger than"),
        ({"c/Chart.yaml": CHART, "c/values.yaml": Link("../../../etc/passwd")}, "c", "outside repository root"),
        ({"c/Chart.yaml": CHART, "c/values.yaml": "a: &a [*a]\n"}, "c", "cannot be read"),
    ],
    ids=["no path", "outside", "no YAML", "too large", "a link that leads out", "itself within itself"],
)
def test_what_cannot_be_read_is_said_by_its_file(files: Any, path: str, text: str) -> None:
    with pytest.raises(RenderFailed, match=text):
        offer(files, path)


def test_parameters_are_bounded() -> None:
    many = "".join(f"k{number}: {number}\n" for number in range(MOST_PARAMETERS + 10))
    assert len(offer({"c/Chart.yaml": CHART, "c/values.yaml": many}, "c").chart.parameters) == MOST_PARAMETERS
    wide = "a: [" + "1," * (MOST_PARAMETERS + 10) + "]\n"
    assert len(offer({"c/Chart.yaml": CHART, "c/values.yaml": wide}, "c").chart.parameters) == MOST_PARAMETERS


def test_folders_of_a_repository_that_a_tool_is_for() -> None:
    assert applications_of(MemTree({**FILES, "Chart.yaml": CHART}), Budget()) == {
        ".": "Helm",
        "chart": "Helm",
        "kustom": "Kustomize",
    }
    with pytest.raises(TooCostly):
        applications_of(MemTree(FILES), Budget(SourceAllowance(looks=3)))


def test_charts_of_an_index() -> None:
    index = b"""apiVersion: v1
entries:
  web: [{name: web, version: 1.1.0}, {name: web, version: 1.0.0}, {name: web}, odd]
  odd: text
  api: [{name: api, version: 0.1.0}]
"""
    assert charts_of(index, "https://charts.example.com") == {"api": ("0.1.0",), "web": ("1.1.0", "1.0.0")}
    with pytest.raises(RenderFailed, match="no index of a Helm repository"):
        charts_of(b"<html>", "https://charts.example.com")

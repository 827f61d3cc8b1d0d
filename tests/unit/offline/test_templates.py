"""Helm calls templates by the names of charts; a report by their files."""

import pytest
from tests.support.memtree import MemTree

from trueup.offline.place import file_of_error
from trueup.offline.templates import file_of_template, with_files

CHART = """name: web
dependencies:
- {name: sub}
- {name: odd, alias: other}
- {name: near, repository: "file://../near"}
"""
FILES = {
    "Chart.yaml": CHART,
    "templates/web.yaml": "",
    "charts/sub/Chart.yaml": "name: sub",
    "charts/sub/templates/a.yaml": "",
    "charts/sub/charts/deep/Chart.yaml": "name: deep",
    "charts/sub/charts/deep/templates/a.yaml": "",
    "charts/odd-1.0/Chart.yaml": "name: odd",
    "charts/odd-1.0/templates/a.yaml": "",
    "charts/packed-1.0.0.tgz": "",
}
TREE = MemTree(
    {
        **{f"deploy/chart/{path}": content for path, content in FILES.items()},
        "deploy/near/Chart.yaml": "name: near",
        "deploy/near/templates/a.yaml": "",
        "web/templates/web.yaml": "another chart, in a folder of the first one's name",
    }
)
TEMPLATES = {
    "its own": ("templates/web.yaml", "templates/web.yaml"),
    "a subchart's": ("charts/sub/templates/a.yaml", "charts/sub/templates/a.yaml"),
    "a subchart's subchart's": ("charts/sub/charts/deep/templates/a.yaml",) * 2,
    "in a folder of another name": ("charts/odd/templates/a.yaml", "charts/odd-1.0/templates/a.yaml"),
    "by an alias": ("charts/other/templates/a.yaml", "charts/odd-1.0/templates/a.yaml"),
    "in an archive": ("charts/packed/templates/a.yaml", "charts/packed-1.0.0.tgz"),
    "of a chart beside it": ("charts/near/templates/a.yaml", "../near/templates/a.yaml"),
}


@pytest.mark.parametrize("case", TEMPLATES)
def test_a_template_is_found(case: str) -> None:
    within, file = TEMPLATES[case]
    expected = f"deploy/chart/{file}".replace("chart/../", "")
    assert file_of_template(TREE, "deploy/chart", within) == expected
    said = with_files(f'helm: web/{within}:3:9\n  executing "web/{within}" at <.x>: nil', TREE, "deploy/chart")
    assert said == f'helm: {expected}:3:9\n  executing "{expected}" at <.x>: nil'
    assert file_of_error(said, "deploy/chart") == f"{expected}:3"
    assert file_of_error(with_files(f"helm: parse error at (web/{within}:3): x", TREE, "deploy/chart"), "") == (
        f"{expected}:3"
    )


def test_what_is_no_template_stays() -> None:
    for text in ("deploy/chart/templates/web.yaml:1:5: bad", "helm: web/templates/none.yaml:1", "helm: no such thing"):
        assert with_files(text, TREE, "deploy/chart") == text
    assert file_of_template(TREE, "deploy/chart", "charts/none/templates/a.yaml") == ""


def test_charts_that_name_each_other_end() -> None:
    looped = MemTree(
        {
            "a/Chart.yaml": 'name: a\ndependencies: [{name: b, repository: "file://../b"}]',
            "b/Chart.yaml": 'name: b\ndependencies: [{name: a, repository: "file://../a"}]',
        }
    )
    assert file_of_template(looped, "a", "charts/b/charts/a/charts/b/templates/x.yaml") == ""

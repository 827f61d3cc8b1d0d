"""Which folders are rendered where no Application names any."""

import pytest
from tests.support.memtree import MemTree

from trueup.sandbox.offline.folders import renderable

OBJECT = "apiVersion: v1\nkind: ConfigMap\n"
CASES = {
    "a chart, and nothing below it": ({"Chart.yaml": "", "templates/a.yaml": OBJECT}, [""]),
    "a kustomization, and nothing below it": ({"kustomization.yaml": "", "base/kustomization.yaml": ""}, [""]),
    "manifests, and nothing below them": ({"a.yaml": OBJECT, "b/b.yaml": OBJECT}, [""]),
    "the topmost below": (
        {"c/Chart.yaml": "", "k/a/kustomization.yml": "", "k/b/Kustomization": "", "p/q/a.json": OBJECT},
        ["c", "k/a", "k/b", "p/q"],
    ),
    "not components": ({"k/kustomization.yaml": "kind: Component", "p/a.yaml": OBJECT}, ["p"]),
    "not hidden folders": ({".github/workflows/a.yaml": OBJECT, "p/a.yaml": OBJECT}, ["p"]),
    "not other YAML": ({".pre-commit-config.yaml": "repos: []", "renovate.json": "{}", "p/a.yaml": OBJECT}, ["p"]),
    "nothing": ({"docs/a.md": ""}, []),
}


@pytest.mark.parametrize("case", CASES)
def test_folders_that_can_be_rendered(case: str) -> None:
    files, folders = CASES[case]
    assert renderable(MemTree(files), "") == folders


def test_the_folder_asked_for_is_what_is_searched() -> None:
    assert renderable(MemTree({"a/x/Chart.yaml": "", "b/Chart.yaml": ""}), "a") == ["a/x"]

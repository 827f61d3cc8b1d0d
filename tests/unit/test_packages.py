"""Three packages of one workspace."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import trueup

PACKAGES = Path(__file__).parents[2] / "packages"
NAMES = ("kubegrammar", "pocketkube", "trueup")


def project(name: str) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((PACKAGES / name / "pyproject.toml").read_text())["project"]
    return found


def test_they_are_all_there() -> None:
    assert sorted(folder.name for folder in PACKAGES.iterdir()) == [*NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_they_have_one_version(name: str) -> None:
    assert project(name)["version"] == trueup.__version__
    asked = [*project(name)["dependencies"], *project(name).get("optional-dependencies", {}).get("sandbox", [])]
    ours = [each for each in asked if each.startswith(NAMES)]
    assert all(each.endswith(f"=={trueup.__version__}") for each in ours), ours


def test_the_grammar_s_example_is_true() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (PACKAGES / "kubegrammar" / "README.md").read_text(), re.DOTALL)
    found: dict[str, Any] = {}
    for block in blocks:
        exec(block, found)
    assert found["deployment"]["spec"] == {"replicas": 3}
    assert found["memory"] == 1536 * 1024**2

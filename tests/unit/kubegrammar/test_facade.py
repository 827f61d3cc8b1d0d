"""Packages whose names are loaded when they are asked for: readers and the type checker see what is loaded."""

import ast
from pathlib import Path
from types import ModuleType

import pytest

from kubegrammar import yaml
from trueup import policy

PACKAGES = [policy, yaml]
packages = pytest.mark.parametrize("package", PACKAGES, ids=lambda each: each.__name__)


def declared(package: ModuleType) -> dict[str, str]:
    """Names by the modules that they are said to come from."""
    tree = ast.parse(Path(package.__file__ or "").read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    found: dict[str, str] = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom) and node.module is not None
        found.update((alias.name, node.module) for alias in node.names)
    return found


@packages
def test_every_name_is_loaded_from_where_it_is_said_to_be(package: ModuleType) -> None:
    given = {name: f"{package.__name__}.{module}" for module, names in package._NAMES.items() for name in names}
    assert given == declared(package)
    for name in given:
        assert getattr(package, name) is not None


@packages
def test_no_name_is_that_of_a_module(package: ModuleType) -> None:
    modules = {path.stem for path in Path(package.__file__ or "").parent.glob("*.py")}
    assert not modules & set(declared(package)), "a module that is loaded would stand in the place of what it gives"


@packages
def test_another_name_is_none(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match="nothing"):
        package.nothing  # noqa: B018

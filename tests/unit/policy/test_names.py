"""What the package gives: the names that readers and the type checker see are those that it loads."""

import ast
from pathlib import Path

import pytest

from trueup import policy


def declared() -> dict[str, str]:
    """Names by the modules that they are said to come from."""
    tree = ast.parse(Path(policy.__file__).read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If) and "not" not in ast.unparse(node.test))
    found: dict[str, str] = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom) and node.module is not None
        found.update((alias.name, node.module) for alias in node.names)
    return found


def test_every_name_is_loaded_from_where_it_is_said_to_be() -> None:
    assert {name: f"trueup.policy.{module}" for name, module in policy._PLACES.items()} == declared()
    for name in policy._PLACES:
        assert getattr(policy, name) is not None


def test_no_name_is_that_of_a_module() -> None:
    modules = {path.stem for path in Path(policy.__file__).parent.glob("*.py")}
    assert not modules & set(policy._PLACES), "a module that is loaded would stand in the place of what it gives"


def test_another_name_is_none() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        policy.nothing  # type: ignore[attr-defined] # noqa: B018

"""Fields a schema does not know, named as the real server's strict decoding names them."""

from typing import Any

from kubegrammar.merge.schema import Type
from kubegrammar.merge.typed import DEEPEST, kind_of


def unknown_fields(obj: Any, type_: Type) -> list[str]:
    """Paths such as ``spec.containers[0].imagee``."""
    found: list[str] = []
    _visit(obj, type_, "", found, drop=False, depth=0)
    return found


def prune(obj: Any, type_: Type) -> list[str]:
    """Drops such fields in place, and names them."""
    found: list[str] = []
    _visit(obj, type_, "", found, drop=True, depth=0)
    return found


def _visit(value: Any, type_: Type, path: str, found: list[str], *, drop: bool, depth: int) -> None:
    if depth > DEEPEST:
        return
    _, type_ = kind_of(value, type_)
    if isinstance(value, dict):
        if type_.kind == "map":
            _visit_members(value, type_, path, found, drop=drop, depth=depth)
    elif isinstance(value, list) and type_.kind == "list" and type_.element is not None:
        for index, child in enumerate(value):
            _visit(child, type_.element, f"{path}[{index}]", found, drop=drop, depth=depth + 1)


def _visit_members(value: dict[str, Any], type_: Type, path: str, found: list[str], *, drop: bool, depth: int) -> None:
    fields, others = type_.fields, type_.element
    gone: list[str] = []
    for name, child in value.items():
        inner = fields.get(name) or others
        if inner is not None:
            if isinstance(child, dict | list):
                _visit(child, inner, f"{path}.{name}" if path else name, found, drop=drop, depth=depth + 1)
        elif not type_.preserve_unknown:
            found.append(f"{path}.{name}" if path else name)
            gone.append(name)
    if drop:
        for name in gone:
            del value[name]

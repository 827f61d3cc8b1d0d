"""Defaults that a schema declares."""

from copy import deepcopy
from typing import Any

from kubegrammar.merge.schema import Type
from kubegrammar.merge.typed import DEEPEST, kind_of


def fill_defaults(obj: Any, type_: Type, *, depth: int = 0) -> None:
    """Fills in, in place, what is absent; and what is null where null is no value of its type.

    The members of a default are filled in as well, as in any other value.
    """
    if depth > DEEPEST:
        return
    _, type_ = kind_of(obj, type_)
    if isinstance(obj, dict):
        for name, inner in type_.fields.items():
            if inner.default is not None and (name not in obj or (obj[name] is None and not inner.nullable)):
                obj[name] = deepcopy(inner.default)
        for name, child in obj.items():
            declared = type_.fields.get(name) or type_.element
            if declared is not None and isinstance(child, dict | list):
                fill_defaults(child, declared, depth=depth + 1)
    elif isinstance(obj, list) and type_.element is not None:
        for child in obj:
            if isinstance(child, dict | list):
                fill_defaults(child, type_.element, depth=depth + 1)

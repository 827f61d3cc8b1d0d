"""Names that a package gives, loaded when they are first asked for: who wants one does not load what all need."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module


def facade(package: str, modules: Mapping[str, tuple[str, ...]]) -> Callable[[str], object]:
    """A package's ``__getattr__`` (PEP 562).

    Args:
        modules: what each module of the package gives to the rest. No name is that of a module: where that is loaded,
            it stands in the name's place.
    """
    places = {name: module for module, names in modules.items() for name in names}

    def find(name: str) -> object:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found: object = getattr(import_module(f"{package}.{places[name]}"), name)
        setattr(sys.modules[package], name, found)
        return found

    return find

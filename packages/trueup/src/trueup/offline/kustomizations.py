"""Which kustomizations of a repository are built for themselves, and which only as a part of others."""

import posixpath
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from kubegrammar import yaml
from trueup.model.errors import RenderFailed
from trueup.model.tree import Mode, Tree
from trueup.render.closure import follow, inside
from trueup.render.kustomize_refs import canonical, plugin_references, references


class Kustomization(msgspec.Struct, kw_only=True):
    """A folder with a kustomization.

    Attributes:
        folders: those it builds on, as real paths.
        files: those it reads, its own file among them.
    """

    path: str
    component: bool = False
    folders: set[str] = set()
    files: set[str] = set()


def read_kustomization(tree: Tree, path: str, file: str) -> Kustomization:
    """What a kustomization refers to. Of one that cannot be read as much as can: its build says what is wrong."""
    found = Kustomization(path=path, files={file})
    try:
        entry = tree.entry(file)
        document = canonical(_document(tree.read(entry) if entry else b"", file), file)
        found.component = document.get("kind") == "Component"
        for target in _targets(tree, path, document, file):
            located = follow(tree, target, file)
            if located is not None and located.entry.mode is Mode.DIRECTORY:
                found.folders.add(located.path)
            elif located is not None:
                found.files.add(located.path)
    except (RenderFailed, yaml.YamlError):
        pass
    return found


def _document(data: bytes, file: str) -> dict[str, Any]:
    value = yaml.load(data, file)
    return value if isinstance(value, dict) else {}


def _targets(tree: Tree, path: str, document: dict[str, Any], file: str) -> Iterator[str]:
    for reference in references(document, file):
        target = inside(path, reference.path)
        if target is None:
            continue
        yield target
        entry = tree.entry(target) if reference.plugin else None
        if entry is not None and entry.mode in (Mode.FILE, Mode.EXECUTABLE):
            for named in plugin_references(tree.read(entry), target):
                if (further := inside(path, named.path)) is not None:
                    yield further


def built(found: Iterable[Kustomization], first: str) -> tuple[list[str], list[str]]:
    """The kustomizations that are built for themselves, and the components that none of these uses; sorted paths.

    A base is built with its overlays, and alone it may not be whole. Of those that only use one another in a circle
    the first is built.

    Args:
        first: the folder that was asked for, which is built in any case.
    """
    known = {each.path: each for each in found}
    used = {folder for each in known.values() for folder in each.folders}
    reached: set[str] = set()
    roots = []
    whole = sorted(path for path, each in known.items() if not each.component)
    for path in (*(path for path in whole if path not in used or path == first), *whole):
        if path not in reached or path == first:
            if path not in roots:
                roots.append(path)
            _reach(known, path, reached)
    unused = sorted(path for path, each in known.items() if each.component and path not in reached)
    return sorted(roots), unused


def _reach(known: dict[str, Kustomization], path: str, reached: set[str]) -> None:
    pending = [path]
    while pending:
        here = pending.pop()
        if here in reached or here not in known:
            continue
        reached.add(here)
        pending += known[here].folders


def above(path: str) -> Iterator[str]:
    """The folders above a path, the nearest first, the root last."""
    while path:
        path = posixpath.dirname(path)
        yield path

"""What a folder of a repository offers to who writes an Application: which tool is for it, and what can be set."""

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from kubegrammar import yaml
from kubegrammar.patch import merge_patch
from trueup.model.application import Source
from trueup.model.errors import RenderFailed
from trueup.model.tree import Mode, Tree
from trueup.render.budget import Budget, metered
from trueup.render.closure import follow, inside
from trueup.render.environment import ParameterAnnouncement
from trueup.render.helm_index import read_index
from trueup.render.kustomization import KUSTOMIZATION_NAMES
from trueup.render.recipe import source_path
from trueup.render.renderers import renderer_of

MAX_VALUES = 1024 * 1024
"""Bytes of a file of values that is read."""
MOST_PARAMETERS, MOST_FOLDERS, MOST_VERSIONS = 5_000, 5_000, 50_000
_TEXT = 4096
"""Letters of a value, a description or a name that are told."""


class ChartOffer(msgspec.Struct, frozen=True):
    """What a chart says of itself.

    Attributes:
        value_files: names of files of values in its folder.
        values: the text of values.yaml.
        parameters: every value by its path, as ``helm --set`` names it.
    """

    name: str = ""
    description: str = ""
    home: str = ""
    maintainers: tuple[str, ...] = ()
    value_files: tuple[str, ...] = ()
    values: str = ""
    parameters: tuple[tuple[str, str], ...] = ()


class SourceOffer(msgspec.Struct, frozen=True):
    """What a source is.

    Attributes:
        type: ``Helm``, ``Kustomize``, ``Directory`` or ``Plugin``.
        chart: of Helm.
        announced: parameters of a plugin.
    """

    type: str
    chart: ChartOffer = ChartOffer()
    announced: tuple[ParameterAnnouncement, ...] = ()


def offer_of(source: Source, tree: Tree, budget: Budget) -> SourceOffer:
    """What one source is, and what can be set of it.

    Args:
        tree: of its repository, at its revision.

    Raises:
        RenderFailed: its path is missing or leaves the repository, or a file of it cannot be read.
        TooCostly: the budget is spent.
        InvalidSpec: the source names two tools.
    """
    looked, _ = metered(budget, tree, {})
    path = looked.within = source_path(source, looked)
    kind = renderer_of(source, looked, path).name
    return SourceOffer(kind, _chart(source, looked, path) if kind == "Helm" else ChartOffer())


def applications_of(tree: Tree, budget: Budget) -> dict[str, str]:
    """The folders of a repository that a tool is for, each with the tool's name; ``.`` is its root.

    Raises:
        TooCostly: the budget is spent.
    """
    looked, _ = metered(budget, tree, {})
    found: dict[str, str] = {}
    for entry in looked.walk(""):
        folder, name = posixpath.split(entry.path)
        if name == "Chart.yaml":
            found.setdefault(folder or ".", "Helm")
        elif name in KUSTOMIZATION_NAMES:
            # As where a source is rendered: it counts also beside a Chart.yaml.
            found[folder or "."] = "Kustomize"
        if len(found) >= MOST_FOLDERS:
            break
    return found


def charts_of(index: bytes, repository: str) -> dict[str, tuple[str, ...]]:
    """The charts of a Helm repository's index, each with its versions in the order of the index.

    Raises:
        RenderFailed: it is none.
    """
    found: dict[str, tuple[str, ...]] = {}
    left = MOST_VERSIONS
    for name, listed in sorted(read_index(index, repository).items(), key=lambda each: str(each[0])):
        entries = listed if isinstance(listed, list) else []
        versions = [each.get("version") for each in entries if isinstance(each, dict)]
        taken = [each[:_TEXT] for each in versions if isinstance(each, str) and each][: max(left, 0)]
        left -= len(taken)
        if taken and isinstance(name, str):
            found[name[:_TEXT]] = tuple(taken)
    return found


def _chart(source: Source, tree: Tree, path: str) -> ChartOffer:
    about, files = _mapping(tree, posixpath.join(path, "Chart.yaml")), list(_value_files(tree, path))
    own = posixpath.join(path, "values.yaml")
    values, text = _mapping(tree, own), _text(tree, own)
    for name in source.helm.value_files if source.helm is not None else ():
        # Those of other repositories are nothing that this chart offers.
        place = None if name.startswith("$") or "://" in name else inside(path, name)
        if place is not None:
            values = merge_patch(values, _mapping(tree, place))
    maintainers = about.get("maintainers")
    named = [each for each in maintainers if isinstance(each, dict)] if isinstance(maintainers, list) else []
    return ChartOffer(
        name=_said(about, "name"),
        description=_said(about, "description"),
        home=_said(about, "home"),
        maintainers=tuple(_person(each) for each in named),
        value_files=tuple(files),
        values=text,
        parameters=tuple(sorted(dict(_flat(values)).items())),
    )


def _value_files(tree: Tree, path: str) -> Iterator[str]:
    for entry in tree.children(path):
        name = posixpath.basename(entry.path)
        lower = name.lower()
        if entry.mode is not Mode.DIRECTORY and "values" in lower and lower.endswith((".yaml", ".yml")):
            yield name


def _text(tree: Tree, file: str) -> str:
    located = follow(tree, file, "file of values")
    if located is None or located.entry.mode is Mode.DIRECTORY:
        return ""
    if tree.size(located.entry) > MAX_VALUES:
        raise RenderFailed(f"{file} is larger than {MAX_VALUES // 1024} KiB", hint="shorten it")
    return tree.read(located.entry).decode("utf-8", "replace")


def _mapping(tree: Tree, file: str) -> dict[str, Any]:
    try:
        read = yaml.load(_text(tree, file).encode(), file)
    except yaml.YamlError as error:
        raise RenderFailed(f"{file} cannot be read: {error}"[:600], hint="correct the file") from error
    return read if isinstance(read, dict) else {}


def _flat(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every value by its path, the first so many of them."""
    pending: list[tuple[str, Any]] = [("", values)]
    count = 0
    while pending and count < MOST_PARAMETERS:
        path, value = pending.pop()
        if len(path) > _TEXT:
            continue
        if isinstance(value, dict):
            prefix = f"{path}." if path else ""
            pending += [(f"{prefix}{name}", each) for name, each in value.items()]
        elif isinstance(value, list):
            pending += [(f"{path}[{number}]", each) for number, each in enumerate(value[:MOST_PARAMETERS])]
        else:
            count += 1
            yield path, _scalar(value)


def _scalar(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)[:_TEXT]


def _said(about: Mapping[str, Any], name: str) -> str:
    value = about.get(name)
    return value[:_TEXT] if isinstance(value, str) else ""


def _person(about: Mapping[str, Any]) -> str:
    name, email = _said(about, "name"), _said(about, "email")
    return f"{name} ({email})" if email else name

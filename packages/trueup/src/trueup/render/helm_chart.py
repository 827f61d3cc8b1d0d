"""A chart's own files: its folder, and the local charts it depends on."""

import posixpath
from typing import Any

import msgspec

from kubegrammar import pattern, yaml
from trueup.model.errors import RenderFailed
from trueup.model.tree import Mode, Tree
from trueup.render.closure import files_below, follow, inside, refuse_outside, refuse_submodule, submodules_below
from trueup.render.job import Input
from trueup.render.spelling import spelled, spellings

_FIELDS = spellings("apiVersion", "name", "version", "type", "kubeVersion", "dependencies")
_DEPENDENCY = spellings("name", "version", "repository", "alias", "condition")
_NAME = pattern.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_VERSION_BEGINS = pattern.compile(r"-v?[0-9]")
MAX_BYTES = 1024 * 1024
"""Of Chart.yaml."""

REQUIREMENTS = "requirements.yaml"

RENDERED = ("charts", "crds", "templates")
"""Folders of a chart whose files become objects, named by nobody."""


class ChartFiles(msgspec.Struct, frozen=True):
    """What a chart consists of.

    Attributes:
        absent: paths looked for in vain.
        name: the chart's own.
        kube_version: the range of versions of Kubernetes that the chart is for; empty for all.
        constrained: the chart's ``kubeVersion``, or that of a subchart, limits the clusters it renders for.
        warnings: for the user; each names a file.
    """

    inputs: tuple[Input, ...]
    absent: tuple[str, ...] = ()
    name: str = ""
    kube_version: str = ""
    constrained: bool = False
    warnings: tuple[str, ...] = ()


def read_chart(tree: Tree, path: str) -> ChartFiles:
    """The files of the chart at ``path``, dependencies checked.

    Raises:
        RenderFailed: Chart.yaml is missing or invalid, the chart is a library, or a dependency is a submodule or not in
            ``charts/``.
    """
    metadata = _metadata(tree, path)
    if (kind := metadata.get("type")) not in (None, "", "application"):
        raise RenderFailed(
            f"{posixpath.join(path, 'Chart.yaml')}: {kind} charts are not installable",
            hint="name the path of a chart that depends on it, or set type: application",
        )
    for part in RENDERED:
        for submodule in (posixpath.join(path, part), *submodules_below(tree, posixpath.join(path, part))):
            entry = tree.entry(submodule)
            if entry is not None and entry.mode is Mode.SUBMODULE:
                raise refuse_submodule(tree, submodule)
    inputs = {shown: Input(shown, entry) for shown, entry in files_below(tree, path, "chart file")}
    present = _present(tree, path, inputs)
    missing = []
    listed_in, dependencies = _dependencies(tree, path, metadata)
    for dependency in dependencies:
        name = str(dependency.get("name", ""))
        repository = str(dependency.get("repository") or "")
        if name in present:
            continue
        if repository.startswith("file://"):
            inputs.update(_local(tree, path, name, repository.removeprefix("file://")))
        else:
            missing.append(
                f"{name} {dependency.get('version', '')} ({repository or 'no repository'})".replace("  ", " ")
            )
    if missing:
        raise RenderFailed(
            f"{listed_in}: dependencies missing in charts/: {', '.join(missing)}",
            hint="run 'helm dependency update' and commit charts/",
        )
    warnings = []
    if listed_in.endswith(REQUIREMENTS) and metadata.get("apiVersion") not in (None, "", "v1"):
        warnings.append(
            f"{listed_in}: apiVersion {metadata['apiVersion']} keeps dependencies in Chart.yaml; those listed here are "
            "used all the same, as Helm does"
        )
    wanted = metadata.get("kubeVersion")
    return ChartFiles(
        tuple(inputs.values()),
        name=metadata["name"],
        kube_version=wanted if isinstance(wanted, str) else "",
        constrained=_constrained(inputs, metadata),
        warnings=tuple(warnings),
    )


def _constrained(inputs: dict[str, Input], metadata: dict[str, Any]) -> bool:
    return bool(metadata.get("kubeVersion")) or any(
        "/charts/" in f"/{path}" and path.endswith("/Chart.yaml") for path in inputs
    )


def _metadata(tree: Tree, path: str) -> dict[str, Any]:
    file = posixpath.join(path, "Chart.yaml")
    located = follow(tree, file, "chart file")
    hint = "a chart needs a Chart.yaml with apiVersion, name and version"
    if located is None or located.entry.mode is Mode.DIRECTORY:
        raise RenderFailed(f"{file} is missing or invalid: no such file", hint=hint)
    metadata = _mapping(tree, file)
    for field in ("name", "version"):
        if not metadata.get(field):
            raise RenderFailed(f"{file} is missing or invalid: it has no {field}", hint=hint)
    name = metadata["name"]
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise RenderFailed(f"{file}: invalid chart name {name!r}", hint="use letters, digits, dots and dashes")
    return metadata


def _mapping(tree: Tree, file: str) -> dict[str, Any]:
    located = follow(tree, file, "chart file")
    if located is None or located.entry.mode is Mode.DIRECTORY:
        return {}
    if tree.size(located.entry) > MAX_BYTES:
        raise RenderFailed(f"{file} is larger than {MAX_BYTES // 1024} KiB", hint="shorten it")
    try:
        value = yaml.load(tree.read(located.entry), file)
    except yaml.YamlError as error:
        raise RenderFailed(f"{file} is missing or invalid: {error}", hint="correct the file") from error
    if not isinstance(value, dict):
        raise RenderFailed(f"{file} is missing or invalid: it is no mapping", hint="correct the file")
    return spelled(value, _FIELDS, f"{file}: ")


def _dependencies(tree: Tree, path: str, metadata: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """The dependencies and the file that lists them: a requirements.yaml that does stands for Chart.yaml, whatever the
    API version (Helm's ``LoadFiles``)."""
    listed, listed_in = metadata.get("dependencies"), posixpath.join(path, "Chart.yaml")
    file = posixpath.join(path, REQUIREMENTS)
    if tree.entry(file) is not None:
        requirements = _mapping(tree, file)
        if "dependencies" in requirements:
            listed, listed_in = requirements["dependencies"], file
    items = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    return listed_in, [spelled(item, _DEPENDENCY, f"{path}: dependencies.") for item in items]


def _present(tree: Tree, path: str, inputs: dict[str, Input]) -> set[str]:
    """Names of the charts in ``charts/``: folders by their Chart.yaml, archives by file name."""
    names: set[str] = set()
    prefix = posixpath.join(path, "charts") + "/"
    for file in inputs:
        if not file.startswith(prefix):
            continue
        parts = file[len(prefix) :].split("/")
        if len(parts) == 2 and parts[1] == "Chart.yaml":
            names.add(str(_mapping(tree, file).get("name", parts[0])))
        elif len(parts) == 1 and parts[0].endswith(".tgz"):
            stem = parts[0].removesuffix(".tgz")
            # "name-1.2.3.tgz": where the name ends is open, so every cut before a digit counts.
            names.update(stem[: cut.start()] for cut in _VERSION_BEGINS.finditer(stem))
    return names


def _local(tree: Tree, path: str, name: str, relative: str) -> dict[str, Input]:
    """A chart of the same repository (``repository: file://../common``), laid out in ``charts/``."""
    if not _NAME.fullmatch(name):
        raise RenderFailed(f"{path}/Chart.yaml: invalid chart name {name!r}", hint="correct the dependency's name")
    target = inside(path, relative)
    if target is None:
        raise refuse_outside(f"file://{relative}", "dependency")
    located = follow(tree, target, "dependency")
    if located is None or located.entry.mode is not Mode.DIRECTORY:
        raise RenderFailed(f"dependency {name}: file://{relative} is no directory", hint="correct its repository")
    if (posixpath.normpath(path) + "/").startswith(located.path + "/") or not located.path:
        raise RenderFailed(
            f"dependency {name}: file://{relative} holds the chart itself", hint="correct its repository"
        )
    folder = posixpath.join(path, "charts", name)
    placed = (
        (posixpath.join(folder, shown[len(located.path) :].lstrip("/")), entry)
        for shown, entry in files_below(tree, located.path, "chart file")
    )
    return {file: Input(file, entry) for file, entry in placed}

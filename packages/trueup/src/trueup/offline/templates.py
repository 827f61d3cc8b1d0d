"""The files of a chart that Helm calls by the names of charts: ``web/charts/cache/templates/a.yaml``."""

import posixpath
from collections.abc import Iterator
from typing import Any

from kubegrammar import pattern, yaml
from trueup.model.errors import RenderFailed
from trueup.model.tree import Mode, Tree
from trueup.render.closure import inside

_NAMED = pattern.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/(?:charts|templates)/[^\s:()\"'<>]+\.(?:ya?ml|tpl|txt|json)")
_HELM = "helm: "
_CHARTS = "charts/"


def with_files(message: str, tree: Tree, path: str) -> str:
    """A message of Helm's in which templates are called by their paths in the repository.

    Args:
        path: the folder of the chart that was rendered.
    """
    if not message.startswith(_HELM):
        return message

    def named(match: pattern.Match[str]) -> str:
        text: str = match[0]
        return file_of_template(tree, path, text.partition("/")[2]) or text

    return _NAMED.sub(named, message)


def file_of_template(tree: Tree, path: str, within: str) -> str:
    """The file that Helm calls ``within`` the chart in a folder: a packed subchart is the archive. Empty when there is
    none."""
    file = posixpath.join(path, within)
    if tree.entry(file) is not None:
        return file
    if not within.startswith(_CHARTS):
        return ""
    name, _, deeper = within.removeprefix(_CHARTS).partition("/")
    for folder in _subcharts(tree, path, name):
        if folder.endswith(".tgz"):
            return folder
        if found := file_of_template(tree, folder, deeper):
            return found
    return ""


def _subcharts(tree: Tree, path: str, name: str) -> Iterator[str]:
    """Folders and archives that may be the subchart of this name: it is that of its Chart.yaml, or an alias."""
    chart = _mapping(tree, posixpath.join(path, "Chart.yaml"))
    listed = [_mapping(tree, posixpath.join(path, "requirements.yaml")).get("dependencies"), chart.get("dependencies")]
    dependencies = [each for found in listed if isinstance(found, list) for each in found if isinstance(each, dict)]
    names = [name, *(each.get("name") for each in dependencies if each.get("alias") == name)]
    for child in tree.children(posixpath.join(path, "charts")):
        base = posixpath.basename(child.path)
        if child.mode is Mode.DIRECTORY:
            if _mapping(tree, posixpath.join(child.path, "Chart.yaml")).get("name", base) in names:
                yield child.path
        elif base.endswith(".tgz") and any(base.startswith(f"{each}-") for each in names):
            yield child.path
    for dependency in dependencies:
        repository = dependency.get("repository")
        if dependency.get("name") in names and isinstance(repository, str) and repository.startswith("file://"):
            target = inside(path, repository.removeprefix("file://"))
            if target is not None and target != path:
                yield target


def _mapping(tree: Tree, file: str) -> dict[str, Any]:
    """What a file holds; nothing where it cannot be read, which the render has told."""
    entry = tree.entry(file)
    if entry is None or entry.mode not in (Mode.FILE, Mode.EXECUTABLE):
        return {}
    try:
        value = yaml.load(tree.read(entry), file)
    except (yaml.YamlError, RenderFailed):
        return {}
    return value if isinstance(value, dict) else {}

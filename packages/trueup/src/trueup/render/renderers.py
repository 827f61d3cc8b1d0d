"""The renderers, one entry each: how a folder shows that it is theirs, what they make of it, and whence objects come.

The tool that runs a job is an entry of the workers (:mod:`trueup.workers.child`). Jsonnet is a file of a folder of
manifests, as in Argo CD, and so belongs to the last entry.
"""

import posixpath
from collections.abc import Callable, Mapping
from enum import Enum
from typing import NamedTuple

from trueup.model.application import Source
from trueup.model.source import explicit_tool
from trueup.model.tree import Tree
from trueup.render import directory, helm, helm_deciding, kustomize, plugin
from trueup.render.draft import Draft
from trueup.render.environment import Environment, RenderContext
from trueup.render.job import Input, Recipe
from trueup.render.kustomization import kustomizations
from trueup.render.widened import widened


class SourceFolder(NamedTuple):
    """What is to be rendered.

    Attributes:
        tree: of the source.
        refs: trees of other sources, and what is elsewhere, by their names.
        path: the folder, in the tree.
        whole_tree: a narrower closure has missed a file.
    """

    source: Source
    tree: Tree
    refs: Mapping[str, Tree]
    path: str
    context: RenderContext
    environment: Environment
    whole_tree: bool = False


class WrittenAs(Enum):
    """What somebody has written, of which the objects of an outcome come."""

    OBJECTS = "objects"
    """Each as it is, in a file that the object names."""
    TEMPLATES = "templates"
    """Templates of a chart."""
    PARTS = "parts"
    """Files that were put together."""


class Renderer(NamedTuple):
    """One way from files to manifests.

    Attributes:
        name: as Argo CD calls it in ``status.sourceType``; the name of the source's block chooses it.
        version: of the tool: part of what names an outcome.
        marks: whether a folder is for it, where no block says so.
        draft: what is to be run on which files.
        written: what its objects come of.
        deciding: tells whether it depends on a file which objects there are.
    """

    name: str
    version: str
    marks: Callable[[Tree, str], bool]
    draft: Callable[[SourceFolder], Draft]
    written: WrittenAs
    deciding: Callable[[Recipe, Tree], Callable[[Input], bool]]


def every_file(file: Input) -> bool:
    """Every file decides."""
    return True


def _all_decide(recipe: Recipe, now: Tree) -> Callable[[Input], bool]:
    return every_file


def _has_kustomization(tree: Tree, path: str) -> bool:
    return bool(kustomizations(tree, path))


def _has_chart(tree: Tree, path: str) -> bool:
    return tree.entry(posixpath.join(path, "Chart.yaml")) is not None


def _never(tree: Tree, path: str) -> bool:
    return False


def _always(tree: Tree, path: str) -> bool:
    return True


def _kustomize(of: SourceFolder) -> Draft:
    draft = kustomize.draft(of.source, of.tree, of.refs, of.path, of.context, of.environment, checked=not of.whole_tree)
    return widened(draft, of.tree) if of.whole_tree else draft


def _helm(of: SourceFolder) -> Draft:
    return helm.draft(of.source, of.tree, of.refs, of.path, of.context, of.environment)


def _directory(of: SourceFolder) -> Draft:
    return directory.draft(of.source, of.tree, of.path, of.environment)


def _plugin(of: SourceFolder) -> Draft:
    return plugin.draft(of.source, of.tree, of.path, of.context, of.environment)


RENDERERS = (
    Renderer("Plugin", "", _never, _plugin, WrittenAs.OBJECTS, _all_decide),
    # Also beside a Chart.yaml: of two files in one folder Argo CD's discovery goes by the later name.
    Renderer("Kustomize", "kustomize 5.8.1", _has_kustomization, _kustomize, WrittenAs.PARTS, _all_decide),
    Renderer("Helm", "helm 4.2.3", _has_chart, _helm, WrittenAs.TEMPLATES, helm_deciding.deciding),
    Renderer("Directory", "", _always, _directory, WrittenAs.OBJECTS, _all_decide),
)
"""The first one whose marks a folder has renders it."""
BY_NAME: Mapping[str, Renderer] = {each.name: each for each in RENDERERS}


def renderer_of(source: Source, tree: Tree, path: str, context: RenderContext | None = None) -> Renderer:
    """Who renders a source: the explicit block decides, then a plugin that is looked for by files, else the files of
    the folder.

    Raises:
        InvalidSpec: more than one explicit block.
    """
    if explicit := explicit_tool(source):
        return BY_NAME[explicit]
    if context is not None and context.plugins and plugin.chosen(context, source, tree, path) is not None:
        return BY_NAME["Plugin"]
    return next(each for each in RENDERERS if each.marks(tree, path))


def written_of(source_type: str) -> WrittenAs:
    """What the objects of an outcome come of; of a name that no renderer has, they are as they were written."""
    renderer = BY_NAME.get(source_type)
    return renderer.written if renderer is not None else WrittenAs.OBJECTS

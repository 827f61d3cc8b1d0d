"""Which tool renders a source (Argo CD's tool detection)."""

import posixpath

from trueup.model.application import Source
from trueup.model.errors import RenderFailed
from trueup.model.source import explicit_tool
from trueup.model.tree import Tree

KUSTOMIZATION_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")


def detect_tool(source: Source, tree: Tree, path: str) -> str:
    """``Directory``, ``Kustomize`` or ``Helm``: the explicit block decides, else the files of the directory.

    Raises:
        InvalidSpec: more than one explicit block.
        RenderFailed: a tool that is not there.
    """
    explicit = explicit_tool(source)
    if explicit == "Plugin":
        raise RenderFailed(
            "config management plugins are not supported", hint="render with Helm, Kustomize or plain files"
        )
    if explicit:
        return explicit
    if kustomizations(tree, path):
        # Also beside a Chart.yaml: of two files in one folder Argo CD's discovery goes by the later name.
        return "Kustomize"
    return "Directory" if tree.entry(posixpath.join(path, "Chart.yaml")) is None else "Helm"


def kustomizations(tree: Tree, path: str) -> list[str]:
    """Paths of the kustomization files of a directory; a right one has one."""
    candidates = [posixpath.join(path, name) for name in KUSTOMIZATION_NAMES]
    return [candidate for candidate in candidates if tree.entry(candidate) is not None]

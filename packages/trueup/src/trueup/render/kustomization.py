"""The file that makes a folder one for Kustomize."""

import posixpath

from trueup.model.tree import Tree

KUSTOMIZATION_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")


def kustomizations(tree: Tree, path: str) -> list[str]:
    """Paths of the kustomization files of a directory; a right one has one."""
    candidates = [posixpath.join(path, name) for name in KUSTOMIZATION_NAMES]
    return [candidate for candidate in candidates if tree.entry(candidate) is not None]

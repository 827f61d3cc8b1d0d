"""Where a kustomization lies, and how it is read."""

import posixpath
from typing import Any, NamedTuple

from kubegrammar import yaml
from trueup.model.errors import RenderFailed
from trueup.model.tree import Mode, Tree
from trueup.render.closure import follow
from trueup.render.kustomization import kustomizations
from trueup.render.kustomize_refs import canonical

MAX_BYTES = 1024 * 1024
"""Of one kustomization file."""

LONGEST_PATH = 300
"""Characters of a path that are shown, or remembered of what may be no path."""


class KustomizePlace(NamedTuple):
    """A repository that is read.

    Attributes:
        ref: its name among the refs; empty for the source's own.
        mount: the folder in which it is laid out; empty for the source's own, which is the root.
        url: of a base elsewhere, for messages.
    """

    tree: Tree
    ref: str = ""
    mount: str = ""
    url: str = ""

    def laid(self, path: str) -> str:
        """Where a path of the repository is laid out."""
        return posixpath.join(self.mount, path) if path else self.mount

    def shown(self, path: str) -> str:
        """A path for people."""
        return f"{self.url} {path}" if self.url else path


def shown(path: str) -> str:
    return repr(path if len(path) <= LONGEST_PATH else f"{path[:LONGEST_PATH]}…")


def the_kustomization(tree: Tree, path: str) -> str:
    found = kustomizations(tree, path)
    if len(found) == 1:
        return found[0]
    where = path or "the repository's root"
    if found:
        raise RenderFailed(f"{where}: multiple kustomization files: {', '.join(found)}", hint="keep one")
    raise RenderFailed(
        f"{where}: no kustomization.yaml, kustomization.yml or Kustomization", hint="add a kustomization.yaml"
    )


def read_kustomization(tree: Tree, file: str) -> dict[str, Any]:
    located = follow(tree, file, "kustomization")
    if located is None or located.entry.mode is Mode.DIRECTORY:
        raise RenderFailed(f"{file}: no such file", hint="add it")
    if tree.size(located.entry) > MAX_BYTES:
        raise RenderFailed(f"{file} is larger than {MAX_BYTES // 1024} KiB", hint="split the kustomization")
    try:
        document = yaml.load(tree.read(located.entry), file)
    except yaml.YamlError as error:
        raise RenderFailed(str(error), hint="correct the kustomization") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise RenderFailed(f"{file}: a kustomization must be a mapping", hint="start it with resources:")
    return canonical(document, file)

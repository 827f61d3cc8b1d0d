"""The folders of a repository that can be rendered, where no Application says which."""

from trueup.model.errors import RenderFailed
from trueup.model.tree import Entry, Mode, Tree
from trueup.render.detect import kustomizations

_EXTENSIONS = (".yaml", ".yml", ".json")
_COMPONENT = b"kind: Component"


def renderable(tree: Tree, path: str) -> list[str]:
    """The folder itself if it is a chart, a kustomization or holds manifests; else the topmost ones below that are.

    Hidden folders are left out, and components, which only other kustomizations can use.
    """
    if tree.entry(f"{path}/Chart.yaml" if path else "Chart.yaml") is not None:
        return [path]
    if built := kustomizations(tree, path):
        return [] if any(_COMPONENT in _content(tree, file) for file in built) else [path]
    children = tree.children(path)
    if any(_is_manifest(tree, entry) for entry in children):
        return [path]
    found = []
    for entry in children:
        if entry.mode is Mode.DIRECTORY and not entry.path.rpartition("/")[2].startswith("."):
            found += renderable(tree, entry.path)
    return found


def _is_manifest(tree: Tree, entry: Entry) -> bool:
    if entry.mode not in (Mode.FILE, Mode.EXECUTABLE) or not entry.path.endswith(_EXTENSIONS):
        return False
    data = tree.read(entry)
    return b"apiVersion" in data and b"kind" in data


def _content(tree: Tree, path: str) -> bytes:
    entry = tree.entry(path)
    try:
        return tree.read(entry) if entry is not None else b""
    except RenderFailed:
        return b""

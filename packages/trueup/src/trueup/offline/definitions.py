"""The definitions of custom kinds that a repository has anywhere, whether or not an application brings them."""

from collections.abc import Collection, Iterator

from kubegrammar import yaml
from trueup.model.errors import RenderFailed
from trueup.model.manifest import Manifest
from trueup.model.resource import GroupKind
from trueup.model.tree import Mode, Tree
from trueup.offline.plain import EXTENSIONS
from trueup.offline.trial import DEFINITION
from trueup.render.output import Objects

MAX_BYTES = 10 * 1024 * 1024
"""Of one file that is looked into."""


def definitions(tree: Tree, kinds: Collection[GroupKind]) -> list[Manifest]:
    """The definitions of some kinds; of a kind that is defined more than once the first in the order of files."""
    wanted = set(kinds)
    found = []
    for path, data in _definers(tree) if wanted else ():
        if not any(kind.group.encode() in data for kind in wanted):
            continue
        for manifest in _manifests(data, path):
            kind = defined_kind(manifest)
            if kind in wanted:
                wanted.discard(kind)
                found.append(manifest)
    return found


def defined_groups(tree: Tree) -> frozenset[str]:
    """The groups of all kinds that are defined anywhere."""
    kinds = (defined_kind(manifest) for path, data in _definers(tree) for manifest in _manifests(data, path))
    return frozenset(kind.group for kind in kinds if kind is not None)


def _definers(tree: Tree) -> Iterator[tuple[str, bytes]]:
    """Path and content of the files that may define kinds."""
    for entry in tree.walk(""):
        if entry.mode is Mode.LINK or not entry.path.endswith(EXTENSIONS) or tree.size(entry) > MAX_BYTES:
            continue
        data = tree.read(entry)
        if DEFINITION.kind.encode() in data:
            yield entry.path, data


def _manifests(data: bytes, path: str) -> tuple[Manifest, ...]:
    objects = Objects()
    try:
        for document in yaml.load_all(data, path).documents:
            objects.read(document, path)
        return objects.finish()
    except (yaml.YamlError, RenderFailed):
        # A template, or a fault that the application says which brings it.
        return ()


def defined_kind(manifest: Manifest) -> GroupKind | None:
    """The kind that a manifest defines; None where it defines none."""
    spec = _spec(manifest)
    names = spec.get("names")
    return GroupKind(str(spec.get("group")), str(names.get("kind"))) if isinstance(names, dict) else None


def is_namespaced(definition: Manifest) -> bool:
    """Whether objects of the kind that a manifest defines are in namespaces."""
    return _spec(definition).get("scope") != "Cluster"


def _spec(manifest: Manifest) -> dict[str, object]:
    spec = manifest.object().get("spec") if manifest.group_kind == DEFINITION else None
    return spec if isinstance(spec, dict) else {}

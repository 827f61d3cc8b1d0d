"""The destination namespace as ``CreateNamespace=true`` makes it and ``managedNamespaceMetadata`` keeps it."""

from kubegrammar.json import canonical, digest
from trueup.model.annotations import MARKS, NAMESPACE_OF
from trueup.model.application import NamespaceMetadata
from trueup.model.manifest import Manifest
from trueup.model.resource import ResourceKey
from trueup.plan.kinds import NAMESPACE
from trueup.plan.options import CREATE_NAMESPACE
from trueup.plan.task import Writing

WRITING = Writing(migrate=False)
"""A few fields of an object that may be others' for the rest: what their managers own stays theirs."""


def namespace_key(name: str) -> ResourceKey:
    """The key of a namespace."""
    return ResourceKey(NAMESPACE.group, NAMESPACE.kind, "", name)


def namespace_manifest(name: str, metadata: NamespaceMetadata | None, mark: str = "") -> Manifest:
    """The namespace with these labels and annotations. It carries no tracking id, and is never pruned.

    Args:
        mark: the application it was made for; empty for none. Marks among the annotations are left out.
    """
    wanted: dict[str, object] = {"name": name}
    if metadata and metadata.labels:
        wanted["labels"] = metadata.labels
    annotations = {name: text for name, text in (metadata.annotations if metadata else {}).items() if name not in MARKS}
    if mark:
        annotations[NAMESPACE_OF] = mark
    if annotations:
        wanted["annotations"] = annotations
    body = canonical({"apiVersion": "v1", "kind": NAMESPACE.kind, "metadata": wanted})
    return Manifest(key=namespace_key(name), api_version="v1", body=body, digest=digest(body), origin=CREATE_NAMESPACE)

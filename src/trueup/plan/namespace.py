"""The destination namespace as ``CreateNamespace=true`` makes it and ``managedNamespaceMetadata`` keeps it."""

from trueup.formats.json import canonical, digest
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


def namespace_manifest(name: str, metadata: NamespaceMetadata | None) -> Manifest:
    """The namespace with these labels and annotations, and no word of who it belongs to: it is never pruned."""
    wanted: dict[str, object] = {"name": name}
    if metadata and metadata.labels:
        wanted["labels"] = metadata.labels
    if metadata and metadata.annotations:
        wanted["annotations"] = metadata.annotations
    body = canonical({"apiVersion": "v1", "kind": NAMESPACE.kind, "metadata": wanted})
    return Manifest(key=namespace_key(name), api_version="v1", body=body, digest=digest(body), origin=CREATE_NAMESPACE)

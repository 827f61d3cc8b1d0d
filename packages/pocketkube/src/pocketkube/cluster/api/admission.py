"""Namespaces must be there, and not on their way out (admission plugin NamespaceLifecycle)."""

from typing import Final

from pocketkube.cluster.api.errors import forbidden
from pocketkube.cluster.failure import Failure, FieldCause, not_found
from pocketkube.cluster.resource import Resource
from pocketkube.cluster.storage import Storage

IMMORTAL: Final = ("default", "kube-system", "kube-public")


def admit_create(storage: Storage, resource: Resource, namespace: str, name: str) -> None:
    """Raises:
    Failure: NotFound or Forbidden, for the namespace.
    """
    if not resource.namespaced:
        return
    entry = storage.get("namespaces", "", namespace)
    if entry is None:
        raise not_found("namespaces", "", namespace)
    if b'"deletionTimestamp"' not in entry.body:
        return
    if (entry.object().get("status") or {}).get("phase") != "Terminating":
        return
    text = f"unable to create new content in namespace {namespace} because it is being terminated"
    failure = forbidden(resource, name, text)
    gone = FieldCause("NamespaceTerminating", f"namespace {namespace} is being terminated", "metadata.namespace")
    raise Failure(
        failure.reason,
        failure.message,
        name=name,
        group=resource.group,
        kind=resource.plural,
        causes=[gone],
    )


def admit_delete(resource: Resource, name: str) -> None:
    """Raises:
    Failure: Forbidden; the namespace may not be deleted.
    """
    if resource.stored_as == "namespaces" and name in IMMORTAL:
        raise forbidden(resource, name, "this namespace may not be deleted")

"""What a few kinds do otherwise than the others, by the name of their store (the ``strategy.go`` of each)."""

from typing import Final

from pocketkube.cluster.resource import Resource

CREATED_BY_PUT: Final = frozenset(
    {
        "runtimeclasses.node.k8s.io",
        "rolebindings.rbac.authorization.k8s.io",
        "clusterrolebindings.rbac.authorization.k8s.io",
        "roles.rbac.authorization.k8s.io",
        "clusterroles.rbac.authorization.k8s.io",
        "leases.coordination.k8s.io",
        "limitranges",
        "events",
        "services",
        "endpoints",
    }
)
"""AllowCreateOnUpdate."""

NEEDS_REVISION: Final = frozenset(
    {
        "runtimeclasses.node.k8s.io",
        "poddisruptionbudgets.policy",
        "csidrivers.storage.k8s.io",
        "csistoragecapacities.storage.k8s.io",
        "volumeattachments.storage.k8s.io",
        "csinodes.storage.k8s.io",
        "leases.coordination.k8s.io",
        "validatingadmissionpolicies.admissionregistration.k8s.io",
        "mutatingadmissionpolicies.admissionregistration.k8s.io",
        "mutatingwebhookconfigurations.admissionregistration.k8s.io",
        "validatingwebhookconfigurations.admissionregistration.k8s.io",
        "mutatingadmissionpolicybindings.admissionregistration.k8s.io",
        "validatingadmissionpolicybindings.admissionregistration.k8s.io",
        "customresourcedefinitions.apiextensions.k8s.io",
    }
)
"""Not AllowUnconditionalUpdate; nor do custom resources."""

RETURNED_WHEN_DELETED: Final = frozenset(
    {
        "namespaces",
        "persistentvolumeclaims",
        "persistentvolumes",
        "pods",
        "podtemplates",
        "resourcequotas",
        "serviceaccounts",
        "services",
        "csidrivers.storage.k8s.io",
        "csinodes.storage.k8s.io",
        "storageclasses.storage.k8s.io",
        "volumeattachments.storage.k8s.io",
        "volumeattributesclasses.storage.k8s.io",
        "deviceclasses.resource.k8s.io",
        "resourceclaims.resource.k8s.io",
        "resourceclaimtemplates.resource.k8s.io",
        "resourceslices.resource.k8s.io",
    }
)
"""ReturnDeletedObject: a deletion answers with the object, not with a Status."""

ORPHANS: Final = frozenset({"jobs.batch", "replicationcontrollers"})
"""DefaultGarbageCollectionPolicy is to orphan what the object owns."""

NOT_COLLECTED: Final = frozenset({"events"})
"""DefaultGarbageCollectionPolicy is Unsupported."""


def created_by_put(resource: Resource) -> bool:
    return resource.stored_as in CREATED_BY_PUT


def needs_revision(resource: Resource) -> bool:
    """Whether an update must name the resourceVersion that it was made from."""
    return resource.columns is not None or resource.stored_as in NEEDS_REVISION


def storage_key(resource: Resource, namespace: str, name: str) -> str:
    """The key in etcd, as messages show it."""
    if resource.columns is not None:
        prefix = f"{resource.group}/{resource.plural}"
    else:
        prefix = _PREFIXES.get(resource.stored_as, resource.plural)
    return "/".join(["/registry", prefix, *([namespace] if namespace else []), name])


_PREFIXES: Final = {
    "services": "services/specs",
    "endpoints": "services/endpoints",
    "nodes": "minions",
    "replicationcontrollers": "controllers",
    "ingresses.networking.k8s.io": "ingress",
    "customresourcedefinitions.apiextensions.k8s.io": "apiextensions.k8s.io/customresourcedefinitions",
}

"""The kinds of our own objects, as every cluster that has them serves them: known without a question."""

from trueup.kube.discovery import ResourceType
from trueup.model.annotations import GROUP

APPLICATION = ResourceType(GROUP, "v1alpha1", "Application", "applications", namespaced=True)
PROJECT = ResourceType(GROUP, "v1alpha1", "AppProject", "appprojects", namespaced=True)
NAMESPACE = ResourceType("", "v1", "Namespace", "namespaces", namespaced=False)
LEASE = ResourceType("coordination.k8s.io", "v1", "Lease", "leases", namespaced=True)
LEASE_NAME = "trueup-engine"
"""The Lease of the engine that acts, in the control namespace."""
MOST_SHARDS = 16
"""Engines that may share the clusters: a right to a Lease names it."""


def lease_name(shard: int) -> str:
    """The Lease of the engine that acts for a shard."""
    return f"{LEASE_NAME}-{shard}" if shard else LEASE_NAME


LEASE_NAMES = tuple(map(lease_name, range(MOST_SHARDS)))

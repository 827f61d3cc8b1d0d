"""Tracking ids: the annotation that says which Application an object belongs to."""

import msgspec

from trueup.model.annotations import INSTALLATION_ID, TRACKING_ID
from trueup.model.resource import ResourceKey

UNTRACKED = ("apiextensions.k8s.io", "CustomResourceDefinition")
"""The group and kind that is never marked."""


class TrackingId(msgspec.Struct, frozen=True, gc=False):
    """A parsed ``argocd.argoproj.io/tracking-id``: ``<app>:<group>/<Kind>:<namespace>/<name>``."""

    instance: str
    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.instance}:{self.group}/{self.kind}:{self.namespace}/{self.name}"

    def describes(self, key: ResourceKey) -> bool:
        """Whether the id belongs to this object, rather than having been copied to it by an operator.

        A cluster-scoped object carries its application's destination namespace, which is therefore not compared
        (Argo CD ``util/argo/resource_tracking.go``).
        """
        same_kind = (self.group, self.kind, self.name) == (key.group, key.kind, key.name)
        return same_kind and (not key.namespace or self.namespace == key.namespace)


def instance_name(app_namespace: str, app_name: str, control_namespace: str) -> str:
    """The application part of a tracking id: the bare name, or ``<ns>_<name>`` outside the control namespace."""
    return app_name if app_namespace == control_namespace else f"{app_namespace}_{app_name}"


def tracking_id(instance: str, key: ResourceKey, destination_namespace: str) -> str:
    """The id for an object; cluster-scoped objects use the destination namespace."""
    namespace = key.namespace or destination_namespace
    return str(TrackingId(instance, key.group, key.kind, namespace, key.name))


def parse_tracking_id(text: str) -> TrackingId | None:
    """The inverse of :func:`tracking_id`; None when the text is no tracking id."""
    parts = text.split(":")
    if len(parts) < 3:
        return None
    # Names of RBAC objects hold colons ("system:auth"): only the first two separate.
    instance, group_kind, namespaced_name = parts[0], parts[1], ":".join(parts[2:])
    group, slash, kind = group_kind.partition("/")
    namespace, slash2, name = namespaced_name.partition("/")
    if not (instance and slash and kind and slash2 and name):
        return None
    return TrackingId(instance, group, kind, namespace, name)


def owner_instance(annotations: dict[str, str], key: ResourceKey) -> str:
    """The application an object says it belongs to; empty when to none, or when the id describes another object.

    A definition belongs to no application, whatever is written on it: like Argo CD we never put our mark there, and who
    deletes one deletes all its objects. Nor does what an installation with an ``installationID`` has marked: its
    applications may have the names of ours.
    """
    if (key.group, key.kind) == UNTRACKED or annotations.get(INSTALLATION_ID):
        return ""
    tracked = parse_tracking_id(annotations.get(TRACKING_ID, ""))
    return tracked.instance if tracked and tracked.describes(key) else ""

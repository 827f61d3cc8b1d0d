"""The order of kinds inside a wave (Argo CD ``gitops-engine/pkg/sync/sync_tasks.go``)."""

from trueup.model.resource import GroupKind

_EXTENSIONS = "extensions"
_RBAC = "rbac.authorization.k8s.io"
_NETWORKING = "networking.k8s.io"

_ORDER: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Namespace", ("",)),
    ("NetworkPolicy", (_NETWORKING, _EXTENSIONS)),
    ("ResourceQuota", ("",)),
    ("LimitRange", ("",)),
    ("PodSecurityPolicy", ("policy", _EXTENSIONS)),
    ("PodDisruptionBudget", ("policy",)),
    ("ServiceAccount", ("",)),
    ("Secret", ("",)),
    ("ConfigMap", ("",)),
    ("StorageClass", ("storage.k8s.io",)),
    ("PersistentVolume", ("",)),
    ("PersistentVolumeClaim", ("",)),
    ("CustomResourceDefinition", ("apiextensions.k8s.io",)),
    ("ClusterRole", (_RBAC,)),
    ("ClusterRoleBinding", (_RBAC,)),
    ("Role", (_RBAC,)),
    ("RoleBinding", (_RBAC,)),
    ("Service", ("",)),
    ("DaemonSet", ("apps", _EXTENSIONS)),
    ("Pod", ("",)),
    ("ReplicationController", ("",)),
    ("ReplicaSet", ("apps", _EXTENSIONS)),
    ("Deployment", ("apps", _EXTENSIONS)),
    ("HorizontalPodAutoscaler", ("autoscaling",)),
    ("StatefulSet", ("apps",)),
    ("Job", ("batch",)),
    ("CronJob", ("batch",)),
    ("IngressClass", (_NETWORKING,)),
    ("Ingress", (_NETWORKING, _EXTENSIONS)),
    ("APIService", ("apiregistration.k8s.io",)),
)

_RANKS = {GroupKind(group, kind): rank for rank, (kind, groups) in enumerate(_ORDER) for group in groups}
LAST = len(_ORDER)
"""Rank of every kind outside the table, custom resources foremost."""

NAMESPACE = GroupKind("", "Namespace")
CRD = GroupKind("apiextensions.k8s.io", "CustomResourceDefinition")


def kind_rank(group: str, kind: str) -> int:
    """Place of a kind in a wave.

    The group counts, so that a custom resource never precedes its definition for sharing a built-in kind's name
    (Calico's ``NetworkPolicy``, Knative's ``Service``).
    """
    return _RANKS.get(GroupKind(group, kind), LAST)

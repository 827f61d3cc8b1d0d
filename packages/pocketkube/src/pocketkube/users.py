"""Who may ask a cluster."""

from collections.abc import Mapping

USERS: Mapping[str, tuple[str, ...]] = {
    "admin": ("system:masters",),
    "trueup": ("system:masters",),
    "pod-simulator": ("system:masters",),
    "system:kube-controller-manager": ("system:masters",),
    "guest": (),
}
"""Users and their groups. Apart from each other in the audit log; ``guest`` may do what RBAC grants it, so nothing."""

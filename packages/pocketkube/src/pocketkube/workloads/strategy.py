"""How a Deployment replaces Pods, and the annotations it keeps on its ReplicaSets (deployment_util.go)."""

from pocketkube.workloads.decision import Object
from pocketkube.workloads.facts import number, scaled

REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"


def recreates(deployment: Object) -> bool:
    """Whether all old Pods go before new ones come."""
    return bool((deployment["spec"].get("strategy") or {}).get("type") == "Recreate")


def max_surge(deployment: Object) -> int:
    """How many Pods there may be too many."""
    return (
        0 if recreates(deployment) else scaled(_rolling(deployment).get("maxSurge"), _wanted(deployment), round_up=True)
    )


def max_unavailable(deployment: Object) -> int:
    """How many Pods may be missing; at least one where neither that nor a surge is allowed (``ResolveFenceposts``)."""
    wanted = _wanted(deployment)
    if recreates(deployment) or not wanted:
        return 0
    missing = scaled(_rolling(deployment).get("maxUnavailable"), wanted, round_up=False)
    return min(wanted, missing if missing or max_surge(deployment) else 1)


def _wanted(deployment: Object) -> int:
    return number(deployment["spec"], "replicas", 1)


def _rolling(deployment: Object) -> Object:
    return (deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}

"""Cells of Nodes."""

from datetime import datetime

from pocketkube.cluster.resource import Object
from pocketkube.cluster.tables.cells import NONE, Cell, condition_of, dig, items, members, text
from pocketkube.cluster.tables.durations import UNKNOWN

ROLE_PREFIX, ROLE = "node-role.kubernetes.io/", "kubernetes.io/role"


def status_cell(node: Object, now: datetime) -> str:
    """Whether the node is ready, and whether it takes Pods."""
    condition = condition_of(node, "Ready")
    words = [("Ready" if condition.get("status") == "True" else "NotReady") if condition else "Unknown"]
    if dig(node, "spec", "unschedulable") is True:
        words.append("SchedulingDisabled")
    return ",".join(words)


def roles_cell(node: Object, now: datetime) -> str:
    """The roles that labels give."""
    labels = members(node, "metadata", "labels")
    roles = {key.removeprefix(ROLE_PREFIX) for key in labels if key.startswith(ROLE_PREFIX)}
    roles.add(str(labels.get(ROLE, "")))
    return ",".join(sorted(roles - {""})) or NONE


def address_cell(kind: str) -> Cell:
    """The first address of a type."""

    def cell(node: Object, now: datetime) -> str:
        addresses = (entry for entry in items(node, "status", "addresses") if dig(entry, "type") == kind)
        return next((text(entry, "address") for entry in addresses), NONE)

    return cell


def kernel_cell(node: Object, now: datetime) -> str:
    """The kernel's version with the processor's architecture."""
    architecture = text(node, "status", "nodeInfo", "architecture")
    version = text(node, "status", "nodeInfo", "kernelVersion") or UNKNOWN
    return f"{version} ({architecture})" if architecture else version

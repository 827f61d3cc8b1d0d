"""Cells of volumes and what provides them."""

from collections.abc import Sequence
from datetime import datetime

from pocketkube.cluster.resource import Object
from pocketkube.cluster.tables.cells import UNSET, Cell, dig, items, members, text
from pocketkube.cluster.tables.durations import ZERO, parse_time

MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
CLASS = "volume.beta.kubernetes.io/storage-class"
DEFAULT_CLASSES = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")


def format_modes(modes: Sequence[object]) -> str:
    """``RWO,ROX``, always in this order."""
    return ",".join(short for mode, short in MODES.items() if mode in modes)


def volume_modes_cell(volume: Object, now: datetime) -> str:
    """How a volume may be mounted."""
    return format_modes(items(volume, "spec", "accessModes"))


def claim_modes_cell(claim: Object, now: datetime) -> str:
    """How a claim's volume may be mounted, once there is one."""
    return format_modes(items(claim, "status", "accessModes")) if text(claim, "spec", "volumeName") else ""


def volume_capacity_cell(volume: Object, now: datetime) -> str:
    """The size of a volume."""
    return str(members(volume, "spec", "capacity").get("storage", "0"))


def claim_capacity_cell(claim: Object, now: datetime) -> str:
    """The size of a claim's volume, once there is one."""
    if not text(claim, "spec", "volumeName"):
        return ""
    return str(members(claim, "status", "capacity").get("storage", "0"))


def phase_cell(obj: Object, now: datetime) -> str:
    """The phase, or that it is going."""
    return "Terminating" if dig(obj, "metadata", "deletionTimestamp") else text(obj, "status", "phase")


def claimed_cell(volume: Object, now: datetime) -> str:
    """The claim of a volume, as ``namespace/name``."""
    claim = dig(volume, "spec", "claimRef")
    return "" if claim is None else f"{text(claim, 'namespace')}/{text(claim, 'name')}"


def class_cell(obj: Object, now: datetime) -> str:
    """The storage class, by the old annotation or the field."""
    annotated = members(obj, "metadata", "annotations").get(CLASS)
    return text(obj, "spec", "storageClassName") if annotated is None else str(annotated)


def flag_at(path: str, default: bool) -> Cell:
    """A boolean at a dotted path."""
    keys = tuple(path.split("."))

    def cell(obj: Object, now: datetime) -> bool:
        found = dig(obj, *keys)
        return found if isinstance(found, bool) else default

    return cell


def audiences_cell(driver: Object, now: datetime) -> str:
    """The audiences of the tokens that a driver asks for."""
    requests = dig(driver, "spec", "tokenRequests")
    if requests is None:
        return UNSET
    return ",".join(text(request, "audience") for request in items(driver, "spec", "tokenRequests"))


def mark_default_class(rows: Sequence[list[object]], classes: Sequence[Object]) -> None:
    """Marks the one class of a list that counts as the default: of those annotated, the newest."""
    marked = [
        (index, obj)
        for index, obj in enumerate(classes)
        if any(members(obj, "metadata", "annotations").get(key) == "true" for key in DEFAULT_CLASSES)
    ]
    if marked:
        newest = max(_created(obj) for _, obj in marked)
        name, index = min((text(obj, "metadata", "name"), index) for index, obj in marked if _created(obj) == newest)
        rows[index][0] = f"{name} (default)"


def _created(obj: Object) -> datetime:
    return parse_time(dig(obj, "metadata", "creationTimestamp")) or ZERO

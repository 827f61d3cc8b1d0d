"""Moving the fields that client-side applies own to our server-side manager (cluster-truths 3).

Without it a key removed from Git stays: the old manager's entry still holds it.
"""

from typing import Any

import msgspec

from kubegrammar.merge.fieldset import union
from trueup.model.annotations import FIELD_MANAGER
from trueup.model.live import LiveObject

CLIENT_SIDE_MANAGERS = frozenset({FIELD_MANAGER, "kubectl-client-side-apply", "before-first-apply"})


def client_side(entry: dict[str, Any]) -> bool:
    """Whether an entry is that of a client-side apply, and becomes ours."""
    update = entry.get("operation") == "Update" and not entry.get("subresource")
    return update and entry.get("manager") in CLIENT_SIDE_MANAGERS


def migration_patch(live: LiveObject) -> bytes | None:
    """A JSON patch that turns client-side entries into one ``argocd-controller``/Apply entry; None when none is there.

    It holds for exactly this resource version. Entries of subresources and of other managers are left alone.
    """
    metadata = live.object().get("metadata") or {}
    entries = metadata.get("managedFields") or []
    moving = [entry for entry in entries if client_side(entry)]
    if not moving:
        return None
    own = next((entry for entry in entries if is_ours(entry)), None)
    merged: dict[str, Any] = dict((own or {}).get("fieldsV1") or {})
    for entry in moving:
        merged = union(merged, entry.get("fieldsV1") or {})
    kept = [entry for entry in entries if entry is not own and not client_side(entry)]
    entry = {
        "manager": FIELD_MANAGER,
        "operation": "Apply",
        "apiVersion": (own or moving[0]).get("apiVersion", live.api_version),
        "time": (own or moving[0]).get("time"),
        "fieldsType": "FieldsV1",
        "fieldsV1": merged,
    }
    return msgspec.json.encode(
        [
            {"op": "replace", "path": "/metadata/managedFields", "value": [*kept, entry]},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": live.resource_version},
        ]
    )


def applied_by_us(live: LiveObject) -> bool:
    """Whether our manager has a server-side entry on the object."""
    return any(is_ours(entry) for entry in (live.object().get("metadata") or {}).get("managedFields") or [])


def is_ours(entry: dict[str, Any]) -> bool:
    """Whether an entry is that of our server-side applies."""
    apply = entry.get("operation") == "Apply" and not entry.get("subresource")
    return apply and entry.get("manager") == FIELD_MANAGER

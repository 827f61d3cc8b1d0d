"""The digest of a live object, for remembering a dry run's answer (cluster-truths 11)."""

from typing import Any

from kubegrammar.json import canonical, digest
from trueup.model.server_owned import MOVING

_SUBRESOURCES = ("status", "scale")


def live_digest(obj: dict[str, Any]) -> str:
    """Hex SHA-256 of everything that can change the answer of a dry run of an apply.

    Left out is what moves without changing it: status, resourceVersion, generation, the times of managedFields, and
    entries of the status and scale subresources. The uid stays: a recreated object is another one.
    """
    metadata = obj.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    kept = {name: value for name, value in metadata.items() if name not in MOVING}
    kept["managedFields"] = [
        {name: value for name, value in entry.items() if name != "time"}
        for entry in metadata.get("managedFields") or ()
        if isinstance(entry, dict) and entry.get("subresource") not in _SUBRESOURCES
    ]
    return digest(canonical({name: value for name, value in obj.items() if name != "status"} | {"metadata": kept}))

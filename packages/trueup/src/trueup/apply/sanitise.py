"""Manifests as they are sent: without what only a server may say (cluster-truths 1 and 5)."""

from typing import Any

from trueup.model.manifest import Manifest
from trueup.model.server_owned import METADATA, fold_string_data


def wanted_object(manifest: Manifest) -> dict[str, Any]:
    """The object to send: no status, no server-owned metadata, a Secret's ``stringData`` folded into ``data``."""
    wanted = sanitised(manifest.object())
    if is_secret(manifest):
        fold_string_data(wanted)
    return wanted


def is_secret(manifest: Manifest) -> bool:
    """Whether it is a core Secret."""
    return manifest.key.kind == "Secret" and not manifest.key.group


def sanitised(obj: dict[str, Any]) -> dict[str, Any]:
    """A copy without status and server-owned metadata."""
    kept = {name: value for name, value in obj.items() if name != "status"}
    metadata = kept.get("metadata")
    if isinstance(metadata, dict):
        kept["metadata"] = {name: value for name, value in metadata.items() if name not in METADATA}
    return kept

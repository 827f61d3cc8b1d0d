"""Manifests as they are sent: without what only a server may say (cluster-truths 1 and 5)."""

import base64
from typing import Any

from trueup.model.manifest import Manifest

_SERVER_OWNED = ("managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink")


def wanted_object(manifest: Manifest) -> dict[str, Any]:
    """The object to send: no status, no server-owned metadata, a Secret's ``stringData`` folded into ``data``."""
    wanted = manifest.object()
    wanted.pop("status", None)
    metadata = wanted.get("metadata")
    if isinstance(metadata, dict):
        for name in _SERVER_OWNED:
            metadata.pop(name, None)
    if manifest.key.kind == "Secret" and not manifest.key.group:
        _fold_string_data(wanted)
    return wanted


def _fold_string_data(wanted: dict[str, Any]) -> None:
    texts = wanted.get("stringData")
    if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
        return
    del wanted["stringData"]
    encoded = {name: base64.b64encode(text.encode()).decode() for name, text in texts.items()}
    wanted["data"] = {**(wanted.get("data") or {}), **encoded}

"""Manifests as they are sent: without what only a server may say (cluster-truths 1 and 5)."""

import base64
from typing import Any

from trueup.model.manifest import Manifest

_SERVER_OWNED = ("managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink")


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
        kept["metadata"] = {name: value for name, value in metadata.items() if name not in _SERVER_OWNED}
    return kept


def fold_string_data(secret: dict[str, Any]) -> None:
    """Moves the texts of a Secret to where the server stores them; what is no text is left for it to refuse."""
    texts = secret.get("stringData")
    if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
        return
    del secret["stringData"]
    data = secret.get("data")
    encoded = {name: base64.b64encode(text.encode()).decode() for name, text in texts.items()}
    secret["data"] = {**(data if isinstance(data, dict) else {}), **encoded}

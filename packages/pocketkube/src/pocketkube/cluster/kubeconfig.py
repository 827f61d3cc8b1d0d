"""Kubeconfig files."""

import base64
from pathlib import Path

import msgspec

CONTEXT = "pocketkube"


def write_kubeconfig(file: Path, url: str, ca: bytes, user: str, token: str) -> None:
    """Writes a kubeconfig with one context; a reader sees all of it or nothing."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": CONTEXT,
        "clusters": [
            {
                "name": CONTEXT,
                "cluster": {"server": url, "certificate-authority-data": base64.b64encode(ca).decode()},
            }
        ],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": user}}],
    }
    part = file.with_suffix(".part")
    part.touch(mode=0o600)
    # JSON is YAML.
    part.write_bytes(msgspec.json.format(msgspec.json.encode(config)))
    part.replace(file)

"""Pods out of Pod templates, and the short hash that names a template."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from pocketkube.workloads.decision import Object
from pocketkube.workloads.facts import owner_reference

LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""Of names that are made: no vowels, so no words (apimachinery ``rand.SafeEncodeString``)."""
HASH_LENGTH = 10


def hash_of(value: Any, collisions: int = 0) -> str:
    """A short name for a value, the same on every run. Kubernetes computes another: it hashes Go structs."""
    canonical = msgspec.json.encode([value, collisions], order="sorted")
    number = int.from_bytes(hashlib.sha256(canonical).digest())
    letters = []
    for _ in range(HASH_LENGTH):
        number, digit = divmod(number, len(LETTERS))
        letters.append(LETTERS[digit])
    return "".join(letters)


def bare(template: Object, *labels: str) -> Object:
    """A template as it is compared: without labels that controllers add and what is empty."""
    metadata = {key: value for key, value in (template.get("metadata") or {}).items() if value}
    if "labels" in metadata:
        metadata["labels"] = {key: value for key, value in metadata["labels"].items() if key not in labels}
    return {**template, "metadata": metadata}


def new_pod(
    owner: Object,
    template: Object,
    *,
    labels: Mapping[str, str] = {},
    annotations: Mapping[str, str] = {},
    name: str = "",
    prefix: str = "",
) -> Object:
    """A Pod by an owner's template (pkg/controller ``GetPodFromTemplate``).

    Args:
        name: where the owner names its Pods; else the server makes one up from ``prefix``.
        prefix: the owner's name and a dash where absent; a Pod with a name of its own says it too.
    """
    given = template.get("metadata") or {}
    metadata: Object = {
        "namespace": owner["metadata"]["namespace"],
        "labels": {**(given.get("labels") or {}), **labels},
        "annotations": {**(given.get("annotations") or {}), **annotations},
        "ownerReferences": [owner_reference(owner)],
    }
    if given.get("finalizers"):
        metadata["finalizers"] = given["finalizers"]
    metadata["name"] = name
    metadata["generateName"] = prefix or f"{owner['metadata']['name']}-"
    filled = {key: value for key, value in metadata.items() if value}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": filled, "spec": template["spec"]}

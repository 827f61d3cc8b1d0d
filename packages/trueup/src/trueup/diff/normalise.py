"""Objects reduced to what a comparison is about."""

from typing import Any

from trueup.model.annotations import LAST_APPLIED
from trueup.model.resource import group_of
from trueup.model.server_owned import METADATA, fold_string_data


def comparable(obj: dict[str, Any]) -> dict[str, Any]:
    """A copy without what only the server says: status, its metadata, the record of the last client-side apply.

    A Secret's ``stringData`` is folded into ``data``, as the server stores it (cluster-truths 5).
    """
    reduced = {name: value for name, value in obj.items() if name != "status"}
    metadata = obj.get("metadata")
    if isinstance(metadata, dict):
        reduced["metadata"] = _metadata(metadata)
    if is_secret(obj):
        fold_string_data(reduced)
    return reduced


def whole(obj: dict[str, Any]) -> dict[str, Any]:
    """A copy as scripts see it: with status and metadata, without the records of who wrote what.

    A field has the place that it has in :func:`comparable`.
    """
    reduced = dict(obj)
    metadata = obj.get("metadata")
    if isinstance(metadata, dict):
        reduced["metadata"] = {name: value for name, value in metadata.items() if name != "managedFields"}
        annotations = metadata.get("annotations")
        if isinstance(annotations, dict):
            kept = {name: value for name, value in annotations.items() if name != LAST_APPLIED}
            reduced["metadata"]["annotations"] = kept
    if is_secret(obj):
        fold_string_data(reduced)
    return reduced


def is_secret(obj: dict[str, Any]) -> bool:
    """Whether an object is a core Secret, by what it says itself (never by what a caller says it is)."""
    return obj.get("kind") == "Secret" and not group_of(str(obj.get("apiVersion") or ""))


def _metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    reduced = {name: value for name, value in metadata.items() if name not in METADATA}
    annotations = reduced.get("annotations")
    if isinstance(annotations, dict) and LAST_APPLIED in annotations:
        reduced["annotations"] = {name: value for name, value in annotations.items() if name != LAST_APPLIED}
    for name in ("annotations", "labels"):
        if name in reduced and not reduced[name]:
            del reduced[name]
    return reduced

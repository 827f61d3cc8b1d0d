"""Metadata of resources within a resource (``pkg/apiserver/schema/objectmeta``)."""

from collections.abc import Iterable
from typing import Any, Final

from pocketkube.cluster import names
from pocketkube.cluster.custom import problems
from pocketkube.cluster.custom.problems import shown
from pocketkube.cluster.custom.schema import SchemaNode
from pocketkube.cluster.failure import FieldCause

_TEXT: Final = "string"
_TEXTS: Final = "map[string]string"
_FIELDS: Final = {
    "name": _TEXT,
    "generateName": _TEXT,
    "namespace": _TEXT,
    "selfLink": _TEXT,
    "uid": "types.UID",
    "resourceVersion": _TEXT,
    "generation": "int64",
    "creationTimestamp": "time",
    "deletionTimestamp": "time",
    "deletionGracePeriodSeconds": "int64",
    "labels": _TEXTS,
    "annotations": _TEXTS,
    "ownerReferences": "[]v1.OwnerReference",
    "finalizers": "[]string",
    "managedFields": "[]v1.ManagedFieldsEntry",
}
_JSON_NAMES: Final = {str: "string", bool: "bool", int: "number", float: "number", list: "array", dict: "object"}


class MetadataMisfit(ValueError):
    """Metadata that cannot be read; the message names the field."""


class _Mismatch(ValueError):
    pass


def coerce(obj: Any, node: SchemaNode | None, path: str = "") -> list[str]:
    """Drops what object metadata does not know from embedded resources, in place.

    Returns:
        The paths of what went.

    Raises:
        Misfit: a field of metadata, ``apiVersion`` or ``kind`` has a wrong type.
    """
    if node is None or not node.has_embedded:
        return []
    gone: list[str] = []
    if isinstance(obj, dict):
        if node.embedded:
            gone += _coerce_resource(obj, path)
        for key, value in obj.items():
            if isinstance(value, dict | list):
                known = node.properties is not None and key in node.properties
                place = f"{path}.{key}" if path else key
                gone += coerce(value, node.child(key), place if known else f"{path}[{key}]")
    elif isinstance(obj, list):
        for index, item in enumerate(obj):
            gone += coerce(item, node.items, f"{path}[{index}]")
    return gone


def check(obj: Any, node: SchemaNode | None, path: str = "") -> list[FieldCause]:
    """What is wrong with embedded resources."""
    if node is None or not node.has_embedded:
        return []
    causes: list[FieldCause] = []
    if isinstance(obj, dict):
        if node.embedded:
            causes += _check_resource(obj, path)
        for key, value in obj.items():
            known = node.properties is not None and key in node.properties
            place = f"{path}.{key}" if path else key
            causes += check(value, node.child(key), place if known else f"{path}[{key}]")
    elif isinstance(obj, list):
        for index, item in enumerate(obj):
            causes += check(item, node.items, f"{path}[{index}]")
    return causes


def _coerce_resource(obj: dict[str, Any], path: str) -> list[str]:
    for key in ("apiVersion", "kind"):
        if key in obj and not isinstance(obj[key], str):
            raise _refusal(f"{path}.{key}", obj[key], "must be a string")
    if "metadata" not in obj:
        return []
    metadata = obj["metadata"]
    try:
        obj["metadata"], unknown = _known(metadata)
    except _Mismatch as mismatch:
        raise _refusal(f"{path}.metadata", metadata, str(mismatch)) from mismatch
    return [f"{path}.metadata.{name}" for name in unknown]


def _known(metadata: Any) -> tuple[dict[str, Any], list[str]]:
    if metadata is None:
        return {}, []
    if not isinstance(metadata, dict):
        raise _Mismatch(f"json: cannot unmarshal {_json_name(metadata)} into Go value of type v1.ObjectMeta")
    kept: dict[str, Any] = {}
    for name, kind in _FIELDS.items():
        value = metadata.get(name)
        if value is None:
            continue
        _check_type(name, kind, value)
        if value not in ("", 0, {}, []):
            kept[name] = value
    return kept, [name for name in metadata if name not in _FIELDS]


def _check_type(name: str, kind: str, value: Any) -> None:
    wanted: type = {"int64": int, _TEXTS: dict}.get(kind, list if kind.startswith("[]") else str)
    if not isinstance(value, wanted) or isinstance(value, bool):
        raise _Mismatch(
            f"json: cannot unmarshal {_json_name(value)} into Go struct field ObjectMeta.{name} of type {kind}"
        )
    members: Iterable[Any] = ()
    if isinstance(value, dict):
        members = value.values()
    elif kind == "[]string" and isinstance(value, list):
        members = value
    for member in members:
        if member is not None and not isinstance(member, str):
            raise _Mismatch(
                f"json: cannot unmarshal {_json_name(member)} into Go struct field ObjectMeta.{name} of type string"
            )


def _check_resource(obj: dict[str, Any], path: str) -> list[FieldCause]:
    causes = [problems.required(f"{path}.{key}" if path else key) for key in ("apiVersion", "kind") if key not in obj]
    prefix = f"{path}." if path else ""
    version, kind = obj.get("apiVersion"), obj.get("kind")
    if version == "":
        causes.append(problems.invalid(f"{prefix}apiVersion", version, "must not be empty"))
    elif isinstance(version, str) and version.count("/") > 1:
        text = f"unexpected GroupVersion string: {version}"
        causes.append(problems.invalid(f"{prefix}apiVersion", version, text))
    if kind == "":
        causes.append(problems.invalid(f"{prefix}kind", kind, "must not be empty"))
    elif isinstance(kind, str) and (wrong := names.service_label(kind.lower())):
        words = f"may have mixed case, but should otherwise match: {','.join(wrong)}"
        causes.append(problems.invalid(f"{prefix}kind", kind, words))
    metadata = obj.get("metadata")
    return causes + (_check_metadata(metadata, f"{prefix}metadata") if isinstance(metadata, dict) else [])


def _check_metadata(metadata: dict[str, Any], path: str) -> list[FieldCause]:
    causes: list[FieldCause] = []
    name = metadata.get("name")
    if isinstance(name, str):
        for bad in ("/", "%"):
            if bad in name:
                causes.append(problems.invalid(f"{path}.name", name, f"may not contain '{bad}'"))
        if name in (".", ".."):
            causes.append(problems.invalid(f"{path}.name", name, f"may not be '{name}'"))
    namespace = metadata.get("namespace")
    if isinstance(namespace, str) and namespace:
        causes += [problems.invalid(f"{path}.namespace", namespace, text) for text in names.label(namespace)]
    for key, value in _items(metadata.get("labels")):
        causes += [problems.invalid(f"{path}.labels", key, text) for text in names.label_key(key)]
        if isinstance(value, str):
            causes += [problems.invalid(f"{path}.labels", value, text) for text in names.label_value(value)]
    for key, _ in _items(metadata.get("annotations")):
        causes += [problems.invalid(f"{path}.annotations", key, text) for text in names.label_key(key.lower())]
    return causes


def _items(value: Any) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, dict) else []


def _refusal(field: str, value: Any, why: str) -> MetadataMisfit:
    return MetadataMisfit(f"{field.removeprefix('.')}: Invalid value: {shown(value)}: {why}")


def _json_name(value: Any) -> str:
    return _JSON_NAMES.get(type(value), "value")

"""Which entries a list, a watch or a deletecollection is about."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from pocketkube.cluster.api.calls import VerbCall
from pocketkube.cluster.failure import Failure
from pocketkube.cluster.resource import Object, Resource
from pocketkube.cluster.storage import StoredObject, parse_fields, parse_labels

_OWN: Final = ("metadata.name", "metadata.namespace")


class _Metadata(msgspec.Struct, gc=False):
    labels: dict[str, str] | None = None


class _Labelled(msgspec.Struct, gc=False):
    metadata: _Metadata


_LABELS: Final = msgspec.json.Decoder(_Labelled)


class Selection(msgspec.Struct, frozen=True):
    """What is asked for.

    Attributes:
        name: the only one, where a selector says so.
        keep: whether an entry is meant; None where all are.
    """

    namespace: str
    name: str = ""
    keep: Callable[[StoredObject], bool] | None = None


def select(call: VerbCall, *, known: Mapping[str, Any] | None = None) -> Selection:
    """The selection of a request.

    Args:
        known: the labels that field selectors may name, besides name and namespace.

    Raises:
        Failure: BadRequest; a selector cannot be read, or names a field that is none.
    """
    request, resource = call.request, call.resource
    labels_text, fields_text = request.first("labelSelector"), request.first("fieldSelector")
    if not labels_text and not fields_text and not call.name:
        return Selection(call.namespace)
    tests: list[Callable[[StoredObject], bool]] = []
    name = call.name
    if name:
        tests.append(lambda entry: entry.name == name)
    if labels_text:
        labels = parse_labels(labels_text)
        tests.append(lambda entry: labels.matches(_LABELS.decode(entry.body).metadata.labels or {}))
    if fields_text:
        fields = parse_fields(fields_text)
        _check_fields(resource, fields.names())
        name = name or fields.exact("metadata.name")
        if set(fields.names()) <= set(_OWN):
            tests.append(
                lambda entry: fields.matches({"metadata.name": entry.name, "metadata.namespace": entry.namespace})
            )
        else:
            tests.append(lambda entry: fields.matches(_fields_of(resource, entry)))
    return Selection(call.namespace, name, lambda entry: all(test(entry) for test in tests))


def _fields_of(resource: Resource, entry: StoredObject) -> dict[str, str]:
    obj = entry.object()
    found = {"metadata.name": entry.name, "metadata.namespace": entry.namespace}
    found.update(resource.behaviour.field_labels(obj))
    return found


def _check_fields(resource: Resource, given: list[str]) -> None:
    if set(given) <= set(_OWN):
        return
    empty: Object = {"apiVersion": resource.storage_version, "kind": resource.kind, "metadata": {}}
    known = resource.behaviour.field_labels(empty)
    for field in given:
        if field in _OWN or field in known:
            continue
        if resource.columns is not None or known:
            raise Failure("BadRequest", f"field label not supported: {field}")
        text = f'"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"'
        raise Failure("BadRequest", text)

"""The behaviour of the kind CustomResourceDefinition (``pkg/registry/customresourcedefinition/strategy.go``)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from kubegrammar.merge import Type
from pocketkube.cluster import catalog
from pocketkube.cluster.custom import definition_checks, formats, shape
from pocketkube.cluster.custom.openapi import same
from pocketkube.cluster.custom.schema import Schema
from pocketkube.cluster.failure import FieldCause
from pocketkube.cluster.names import subdomain
from pocketkube.cluster.resource import Object, ScalePaths

API_VERSION: Final = "apiextensions.k8s.io/v1"
KIND: Final = "CustomResourceDefinition"
_UNACCEPTED: Final = {"plural": "", "kind": ""}


class DefinitionBehaviour:
    """Satisfies :class:`~pocketkube.cluster.resource.Behaviour`."""

    def blank(self, version: str) -> Object:
        names = {"plural": "", "kind": ""}
        spec = {"group": "", "names": names, "scope": "", "versions": None}
        status = {"conditions": None, "acceptedNames": dict(names), "storedVersions": None}
        return {"metadata": {"creationTimestamp": None}, "spec": spec, "status": status}

    def type_of(self, version: str) -> Type:
        return catalog.type_of(API_VERSION, KIND)

    def check(self, obj: Object, version: str) -> None:
        shape.check(obj)

    def default(self, obj: Object, version: str) -> None:
        shape.bring_to_form(obj)
        spec, status = obj["spec"], obj["status"]
        names = spec["names"]
        if not names.get("singular") and names["kind"]:
            names["singular"] = names["kind"].lower()
        if not names.get("listKind") and names["kind"]:
            names["listKind"] = f"{names['kind']}List"
        spec.setdefault("conversion", {"strategy": "None"})
        service = ((spec["conversion"].get("webhook") or {}).get("clientConfig") or {}).get("service")
        if service is not None:
            service.setdefault("port", 443)
        if not status["storedVersions"]:
            _store_version(obj)

    def name_problems(self, name: str) -> list[str]:
        """What is wrong with ``metadata.name`` as a name of any kind; :meth:`validate` knows the right one."""
        return subdomain(name)

    def prepare_create(self, obj: Object, version: str) -> None:
        obj["status"] = {"conditions": None, "acceptedNames": dict(_UNACCEPTED), "storedVersions": None}
        _store_version(obj)
        obj["metadata"]["generation"] = 1

    def prepare_update(self, old: Object, new: Object, version: str, subresource: str) -> None:
        generation = old["metadata"].get("generation", 1)
        if subresource == "status":
            new["spec"] = old["spec"]
            new["metadata"] = {
                **new["metadata"],
                **_only(old["metadata"], ("generation", "deletionTimestamp", "deletionGracePeriodSeconds", "uid")),
            }
            new["metadata"]["generation"] = generation
            return
        new["status"] = dict(old["status"])
        new["metadata"]["generation"] = generation if same(old["spec"], new["spec"]) else generation + 1
        _store_version(new)

    def validate(self, obj: Object, version: str) -> list[FieldCause]:
        return definition_checks.check(obj)

    def validate_update(self, old: Object, new: Object, version: str, subresource: str) -> list[FieldCause]:
        if subresource == "status":
            return definition_checks.check_status(new)
        return definition_checks.check(new, old)

    def warnings(self, obj: Object, version: str) -> Sequence[str]:
        unknown = [f'unrecognized format "{name}"' for name in _unknown_formats(obj)]
        return unknown + sorted(set(_set_warnings(obj)))

    def convert(self, obj: Object, version: str) -> Object:
        return obj

    def reset_fields(self, version: str, subresource: str) -> Sequence[tuple[str, ...]]:
        return (("spec",),) if subresource == "status" else (("status",),)

    def scale_paths(self, version: str) -> ScalePaths | None:
        return None

    def field_labels(self, obj: Object) -> Mapping[str, str]:
        return {}


def _store_version(definition: Object) -> None:
    """The storage version joins the versions that objects may be stored in."""
    status = definition["status"]
    name = next((version["name"] for version in definition["spec"]["versions"] or () if version["storage"]), None)
    if name is not None and name not in (status["storedVersions"] or ()):
        status["storedVersions"] = [*(status["storedVersions"] or ()), name]


def _only(values: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    return {key: values[key] for key in keys if key in values}


def _schemas(definition: Mapping[str, Any]) -> Iterator[Schema]:
    """All schemas within the definition's."""
    places = [
        version["schema"]["openAPIV3Schema"]
        for version in definition["spec"]["versions"] or ()
        if (version.get("schema") or {}).get("openAPIV3Schema")
    ]
    if places and all(place == places[0] for place in places):
        places = places[:1]
    while places:
        place = places.pop()
        yield place
        for key in ("items", "additionalProperties", "not"):
            if isinstance(place.get(key), dict):
                places.append(place[key])
        for key in ("allOf", "anyOf", "oneOf"):
            places += place.get(key) or ()
        places += (place.get("properties") or {}).values()


def _unknown_formats(definition: Mapping[str, Any]) -> Iterator[str]:
    for schema in _schemas(definition):
        name, kind = schema.get("format"), schema.get("type") or ""
        if name and not formats.is_known(name, kind):
            yield name


def _set_warnings(definition: Mapping[str, Any]) -> Iterator[str]:
    for schema in _schemas(definition):
        items = schema.get("items")
        if schema.get("x-kubernetes-list-type") == "set" and isinstance(items, dict):
            kind = items.get("type")
            if kind in ("object", "array"):
                yield (
                    f'x-kubernetes-list-type: set for items of type "{kind}" is not supported by server-side apply or'
                    " CEL validation rules"
                )

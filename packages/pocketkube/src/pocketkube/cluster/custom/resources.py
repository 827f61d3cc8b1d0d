"""What the API serves for CustomResourceDefinitions."""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from pocketkube.cluster.custom.conditions import established, terminating
from pocketkube.cluster.custom.kind import CustomBehaviour
from pocketkube.cluster.resource import Object, Resource, Subresource

_VERBS: Final = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
_VERBS_AT_THE_END: Final = ("delete", "deletecollection", "get", "list", "watch")
_SUBRESOURCE_VERBS: Final = ("get", "patch", "update")


class CustomResources:
    """The resources of a set of definitions. What did not change between two sets is compiled once.

    ``replace`` takes the whole set again after each change; definitions with an equal spec keep their behaviour.
    """

    def __init__(self, definitions: Iterable[Object] = ()) -> None:
        self._behaviours: dict[str, tuple[bytes, CustomBehaviour]] = {}
        self._resources: list[Resource] = []
        self._schemas: dict[tuple[str, str], Mapping[str, Any]] = {}
        self.replace(definitions)

    def replace(self, definitions: Iterable[Object]) -> None:
        """Takes the definitions that there are now, as they are stored."""
        behaviours: dict[str, tuple[bytes, CustomBehaviour]] = {}
        self._resources, self._schemas = [], {}
        for definition in definitions:
            if not established(definition):
                continue
            name, spec = definition["metadata"]["name"], definition["spec"]
            digest = msgspec.json.encode(spec["versions"])
            known = self._behaviours.get(name)
            behaviour = known[1] if known and known[0] == digest else CustomBehaviour(spec)
            behaviours[name] = (digest, behaviour)
            self._add(definition, behaviour)
        self._behaviours = behaviours

    def resources(self) -> list[Resource]:
        """One for each served version of each established definition."""
        return self._resources

    def custom_schemas(self) -> Mapping[tuple[str, str], Mapping[str, Any]]:
        """``openAPIV3Schema`` by (apiVersion, kind), of served versions."""
        return self._schemas

    def _add(self, definition: Object, behaviour: CustomBehaviour) -> None:
        spec, names = definition["spec"], definition["status"]["acceptedNames"]
        group = spec["group"]
        storage = next(version["name"] for version in spec["versions"] if version["storage"])
        for version in spec["versions"]:
            if version["served"]:
                resource = Resource(
                    group=group,
                    version=version["name"],
                    kind=names["kind"],
                    plural=names["plural"],
                    singular=names.get("singular", ""),
                    namespaced=spec["scope"] == "Namespaced",
                    verbs=_VERBS_AT_THE_END if terminating(definition) else _VERBS,
                    stored_as=definition["metadata"]["name"],
                    storage_version=f"{group}/{storage}",
                    behaviour=behaviour,
                    short_names=tuple(names.get("shortNames") or ()),
                    categories=tuple(names.get("categories") or ()),
                    subresources=_subresources(version, group, names["kind"]),
                    columns=_columns(version),
                    storage_version_hash=storage_version_hash(group, storage, names["kind"]),
                )
                self._resources.append(resource)
                schema = (version.get("schema") or {}).get("openAPIV3Schema") or {}
                self._schemas[resource.api_version, resource.kind] = schema


def storage_version_hash(group: str, version: str, kind: str) -> str:
    """As discovery shows it (``k8s.io/apiserver/pkg/endpoints/discovery/storageversionhash.go``)."""
    digest = hashlib.sha256(f"{group}/{version}/{kind}".encode()).digest()
    return base64.b64encode(digest[:8]).decode()


def deprecation_warning(definition: Mapping[str, Any], version: str) -> str | None:
    """The text of a Warning header for requests of a deprecated version; None where it is not."""
    spec = definition["spec"]
    found = next((entry for entry in spec["versions"] if entry["name"] == version), None)
    if found is None or not found.get("deprecated"):
        return None
    if found.get("deprecationWarning") is not None:
        return str(found["deprecationWarning"])
    text = f"{spec['group']}/{version} {spec['names']['kind']} is deprecated"
    newer = [
        entry["name"]
        for entry in spec["versions"]
        if entry["served"] and not entry.get("deprecated") and _priority(entry["name"]) > _priority(version)
    ]
    if newer:
        text += f"; use {spec['group']}/{max(newer, key=_priority)} {spec['names']['kind']}"
    return text


def _priority(version: str) -> tuple[int, int, int]:
    """Kubernetes' order of versions: v2, v1, v1beta2, v1beta1, v1alpha1; anything else below."""
    found = re.fullmatch(r"v([1-9][0-9]*)(?:(alpha|beta)([1-9][0-9]*))?", version)
    if found is None:
        return (0, 0, 0)
    return ({"alpha": 1, "beta": 2}.get(found[2], 3), int(found[1]), int(found[3] or 0))


def _columns(version: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    declared = version.get("additionalPrinterColumns")
    return tuple(declared) if declared else (_AGE,)


_AGE: Final = {
    "name": "Age",
    "type": "date",
    "description": "CreationTimestamp is a timestamp representing the server time when this object was created. It is"
    " not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It"
    " is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info:"
    " https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata",
    "jsonPath": ".metadata.creationTimestamp",
}
"""The column of a version that declares none."""


def _subresources(version: Mapping[str, Any], group: str, kind: str) -> dict[str, Subresource]:
    declared = version.get("subresources") or {}
    found = {}
    if declared.get("status") is not None:
        found["status"] = Subresource("status", group, version["name"], kind, _SUBRESOURCE_VERBS)
    if declared.get("scale") is not None:
        found["scale"] = Subresource("scale", "autoscaling", "v1", "Scale", _SUBRESOURCE_VERBS)
    return found

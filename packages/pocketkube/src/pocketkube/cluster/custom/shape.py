"""The Go structs of a CustomResourceDefinition: what its decoder refuses, and the form in which it is stored.

The fields are those of ``pkg/apis/apiextensions/v1/types.go`` and ``types_jsonschema.go``.
"""

from collections.abc import Mapping
from typing import Any, Final

from pocketkube.cluster.custom.schema import DEEPEST
from pocketkube.cluster.failure import Failure

_STRUCTS: Final[Mapping[str, str]] = {
    # name:type; "!" behind a type: written even where empty. "*": absent and empty differ. "?": JSON of any form.
    "CustomResourceDefinition": "spec:CustomResourceDefinitionSpec! status:CustomResourceDefinitionStatus!",
    "CustomResourceDefinitionSpec": (
        "group:string! names:CustomResourceDefinitionNames! scope:v1.ResourceScope!"
        " versions:[]CustomResourceDefinitionVersion! conversion:*CustomResourceConversion preserveUnknownFields:bool"
    ),
    "CustomResourceDefinitionNames": (
        "plural:string! singular:string shortNames:[]string kind:string! listKind:string categories:[]string"
    ),
    "CustomResourceDefinitionVersion": (
        "name:string! served:bool! storage:bool! deprecated:bool deprecationWarning:*string"
        " schema:*CustomResourceValidation subresources:*CustomResourceSubresources"
        " additionalPrinterColumns:[]CustomResourceColumnDefinition selectableFields:[]SelectableField"
    ),
    "CustomResourceConversion": "strategy:v1.ConversionStrategyType! webhook:*WebhookConversion",
    "WebhookConversion": "clientConfig:*WebhookClientConfig conversionReviewVersions:[]string!",
    "WebhookClientConfig": "url:*string service:*ServiceReference caBundle:string",
    "ServiceReference": "namespace:string! name:string! path:*string port:*int32",
    "CustomResourceValidation": "openAPIV3Schema:*JSONSchemaProps",
    "CustomResourceSubresources": "status:*CustomResourceSubresourceStatus scale:*CustomResourceSubresourceScale",
    "CustomResourceSubresourceStatus": "",
    "CustomResourceSubresourceScale": "specReplicasPath:string! statusReplicasPath:string! labelSelectorPath:*string",
    "CustomResourceColumnDefinition": (
        "name:string! type:string! format:string description:string priority:int32 jsonPath:string!"
    ),
    "SelectableField": "jsonPath:string!",
    "CustomResourceDefinitionStatus": (
        "conditions:[]CustomResourceDefinitionCondition! acceptedNames:CustomResourceDefinitionNames!"
        " storedVersions:[]string! observedGeneration:int64"
    ),
    "CustomResourceDefinitionCondition": (
        "type:string! status:string! lastTransitionTime:string reason:string message:string observedGeneration:int64"
    ),
    "JSONSchemaProps": (
        "id:string $schema:v1.JSONSchemaURL $ref:*string description:string type:string format:string title:string"
        " default:?"
        " maximum:*float64 exclusiveMaximum:bool minimum:*float64 exclusiveMinimum:bool maxLength:*int64"
        " minLength:*int64 pattern:string maxItems:*int64 minItems:*int64 uniqueItems:bool multipleOf:*float64"
        " enum:[]? maxProperties:*int64 minProperties:*int64 required:[]string items:schema-or-array"
        " allOf:[]JSONSchemaProps oneOf:[]JSONSchemaProps anyOf:[]JSONSchemaProps not:*JSONSchemaProps"
        " properties:{}JSONSchemaProps additionalProperties:schema-or-bool patternProperties:{}JSONSchemaProps"
        " dependencies:{}schema-or-array additionalItems:schema-or-bool definitions:{}JSONSchemaProps"
        " externalDocs:*ExternalDocumentation example:? nullable:bool x-kubernetes-preserve-unknown-fields:*bool"
        " x-kubernetes-embedded-resource:bool x-kubernetes-int-or-string:bool x-kubernetes-list-map-keys:[]string"
        " x-kubernetes-list-type:*string x-kubernetes-map-type:*string x-kubernetes-validations:[]ValidationRule"
    ),
    "ValidationRule": (
        "rule:string! message:string messageExpression:string reason:*v1.FieldValueErrorReason fieldPath:string"
        " optionalOldSelf:*bool"
    ),
    "ExternalDocumentation": "description:string url:string",
}
_FIELDS: Final = {
    struct: {name: kind for name, _, kind in (field.partition(":") for field in text.split())}
    for struct, text in _STRUCTS.items()
}
_GO_NAMES: Final = {
    "{}JSONSchemaProps": "map[string]v1.JSONSchemaProps",
    "{}schema-or-array": "v1.JSONSchemaDependencies",
    "[]ValidationRule": "v1.ValidationRules",
    "[]?": "[]v1.JSON",
}
_JSON_NAMES: Final = {str: "string", bool: "bool", list: "array", dict: "object"}
_INTEGERS: Final = {"int32": range(-(2**31), 2**31), "int64": range(-(2**63), 2**63)}


class _Mismatch(ValueError):
    pass


def check(obj: Mapping[str, Any]) -> None:
    """
    Raises:
        Failure: BadRequest; a value has a type that the decoder would not take, or a schema is nested too deep.
    """
    try:
        _check_struct(obj, "CustomResourceDefinition", "", 0)
    except _Mismatch as mismatch:
        raise Failure(
            "BadRequest",
            f'CustomResourceDefinition in version "v1" cannot be handled as a CustomResourceDefinition: {mismatch}',
        ) from mismatch


def bring_to_form(obj: dict[str, Any]) -> None:
    """What the structs do not have goes, what they always have comes, in place: the form of every answer."""
    rest = {key: obj[key] for key in ("apiVersion", "kind", "metadata") if key in obj}
    formed = _formed_struct(obj, "CustomResourceDefinition")
    obj.clear()
    obj |= rest | formed


def _check_struct(value: Any, struct: str, path: str, depth: int) -> None:
    if depth > DEEPEST * 2:
        raise _Mismatch("exceeded max depth")
    for name, kind in _FIELDS[struct].items():
        if value.get(name) is not None:
            _check(value[name], kind.rstrip("!"), struct, f"{path}.{name}" if path else name, depth)


def _check(value: Any, kind: str, owner: str, path: str, depth: int) -> None:
    bare = kind.removeprefix("*")
    if value is None or bare == "?":
        return
    if bare.startswith("[]"):
        _expect(value, list, kind, owner, path)
        for item in value:
            _check(item, bare[2:], owner, path, depth + 1)
    elif bare.startswith("{}"):
        _expect(value, dict, kind, owner, path)
        for item in value.values():
            _check(item, bare[2:], owner, path, depth + 1)
    elif bare in _FIELDS:
        _expect(value, dict, kind, owner, path)
        _check_struct(value, bare, path, depth + 1)
    elif bare == "schema-or-bool":
        if isinstance(value, dict):
            _check_struct(value, "JSONSchemaProps", path, depth + 1)
        elif not isinstance(value, bool):
            raise _Mismatch("boolean or JSON schema expected")
    elif bare == "schema-or-array":
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                _check_struct(item, "JSONSchemaProps", path, depth + 1)
    else:
        _check_scalar(value, bare, owner, path)


def _check_scalar(value: Any, kind: str, owner: str, path: str) -> None:
    if kind in _INTEGERS or kind == "float64":
        number = not isinstance(value, bool) and isinstance(value, int | float)
        if not number:
            _expect(value, int, kind, owner, path)
        if kind in _INTEGERS and not (float(value).is_integer() and int(value) in _INTEGERS[kind]):
            raise _mismatch(f"number {value}", kind, owner, path)
    else:
        _expect(value, bool if kind == "bool" else str, kind, owner, path)


def _expect(value: Any, wanted: type, kind: str, owner: str, path: str) -> None:
    if not isinstance(value, wanted):
        raise _mismatch(_JSON_NAMES.get(type(value), "number"), kind, owner, path)


def _mismatch(found: str, kind: str, owner: str, path: str) -> _Mismatch:
    bare = kind.removeprefix("*")
    name = _GO_NAMES.get(bare)
    if name is None:
        element = bare.removeprefix("[]")
        name = f"{'[]' if bare.startswith('[]') else ''}{f'v1.{element}' if element in _FIELDS else element}"
    return _Mismatch(f"json: cannot unmarshal {found} into Go struct field {owner}.{path} of type {name}")


def _formed_struct(value: Mapping[str, Any] | None, struct: str) -> dict[str, Any]:
    formed: dict[str, Any] = {}
    for name, kind in _FIELDS[struct].items():
        member = (value or {}).get(name)
        always = kind.endswith("!")
        bare = kind.rstrip("!")
        if member is None and bare.startswith(("*", "?", "schema")):
            continue
        result = _formed(member, bare)
        if always or bare.startswith(("*", "?", "schema")) or result not in (None, "", 0, [], {}):
            formed[name] = result
    return formed


def _formed(value: Any, kind: str) -> Any:
    bare = kind.removeprefix("*")
    if bare == "?":
        return value
    if bare.startswith("[]"):
        return None if value is None else [_formed(item, bare[2:]) for item in value]
    if bare.startswith("{}"):
        return None if value is None else {key: _formed(item, bare[2:]) for key, item in value.items()}
    if bare in _FIELDS:
        return _formed_struct(value, bare)
    if bare.startswith("schema"):
        if isinstance(value, list):
            return [_formed(item, "JSONSchemaProps" if isinstance(item, dict) else "string") for item in value]
        return _formed_struct(value, "JSONSchemaProps") if isinstance(value, dict) else value
    if value is None:
        return {"bool": False, "int32": 0, "int64": 0, "float64": 0}.get(bare, "")
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e21 else value

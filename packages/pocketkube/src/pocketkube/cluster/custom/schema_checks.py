"""Whether an OpenAPI v3 schema is one that a CustomResourceDefinition may have.

The rules and texts are those of ``ValidateCustomResourceDefinitionOpenAPISchema`` in apiextensions-apiserver's
``pkg/apis/apiextensions/validation``.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from pocketkube.cluster.custom import problems
from pocketkube.cluster.custom.expressions import Rule
from pocketkube.cluster.custom.field_paths import PathError, field_path
from pocketkube.cluster.custom.schema import METADATA_FIELDS, Schema, SchemaNode, compile_node
from pocketkube.cluster.failure import FieldCause

_TYPES: Final = ("array", "boolean", "integer", "number", "object", "string")
_FORBIDDEN: Final = (
    ("id", "id is not supported"),
    ("additionalItems", "additionalItems is not supported"),
    ("patternProperties", "patternProperties is not supported"),
    ("definitions", "definitions is not supported"),
    ("dependencies", "dependencies is not supported"),
    ("$ref", "$ref is not supported"),
)
_REASONS: Final = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")
_ITEM_OF_SET: Final = "must be atomic as item of a list with x-kubernetes-list-type=set"


class _Place(msgspec.Struct, frozen=True):
    """What a schema's surroundings say of it.

    Attributes:
        no_default: why a default is forbidden, "" where it is not.
        in_metadata: within ``metadata``, ``apiVersion`` or ``kind`` of a resource.
        uncorrelated: the schema from which on new and old values cannot be brought together, "" where they can.
        is_root: of the whole resource.
        has_rules: expressions may stand here.
    """

    no_default: str = ""
    in_metadata: bool = False
    uncorrelated: str = ""
    is_root: bool = False
    has_rules: bool = False


def check(schema: Schema, path: str, *, with_rules: bool) -> list[FieldCause]:
    """What is wrong with a schema at its root.

    Args:
        with_rules: the schema is structural, so that its expressions can be compiled.
    """
    checked = _Schemas()
    checked.run(schema, path, _Place(is_root=True, has_rules=with_rules))
    return checked.of_schema + checked.of_rules


class _Schemas:
    def __init__(self) -> None:
        self.of_schema: list[FieldCause] = []
        self.of_rules: list[FieldCause] = []

    def run(self, schema: Schema, path: str, place: _Place) -> None:
        before = len(self.of_schema)
        self._own(schema, path, place)
        for part, where, inner in _parts(schema, path, place):
            self.run(part, where, inner)
        self._extensions(schema, path)
        rules = schema.get("x-kubernetes-validations") or ()
        for index, rule in enumerate(rules):
            self._rule(rule, f"{path}.x-kubernetes-validations[{index}]", schema)
        if rules and place.has_rules and len(self.of_schema) == before:
            self._compile(schema, path, place)

    def _own(self, schema: Schema, path: str, place: _Place) -> None:
        kind = schema.get("type") or ""
        add = self.of_schema.append
        if kind and kind not in _TYPES:
            add(problems.unsupported(f"{path}.type", kind, _TYPES))
        if schema.get("default") is not None and place.no_default:
            add(problems.forbidden(f"{path}.default", f"must not be set {place.no_default}"))
        for key, text in _FORBIDDEN:
            if schema.get(key) not in (None, "", {}, []) or (key == "dependencies" and schema.get(key) is not None):
                add(problems.forbidden(f"{path}.{key}", text))
        if kind == "null":
            add(problems.forbidden(f"{path}.type", "type cannot be set to null, use nullable as an alternative"))
        if isinstance(schema.get("items"), list) and schema["items"]:
            add(problems.forbidden(f"{path}.items", "items must be a schema object and not an array"))
        if place.in_metadata and schema.get("x-kubernetes-embedded-resource"):
            add(
                problems.forbidden(f"{path}.x-kubernetes-embedded-resource", "must not be used inside of resource meta")
            )
        if schema.get("uniqueItems"):
            text = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
            add(problems.forbidden(f"{path}.uniqueItems", text))
        values = schema.get("additionalProperties")
        if schema.get("properties") and values is not None and values is not True:
            text = "additionalProperties and properties are mutual exclusive"
            add(problems.forbidden(f"{path}.additionalProperties", text))

    def _extensions(self, schema: Schema, path: str) -> None:
        kind = schema.get("type") or ""
        map_type, list_type = schema.get("x-kubernetes-map-type"), schema.get("x-kubernetes-list-type")
        if schema.get("x-kubernetes-preserve-unknown-fields") is False:
            self._invalid(f"{path}.x-kubernetes-preserve-unknown-fields", False, "must be true or undefined")
        if map_type is not None:
            self._typed(kind, "object", path, "must be object if x-kubernetes-map-type is specified")
            if map_type not in ("atomic", "granular"):
                self.of_schema.append(
                    problems.unsupported(f"{path}.x-kubernetes-map-type", map_type, ("atomic", "granular"))
                )
        if list_type is not None:
            if kind != "array":
                self._typed(kind, "array", path, "must be array if x-kubernetes-list-type is specified")
            elif list_type == "set":
                self._set_items(schema.get("items"), path)
            if list_type not in ("atomic", "set", "map"):
                self.of_schema.append(
                    problems.unsupported(f"{path}.x-kubernetes-list-type", list_type, ("atomic", "set", "map"))
                )
        self._list_keys(schema, list_type, path)

    def _typed(self, kind: str, wanted: str, path: str, text: str) -> None:
        if not kind:
            self.of_schema.append(problems.required(f"{path}.type", text))
        elif kind != wanted:
            self._invalid(f"{path}.type", kind, text)

    def _set_items(self, items: Any, path: str) -> None:
        if not isinstance(items, Mapping):
            return
        relation = items.get("x-kubernetes-list-type")
        if items.get("type") == "array" and relation not in (None, "atomic"):
            self._invalid(f"{path}.items.x-kubernetes-list-type", relation, _ITEM_OF_SET)
        if items.get("type") == "object" and items.get("x-kubernetes-map-type") != "atomic":
            # The real server prints the list type here.
            self._invalid(f"{path}.items.x-kubernetes-map-type", relation, _ITEM_OF_SET)

    def _list_keys(self, schema: Schema, list_type: str | None, path: str) -> None:
        keys, items = schema.get("x-kubernetes-list-map-keys") or (), schema.get("items")
        if keys and list_type != "map":
            text = "must be map if x-kubernetes-list-map-keys is non-empty"
            where = f"{path}.x-kubernetes-list-type"
            self.of_schema.append(
                problems.required(where, text) if list_type is None else problems.invalid(where, list_type, text)
            )
        if list_type == "map":
            if not keys:
                text = "must not be empty if x-kubernetes-list-type is map"
                self.of_schema.append(problems.required(f"{path}.x-kubernetes-list-map-keys", text))
            if items is None:
                text = "must have a schema if x-kubernetes-list-type is map"
                self.of_schema.append(problems.required(f"{path}.items", text))
            elif isinstance(items, Mapping):
                self._map_items(items, list(keys), path)
        if list_type in ("set", "map") and isinstance(items, Mapping):
            self._keyed(items, keys if list_type == "map" else (), list_type, path)

    def _map_items(self, items: Schema, keys: list[str], path: str) -> None:
        if items.get("type") != "object":
            text = "must be object if parent array's x-kubernetes-list-type is map"
            self._invalid(f"{path}.items.type", items.get("type") or "", text)
            return
        properties = items.get("properties") or {}
        for index, key in enumerate(keys):
            if key not in properties:
                self._invalid(
                    f"{path}.x-kubernetes-list-map-keys", keys, "entries must all be names of item properties"
                )
            elif properties[key].get("type") in ("array", "object"):
                text = "must be a scalar type if parent array's x-kubernetes-list-type is map"
                self._invalid(f"{path}.items.properties[{key}].type", "object", text)
            if key in keys[:index]:
                self._invalid(f"{path}.x-kubernetes-list-map-keys", keys, "must not contain duplicate entries")

    def _keyed(self, items: Schema, keys: Any, list_type: str, path: str) -> None:
        if items.get("nullable"):
            text = f"cannot be nullable when x-kubernetes-list-type is {list_type}"
            self.of_schema.append(problems.forbidden(f"{path}.items.nullable", text))
        properties, required = items.get("properties") or {}, items.get("required") or ()
        for key in keys:
            member, where = properties.get(key), f"{path}.items.properties[{key}]"
            if member is None:
                continue
            about = "this property is in x-kubernetes-list-map-keys, so it"
            if key not in required and member.get("default") is None:
                text = f"{about} must have a default or be a required property"
                self.of_schema.append(problems.required(f"{where}.default", text))
            if member.get("nullable"):
                self.of_schema.append(problems.forbidden(f"{where}.nullable", f"{about} cannot be nullable"))

    def _rule(self, rule: Schema, path: str, schema: Schema) -> None:
        text, message = rule.get("rule") or "", rule.get("message") or ""
        if not text.strip():
            self.of_schema.append(problems.required(f"{path}.rule", "rule is not specified"))
        elif message and not message.strip():
            self._invalid(f"{path}.message", message, "must be non-empty if specified")
        elif _has_lines(message.strip()):
            self._invalid(f"{path}.message", message, "must not contain line breaks")
        elif _has_lines(text.strip()) and not message.strip():
            self.of_schema.append(
                problems.required(f"{path}.message", "message must be specified if rule contains line breaks")
            )
        expression = rule.get("messageExpression") or ""
        if expression and not expression.strip():
            words = "messageExpression must be non-empty if specified"
            self.of_schema.append(problems.required(f"{path}.messageExpression", words))
        reason = rule.get("reason")
        if reason is not None and reason not in _REASONS:
            self.of_schema.append(problems.unsupported(f"{path}.reason", reason, _REASONS))
        where = rule.get("fieldPath") or ""
        if where and not where.strip():
            self._invalid(f"{path}.fieldPath", where, "must be non-empty if specified")
        if _has_lines(where):
            self._invalid(f"{path}.fieldPath", where, "must not contain line breaks")
        if where:
            try:
                field_path(where, schema)
            except PathError:
                self._invalid(f"{path}.fieldPath", where, "must be a valid path")

    def _compile(self, schema: Schema, path: str, place: _Place) -> None:
        node = compile_node(schema)
        for index, rule in enumerate(node.rules):
            self._compile_rule(rule, node, f"{path}.x-kubernetes-validations[{index}]", place)

    def _compile_rule(self, rule: Schema, node: SchemaNode, path: str, place: _Place) -> None:
        compiled = Rule(rule, node, resource=place.is_root or node.embedded)
        shown = _internal(rule)
        if compiled.error:
            self.of_rules.append(problems.invalid(f"{path}.rule", shown, compiled.error))
        if compiled.message_error:
            self.of_rules.append(problems.invalid(f"{path}.messageExpression", shown, compiled.message_error))
        if compiled.uses_old_self:
            if place.uncorrelated:
                text = f"oldSelf cannot be used on the uncorrelatable portion of the schema within {place.uncorrelated}"
                self.of_rules.append(problems.invalid(f"{path}.rule", rule["rule"], text))
        elif rule.get("optionalOldSelf") is not None:
            text = "may not be set if oldSelf is not used in rule"
            self.of_rules.append(problems.invalid(f"{path}.optionalOldSelf", rule["optionalOldSelf"], text))

    def _invalid(self, path: str, value: Any, text: str) -> None:
        self.of_schema.append(problems.invalid(path, value, text))


def _parts(schema: Schema, path: str, place: _Place) -> Iterator[tuple[Schema, str, _Place]]:
    """The schemas right within a schema, where they stand and what that means for them."""
    inner = msgspec.structs.replace(place, is_root=False)
    values, items = schema.get("additionalProperties"), schema.get("items")
    if isinstance(values, Mapping):
        reason = "inside additionalProperties applying to object metadata" if place.in_metadata else place.no_default
        yield values, f"{path}.additionalProperties", msgspec.structs.replace(inner, no_default=reason)
    resource = place.is_root or bool(schema.get("x-kubernetes-embedded-resource"))
    for name, member in (schema.get("properties") or {}).items():
        below = inner
        if resource and name in METADATA_FIELDS:
            reason = f"in top-level {name}" if place.is_root else place.no_default
            below = msgspec.structs.replace(inner, in_metadata=True, no_default=reason)
        yield member, f"{path}.properties[{name}]", below
    without_rules = msgspec.structs.replace(inner, has_rules=False)
    if schema.get("not") is not None:
        yield schema["not"], f"{path}.not", without_rules
    for key in ("allOf", "oneOf", "anyOf"):
        for index, part in enumerate(schema.get(key) or ()):
            yield part, f"{path}.{key}[{index}]", without_rules
    for name, part in (schema.get("definitions") or {}).items():
        yield part, f"{path}.definitions[{name}]", without_rules
    if schema.get("x-kubernetes-list-type") != "map":
        inner = msgspec.structs.replace(inner, uncorrelated=place.uncorrelated or path)
    if isinstance(items, Mapping):
        yield items, f"{path}.items", inner
    elif isinstance(items, list):
        for index, part in enumerate(items):
            if isinstance(part, Mapping):
                yield part, f"{path}.items[{index}]", inner


def _has_lines(text: str) -> bool:
    return re.search("[\n\r]", text) is not None


def _internal(rule: Schema) -> dict[str, Any]:
    """A rule as messages print it: the server's own struct, fields in their order."""
    return problems.InOrder(
        {
            "Rule": rule.get("rule") or "",
            "Message": rule.get("message") or "",
            "MessageExpression": rule.get("messageExpression") or "",
            "Reason": rule.get("reason"),
            "FieldPath": rule.get("fieldPath") or "",
            "OptionalOldSelf": rule.get("optionalOldSelf"),
        }
    )

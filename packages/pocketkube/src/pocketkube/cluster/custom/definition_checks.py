"""What is wrong with a CustomResourceDefinition (``pkg/apis/apiextensions/validation/validation.go``)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from pocketkube.cluster import names
from pocketkube.cluster.custom import (
    conversion_check,
    defaults_check,
    path_checks,
    problems,
    schema_checks,
    structure,
)
from pocketkube.cluster.custom.conditions import APPROVAL, established, is_protected
from pocketkube.cluster.custom.schema import Schema, TooDeep, compile_node
from pocketkube.cluster.failure import FieldCause

_ROOT_FIELDS: Final = (
    "Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern"
    " MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields"
    " XValidations"
)
_ROOT_KEYS: Final = frozenset(
    {"x-kubernetes-preserve-unknown-fields", "x-kubernetes-validations"}
    | {name[0].lower() + name[1:] for name in _ROOT_FIELDS.split()}
)
_SHARED: Final = {
    "schema": "validation",
    "subresources": "subresources",
    "additionalPrinterColumns": "additionalPrinterColumns",
    "selectableFields": "selectableFields",
}
_IMMUTABLE: Final = "field is immutable"


def check(definition: Mapping[str, Any], old: Mapping[str, Any] | None = None) -> list[FieldCause]:
    """
    Args:
        definition: in the form of :func:`shape.bring_to_form`.
        old: before an update.
    """
    spec = definition["spec"]
    causes = [] if old is not None else _name(definition)
    causes += _Spec(spec).check()
    if old is not None:
        causes += _changes(spec, old)
    causes += check_status(definition) + _stored(definition) + _approval(definition, old)
    was_preserving = old is not None and bool(old["spec"].get("preserveUnknownFields"))
    if spec.get("preserveUnknownFields") and not was_preserving:
        text = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
        causes.append(problems.invalid("spec.preserveUnknownFields", True, text))
    return causes


def check_status(definition: Mapping[str, Any]) -> list[FieldCause]:
    """What is wrong with the names in a status."""
    return _names_form((definition.get("status") or {}).get("acceptedNames") or {}, "status.acceptedNames")


def _name(definition: Mapping[str, Any]) -> list[FieldCause]:
    name, spec = definition["metadata"].get("name", ""), definition["spec"]
    if name != f"{spec['names']['plural']}.{spec['group']}":
        return [problems.invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group')]
    return []


class _Spec:
    """One reading of a spec. What all versions have in common the server looks at as fields of the spec itself."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._spec = spec
        self._versions: Sequence[Mapping[str, Any]] = spec.get("versions") or ()
        self._causes: list[FieldCause] = []
        first = self._versions[0] if self._versions else {}
        self._common = {
            key: first.get(key)
            for key in _SHARED
            if first and all((version.get(key) or None) == (first.get(key) or None) for version in self._versions)
        }

    def check(self) -> list[FieldCause]:
        self._group()
        scope = self._spec.get("scope")
        if not scope:
            self._causes.append(problems.required("spec.scope"))
        elif scope not in ("Cluster", "Namespaced"):
            self._causes.append(problems.unsupported("spec.scope", scope, ("Cluster", "Namespaced")))
        self._schemas_there()
        for index, version in enumerate(self._versions):
            self._version(version, f"spec.versions[{index}]")
        self._version_flags()
        wanted = self._spec["names"]
        for field in ("plural", "singular", "kind", "listKind"):
            if not wanted.get(field):
                self._causes.append(problems.required(f"spec.names.{field}"))
        self._causes += _names_form(wanted, "spec.names")
        self._shared()
        self._causes += conversion_check.conversion(self._spec.get("conversion"))
        return self._causes

    def _group(self) -> None:
        group = self._spec.get("group") or ""
        if not group:
            self._causes.append(problems.required("spec.group"))
        elif wrong := names.subdomain(group):
            self._causes.append(problems.invalid("spec.group", group, ",".join(wrong)))
        elif "." not in group:
            self._causes.append(problems.invalid("spec.group", group, "should be a domain with at least one dot"))

    def _schemas_there(self) -> None:
        for index, version in enumerate(self._versions):
            if (version.get("schema") or {}).get("openAPIV3Schema") is None:
                self._causes.append(problems.required(f"spec.versions[{index}].schema.openAPIV3Schema"))

    def _version(self, version: Mapping[str, Any], path: str) -> None:
        name = version["name"]
        if wrong := names.service_label(name):
            self._causes.append(problems.invalid(f"{path}.name", name, ",".join(wrong)))
        self._deprecation(version, path)
        if "schema" not in self._common:
            has_status = _has_status(version.get("subresources"))
            self._causes += _schema(version.get("schema"), f"{path}.schema", has_status=has_status)
        if "subresources" not in self._common:
            self._causes += path_checks.subresources(version.get("subresources"), f"{path}.subresources")
        if "additionalPrinterColumns" not in self._common:
            self._causes += path_checks.columns(
                version.get("additionalPrinterColumns"), f"{path}.additionalPrinterColumns"
            )
        if "selectableFields" not in self._common and version.get("selectableFields"):
            schema = (version.get("schema") or {}).get("openAPIV3Schema")
            self._causes += path_checks.selectable(version["selectableFields"], schema, f"{path}.selectableFields")

    def _deprecation(self, version: Mapping[str, Any], path: str) -> None:
        warning = version.get("deprecationWarning")
        if warning is None:
            return
        texts = []
        if not version.get("deprecated"):
            texts = ["can only be set for deprecated versions"]
        else:
            if len(warning.encode()) > 256:
                texts.append("must be <= 256 characters long")
            if not warning:
                texts.append("must not be an empty string")
            bad = next((index for index, char in enumerate(warning) if not char.isprintable()), None)
            if bad is not None:
                words = "must only contain printable UTF-8 characters; non-printable character found at index"
                texts.append(f"{words} {bad}")
        self._causes += [problems.invalid(f"{path}.deprecationWarning", warning, text) for text in texts]

    def _version_flags(self) -> None:
        shown = [self._internal(version) for version in self._versions] or None
        seen = [version["name"] for version in self._versions]
        if len(set(seen)) < len(seen):
            self._causes.append(problems.invalid("spec.versions", shown, "must contain unique version names"))
        if sum(version["storage"] for version in self._versions) != 1:
            text = "must have exactly one version marked as storage version"
            self._causes.append(problems.invalid("spec.versions", shown, text))
        if seen and (wrong := names.service_label(seen[0])):
            self._causes.append(problems.invalid("spec.version", seen[0], ",".join(wrong)))

    def _internal(self, version: Mapping[str, Any]) -> dict[str, Any]:
        """A version as messages print it: the server's own struct, fields in their order."""
        own = {key: None if key in self._common else version.get(key) for key in _SHARED}
        return problems.InOrder(
            {
                "Name": version["name"],
                "Served": version["served"],
                "Storage": version["storage"],
                "Deprecated": bool(version.get("deprecated")),
                "DeprecationWarning": version.get("deprecationWarning"),
                "Schema": own["schema"],
                "Subresources": own["subresources"],
                "AdditionalPrinterColumns": own["additionalPrinterColumns"],
                "SelectableFields": own["selectableFields"],
            }
        )

    def _shared(self) -> None:
        common = self._common
        if "schema" in common:
            has_status = any(_has_status(version.get("subresources")) for version in self._versions)
            self._causes += _schema(common["schema"], "spec.validation", has_status=has_status)
        self._causes += path_checks.subresources(common.get("subresources"), "spec.subresources")
        self._causes += path_checks.columns(common.get("additionalPrinterColumns"), "spec.additionalPrinterColumns")
        selectable = common.get("selectableFields")
        if selectable:
            if "schema" not in common:
                text = "may only be set when validations.schema is included"
                self._causes.append(problems.invalid("spec.selectableFields", "", text))
            else:
                schema = (common["schema"] or {}).get("openAPIV3Schema")
                self._causes += path_checks.selectable(selectable, schema, "spec.selectableFields")


def _schema(validation: Mapping[str, Any] | None, path: str, *, has_status: bool) -> list[FieldCause]:
    schema = (validation or {}).get("openAPIV3Schema")
    if schema is None:
        return []
    where = f"{path}.openAPIV3Schema"
    causes = _root(schema, where, path, has_status=has_status)
    why_not = structure.unsupported(schema)
    of_structure: list[FieldCause] = []
    if not why_not:
        try:
            of_structure = structure.check(schema, where) or defaults_check.check(compile_node(schema), where)
        except TooDeep as deep:
            return [problems.invalid(where, "", str(deep))]
    causes += of_structure
    causes += schema_checks.check(schema, where, with_rules=not why_not and not of_structure)
    if not causes and why_not:
        causes.append(problems.invalid(where, "", why_not))
    return causes


def _root(schema: Schema, where: str, path: str, *, has_status: bool) -> list[FieldCause]:
    causes = []
    if has_status:
        set_keys = [key for key, value in schema.items() if value not in (None, "", False, [], {})]
        if "type" in set_keys and schema["type"] != "object":
            text = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
            causes.append(problems.invalid(f"{where}.type", schema["type"], text))
        elif any(key not in _ROOT_KEYS for key in set_keys):
            text = (
                f"only [{_ROOT_FIELDS}] fields are allowed at the root of the schema if the status subresource is"
                " enabled"
            )
            causes.append(problems.invalid(where, dict(schema), text))
    if schema.get("nullable"):
        causes.append(problems.forbidden(f"{where}.nullable", "nullable cannot be true at the root"))
    return causes


def _names_form(wanted: Mapping[str, Any], path: str) -> list[FieldCause]:
    causes = []
    for field in ("plural", "singular"):
        if wanted.get(field) and (wrong := names.service_label(wanted[field])):
            causes.append(problems.invalid(f"{path}.{field}", wanted[field], ",".join(wrong)))
    for field in ("kind", "listKind"):
        if wanted.get(field) and (wrong := names.service_label(wanted[field].lower())):
            text = f"may have mixed case, but should otherwise match: {','.join(wrong)}"
            causes.append(problems.invalid(f"{path}.{field}", wanted[field], text))
    causes += _each_label(wanted.get("shortNames"), f"{path}.shortNames")
    if wanted.get("kind") and wanted["kind"] == wanted.get("listKind"):
        text = "kind and listKind may not be the same"
        causes.append(problems.invalid(f"{path}.listKind", wanted["listKind"], text))
    return causes + _each_label(wanted.get("categories"), f"{path}.categories")


def _each_label(values: Sequence[str] | None, path: str) -> list[FieldCause]:
    return [
        problems.invalid(f"{path}[{index}]", value, ",".join(wrong))
        for index, value in enumerate(values or ())
        if (wrong := names.service_label(value))
    ]


def _changes(spec: Mapping[str, Any], old: Mapping[str, Any]) -> list[FieldCause]:
    before = old["spec"]
    fields = [(("group",), "group"), (("names", "plural"), "names.plural")]
    if established(old):
        fields = [(("scope",), "scope"), (("names", "kind"), "names.kind"), *fields]
    causes = []
    for path, shown in fields:
        new_value, old_value = _at(spec, path), _at(before, path)
        if new_value != old_value:
            causes.append(problems.invalid(f"spec.{shown}", new_value, _IMMUTABLE))
    return causes


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def _stored(definition: Mapping[str, Any]) -> list[FieldCause]:
    path = "status.storedVersions"
    stored = (definition.get("status") or {}).get("storedVersions") or []
    if not stored:
        return [problems.invalid(path, None, "must have at least one stored version")]
    versions = definition["spec"].get("versions") or ()
    causes = [
        problems.invalid(path, stored, f"must have the storage version {version['name']}")
        for version in versions
        if version["storage"] and version["name"] not in stored
    ]
    known = {version["name"] for version in versions}
    for index, name in enumerate(stored):
        if name not in known:
            text = (
                f"missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions"
                f" until a storage migration ensures no data remains persisted in {name} and removes {name} from"
                " status.storedVersions"
            )
            causes.append(problems.invalid(f"{path}[{index}]", name, text))
    return causes


def _approval(definition: Mapping[str, Any], old: Mapping[str, Any] | None) -> list[FieldCause]:
    if not is_protected(definition["spec"].get("group") or ""):
        return []
    annotation = _approval_of(definition)
    if old is not None and _approval_state(_approval_of(old)) == _approval_state(annotation):
        return []
    field, link = f"metadata.annotations[{APPROVAL}]", "see https://github.com/kubernetes/enhancements/pull/1111"
    needed = f'protected groups must have approval annotation "{APPROVAL}"'
    match _approval_state(annotation):
        case "missing":
            return [problems.required(field, f"{needed}, {link}")]
        case "invalid":
            text = f'{needed} with either a URL or a reason starting with "unapproved", {link}'
            return [problems.invalid(field, annotation, text)]
    return []


def _approval_of(definition: Mapping[str, Any]) -> str:
    return (definition["metadata"].get("annotations") or {}).get(APPROVAL) or ""


def _approval_state(annotation: str) -> str:
    if not annotation:
        return "missing"
    if annotation.startswith("unapproved"):
        return "bypassed"
    parts = urlsplit(annotation)
    return "approved" if parts.scheme and parts.netloc else "invalid"


def _has_status(subresources: Mapping[str, Any] | None) -> bool:
    return (subresources or {}).get("status") is not None

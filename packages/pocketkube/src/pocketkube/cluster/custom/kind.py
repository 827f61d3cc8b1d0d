"""The behaviour of a custom kind (``pkg/registry/customresource/{strategy,status_strategy,validator}.go``)."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from kubegrammar.merge import Type, compile_type
from pocketkube.cluster import names
from pocketkube.cluster.custom import metadata, problems
from pocketkube.cluster.custom.defaulting import fill_defaults
from pocketkube.cluster.custom.expressions import SchemaRules
from pocketkube.cluster.custom.lists import duplicates
from pocketkube.cluster.custom.openapi import MISSING, SchemaCheck, same
from pocketkube.cluster.custom.pruning import prune, prune_nulls
from pocketkube.cluster.custom.schema import SchemaNode, compile_node
from pocketkube.cluster.failure import Failure, FieldCause
from pocketkube.cluster.resource import Object, ScalePaths

_BLOCKING: Final = frozenset(
    {"FieldValueNotSupported", "FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany", "FieldValueTypeInvalid"}
)
_BLOCKED: Final = (
    "some validation rules were not checked because the object was invalid; correct the existing errors to complete"
    " validation"
)
_LARGEST_INT32: Final = 2**31 - 1
_STANDARD_FINALIZERS: Final = frozenset({"orphan", "foregroundDeletion", "kubernetes"})


class CustomVersion:
    """One version of a custom kind; its schema is compiled when it is first needed."""

    def __init__(self, version: Mapping[str, Any]) -> None:
        self.schema: Mapping[str, Any] = (version.get("schema") or {}).get("openAPIV3Schema") or {}
        subresources = version.get("subresources") or {}
        self.has_status = subresources.get("status") is not None
        self.scale = _scale(subresources.get("scale"))
        self.selectable = {
            field["jsonPath"].removeprefix("."): tuple(field["jsonPath"].removeprefix(".").split("."))
            for field in version.get("selectableFields") or ()
        }

    @cached_property
    def node(self) -> SchemaNode:
        return compile_node(self.schema)

    @cached_property
    def check(self) -> SchemaCheck:
        return SchemaCheck(self.schema)

    @cached_property
    def check_status(self) -> SchemaCheck:
        return SchemaCheck((self.schema.get("properties") or {}).get("status") or {})

    @cached_property
    def rules(self) -> SchemaRules:
        return SchemaRules(self.node, resource=True)

    @cached_property
    def type(self) -> Type:
        return compile_type(self.schema, {})


class CustomBehaviour:
    """Satisfies :class:`~pocketkube.cluster.resource.Behaviour` for the kind that a definition defines.

    A version may be named with its group or without.
    """

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._versions = {version["name"]: CustomVersion(version) for version in spec["versions"]}

    def type_of(self, version: str) -> Type:
        return self._version(version).type

    def check(self, obj: Object, version: str) -> None:
        """Takes everything: what custom resources may hold is for :meth:`validate` to say."""

    def prune(self, obj: Object, version: str) -> list[str]:
        """Removes what the schema does not know, in place, and nulls that are neither allowed nor defaulted.

        Returns:
            The paths of unknown fields, sorted, for warnings and strict errors; object metadata aside.

        Raises:
            Failure: BadRequest; metadata of an embedded resource has a wrong type.
        """
        node = self._version(version).node
        gone = prune(obj, node, root=True)
        prune_nulls(obj, node)
        try:
            return gone + metadata.coerce(obj, node)
        except metadata.MetadataMisfit as misfit:
            kind, shown = obj.get("kind"), version.rpartition("/")[2]
            text = f'{kind} in version "{shown}" cannot be handled as a {kind}: {misfit}'
            raise Failure("BadRequest", text) from misfit

    def name_problems(self, name: str) -> list[str]:
        """What is wrong with ``metadata.name``: of whatever kind it is, it is a DNS subdomain."""
        return names.subdomain(name)

    def blank(self, version: str) -> Object:
        return {}

    def default(self, obj: Object, version: str) -> None:
        self.prune(obj, version)
        fill_defaults(obj, self._version(version).node)

    def prepare_create(self, obj: Object, version: str) -> None:
        if self._version(version).has_status:
            obj.pop("status", None)
        obj["metadata"]["generation"] = 1

    def prepare_update(self, old: Object, new: Object, version: str, subresource: str) -> None:
        if subresource == "status":
            _keep_all_but_status(old, new)
            return
        if self._version(version).has_status:
            if "status" in old:
                new["status"] = old["status"]
            else:
                new.pop("status", None)
        generation = old["metadata"].get("generation", 1)
        moved = not same(_without_metadata(old), _without_metadata(new))
        new["metadata"]["generation"] = generation + moved

    def validate(self, obj: Object, version: str) -> list[FieldCause]:
        known = self._version(version)
        causes = known.check.causes(obj)
        causes += _check_scale(obj, known.scale, ("spec", "status"))
        causes += metadata.check(obj, known.node)
        causes += duplicates(obj, known.node)
        return causes + _run_rules(known, obj, None, causes)

    def validate_update(self, old: Object, new: Object, version: str, subresource: str) -> list[FieldCause]:
        known = self._version(version)
        if subresource == "status":
            causes: list[FieldCause] = []
            if "status" in new:
                before = old.get("status", MISSING)
                causes = known.check_status.causes(new["status"], before, field="status")
            causes += _check_scale(new, known.scale, ("status",))
        else:
            causes = known.check.causes(new, old)
            causes += _check_scale(new, known.scale, ("spec", "status"))
            causes += metadata.check(new, known.node)
        repeated = duplicates(new, known.node)
        if repeated and not duplicates(old, known.node):
            causes += repeated
        return causes + _run_rules(known, new, old, causes)

    def warnings(self, obj: Object, version: str) -> Sequence[str]:
        """Finalizers without a domain. The write path gives what is new alone."""
        return [
            warning
            for name in sorted(obj.get("metadata", {}).get("finalizers") or ())
            for warning in _finalizer_warnings(name)
        ]

    def convert(self, obj: Object, version: str) -> Object:
        if obj.get("apiVersion") == version:
            return obj
        converted: Object = _copied(obj) | {"apiVersion": version}
        self.prune(converted, version)
        return converted

    def reset_fields(self, version: str, subresource: str) -> Sequence[tuple[str, ...]]:
        if subresource == "status":
            return ("metadata",), ("spec",)
        return (("status",),) if self._version(version).has_status else ()

    def scale_paths(self, version: str) -> ScalePaths | None:
        return self._version(version).scale

    def field_labels(self, obj: Object) -> Mapping[str, str]:
        known = self._versions.get(str(obj.get("apiVersion", "")).rpartition("/")[2])
        if known is None:
            return {}
        return {name: _label(_at(obj, path)) for name, path in known.selectable.items()}

    def _version(self, version: str) -> CustomVersion:
        return self._versions[version.rpartition("/")[2]]


def _scale(scale: Mapping[str, Any] | None) -> ScalePaths | None:
    if scale is None:
        return None
    paths = (scale.get(key) or "" for key in ("specReplicasPath", "statusReplicasPath", "labelSelectorPath"))
    spec, status, selector = (tuple(path.removeprefix(".").split(".")) if path else () for path in paths)
    return ScalePaths(spec, status, selector)


def _run_rules(known: CustomVersion, new: Object, old: Object | None, causes: Sequence[FieldCause]) -> list[FieldCause]:
    if not known.node.has_rules:
        return []
    if any(cause.reason in _BLOCKING for cause in causes):
        return [problems.invalid(problems.NOWHERE, None, _BLOCKED)]
    return known.rules.run(new, old).causes


def _keep_all_but_status(old: Object, new: Object) -> None:
    managed, status = new["metadata"].get("managedFields"), new.get("status", MISSING)
    new.clear()
    new |= old
    new["metadata"] = dict(old["metadata"])
    if managed is None:
        new["metadata"].pop("managedFields", None)
    else:
        new["metadata"]["managedFields"] = managed
    if status is MISSING:
        new.pop("status", None)
    else:
        new["status"] = status


def _without_metadata(obj: Object) -> Object:
    return {key: value for key, value in obj.items() if key != "metadata"}


def _check_scale(obj: Object, scale: ScalePaths | None, parts: Sequence[str]) -> list[FieldCause]:
    if scale is None:
        return []
    causes = []
    for part, path in (("spec", scale.spec), ("status", scale.status)):
        if part in parts:
            causes += _check_replicas(obj, path)
    if "status" in parts and scale.selector:
        value = _at(obj, scale.selector)
        if value is not None and not isinstance(value, str):
            causes.append(_accessor(scale.selector, value, "string", ""))
    return causes


def _check_replicas(obj: Object, path: tuple[str, ...]) -> list[FieldCause]:
    value, field = _at(obj, path), f".{'.'.join(path)}"
    if value is None:
        return []
    if isinstance(value, bool) or not isinstance(value, int):
        return [_accessor(path, value, "int64", 0)]
    if value < 0:
        return [problems.invalid(field, value, "should be a non-negative integer")]
    if value > _LARGEST_INT32:
        return [problems.invalid(field, value, f"should be less than or equal to {_LARGEST_INT32}")]
    return []


_GO_TYPES: Final = {
    str: "string",
    bool: "bool",
    int: "int64",
    float: "float64",
    list: "[]interface {}",
    dict: "map[string]interface {}",
}


def _accessor(path: tuple[str, ...], value: Any, wanted: str, empty: Any) -> FieldCause:
    shown = "map[]" if value == {} else value
    kind = _GO_TYPES.get(type(value), "nil")
    text = f".{'.'.join(path)} accessor error: {shown} is of the type {kind}, expected {wanted}"
    return problems.invalid(f".{'.'.join(path)}", empty, text)


def _at(value: Any, path: Sequence[str]) -> Any:
    for step in path:
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


def _label(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else problems.shown(value)


def _copied(value: Any) -> Any:
    """A copy whose dicts and lists may be changed."""
    if isinstance(value, dict):
        return {key: _copied(member) for key, member in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _finalizer_warnings(name: str) -> list[str]:
    field = "metadata.finalizers"
    texts = [f"{field}: {problems.quoted(name)}: {text}" for text in names.label_key(name)]
    if "/" not in name and name not in _STANDARD_FINALIZERS:
        path = " including a path (/)" if "." in name else ""
        texts.append(
            f"{field}: {problems.quoted(name)}: prefer a domain-qualified finalizer name{path} to avoid accidental"
            " conflicts with other finalizer writers"
        )
    return texts

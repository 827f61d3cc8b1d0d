"""The CustomResourceDefinitions of our kinds, generated from the types in :mod:`trueup.model`.

They accept every field that Argo CD's accept and require what Argo CD's require, so an estate's objects are
stored unchanged whichever of the two made the definitions.
"""

from typing import Any

import msgspec
from msgspec import inspect

from trueup.model.annotations import GROUP, MADE_BY
from trueup.model.application import (
    Application,
    ApplicationSpec,
    IgnoreDifference,
    ResourceRule,
    SyncOperationResource,
)
from trueup.model.fields import Fields, NameValue, TypeDescription, describe
from trueup.model.project import DestinationServiceAccount, Project, ProjectRole, SignatureKey
from trueup.model.source import (
    DrySource,
    HydrateTo,
    JsonnetVar,
    KustomizeReplica,
    Source,
    SourceHydrator,
    SyncSource,
)
from trueup.model.status import (
    ComparedTo,
    Condition,
    OperationState,
    ResourceResult,
    RevisionHistory,
    Status,
    SyncOperationResult,
    SyncStatus,
)

VERSION = "v1alpha1"
MAKER = "trueup"

Schema = dict[str, Any]

# What Argo CD's definitions require (manifests/crds of its 3.x releases). Our types give nearly every field a default,
# to read what older controllers stored, so this cannot be derived from them; they write these fields even when empty.
REQUIRED: dict[type[Fields], tuple[str, ...]] = {
    Application: ("metadata", "spec"),
    ApplicationSpec: ("destination", "project"),
    ComparedTo: ("destination",),
    Condition: ("type", "message"),
    DestinationServiceAccount: ("server", "default_service_account"),
    DrySource: ("repo_url", "target_revision", "path"),
    HydrateTo: ("target_branch",),
    IgnoreDifference: ("kind",),
    JsonnetVar: ("name", "value"),
    KustomizeReplica: ("name", "count"),
    NameValue: ("name", "value"),
    OperationState: ("operation", "phase", "started_at"),
    Project: ("metadata", "spec"),
    ProjectRole: ("name",),
    ResourceRule: ("group", "kind"),
    ResourceResult: ("group", "version", "kind", "namespace", "name"),
    RevisionHistory: ("deployed_at", "id"),
    SignatureKey: ("key_id",),
    Source: ("repo_url",),
    SourceHydrator: ("dry_source", "sync_source"),
    SyncOperationResource: ("kind", "name"),
    SyncOperationResult: ("revision",),
    SyncSource: ("target_branch", "path"),
    SyncStatus: ("status",),
}

# Stored without a schema: the API server's price of a status patch grows with every field it checks, and with
# thousands of objects reaches seconds. Without one it is a fifth.
OPAQUE: frozenset[tuple[type[Fields], str]] = frozenset({(Status, "resources"), (OperationState, "sync_result")})

COLUMNS: tuple[Schema, ...] = (
    {"name": "Sync Status", "type": "string", "jsonPath": ".status.sync.status"},
    {"name": "Health Status", "type": "string", "jsonPath": ".status.health.status"},
    {"name": "Revision", "type": "string", "jsonPath": ".status.sync.revision", "priority": 10},
    {"name": "Project", "type": "string", "jsonPath": ".spec.project", "priority": 10},
)

_ANYTHING: Schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def application_crd() -> Schema:
    """The definition of ``applications.argoproj.io``.

    It has no status subresource, as Argo CD's has none: clients write status and spec by one patch.
    """
    schema = _root(Application)
    schema["properties"]["status"] = _with_description(_struct(Status), "What is known; written by the controller.")
    return _definition("Application", "applications", ("app", "apps"), schema, columns=COLUMNS)


def project_crd() -> Schema:
    """The definition of ``appprojects.argoproj.io``."""
    return _definition("AppProject", "appprojects", ("appproj", "appprojs"), _root(Project))


def _definition(
    kind: str, plural: str, short_names: tuple[str, ...], schema: Schema, *, columns: tuple[Schema, ...] = ()
) -> Schema:
    version: Schema = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {},
    }
    if columns:
        version["additionalPrinterColumns"] = [dict(column) for column in columns]
    name = f"{plural}.{GROUP}"
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": name,
            "labels": {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "argocd"},
            "annotations": {MADE_BY: MAKER},
        },
        "spec": {
            "group": GROUP,
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": plural,
                "shortNames": list(short_names),
                "singular": kind.lower(),
            },
            "scope": "Namespaced",
            "versions": [version],
        },
    }


def _root(type_: type[Fields]) -> Schema:
    schema = _struct(type_)
    schema["properties"] |= {
        "apiVersion": {"type": "string", "description": "Version of this kind: argoproj.io/v1alpha1."},
        "kind": {"type": "string", "description": "Name of this kind."},
        # The API server has its own schema for it and accepts no other here.
        "metadata": {"type": "object"},
    }
    return schema


def _struct(type_: type[Fields]) -> Schema:
    """The schema of a type, by its JSON names."""
    texts = describe(type_)
    required = REQUIRED.get(type_, ())
    fields = msgspec.structs.fields(type_)
    types = inspect.type_info(type_)
    assert isinstance(types, inspect.StructType)
    properties = {
        field.encode_name: _field(type_, field.name, info.type, texts)
        for field, info in zip(fields, types.fields, strict=True)
    }
    schema: Schema = {"type": "object", "properties": dict(sorted(properties.items()))}
    if texts.summary:
        schema["description"] = texts.summary
    if required:
        schema["required"] = sorted(field.encode_name for field in fields if field.name in required)
    return schema


def _field(owner: type[Fields], name: str, info: inspect.Type, texts: TypeDescription) -> Schema:
    """The schema of a field. Its own description is worth more than its type's."""
    text = texts.fields.get(name, "")
    if (owner, name) in OPAQUE:
        is_list = isinstance(_not_null(info), inspect.ListType)
        return _with_description({"type": "array", "items": dict(_ANYTHING)} if is_list else _ANYTHING, text)
    schema = _value(info)
    if schema == {"type": "string"} and name.endswith(("_at", "_time")):
        schema = {"type": "string", "format": "date-time"}
    return _with_description(schema, text)


def _value(info: inspect.Type) -> Schema:
    """The schema of a value of this type."""
    info = _not_null(info)
    match info:
        case inspect.StructType(cls=cls) if issubclass(cls, Fields):
            return _struct(cls)
        case inspect.ListType(item_type=item):
            return {"type": "array", "items": _value(item)}
        case inspect.DictType(value_type=inspect.AnyType()):
            return dict(_ANYTHING)
        case inspect.DictType(value_type=value):
            return {"type": "object", "additionalProperties": _value(value)}
        case inspect.UnionType():
            # The one union besides "or null": an int that may be written as text.
            return {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": True}
        case inspect.BoolType():
            return {"type": "boolean"}
        case inspect.IntType():
            return {"type": "integer", "format": "int64"}
        case inspect.StrType() | inspect.EnumType():
            # Enumerations stay open: a value we do not know must not make another controller's object invalid.
            return {"type": "string"}
    raise TypeError(f"no schema for {info}")


def _not_null(info: inspect.Type) -> inspect.Type:
    """The type without "or null": an absent field says the same."""
    if not isinstance(info, inspect.UnionType):
        return info
    rest = tuple(item for item in info.types if not isinstance(item, inspect.NoneType))
    return rest[0] if len(rest) == 1 else inspect.UnionType(rest)


def _with_description(schema: Schema, text: str) -> Schema:
    return {**schema, "description": text} if text else schema

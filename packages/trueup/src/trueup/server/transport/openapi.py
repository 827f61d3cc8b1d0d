"""The API as OpenAPI 2 describes it, made from the description."""

from typing import Any

import msgspec

from trueup.server.codec.forms import FORMS
from trueup.server.codec.plan import plan
from trueup.server.description.values import Binding, Description, FieldOf, MethodOf

_SCALARS: dict[str, dict[str, str]] = {
    "string": {"type": "string"},
    "bool": {"type": "boolean"},
    "int32": {"type": "integer", "format": "int32"},
    "int64": {"type": "integer", "format": "int64"},
    "bytes": {"type": "string", "format": "byte"},
}
_TIMES = ("Time", "MicroTime")
_ERRORS: dict[str, Any] = {
    "runtimeError": {
        "type": "object",
        "properties": {
            "code": {"type": "integer", "format": "int32"},
            "error": {"type": "string"},
            "message": {"type": "string"},
        },
    },
    "runtimeStreamError": {
        "type": "object",
        "properties": {
            "grpc_code": {"type": "integer", "format": "int32"},
            "http_code": {"type": "integer", "format": "int32"},
            "http_status": {"type": "string"},
            "message": {"type": "string"},
        },
    },
}


def openapi(described: Description, root: str = "") -> bytes:
    """The document, as JSON.

    Args:
        root: the path below which the API is.
    """
    paths: dict[str, dict[str, Any]] = {}
    used: dict[str, Any] = {}
    for method in described.methods():
        for binding in method.bindings:
            path = paths.setdefault(binding.path.replace("=**}", "}"), {})
            path.setdefault(binding.verb.lower(), _operation(described, method, binding, used))
    document = {
        "swagger": "2.0",
        "info": {"title": "Trueup", "description": "Argo CD's API", "version": "v1"},
        "basePath": root or "/",
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "paths": paths,
        "definitions": dict(sorted({**_ERRORS, **used}.items())),
    }
    return msgspec.json.encode(document)


def name_of(message: str) -> str:
    """The name of a definition: the last two words of a message's."""
    package, name = message.split(".")[-2:]
    return package + name


def _operation(described: Description, method: MethodOf, binding: Binding, used: dict[str, Any]) -> dict[str, Any]:
    in_path = [part[1:-1].partition("=")[0] for part in binding.path.split("/") if part.startswith("{")]
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "type": "string"} for name in in_path
    ]
    if binding.body:
        whole = binding.body == "*"
        field = None if whole else described.messages[method.request].field(binding.body)
        message = method.request if field is None else field.type
        schema = _schema(FieldOf(0, "", message, "", ""), used)
        parameters.append({"name": "body", "in": "body", "required": True, "schema": schema})
    if binding.body != "*":
        for each in _query(method.request, "", 3):
            if each["name"] not in in_path and each["name"].partition(".")[0] != binding.body:
                parameters.append(each)
    response = _schema(FieldOf(0, "", method.response, "", ""), used)
    if method.streams:
        response = {
            "type": "object",
            "properties": {"result": response, "error": {"$ref": "#/definitions/runtimeStreamError"}},
        }
    service = method.service.rpartition(".")[2]
    return {
        "tags": [service],
        "operationId": f"{service}_{method.name}",
        "parameters": parameters,
        "responses": {
            "200": {"description": "A successful response.", "schema": response},
            "default": {
                "description": "An unexpected error response.",
                "schema": {"$ref": "#/definitions/runtimeError"},
            },
        },
    }


def _query(message: str, before: str, depth: int) -> list[dict[str, Any]]:
    """Fields that a query can write."""
    found: list[dict[str, Any]] = []
    for field in plan(message).fields:
        name = before + field.json
        if field.label == "map" or not (field.scalar or field.type in FORMS or field.label != "repeated"):
            continue
        if field.scalar or field.type in FORMS:
            kind: dict[str, Any] = _SCALARS.get(field.type, {"type": "string"})
            if field.label == "repeated":
                kind = {"type": "array", "items": kind, "collectionFormat": "multi"}
            found.append({"name": name, "in": "query", **kind})
        elif depth and not field.inline:
            found += _query(field.type, f"{name}.", depth - 1)
    return found


def _schema(field: FieldOf, used: dict[str, Any]) -> dict[str, Any]:
    one = _SCALARS[field.type] if field.scalar else _message(field.type, used)
    if field.label == "repeated":
        return {"type": "array", "items": one}
    if field.label == "map":
        return {"type": "object", "additionalProperties": one}
    return one


def _message(message: str, used: dict[str, Any]) -> dict[str, Any]:
    name = name_of(message)
    if message in FORMS:
        used[name] = {"type": "string", "format": "date-time"} if name.endswith(_TIMES) else {}
    elif name not in used:
        properties: dict[str, Any] = {}
        used[name] = {"type": "object", "properties": properties}
        _fill(message, properties, used)
    return {"$ref": f"#/definitions/{name}"}


def _fill(message: str, properties: dict[str, Any], used: dict[str, Any]) -> None:
    for field in plan(message).fields:
        if field.inline:
            _fill(field.type, properties, used)
        else:
            properties[field.json] = _schema(field, used)

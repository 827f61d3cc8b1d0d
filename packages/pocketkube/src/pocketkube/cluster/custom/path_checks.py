"""What is wrong with the paths that a definition names: of its columns, its scale, and the fields to choose by."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pocketkube.cluster.custom import problems
from pocketkube.cluster.custom.field_paths import PathError, field_path
from pocketkube.cluster.custom.schema import Schema
from pocketkube.cluster.failure import FieldCause

_COLUMN_TYPES: Final = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS: Final = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
_MOST_SELECTABLE: Final = 8


def columns(columns: Sequence[Mapping[str, Any]] | None, path: str) -> list[FieldCause]:
    """What is wrong with the columns of a version's table."""
    causes = []
    for index, column in enumerate(columns or ()):
        where = f"{path}[{index}]"
        if not column["name"]:
            causes.append(problems.required(f"{where}.name"))
        choices = f"must be one of {','.join(_COLUMN_TYPES)}"
        if not column["type"]:
            causes.append(problems.required(f"{where}.type", choices))
        elif column["type"] not in _COLUMN_TYPES:
            causes.append(problems.invalid(f"{where}.type", column["type"], choices))
        if column.get("format") and column["format"] not in _COLUMN_FORMATS:
            text = f"must be one of {','.join(_COLUMN_FORMATS)}"
            causes.append(problems.invalid(f"{where}.format", column["format"], text))
        if not column["jsonPath"]:
            causes.append(problems.required(f"{where}.JSONPath"))
        else:
            causes += _simple_path(column["jsonPath"], f"{where}.JSONPath")
    return causes


def _simple_path(text: str, path: str) -> list[FieldCause]:
    return [] if text.startswith(".") else [problems.invalid(path, text, "must be a simple json path starting with .")]


def subresources(subresources: Mapping[str, Any] | None, path: str) -> list[FieldCause]:
    """What is wrong with the paths of its scale."""
    scale = (subresources or {}).get("scale")
    if scale is None:
        return []
    causes = []
    for key, root in (("specReplicasPath", ".spec"), ("statusReplicasPath", ".status")):
        where, value = f"{path}.scale.{key}", scale[key]
        if not value:
            causes.append(problems.required(where))
        elif wrong := _simple_path(value, where):
            causes += wrong
        elif not value.startswith(f"{root}."):
            causes.append(problems.invalid(where, value, f"should be a json path under {root}"))
    selector, where = scale.get("labelSelectorPath"), f"{path}.scale.labelSelectorPath"
    if selector:
        wrong = _simple_path(selector, where)
        if not wrong and not selector.startswith((".spec.", ".status.")):
            wrong = [problems.invalid(where, selector, "should be a json path under either .spec or .status")]
        causes += wrong
    return causes


def selectable(fields: Sequence[Mapping[str, Any]], schema: Schema | None, path: str) -> list[FieldCause]:
    """What is wrong with the fields that objects can be chosen by."""
    if schema is None:
        text = "may only be set when `version.schema.openAPIV3Schema` is not included"
        return [problems.invalid(path, "", text)]
    causes, seen = [], set()
    for index, field in enumerate(fields):
        where, text = f"{path}[{index}].jsonPath", field["jsonPath"]
        if not text:
            causes.append(problems.required(where))
            continue
        try:
            shown, steps, found = field_path(text, schema, with_brackets=False)
        except PathError as error:
            causes.append(problems.invalid(where, text, f"is an invalid path: {error}"))
            continue
        if steps[0] == "metadata":
            causes.append(problems.invalid(where, text, "must not point to fields in metadata"))
        if found.get("type") not in ("string", "boolean", "integer"):
            words = (
                "must point to a field of type string, boolean or integer. Enum string fields and strings with formats"
                " are allowed."
            )
            causes.append(problems.invalid(where, text, words))
        if shown in seen:
            causes.append(problems.duplicate(where, text))
        seen.add(shown)
    if len(seen) > _MOST_SELECTABLE:
        causes.append(problems.too_many(path, len(seen), _MOST_SELECTABLE))
    return causes

"""Whether a file that no tool claims holds manifests, or is something else that looks like one."""

from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Any

from trueup.formats import pattern, yaml
from trueup.model.resource import group_of
from trueup.render.wholeness import is_marked, may_be_manifest
from trueup.sandbox.offline.kubernetes import embedded

EXTENSIONS = (".yaml", ".yml", ".json")

# ${NAME}, $(NAME), {{ … }}, <name>, @@NAME@@, __NAME__, %NAME%: whatever fills them in, it is no tool of ours.
_BLANK = pattern.compile(r"\$[{(]|\{\{|\}\}|[<>]|@@|%[A-Z]|__[A-Z]")
_FILLED = pattern.compile(rb"\$\{\w|\$\(\w|<%")
_BRACES = b"{{"


class Content(Enum):
    """What a file holds, as far as a cluster goes."""

    MANIFESTS = "manifests"
    TEMPLATE = "template"
    NOTHING = "nothing"


def content_of(path: str, data: bytes) -> Content:
    """What a YAML or JSON file holds. One that may be a manifest and cannot be read is one, to be told of."""
    if b"apiVersion" not in data or b"kind" not in data or is_marked(data):
        return Content.NOTHING
    try:
        documents = yaml.load_all(data, path).documents
    except yaml.YamlError as error:
        if _BRACES in data or _FILLED.search(_line(data, error.line)) is not None:
            return Content.TEMPLATE
        return Content.MANIFESTS if may_be_manifest(path, data) else Content.NOTHING
    objects = [document.value for document in documents if _is_object(document.value)]
    if any(_has_blanks(value) for value in objects):
        return Content.TEMPLATE
    return Content.MANIFESTS if objects else Content.NOTHING


def _line(data: bytes, number: int) -> bytes:
    lines = data.split(b"\n", number)
    return lines[number - 1] if 0 < number <= len(lines) else b""


def _is_object(value: Any) -> bool:
    """Whether a document is an object of a cluster's, and not the configuration of a tool, such as skaffold or kind."""
    if not isinstance(value, dict):
        return False
    api_version, kind = value.get("apiVersion"), value.get("kind")
    if not isinstance(api_version, str) or not isinstance(kind, str):
        return False
    group = group_of(api_version)
    if kind in _kinds() or kind.endswith("List"):
        return True
    # A kind of one's own has a domain for a group, and its objects have names.
    named = isinstance(value.get("metadata"), Mapping) and bool({"name", "generateName"} & set(value["metadata"]))
    return named and ("." in group or group == "")


@cache
def _kinds() -> frozenset[str]:
    return frozenset(key.kind for key in embedded().scopes)


def _has_blanks(value: dict[str, Any]) -> bool:
    metadata = value.get("metadata")
    named = [metadata.get(field) for field in ("name", "namespace")] if isinstance(metadata, dict) else []
    return any(_BLANK.search(text) is not None for text in (value["kind"], *named) if isinstance(text, str))

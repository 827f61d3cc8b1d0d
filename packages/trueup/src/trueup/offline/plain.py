"""Whether a file that no tool claims holds manifests, or is something else that looks like one."""

from collections.abc import Callable, Collection, Mapping
from enum import Enum
from functools import cache
from typing import Any, Final

import msgspec

from kubegrammar import pattern, yaml
from trueup.model.resource import group_of
from trueup.offline.kubernetes import embedded
from trueup.render.wholeness import is_marked, may_be_manifest

EXTENSIONS = (".yaml", ".yml", ".json")

# ${NAME}, $(NAME), {{ … }}, <name>, @@NAME@@, __NAME__, %NAME%: whatever fills them in, it is no tool of ours.
_BLANK = pattern.compile(r"\$[{(]|\{\{|\}\}|[<>]|@@|%[A-Z]|__[A-Z]")
_FILLED = pattern.compile(rb"\$\{\w|\$\(\w|<%")
_BRACES = b"{{"

_RETIRED: Final = frozenset({"extensions"})
"""Groups without a domain that Kubernetes served once."""
_KUBERNETES: Final = ".k8s.io"
_PROGRAMS: Final = (
    "config.k8s.io",
    "kubeadm.k8s.io",
    "audit.k8s.io",
    "client.authentication.k8s.io",
    "credentialprovider.kubelet.k8s.io",
)
"""Groups of files that programs of Kubernetes read for themselves: no server takes them."""


class Content(Enum):
    """What a file holds, as far as a cluster goes."""

    MANIFESTS = "manifests"
    TEMPLATE = "template"
    NOTHING = "nothing"


class SeenFile(msgspec.Struct, frozen=True):
    """What was seen in a file.

    Attributes:
        others: where it holds nothing for a cluster, the kinds of other tools in it, such as ``skaffold/v3 Config``.
    """

    content: Content
    others: tuple[str, ...] = ()


def look_into(path: str, data: bytes, defined: Callable[[], Collection[str]]) -> SeenFile:
    """What a YAML or JSON file holds. One that may be a manifest and cannot be read is one, to be told of.

    Args:
        defined: gives the groups of the kinds that the repository defines; asked only where it matters.
    """
    if b"apiVersion" not in data or b"kind" not in data or is_marked(data):
        return SeenFile(Content.NOTHING)
    try:
        documents = yaml.load_all(data, path).documents
    except yaml.YamlError as error:
        if _BRACES in data or _FILLED.search(_line(data, error.line)) is not None:
            return SeenFile(Content.TEMPLATE)
        return SeenFile(Content.MANIFESTS if may_be_manifest(path, data) else Content.NOTHING)
    typed = [document.value for document in documents if _has_type(document.value)]
    objects = [value for value in typed if _is_object(value, defined)]
    if any(_has_blanks(value) for value in objects):
        return SeenFile(Content.TEMPLATE)
    if objects:
        return SeenFile(Content.MANIFESTS)
    return SeenFile(Content.NOTHING, tuple(dict.fromkeys(f"{value['apiVersion']} {value['kind']}" for value in typed)))


def _line(data: bytes, number: int) -> bytes:
    lines = data.split(b"\n", number)
    return lines[number - 1] if 0 < number <= len(lines) else b""


def _has_type(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("apiVersion"), str) and isinstance(value.get("kind"), str)


def _is_object(value: dict[str, Any], defined: Callable[[], Collection[str]]) -> bool:
    """Whether a document is an object of a cluster's, and not the configuration of a tool, such as skaffold or kind."""
    kind, group = value["kind"], group_of(value["apiVersion"])
    if kind in _kinds() or kind.endswith("List"):
        return True
    if group == "" and kind == "Config" and "metadata" not in value:
        # A client's, kubectl's own.
        return False
    if _is_kubernetes(group):
        return True
    # A kind of one's own has a domain for a group, and its objects have names.
    named = isinstance(value.get("metadata"), Mapping) and bool({"name", "generateName"} & set(value["metadata"]))
    return "." in group and (named or group in defined())


def _is_kubernetes(group: str) -> bool:
    """Whether it is a group that Kubernetes serves, or did in an older version: a kind in it that nobody knows is a
    mistake."""
    if group.endswith(_KUBERNETES):
        return not any(group == program or group.endswith(f".{program}") for program in _PROGRAMS)
    return group in _groups() or group in _RETIRED


@cache
def _kinds() -> frozenset[str]:
    return frozenset(key.kind for key in embedded().scopes)


@cache
def _groups() -> frozenset[str]:
    return frozenset(key.group for key in embedded().scopes)


def _has_blanks(value: dict[str, Any]) -> bool:
    metadata = value.get("metadata")
    named = [metadata.get(field) for field in ("name", "namespace")] if isinstance(metadata, dict) else []
    return any(_BLANK.search(text) is not None for text in (value["kind"], *named) if isinstance(text, str))

"""What a Kubernetes API server serves of itself."""

import zlib
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from pocketkube.cluster.resource import Subresource


class ResourceFacts(msgspec.Struct, frozen=True):
    """One resource in one version; the names are those of :class:`pocketkube.cluster.resource.Resource`."""

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    namespaced: bool
    verbs: tuple[str, ...]
    stored_as: str
    storage_version: str
    storage_version_hash: str
    short_names: tuple[str, ...]
    categories: tuple[str, ...]
    subresources: dict[str, Subresource]


def packed(name: str) -> Any:
    """One compressed JSON value of the data."""
    return msgspec.json.decode(zlib.decompress(files(__package__).joinpath("data", name).read_bytes()))


@cache
def _listed() -> dict[str, Any]:
    listed: dict[str, Any] = packed("resources.json.zz")
    return listed


@cache
def built_in_resources() -> tuple[ResourceFacts, ...]:
    """Every resource in every version served by default, in the order of discovery."""
    found = []
    for facts in _listed()["resources"]:
        subresources = {
            name: Subresource(name, group, version, kind, tuple(verbs))
            for name, (group, version, kind, verbs) in facts["subresources"].items()
        }
        if "kind" in facts:
            found.append(msgspec.convert({**facts, "subresources": {}}, ResourceFacts))
            found[-1].subresources.update(subresources)
    return tuple(found)


@cache
def group_order() -> tuple[str, ...]:
    """The built-in groups in the order of discovery."""
    return tuple(group["name"] for group in _listed()["groups"])

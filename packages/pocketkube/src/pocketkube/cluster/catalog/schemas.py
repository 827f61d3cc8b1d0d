"""OpenAPI v3 schemas of the built-in kinds, one document per group version."""

import zipfile
from collections.abc import Mapping
from functools import cache
from importlib.resources import as_file, files
from io import BytesIO
from typing import Any, Final

import msgspec

from kubegrammar.merge import DEDUCED, Type, Types
from pocketkube.cluster.resource import Object

Schema = Mapping[str, Any]

GROUP_VERSION_KIND: Final = "x-kubernetes-group-version-kind"
PREFIX: Final = "#/components/schemas/"


def path_of(api_version: str) -> str:
    """Where the document of a group version is: ``api/v1``, ``apis/apps/v1``."""
    return f"apis/{api_version}" if "/" in api_version else f"api/{api_version}"


def schema_of(api_version: str, kind: str) -> tuple[Schema, Mapping[str, Schema]]:
    """The schema of a kind without descriptions, and the schemas it refers to.

    Raises:
        KeyError: there is no such kind.
    """
    path = path_of(api_version)
    return components(path)[_names(path)[(api_version, kind)]], components(path)


@cache
def type_of(api_version: str, kind: str) -> Type:
    """The compiled type of a kind; the deduced one for a kind that is none of ours."""
    path = path_of(api_version)
    try:
        name = _names(path)[(api_version, kind)]
    except KeyError:
        return DEDUCED
    return _types(path).compile({"$ref": PREFIX + name})


def has_document(path: str) -> bool:
    """Whether a group version is built in."""
    return path in _members("schemas.zip")


def version_of(path: str) -> str:
    """A text that changes with a document, known without reading it."""
    return "".join(f"{_members(archive)[path]:08X}" for archive in ("schemas.zip", "descriptions.zip"))


@cache
def components(path: str) -> dict[str, Object]:
    """The schemas of a document by name; none where there is no such document."""
    found: dict[str, Object] = _member("schemas.zip", path) if has_document(path) else {}
    return found


def described(path: str) -> dict[str, Object]:
    """The schemas of a document with their descriptions."""
    texts = _member("descriptions.zip", path)
    found: dict[str, Object] = {}
    for name, schema in components(path).items():
        own, fields = texts[name]
        copy = dict(schema)
        if own:
            copy["description"] = own
        if fields:
            properties = dict(copy["properties"])
            for field, text in fields.items():
                properties[field] = {**properties[field], "description": text}
            copy["properties"] = properties
        found[name] = copy
    return found


@cache
def _types(path: str) -> Types:
    return Types(components(path))


@cache
def _names(path: str) -> dict[tuple[str, str], str]:
    """Names of schemas by apiVersion and kind."""
    names: dict[tuple[str, str], str] = {}
    for name, schema in components(path).items():
        for one in schema.get(GROUP_VERSION_KIND, ()):
            group, version = one["group"], one["version"]
            names[(f"{group}/{version}" if group else version, one["kind"])] = name
    return names


@cache
def _archive(name: str) -> zipfile.ZipFile:
    with as_file(files(__package__).joinpath("data", name)) as path:
        return zipfile.ZipFile(BytesIO(path.read_bytes()))


@cache
def _members(archive: str) -> dict[str, int]:
    """Checksums of the members by their names."""
    return {info.filename.removesuffix(".json"): info.CRC for info in _archive(archive).infolist()}


def _member(archive: str, path: str) -> Any:
    return msgspec.json.decode(_archive(archive).read(f"{path}.json"))

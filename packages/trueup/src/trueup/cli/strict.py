"""Manifests that a user hands to a command: read whole, and refused where a field is none."""

import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from kubegrammar import yaml
from trueup import policy
from trueup.model.annotations import API_VERSION
from trueup.model.errors import TrueupError

STDIN = "-"
_SUFFIXES = (".yaml", ".yml", ".json")
_SHOWN = 10


class WrittenObject(NamedTuple):
    """An object, and where it was written."""

    origin: str
    body: dict[str, Any]


def documents(path: str, kind: str) -> list[WrittenObject]:
    """The objects of one of our kinds in a file, on stdin (``-``), or in the files of a folder.

    Raises:
        TrueupError: it cannot be read, holds none, or something else.
    """
    found = []
    for origin, data in _texts(path):
        try:
            loaded = yaml.load_all(data, origin)
        except yaml.YamlError as error:
            raise TrueupError(str(error), hint="correct the manifest") from error
        for document in loaded.documents:
            where = origin if len(loaded.documents) == 1 else f"{origin}:{document.line}"
            found += [WrittenObject(where, each) for each in _objects(document.value, where, kind)]
    if not found:
        raise TrueupError(f"{_shown(path)} holds no {kind}", hint=f"its kind must be {kind}")
    return found


def require_known_fields(document: WrittenObject, type_: type[msgspec.Struct]) -> None:
    """Refuse an object with fields that its kind does not have: they would be dropped without a word.

    Metadata and what the engine writes are the API server's to check.

    Raises:
        TrueupError: naming each field by its path, and what was probably meant.
    """
    ours = {name: value for name, value in document.body.items() if name not in ("metadata", "status")}
    unknown = [place.removeprefix(".") for place in policy.unknown_fields(ours, type_, "")]
    if not unknown:
        return
    told = [f"{place}{_meant(place, type_)}" for place in unknown[:_SHOWN]]
    more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
    raise TrueupError(
        f"{document.origin}: unknown field{'s' if len(unknown) > 1 else ''} {', '.join(told)}{more}",
        hint="correct or remove what is none; names are case-sensitive",
    )


def _texts(path: str) -> Iterator[tuple[str, bytes]]:
    try:
        if path == STDIN:
            yield _shown(path), sys.stdin.buffer.read()
        elif Path(path).is_dir():
            for file in sorted(Path(path).iterdir()):
                if file.suffix in _SUFFIXES and file.is_file():
                    yield str(file), file.read_bytes()
        else:
            yield path, Path(path).read_bytes()
    except OSError as error:
        raise TrueupError(f"{path}: {error.strerror}", hint="name a readable file, a folder, or - for stdin") from error


def _shown(path: str) -> str:
    return "stdin" if path == STDIN else path


def _objects(value: Any, where: str, kind: str) -> Iterator[dict[str, Any]]:
    if (
        isinstance(value, dict)
        and value.get("kind") in ("List", f"{kind}List")
        and isinstance(value.get("items"), list)
    ):
        for item in value["items"]:
            yield from _objects(item, where, kind)
        return
    if not isinstance(value, dict) or value.get("kind") != kind:
        raise TrueupError(f"{where} holds no {kind}", hint=f"its kind must be {kind}")
    if value.get("apiVersion", API_VERSION) != API_VERSION:
        raise TrueupError(f"{where}: apiVersion is {value['apiVersion']!r}", hint=f"it must be {API_VERSION}")
    for field in ("metadata", "spec"):
        if value.get(field) is None:
            value[field] = {}
        if not isinstance(value[field], dict):
            raise TrueupError(f"{where}: {field} is no mapping", hint="correct that field")
    yield value


def _meant(place: str, type_: Any) -> str:
    *path, name = place.split(".")
    known = list(_fields(type_, path))
    # Loaded for a name that is wrong.
    import difflib

    same = next((each for each in known if each.lower() == name.lower()), "")
    near = same or next(iter(difflib.get_close_matches(name, known, n=1)), "")
    return f" (did you mean {near}?)" if near else ""


def _fields(type_: Any, path: list[str]) -> Iterator[str]:
    """The names of the fields below a path."""
    if isinstance(type_, types.UnionType) or typing.get_origin(type_) in (typing.Union, list):
        for option in typing.get_args(type_):
            yield from _fields(option, path)
    elif isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        for field in msgspec.structs.fields(type_):
            if not path:
                yield field.encode_name
            elif field.encode_name == path[0].partition("[")[0]:
                yield from _fields(field.type, path[1:])

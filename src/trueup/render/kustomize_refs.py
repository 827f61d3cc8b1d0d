"""The files a kustomization names, field by field (kustomize API 0.21, ``types.Kustomization``)."""

from collections.abc import Iterator
from typing import Any

import msgspec

from trueup.formats import yaml
from trueup.model.errors import RenderFailed


class Reference(msgspec.Struct, frozen=True, gc=False):
    """One file reference.

    Attributes:
        field: where it stands, ``resources[2]``.
        directory: it may lead to another kustomization directory.
        optional: the build decides whether it can go on without it.
        plugin: the file configures a built-in generator or transformer, which may name files in turn.
    """

    field: str
    path: str
    directory: bool = False
    optional: bool = False
    plugin: bool = False


# Lists of paths; those of the second kind may hold YAML in place of a path.
_PATHS = {"resources": True, "bases": True, "components": True, "crds": False, "configurations": False}
_PATHS_OR_YAML = {"generators": True, "transformers": True, "validators": True, "patchesStrategicMerge": False}
_PLUGINS = ("generators", "transformers", "validators")
_PLUGIN_FIELDS = ("path", "paths", "files", "envs", "env")
_PATH_OBJECTS = ("patches", "patchesJson6902", "replacements")
_PLUGIN_DEPTH = 8
_GENERATORS = ("configMapGenerator", "secretGenerator")


def references(document: dict[str, Any], file: str) -> Iterator[Reference]:
    """All references of one kustomization.

    Args:
        file: its path, for messages.

    Raises:
        RenderFailed: a field has a wrong type, or needs a feature that is switched off (Helm inflation).
    """
    for field in ("helmCharts", "helmChartInflationGenerator", "helmGlobals"):
        if document.get(field):
            raise RenderFailed(
                f"{file}: {field} needs kustomize's Helm inflation, which is not supported",
                hint="make the chart a source of its own",
            )
    for field, directory in (_PATHS | _PATHS_OR_YAML).items():
        for index, item in enumerate(_list(document, field, file)):
            where = f"{field}[{index}]"
            if not isinstance(item, str):
                raise RenderFailed(f"{file}: {where} must be a string", hint="write a path")
            if field not in _PATHS_OR_YAML or not _is_yaml(item):
                yield Reference(where, item, directory, plugin=field in _PLUGINS)
            elif field in _PLUGINS:
                yield from plugin_references(item.encode(), f"{file}: {where}")
    for field in _PATH_OBJECTS:
        for index, item in enumerate(_list(document, field, file)):
            path = item.get("path") if isinstance(item, dict) else None
            if isinstance(path, str) and path:
                yield Reference(f"{field}[{index}].path", path)
    for field in _GENERATORS:
        for index, item in enumerate(_list(document, field, file)):
            if isinstance(item, dict):
                yield from _generator(item, f"{field}[{index}]")
    openapi = document.get("openapi")
    if isinstance(openapi, dict) and isinstance(openapi.get("path"), str):
        yield Reference("openapi.path", openapi["path"])


def plugin_references(data: bytes, origin: str) -> Iterator[Reference]:
    """The files that the configuration of built-in generators and transformers names; relative to the kustomization.

    Raises:
        RenderFailed: the configuration cannot be read.
    """
    try:
        loaded = yaml.load_all(data, origin)
    except yaml.YamlError as error:
        raise RenderFailed(str(error), hint="correct the file") from error
    for document in loaded.documents:
        yield from _named_files(document.value, "", 0)


def _named_files(value: Any, where: str, depth: int) -> Iterator[Reference]:
    if depth > _PLUGIN_DEPTH:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            texts = [inner] if isinstance(inner, str) else inner
            if name in _PLUGIN_FIELDS and isinstance(texts, list):
                for text in texts:
                    if isinstance(text, str) and not _is_yaml(text):
                        yield Reference(f"{where}{name}", text.partition("=")[2] or text, optional=True)
            else:
                yield from _named_files(inner, f"{where}{name}.", depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _named_files(item, where, depth + 1)


def _generator(item: dict[str, Any], where: str) -> Iterator[Reference]:
    files = item.get("files")
    for index, text in enumerate(files if isinstance(files, list) else ()):
        if isinstance(text, str):
            # "key=path", or a path alone.
            yield Reference(f"{where}.files[{index}]", text.partition("=")[2] or text)
    envs = item.get("envs")
    for index, text in enumerate(envs if isinstance(envs, list) else ()):
        if isinstance(text, str):
            yield Reference(f"{where}.envs[{index}]", text)
    if isinstance(item.get("env"), str) and item["env"]:
        yield Reference(f"{where}.env", item["env"])


def _is_yaml(text: str) -> bool:
    return "\n" in text or text.lstrip().startswith("{") or ": " in text


def _list(document: dict[str, Any], field: str, file: str) -> list[Any]:
    value = document.get(field)
    if value is None:
        return []
    if not isinstance(value, list):
        raise RenderFailed(f"{file}: {field} must be a list", hint="write one item per line, each with a dash")
    return value

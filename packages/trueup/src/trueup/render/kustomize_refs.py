"""The files a kustomization names, field by field (kustomize API 0.21, ``types.Kustomization``)."""

import copy
import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from kubegrammar import yaml
from trueup.model.errors import RenderFailed
from trueup.render.spelling import spelled, spellings


class Reference(msgspec.Struct, frozen=True, gc=False):
    """One file reference.

    Attributes:
        field: where it stands, ``resources[2]``.
        directory: it may lead to another kustomization directory.
        optional: the build decides whether it can go on without it.
        text: it may be YAML in place of a path, which kustomize tries first; a path that leads nowhere is none.
        plugin: the file configures a built-in generator or transformer, which may name files in turn.
        rewritable: it stands in the kustomization itself, at the field (see :func:`renamed`).
    """

    field: str
    path: str
    directory: bool = False
    optional: bool = False
    text: bool = False
    plugin: bool = False
    rewritable: bool = True


# Lists of paths; those of the second kind may hold YAML in place of a path.
_PATHS = {"resources": True, "bases": True, "components": True, "crds": False, "configurations": False}
_PATHS_OR_YAML = {"generators": True, "transformers": True, "validators": True, "patchesStrategicMerge": False}
_PLUGINS = ("generators", "transformers", "validators")
_PLUGIN_FIELDS = ("path", "paths", "files", "envs", "env", "valuesfile", "additionalvaluesfiles")
_PATH_OBJECTS = ("patches", "patchesJson6902", "replacements")
_PLUGIN_DEPTH = 8
_PLAIN_GENERATORS = ("ConfigMap", "IAMPolicy", "Secret")
_PLAIN_TRANSFORMERS = (
    *("Annotations", "Hash", "ImageTag", "Label", "Namespace", "PatchJson6902", "PatchStrategicMerge", "Patch"),
    *("Prefix", "Replacement", "ReplicaCount", "SortOrder", "Suffix", "ValueAdd"),
)
_PLAIN_KINDS = frozenset(
    (*(f"{kind}Generator" for kind in _PLAIN_GENERATORS), *(f"{kind}Transformer" for kind in _PLAIN_TRANSFORMERS))
)
"""Built-in generators and transformers whose files :func:`plugin_references` knows (``api/internal/builtins``)."""
_GENERATORS = ("configMapGenerator", "secretGenerator")
_FIELDS = spellings(
    *("resources", "bases", "components", "crds", "configurations", "generators", "transformers", "validators"),
    *("patches", "patchesStrategicMerge", "patchesJson6902", "replacements", "configMapGenerator", "secretGenerator"),
    *("generatorOptions", "openapi", "helmCharts", "helmChartInflationGenerator", "helmGlobals", "vars", "labels"),
    *("namePrefix", "nameSuffix", "namespace", "images", "replicas", "commonLabels", "commonAnnotations"),
    *("sortOptions", "buildMetadata", "apiVersion", "kind", "metadata"),
)
_ITEM_FIELDS = {
    field: spellings(*names)
    for field, names in {
        "configMapGenerator": ("name", "namespace", "behavior", "files", "envs", "env", "literals", "options"),
        "secretGenerator": ("name", "namespace", "behavior", "type", "files", "envs", "env", "literals", "options"),
        "patches": ("path", "patch", "target", "options"),
        "patchesJson6902": ("path", "patch", "target", "options"),
        "replacements": ("path", "source", "targets"),
        "openapi": ("path",),
        "images": ("name", "newName", "newTag", "tagSuffix", "digest"),
        "replicas": ("name", "count"),
        "labels": ("pairs", "includeSelectors", "includeTemplates", "fields"),
    }.items()
}


def references(document: dict[str, Any], file: str) -> Iterator[Reference]:
    """All references of one kustomization.

    Args:
        file: its path, for messages.

    Raises:
        RenderFailed: a field has a wrong type.
    """
    for field, directory in (_PATHS | _PATHS_OR_YAML).items():
        for index, item in enumerate(_list(document, field, file)):
            where = f"{field}[{index}]"
            if not isinstance(item, str):
                raise RenderFailed(f"{file}: {where} must be a string", hint="write a path")
            if field in _PATHS_OR_YAML:
                yield from _path_or_yaml(item, where, file, directory=directory, plugin=field in _PLUGINS)
            else:
                yield Reference(where, item, directory)
    for field in _PATH_OBJECTS:
        for index, item in enumerate(_list(document, field, file)):
            path = item.get("path") if isinstance(item, dict) else None
            if isinstance(path, str) and path:
                yield Reference(f"{field}[{index}].path", path)
    for field in _GENERATORS:
        for index, item in enumerate(_list(document, field, file)):
            if isinstance(item, dict):
                yield from _generator(item, f"{field}[{index}]", file)
    openapi = document.get("openapi")
    if isinstance(openapi, dict) and isinstance(openapi.get("path"), str):
        yield Reference("openapi.path", openapi["path"])


def renamed(document: dict[str, Any], places: Mapping[str, str]) -> dict[str, Any]:
    """A copy of a kustomization in which the references at these fields name other paths."""
    made = copy.deepcopy(document)
    for field, path in places.items():
        *way, last = _steps(field)
        holder: Any = made
        for step in way:
            holder = holder[step]
        if "files" in way:
            # The key is the name of the file, unless one is given.
            key, equals, _ = holder[last].partition("=")
            path = f"{key if equals else posixpath.basename(key)}={path}"
        holder[last] = path
    return made


def _steps(field: str) -> Iterator[str | int]:
    for part in field.split("."):
        name, _, index = part.partition("[")
        yield name
        if index:
            yield int(index.rstrip("]"))


def canonical(document: dict[str, Any], file: str) -> dict[str, Any]:
    """The document with its fields spelled as kustomize's own: Go reads them in any case.

    Raises:
        RenderFailed: a field is there in two spellings, of which kustomize would make a mixture.
    """
    made = spelled(document, _FIELDS, f"{file}: ")
    for field, names in _ITEM_FIELDS.items():
        value = made.get(field)
        if isinstance(value, dict):
            made[field] = spelled(value, names, f"{file}: {field}.")
        elif isinstance(value, list):
            made[field] = [
                spelled(item, names, f"{file}: {field}[{index}].") if isinstance(item, dict) else item
                for index, item in enumerate(value)
            ]
    return made


def _path_or_yaml(
    item: str, where: str, file: str, *, directory: bool = False, plugin: bool = False
) -> Iterator[Reference]:
    """Kustomize reads the text as YAML, and as a path where that is no resource: here it is both."""
    inline = _is_yaml(item)
    if inline and plugin:
        yield from plugin_references(item.encode(errors="replace"), f"{file}: {where}")
    yield Reference(where, item, directory, text=inline or "\n" in item, plugin=plugin)


def _is_yaml(text: str) -> bool:
    try:
        loaded = yaml.load_all(text.encode(errors="replace"), "text")
    except yaml.YamlError:
        return False
    return any(isinstance(document.value, dict | list) for document in loaded.documents)


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


def is_plain(data: bytes) -> bool:
    """Whether a text can only be the configuration of known plugins, each field once: what it reads stands there."""
    try:
        loaded = yaml.load_all(data, "text")
    except yaml.YamlError:
        return False
    return not loaded.warnings and all(
        isinstance(document.value, dict)
        and document.value.get("apiVersion") == "builtin"
        and document.value.get("kind") in _PLAIN_KINDS
        and not document.glued
        for document in loaded.documents
    )


def _named_files(value: Any, where: str, depth: int) -> Iterator[Reference]:
    if depth > _PLUGIN_DEPTH:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            texts = [inner] if isinstance(inner, str) else inner
            if isinstance(name, str) and name.casefold() in _PLUGIN_FIELDS and isinstance(texts, list):
                for text in texts:
                    if isinstance(text, str):
                        path = text.partition("=")[2] or text if name.casefold() == "files" else text
                        field = f"{where}{name}"
                        yield Reference(field, path, optional=True, text=_is_yaml(text), rewritable=False)
            else:
                yield from _named_files(inner, f"{where}{name}.", depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _named_files(item, where, depth + 1)


def _generator(item: dict[str, Any], where: str, file: str) -> Iterator[Reference]:
    for field in ("files", "envs"):
        texts = item.get(field)
        for index, text in enumerate(texts if isinstance(texts, list) else ()):
            if isinstance(text, str):
                if field == "files" and text.count("=") > 1:
                    raise RenderFailed(
                        f"{file}: {where}.files[{index}] {text[:200]!r}: key name or file path contains '='",
                        hint="kustomize takes one '=' at most, between key and path; rename the file",
                    )
                # "key=path", or a path alone.
                path = text.partition("=")[2] or text if field == "files" else text
                yield Reference(f"{where}.{field}[{index}]", path)
    if isinstance(item.get("env"), str) and item["env"]:
        yield Reference(f"{where}.env", item["env"])


def _list(document: dict[str, Any], field: str, file: str) -> list[Any]:
    value = document.get(field)
    if value is None:
        return []
    if not isinstance(value, list):
        raise RenderFailed(f"{file}: {field} must be a list", hint="write one item per line, each with a dash")
    return value

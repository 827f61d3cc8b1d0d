"""Overrides kept beside the source: ``.argocd-source.yaml``, then ``.argocd-source-<app>.yaml``.

Each is a JSON merge patch onto the Application's source; the second wins. Neither can change repository, path, chart or
revision (Argo CD ``mergeSourceParameters``, feature-inventory 1.1).
"""

import posixpath
from typing import Any

import msgspec

from kubegrammar import patch, yaml
from trueup.model.application import Source
from trueup.model.errors import RenderFailed
from trueup.model.tree import Mode, Tree
from trueup.render.closure import follow
from trueup.render.job import Input

_FIXED = ("repoURL", "path", "chart", "targetRevision", "ref", "name", "tagPrefix")
MAX_BYTES = 1024 * 1024


class Overrides(msgspec.Struct, frozen=True):
    """What lies beside a source.

    Attributes:
        files: override files that are there, merged already.
        absent: those that are not.
    """

    files: tuple[Input, ...]
    absent: tuple[str, ...]


def apply_overrides(source: Source, tree: Tree, path: str, instance: str) -> tuple[Source, Overrides]:
    """The source with its in-repository overrides.

    Args:
        path: the source's path, normalised.
        instance: the application's name, ``<ns>_<app>`` outside the control namespace.

    Raises:
        RenderFailed: an override cannot be read, changes a fixed field, or makes the source invalid.
    """
    files: list[Input] = []
    absent: list[str] = []
    for name in (".argocd-source.yaml", f".argocd-source-{instance}.yaml"):
        file = posixpath.join(path, name)
        located = follow(tree, file, "override file")
        if located is None:
            absent.append(file)
        elif located.entry.mode is not Mode.DIRECTORY:
            if tree.size(located.entry) > MAX_BYTES:
                raise RenderFailed(f"{file} is larger than {MAX_BYTES // 1024} KiB", hint="shorten the override file")
            source = _merged(source, tree.read(located.entry), file)
            files.append(Input(file, located.entry))
    return source, Overrides(tuple(files), tuple(absent))


def _merged(source: Source, data: bytes, file: str) -> Source:
    try:
        override = yaml.load(data, file)
    except yaml.YamlError as error:
        raise RenderFailed(str(error), hint="correct the override file") from error
    if override is None:
        return source
    if not isinstance(override, dict):
        raise RenderFailed(f"{file}: overrides must be a mapping", hint="write the fields of spec.source, e.g. helm: …")
    known = {field.encode_name for field in msgspec.structs.fields(Source)}
    for name in override:
        if name in _FIXED or name not in known:
            raise RenderFailed(
                f"{file}: {name} cannot be overridden, only parameter overrides are allowed",
                hint="keep helm, kustomize, directory and plugin in this file; change the Application for the rest",
            )
    for parameter in _parameters(override):
        # Argo CD Image Updater spells it so, and Go reads names of fields in any case.
        if "forcestring" in parameter:
            parameter.setdefault("forceString", parameter.pop("forcestring"))
    base: Any = msgspec.to_builtins(source)
    try:
        return msgspec.convert(patch.merge_patch(base, override), Source)
    except msgspec.ValidationError as error:
        raise RenderFailed(f"{file}: {error}", hint="use the types of the Application's spec.source") from error


def _parameters(override: dict[str, Any]) -> list[dict[str, Any]]:
    helm = override.get("helm")
    parameters = helm.get("parameters") if isinstance(helm, dict) else None
    return [each for each in parameters if isinstance(each, dict)] if isinstance(parameters, list) else []

"""Which file of a repository something comes from, where the render itself does not say."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kubegrammar import yaml
from trueup.model.manifest import Manifest
from trueup.model.tree import Mode, Tree
from trueup.offline.line import line_of_field

_FILE = re.compile(r"^(?:[a-z]+: )?(?P<file>[^\s:;(]+\.(?:ya?ml|jsonnet|json|tpl|txt|tgz)(?!\w))(?P<line>:\d+)?")
_TEMPLATE = re.compile(r"\((?P<file>[^\s:()]+\.(?:ya?ml|tpl|txt|tgz))(?P<line>:\d+)?")
_WANTING = ("execution error at (", "values don't meet the specifications of the schema")
"""How Helm begins what a chart says itself, by ``required``, ``fail`` or its schema."""
_STEP = re.compile(r"[^.\[\]]+|\[[^\]]*\]")


def file_of_error(message: str, path: str) -> str:
    """The file that the message of a failed render names, else the folder that was rendered.

    Args:
        message: in which templates are named by their paths.
        path: the source's folder.
    """
    if template := _TEMPLATE.search(message):
        return template["file"] + (template["line"] or "")
    if named := _FILE.search(message):
        return named["file"] + (named["line"] or "")
    return path or "."


def wants_values(message: str) -> bool:
    """Whether a render failed because a chart refuses the values it got, or that it got none."""
    return any(words in message for words in _WANTING)


def file_of_object(manifest: Manifest, files: Sequence[tuple[str, Tree]], field: str) -> str:
    """The file that most likely declares an object which Kustomize built: the last to set the field, else the first.

    Args:
        files: paths the build reads, each with its tree.
        field: of the object, as a server names it; empty for the object itself.
    """
    first = ""
    chosen = ""
    for path, tree, line, value in _documents(files):
        metadata = value.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        if value.get("kind") != manifest.key.kind or not isinstance(name, str) or name not in manifest.key.name:
            continue
        place = f"{path}:{line}"
        first = first or place
        if field and sets(value, field):
            chosen = refined(place, tree, field)
    return chosen or first or manifest.origin


def refined(place: str, tree: Tree, field: str) -> str:
    """A place of an object, ``FILE:LINE``, with the line of one of its fields instead, where the file has it."""
    path, _, line = place.rpartition(":")
    entry = tree.entry(path) if field and line.isdecimal() else None
    if entry is None or entry.mode not in (Mode.FILE, Mode.EXECUTABLE) or not path.endswith((".yaml", ".yml")):
        return place
    return f"{path}:{line_of_field(tree.read(entry), int(line), field)}"


def sets(value: Any, field: str) -> bool:
    """Whether a manifest has a field, lists aside: of ``spec.containers[0].image`` any container's counts."""
    steps = [step for step in _STEP.findall(field) if not step.startswith("[")]
    found = [value]
    for step in steps:
        below = []
        for item in found:
            for entry in item if isinstance(item, list) else [item]:
                if isinstance(entry, Mapping) and step in entry:
                    below.append(entry[step])
        found = below
    return bool(found)


def _documents(files: Sequence[tuple[str, Tree]]) -> Iterator[tuple[str, Tree, int, dict[str, Any]]]:
    for path, tree in files:
        entry = tree.entry(path)
        if entry is None or entry.mode not in (Mode.FILE, Mode.EXECUTABLE) or not path.endswith((".yaml", ".yml")):
            continue
        try:
            documents = yaml.load_all(tree.read(entry), path).documents
        except yaml.YamlError:
            continue
        for document in documents:
            if isinstance(document.value, dict):
                yield path, tree, document.line, document.value

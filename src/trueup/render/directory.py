"""Plain manifests: which files of a directory, and how each is read.

The rules are Argo CD's (``findManifests``; feature-inventory 1.1 and section 4).
"""

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from trueup.formats import yaml
from trueup.formats.glob import glob_match
from trueup.model.application import DirectorySource, Source
from trueup.model.errors import RenderFailed
from trueup.model.tree import Entry, Mode, Tree
from trueup.render.closure import check_size, follow
from trueup.render.draft import Draft
from trueup.render.job import DirectoryJob, Input
from trueup.render.output import Objects

EXTENSIONS = (".yaml", ".yml", ".json", ".jsonnet")
MAX_BYTES = 10 * 1024 * 1024
"""Of all manifests of a directory together (``reposerver.max.combined.directory.manifests.size``)."""

SKIP_MARKER = b"+argocd:skip-file-rendering"


def draft(source: Source, tree: Tree, path: str) -> Draft:
    """The files of a directory source.

    Raises:
        RenderFailed: together too large, a link that leaves the repository or dangles, or Jsonnet.
    """
    options = source.directory or DirectorySource()
    inputs = []
    for entry in _candidates(tree, path, options):
        located = follow(tree, entry.path, "manifest")
        if located is None:
            raise RenderFailed(f"{entry.path}: the link leads nowhere", hint="remove it or add its target")
        if located.entry.mode is Mode.DIRECTORY:
            continue
        if entry.path.endswith(".jsonnet"):
            raise RenderFailed(
                f"{entry.path}: Jsonnet is not supported", hint="exclude it (directory.exclude) or render it to YAML"
            )
        inputs.append(Input(entry.path, located.entry))
    check_size(inputs, tree, MAX_BYTES)
    return Draft(DirectoryJob(), inputs)


def _candidates(tree: Tree, path: str, options: DirectorySource) -> Iterator[Entry]:
    every = tree.walk(path) if options.recurse else iter(tree.children(path))
    for entry in every:
        if entry.mode in (Mode.DIRECTORY, Mode.SUBMODULE):
            continue
        if not options.disable_extension_filter and not entry.path.endswith(EXTENSIONS):
            continue
        # Argo CD names no separators: its ``*`` crosses directories.
        relative = posixpath.relpath(entry.path, path or ".")
        if options.exclude and glob_match(options.exclude, relative):
            continue
        if options.include and not glob_match(options.include, relative):
            continue
        yield entry


def read_directory(files: Mapping[str, bytes], objects: Objects) -> None:
    """Read every file into ``objects``, which collects the errors of all."""
    for path in sorted(files):
        data = files[path]
        if SKIP_MARKER in data:
            continue
        if path.endswith(".json"):
            _read_json(path, data, objects)
        else:
            _read_yaml(path, data, objects)


def _read_json(path: str, data: bytes, objects: Objects) -> None:
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        problem = "nesting too deep" if isinstance(error, RecursionError) else str(error)
        objects.fail(f"{path}: broken JSON: {problem}")
        return
    objects.add(value, path)


def _read_yaml(path: str, data: bytes, objects: Objects) -> None:
    """Read one YAML file; what is no manifest is skipped unless it looks like one."""
    try:
        loaded = yaml.load_all(data, path)
    except yaml.YamlError as error:
        if looks_like_manifest(data):
            objects.fail(str(error))
        else:
            objects.warn(f"{path}: skipped, it is no manifest ({error.problem})")
        return
    objects.warnings.extend(loaded.warnings)
    documents = [document for document in loaded.documents if document.value is not None]
    strangers = [document for document in documents if not _has_kind(document.value)]
    if strangers and len(strangers) == len(documents) and not looks_like_manifest(data):
        # A values file, a pipeline: Argo CD passes over them without a word, and so do we.
        return
    for document in documents:
        objects.add(document.value, f"{path}:{document.line}")


def looks_like_manifest(data: bytes) -> bool:
    """Whether the text mentions what every manifest has; then a failure to read it is the author's error."""
    return all(word in data for word in (b"apiVersion:", b"kind:", b"metadata:"))


def _has_kind(value: Any) -> bool:
    return isinstance(value, dict) and bool(value.get("kind"))

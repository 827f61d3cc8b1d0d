"""Plain manifests: which files of a directory, and how each is read.

The rules are Argo CD's (``findManifests``; feature-inventory 1.1 and section 4).
"""

import posixpath
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kubegrammar import yaml
from kubegrammar.glob import glob_match
from trueup.model.application import DirectorySource, JsonnetSource, Source
from trueup.model.errors import RenderFailed
from trueup.model.resource import group_of
from trueup.model.tree import Entry, Mode, Tree
from trueup.render import jsonnet
from trueup.render.closure import check_size, follow, own_entries, refuse_submodule, submodules_below
from trueup.render.draft import Draft
from trueup.render.environment import Environment
from trueup.render.job import DirectoryJob, Input
from trueup.render.output import Objects, is_list
from trueup.render.wholeness import (
    MANIFESTS,
    is_lfs_pointer,
    is_marked,
    is_text,
    looks_like_manifest,
    may_be_manifest,
    pointer_problem,
)

EXTENSIONS = (*MANIFESTS, jsonnet.EXTENSION)
MAX_BYTES = 10 * 1024 * 1024
"""Of all manifests of a directory together (``reposerver.max.combined.directory.manifests.size``)."""

_SERVED = frozenset(("", "apps", "autoscaling", "batch", "extensions", "policy"))
"""Groups of every server, by names that nobody else can have: those of others are domains."""
_CLIENT = "Config"
"""A kubeconfig's kind, of the group that has no name."""

SHOWN = 10
"""Files named in one warning."""


Evaluate = Callable[[str], list[Any]]
"""The objects of a program of Jsonnet, by its path."""


def no_programs(path: str) -> list[Any]:
    """The :data:`Evaluate` of a folder without programs."""
    raise RenderFailed(f"{path}: nothing here evaluates Jsonnet")


def draft(source: Source, tree: Tree, path: str, environment: Environment) -> Draft:
    """The files of a directory source.

    Raises:
        RenderFailed: together too large, a link that leaves the repository, a submodule, or a library of Jsonnet that
            is no folder.
    """
    options = source.directory or DirectorySource()
    draft = Draft(DirectoryJob())
    programs: dict[str, Input] = {}
    if options.recurse:
        _refuse_submodules(options, tree, path)
    for entry in _candidates(tree, path, options):
        located = follow(tree, entry.path, "manifest")
        if located is None or located.entry.mode is Mode.DIRECTORY:
            draft.gaps.append(entry.path)
            draft.warnings.append(
                f"{entry.path}: passed over, the link leads {'to a folder' if located else 'nowhere'}"
            )
            continue
        file = Input(entry.path, located.entry)
        if entry.path.endswith(jsonnet.EXTENSION):
            programs[entry.path] = file
        else:
            draft.inputs.append(file)
    if options.recurse:
        for link in _links_beside(tree, path, options):
            draft.gaps.append(link)
            if _leads_to_folder(tree, link):
                draft.warnings.append(f"{link}: passed over, the link leads to a folder")
    check_size(draft.inputs, tree, MAX_BYTES)
    if programs:
        _evaluated(options, environment, tree, path, programs, draft)
    return draft


def _evaluated(
    options: DirectorySource,
    environment: Environment,
    tree: Tree,
    path: str,
    programs: Mapping[str, Input],
    draft: Draft,
) -> None:
    """Add programs, and what they import, to the files that are read as they are."""
    job, imported, absent = jsonnet.draft(options.jsonnet or JsonnetSource(), environment, tree, path, programs)
    known = {file.path for file in draft.inputs}
    beside = [file for file in imported if file.path not in known]
    draft.inputs += [*programs.values(), *beside]
    draft.absent += absent
    draft.job = DirectoryJob(job, imported=tuple(file.path for file in beside))
    draft.facts["jsonnet"] = jsonnet.VERSION


def _candidates(tree: Tree, path: str, options: DirectorySource) -> Iterator[Entry]:
    every = own_entries(tree, path) if options.recurse else iter(tree.children(path))
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


def _links_beside(tree: Tree, path: str, options: DirectorySource) -> Iterator[str]:
    """Links that are no candidates: a folder of manifests may have been where they are."""
    if options.disable_extension_filter:
        return
    for entry in own_entries(tree, path):
        if entry.mode is Mode.LINK and not entry.path.endswith(EXTENSIONS) and not _excluded(options, path, entry.path):
            yield entry.path


def _leads_to_folder(tree: Tree, link: str) -> bool:
    try:
        located = follow(tree, link, "link")
    except RenderFailed:
        return False
    return located is not None and located.entry.mode is Mode.DIRECTORY


def _refuse_submodules(options: DirectorySource, tree: Tree, path: str) -> None:
    """What is not fetched cannot be known to declare nothing."""
    for submodule in submodules_below(tree, path):
        if not _excluded(options, path, submodule):
            raise refuse_submodule(tree, submodule, hint="declare it there, or exclude it (directory.exclude)")


def _excluded(options: DirectorySource, path: str, folder: str) -> bool:
    relative = posixpath.relpath(folder, path or ".")
    return bool(options.exclude) and any(glob_match(options.exclude, name) for name in (relative, f"{relative}/"))


def read_directory(job: DirectoryJob, files: Mapping[str, bytes], objects: Objects, evaluate: Evaluate) -> None:
    """Read every file into ``objects``, which collects the errors of all."""
    foreign: list[str] = []
    programs = set(job.jsonnet.programs) if job.jsonnet else set()
    for path in sorted(files.keys() - set(job.imported)):
        data = files[path]
        if path in programs:
            _take_outcome(path, evaluate, objects)
            continue
        if is_marked(data):
            continue
        before = objects.taken
        if is_lfs_pointer(data):
            _refuse_pointer(path, objects)
        elif not _read(path, data, objects):
            foreign.append(path)
        if objects.taken == before:
            objects.barren.append(path)
    if foreign:
        more = f" and {len(foreign) - SHOWN} more" if len(foreign) > SHOWN else ""
        objects.warn(f"{', '.join(foreign[:SHOWN])}{more}: passed over, no manifest is in there")


def _take_outcome(path: str, evaluate: Evaluate, objects: Objects) -> None:
    """Take what a program makes. That it makes nothing is what it says, not what it has lost."""
    try:
        values = evaluate(path)
    except RenderFailed as error:
        objects.fail(f"{error.message}; {error.hint}" if error.hint else error.message)
        return
    for number, value in enumerate(values):
        objects.add(value, f"{path}[{number}]" if len(values) > 1 else path)


def _refuse_pointer(path: str, objects: Objects) -> None:
    if path.endswith(MANIFESTS):
        objects.fail(f"{pointer_problem(path)} (git lfs untrack), or exclude it (directory.exclude)")
    else:
        objects.warn(pointer_problem(path))


def _read(path: str, data: bytes, objects: Objects) -> bool:
    """Read one file; whether it is for Kubernetes at all. What is not is passed over, as Argo CD does."""
    try:
        loaded = yaml.load_all(data, path)
    except yaml.YamlError as error:
        if may_be_manifest(path, data):
            advice = "; save it as UTF-8, or exclude it (directory.exclude) if it is no manifest"
            objects.fail(f"{error}{'' if is_text(data) else advice}")
        else:
            objects.warn(f"{path}: passed over, it is no manifest ({error.problem})")
        return True
    objects.warnings.extend(loaded.warnings)
    documents = [document for document in loaded.documents if document.value is not None]
    # What YAML says may be there with another indentation.
    foreign = path.endswith(".json") or not looks_like_manifest(data)
    if documents and foreign and not any(_is_meant(document.value) for document in documents):
        return False
    for document in documents:
        objects.read(document, path)
    return True


def _is_meant(value: Any) -> bool:
    """Whether a document is meant for Kubernetes, or lost what says so.

    An object has a type and a name. Of a type alone it depends on whose it is: tools have files of types of their own,
    which no server knows, and no metadata in them.
    """
    if isinstance(value, list):
        return any(isinstance(item, dict) and _is_meant(item) for item in value)
    if not isinstance(value, dict):
        return False
    api_version, metadata = value.get("apiVersion"), value.get("metadata")
    typed = [isinstance(api_version, str), isinstance(value.get("kind"), str)]
    if isinstance(metadata, dict) and any(typed) and (all(typed) or metadata.get("name") or is_list(value)):
        return True
    if not isinstance(api_version, str) or "kind" not in value:
        return is_list(value)
    return is_list(value) or (group_of(api_version) in _SERVED and value["kind"] != _CLIENT)

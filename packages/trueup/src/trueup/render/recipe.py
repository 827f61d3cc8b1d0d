"""Recipes: (source, tree) → what to run on which files, and the key that names the outcome."""

import posixpath
from collections.abc import Mapping, Set

import msgspec

from kubegrammar import json
from trueup.model.application import Source
from trueup.model.errors import RenderFailed
from trueup.model.tree import Mode, Tree
from trueup.render.budget import Budget, Metered, metered
from trueup.render.closure import check_size, follow, inside, refuse_submodule
from trueup.render.draft import Draft
from trueup.render.environment import Environment, RenderContext
from trueup.render.job import Input, Job, Recipe
from trueup.render.override import apply_overrides
from trueup.render.renderers import Renderer, SourceFolder, renderer_of
from trueup.render.submodules import with_submodules

__all__ = ["Input", "Job", "Recipe", "RenderContext", "make_recipe", "read_inputs"]

# Part of every key: a change in how outcomes are made must not meet renders of the former way.
_GENERATION = "2"
_MOST_BESIDE = 32
"""Folders beside the source's own that a recipe is known again by."""
_SHORT = 7
"""Characters of a commit in ``$ARGOCD_APP_REVISION_SHORT``."""


def make_recipe(
    source: Source,
    tree: Tree,
    refs: Mapping[str, Tree],
    context: RenderContext,
    *,
    source_index: int = 0,
    whole_tree: bool = False,
    budget: Budget | None = None,
) -> Recipe:
    """The recipe of one source.

    Args:
        tree: the source's repository at its resolved revision.
        refs: trees of the application's ``ref`` sources by name, without the dollar; and what kustomizations name
            elsewhere, by its name (:mod:`trueup.render.remote`).
        whole_tree: take the whole repository as input, after a narrower Kustomize closure missed a file.
        budget: what it may cost; one without a clock by default.

    Raises:
        RenderFailed: a path is missing or leaves the repository, an input is malformed or too large.
        RemotesNeeded: something elsewhere, or a submodule, is not among the refs.
        TooCostly: the budget is spent.
        InvalidSpec: the source names two tools.
    """
    if source.ref and not source.path:
        return Recipe(key=json.digest(b"ref"), tool="", source_index=source_index)
    budget = budget or Budget()
    if context.submodules:
        tree, refs = with_submodules(tree, refs, inside("", source.path or "."))
    looked, refs = metered(budget, tree, refs)
    tree = looked
    path = looked.within = source_path(source, tree)
    source, overrides = apply_overrides(source, tree, path, context.instance or context.app_name)
    renderer = renderer_of(source, tree, path, context)
    environment = Environment(source, tree.revision, context)
    draft = renderer.draft(SourceFolder(source, tree, refs, path, context, environment, whole_tree))
    if (substitution := context.lent.substitution) is not None:
        draft.facts["substitution"] = context.lent.mark
        draft.confidential = draft.confidential or bool(substitution.secrets)
    inputs = sorted(draft.inputs, key=lambda file: file.path)
    check_size(inputs, tree, refs=refs)
    absent = [*overrides.absent, *draft.absent]
    recipe = Recipe(
        key=_key(renderer, draft, inputs, absent, source_index, context.sops),
        tool=renderer.name,
        inputs=tuple(inputs),
        job=draft.job,
        overrides=overrides.files,
        absent=tuple(sorted(absent)),
        warnings=tuple(draft.warnings + environment.warnings()),
        gaps=tuple(draft.gaps),
        source_index=source_index,
        whole_tree=whole_tree,
        named=draft.named,
        reasons=dict(draft.reasons),
        substitution=substitution,
        confidential=draft.confidential,
        sops=context.sops,
    )
    beside = _beside(looked)
    if refs or beside is None or path != inside("", source.path or ".") or _shows(tree.revision, recipe, draft):
        return recipe
    return msgspec.structs.replace(recipe, within=path, beside=beside)


def _beside(looked: Metered) -> tuple[tuple[str, str], ...] | None:
    """The folders elsewhere that were looked at, each with what names all that is in it; None where nothing does, or
    where they are many."""
    folders = [folder for folder in sorted(looked.beside) if not _lies_in(folder, looked.beside)]
    if len(folders) > _MOST_BESIDE:
        return None
    names = tuple((folder, looked.named(folder)) for folder in folders)
    return names if all(name for _, name in names) else None


def _lies_in(folder: str, others: Set[str]) -> bool:
    above = posixpath.dirname(folder)
    return bool(folder) and (above in others or _lies_in(above, others))


def _shows(revision: str, recipe: Recipe, draft: Draft) -> bool:
    """Whether a commit may be part of a recipe, if only by its first characters."""
    parts = msgspec.json.encode([recipe, draft.facts, draft.keyed])
    return not revision or revision[:_SHORT].encode() in parts


def read_inputs(recipe: Recipe, tree: Tree, refs: Mapping[str, Tree]) -> dict[str, bytes]:
    """The bytes of every input, by its path in the private folder."""
    tree, refs = metered(Budget(), *with_submodules(tree, refs, None))
    return {file.path: (refs[file.ref] if file.ref else tree).read(file.entry) for file in recipe.inputs}


def source_path(source: Source, tree: Tree) -> str:
    """The folder of a source in its tree; the root of one that is a chart.

    Raises:
        RenderFailed: there is none, or it is outside.
    """
    if source.chart:
        return ""  # its tree is the chart
    if source.path.startswith("/"):
        raise RenderFailed(
            f"{source.path}: app path is absolute", hint="write the path relative to the repository's root"
        )
    path = inside("", source.path or ".")
    if path is None:
        # Argo CD's words.
        raise RenderFailed(
            f"{source.path}: app path outside root, resolved to outside repository root",
            hint="name a folder of the repository by a path relative to its root",
        )
    located = follow(tree, path, "app path")
    if located is None:
        raise RenderFailed(
            f"{source.path}: app path does not exist", hint=f"check spec.source.path at revision {tree.revision[:8]}"
        )
    if located.entry.mode is Mode.SUBMODULE:
        raise refuse_submodule(tree, located.path)
    if located.entry.mode is not Mode.DIRECTORY:
        raise RenderFailed(f"{source.path}: app path is not a directory", hint="name the directory of the file")
    return located.path


def _key(renderer: Renderer, draft: Draft, inputs: list[Input], absent: list[str], source_index: int, sops: str) -> str:
    parts = {
        "generation": _GENERATION,
        "tool": renderer.version,
        "inputs": [[file.path, file.ref, file.entry.oid, int(file.entry.mode)] for file in inputs],
        "job": msgspec.to_builtins(draft.job if draft.keyed is None else draft.keyed),
        "facts": draft.facts,
        "absent": sorted(absent),
        "gaps": sorted(draft.gaps),
        "sourceIndex": source_index,
    }
    if sops:
        # What one project's keys open is no render for another's.
        parts["sops"] = sops
    return json.digest(json.canonical(parts))

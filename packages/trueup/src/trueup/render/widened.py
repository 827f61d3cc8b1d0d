"""A build of Kustomize on the whole repository."""

from trueup.model.errors import RenderFailed
from trueup.model.tree import Entry, Mode, Tree
from trueup.render.closure import follow
from trueup.render.draft import Draft
from trueup.render.job import Input


def widened(draft: Draft, tree: Tree) -> Draft:
    """The same job on the whole repository, flagged: any commit now renders anew."""
    narrow = {file.path: file for file in draft.inputs}
    draft.named = tuple(narrow)
    every = {file.path: file for file in every_input(tree)} | narrow
    draft.inputs = list(every.values())
    draft.warnings.append(
        "kustomize reads files that its kustomization files do not name: the whole repository is the input, "
        "and every commit renders anew"
    )
    return draft


def every_input(tree: Tree, path: str = "") -> list[Input]:
    """The whole repository, or a folder or file of it. A link that leaves it is nobody's here; it is left out rather
    than refused."""
    entry = tree.entry(path)
    alone = entry is not None and entry.mode not in (Mode.DIRECTORY, Mode.SUBMODULE)
    entries = [entry] if entry is not None and alone else tree.walk(path)
    return [Input(each.path, each) for each in entries if each.mode is not Mode.LINK or _leads_inside(tree, each)]


def _leads_inside(tree: Tree, link: Entry) -> bool:
    try:
        return follow(tree, link.path, "link") is not None
    except RenderFailed:
        return False

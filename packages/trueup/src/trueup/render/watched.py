"""Where a change of a recipe would show: the paths to look at in the history of its repositories."""

from collections.abc import Sequence

import msgspec

from trueup.render.job import Recipe

MOST_PATHS = 200
"""Of one source; with more of them, every commit that touches anything is one that may have changed it."""


class Watched(msgspec.Struct, frozen=True):
    """The paths that a source is made of.

    Attributes:
        key: of the recipe.
        own: in the source's own repository, ``""`` for all of it.
        refs: the same in those of others, by the names of their sources.
        coarse: folders are among its own, in which files lie that it is not made of: whether a commit has changed it,
            the recipe before it says.
    """

    key: str
    own: tuple[str, ...]
    refs: dict[str, tuple[str, ...]] = {}
    coarse: bool = False


def watched(recipe: Recipe) -> Watched:
    """The paths of a recipe."""
    if recipe.within is not None:
        return Watched(recipe.key, _fewest([recipe.within, *(folder for folder, _ in recipe.beside)]), coarse=True)
    own = [file.path for file in (*recipe.inputs, *recipe.overrides) if not file.ref]
    refs: dict[str, list[str]] = {}
    for file in recipe.inputs:
        if file.ref:
            refs.setdefault(file.ref, []).append(file.path.removeprefix(f"${file.ref}/"))
    for path in recipe.absent:
        name, slash, rest = path.removeprefix("$").partition("/")
        if slash and path.startswith("$"):
            refs.setdefault(name, []).append(rest)
        else:
            own.append(path)
    return Watched(recipe.key, _fewest(own), {name: _fewest(paths) for name, paths in refs.items()})


def _fewest(paths: Sequence[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(paths))
    return found if len(found) <= MOST_PATHS and "" not in found else ("",)

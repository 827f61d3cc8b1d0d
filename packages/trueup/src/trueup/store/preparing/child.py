"""A child that prepares: opens mirrors, reads their trees, answers. Started by the preparer alone.

Whatever a repository does to this process, the process dies alone: it may read mirrors and nothing else, has limits on
memory and time, and every task has a budget.
"""

import sys
import time
from collections import OrderedDict
from functools import lru_cache
from math import isfinite
from typing import TYPE_CHECKING

import pygit2

from trueup.model.errors import InvalidSpec, RenderFailed, SourceUnavailable, TrueupError
from trueup.model.tree import Tree
from trueup.render.budget import Budget, TooCostly
from trueup.render.continuity import Trees, check_whole
from trueup.render.details import applications_of, charts_of, offer_of
from trueup.render.helm_index import find_all
from trueup.render.packed_chart import PackedChart, check_archive
from trueup.render.recipe import make_recipe, read_inputs
from trueup.render.remote import OneFile, RemotesNeeded
from trueup.sources.shelved import Shelved
from trueup.sources.tree import GitTree, TreePlace, within_limits
from trueup.store.preparing.frame import (
    MAX_ANSWER,
    Answer,
    ApplicationsOf,
    ChartsOf,
    CheckArchive,
    CheckSigned,
    CheckWhole,
    FindCharts,
    HeldTree,
    IndexedCharts,
    Inputs,
    Keys,
    KeysOf,
    Listed,
    Made,
    MakeRecipe,
    Needs,
    Offered,
    OfferOf,
    OpenInputs,
    Packed,
    Places,
    PreparingRefused,
    ReadInputs,
    Signatures,
    Task,
    Whole,
    pack,
    unpack_task,
)
from trueup.workers.worker import serve

if TYPE_CHECKING:
    from trueup.sources.openpgp import Keyring

_DEEP = 3000
"""Python's recursion limit here: YAML may nest as deep as its reader allows."""
_OPEN = 4
"""Trees kept open: the applications of one repository come one after the other."""

_trees: OrderedDict[TreePlace | Shelved, GitTree | PackedChart] = OrderedDict()


def answer(task: Task) -> Answer:
    """The answer to one task."""
    try:
        try:
            return _done(task)
        except SourceUnavailable:
            # A mirror that was made anew or repacked since it was opened.
            _trees.clear()
            return _done(task)
    except RemotesNeeded as needed:
        return Needs(needed.remotes)
    except TrueupError as error:
        kinds = (InvalidSpec, TooCostly, RenderFailed, SourceUnavailable)
        kind = next((kind for kind in kinds if isinstance(error, kind)), RenderFailed)
        return PreparingRefused(kind.__name__, _sayable(error.message), _sayable(error.hint))
    except MemoryError:
        _trees.clear()
        return PreparingRefused("RenderFailed", "reading the source stopped: memory limit", "narrow the source's path")
    except RecursionError:
        return PreparingRefused("RenderFailed", "reading the source stopped: nesting too deep", "flatten its files")


def _done(task: Task) -> Answer:
    budget = Budget(meter=time.process_time)
    match task:
        case MakeRecipe():
            trees = _opened(task.places)
            return Made(
                make_recipe(
                    task.source,
                    trees.own,
                    trees.refs,
                    task.context,
                    source_index=task.index,
                    whole_tree=task.whole_tree,
                    budget=budget,
                )
            )
        case ReadInputs():
            trees = _opened(task.places)
            return Inputs(read_inputs(task.recipe, trees.own, trees.refs))
        case OpenInputs():
            return _unsealed(task)
        case FindCharts():
            return IndexedCharts(tuple(find_all(task.index, task.charts)))
        case CheckArchive():
            check_archive(task.content, task.shown, task.form)
            return Whole()
        case CheckSigned():
            return _signatures(task)
        case OfferOf():
            return Offered(offer_of(task.source, _opened(task.places).own, budget))
        case ApplicationsOf():
            found = applications_of(_opened(task.places).own, budget)
            return Listed({_sayable(path): (tool,) for path, tool in found.items()})
        case KeysOf():
            return _keys(task.texts)
        case ChartsOf():
            return Listed(charts_of(task.index, task.repository))
        case CheckWhole():
            for before in task.before:
                check_whole(task.recipe, task.barren, _opened(task.now), _opened(before), budget)
            return Whole()


def _unsealed(task: OpenInputs) -> Answer:
    # Loaded where a project has keys.
    from trueup.sources.sops.files import all_opened

    trees = _opened(task.places)
    return Inputs(*all_opened(read_inputs(task.recipe, trees.own, trees.refs), task.keys))


def _signatures(task: CheckSigned) -> Answer:
    # Loaded where a project asks for signatures.
    from trueup.sources.signed import look

    place = task.place
    try:
        repository = pygit2.Repository(place.folder)
        found = look(
            repository, place.revision, task.tag, task.demand, _keyring(task.keyring), frozenset(task.known), task.now
        )
    except (KeyError, ValueError, OSError, pygit2.GitError) as error:
        raise SourceUnavailable(f"repository {place.shown}: its signatures cannot be read: {error}"[:400]) from error
    return Signatures(tuple(map(_sayable, found.problems)), found.until if isfinite(found.until) else None)


def _keys(texts: tuple[str, ...]) -> Keys:
    from trueup.sources.openpgp import public_keys

    return Keys(tuple(key for text in texts for key in public_keys(text.encode("utf-8", "surrogatepass"))))


@lru_cache(1)
def _keyring(texts: tuple[str, ...]) -> "Keyring":
    from trueup.sources.openpgp import Keyring

    return Keyring(texts)


def _sayable(text: str) -> str:
    """A name that is no UTF-8, in a form that can be sent."""
    return text.encode("utf-8", "backslashreplace").decode()


def _opened(places: Places) -> Trees:
    return Trees(_tree(places.own), {name: _ref(each) for name, each in places.refs.items()})


def _ref(place: TreePlace | Shelved | HeldTree | Packed) -> Tree:
    match place:
        case HeldTree():
            return OneFile(place.content)
        case Packed():
            return PackedChart(place.content, place.shown)
        case TreePlace() | Shelved():
            return _tree(place)


def _tree(place: TreePlace | Shelved) -> Tree:
    tree = _trees.get(place)
    if tree is None:
        tree = _trees[place] = place.open(lambda: None)
        while len(_trees) > _OPEN:
            _trees.popitem(last=False)
    _trees.move_to_end(place)
    return tree


def handle(body: bytes) -> bytes:
    """The answer to one task, packed."""
    packed = pack(answer(unpack_task(body)))
    if len(packed) > MAX_ANSWER:
        packed = pack(
            PreparingRefused("RenderFailed", "what the source reads is too large", "narrow the source's path")
        )
    return packed


def main() -> None:
    """Serve tasks until the input ends."""
    sys.setrecursionlimit(_DEEP)
    within_limits()
    serve(handle)


if __name__ == "__main__":
    main()

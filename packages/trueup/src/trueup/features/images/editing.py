"""Reading and changing the files of a repository: apart from the engine, for they are a stranger's.

In a limited child (:class:`Apart`); in threads (:class:`ThreadEditing`) where a command does it for whoever runs it.
"""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import msgspec
import pygit2

from trueup.features.images.marked import find_markers, write_markers
from trueup.features.images.policies import Key
from trueup.features.images.reverted import Undone, taken_back
from trueup.features.images.rule import TargetKind, Update
from trueup.features.images.target import ChangedValue, Editor, write_images
from trueup.features.images.work import Work
from trueup.model.errors import Stalled, TrueupError
from trueup.model.tree import Tree
from trueup.render.budget import Budget
from trueup.sources.tree import GitTree, TreePlace
from trueup.workers.readers import Readers

_JOBS = 1000

Asked = tuple[Work, tuple[Update, ...]]


class Find(msgspec.Struct, frozen=True, tag=True):
    """Asks for the markers below a folder; the answer is :class:`MarkedPolicies`."""

    place: TreePlace
    folder: str


class Edit(msgspec.Struct, frozen=True, tag=True):
    """Asks for updates to be put into files; the answer is :class:`Edited`."""

    place: TreePlace
    asked: tuple[Asked, ...]


class MarkedPolicies(msgspec.Struct, frozen=True, tag=True):
    """The policies that markers name, and what is wrong with those that are broken."""

    keys: tuple[Key, ...]
    problems: tuple[str, ...]


class Edited(msgspec.Struct, frozen=True, tag=True):
    """What is to be committed.

    Attributes:
        files: new content by path.
        changes: for messages.
        kept: by number, what was asked and which of its updates were made; the others nobody wants.
        refused: by number, what was asked and could not be made, with the reason. It leaves nothing in the files.
        left: why images were left out, by their names.
    """

    files: dict[str, bytes]
    changes: tuple[ChangedValue, ...] = ()
    kept: tuple[tuple[int, tuple[int, ...]], ...] = ()
    refused: tuple[tuple[int, str], ...] = ()
    left: dict[str, str] = {}

    def done(self, asked: Sequence[Asked]) -> list[Asked]:
        """What was made of what was asked."""
        return [(asked[at][0], tuple(asked[at][1][number] for number in numbers)) for at, numbers in self.kept]


class EditRefused(msgspec.Struct, frozen=True, tag=True):
    """The repository's fault, or a limit."""

    message: str
    hint: str = ""
    reason: str = ""


Task = Find | Edit
Answer = MarkedPolicies | Edited | EditRefused
_encoder = msgspec.msgpack.Encoder()
_tasks: msgspec.msgpack.Decoder[Task] = msgspec.msgpack.Decoder(Task)
_answers: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


class Editing(Protocol):
    """Reads and changes files."""

    async def find(self, tree: Tree, folder: str) -> MarkedPolicies:
        """The markers below a folder.

        Raises:
            TrueupError: they cannot be read.
        """

    async def edit(self, tree: GitTree, asked: Sequence[Asked]) -> Edited:
        """The updates in the files, but for those that people took back, and those of works whose files cannot take
        them: several applications share a commit.

        Raises:
            TrueupError: the tree cannot be read.
        """


class ThreadEditing:
    """An :class:`Editing` of threads."""

    async def find(self, tree: Tree, folder: str) -> MarkedPolicies:
        return await asyncio.to_thread(lambda: found(tree, folder, Budget(meter=time.thread_time)))

    async def edit(self, tree: GitTree, asked: Sequence[Asked]) -> Edited:
        return await asyncio.to_thread(lambda: edited(tree, asked, Budget(meter=time.thread_time)))


class Apart:
    """An :class:`Editing` of a child.

    Args:
        mirrors: the folder of all mirrors; the child may read it and nothing else.
        root: where the private folder is made; the system's temporary folder by default.
        isolated: refuse to work without a whole wall around it.
    """

    def __init__(self, mirrors: Path, *, root: Path | None = None, isolated: bool = False) -> None:
        self._readers = Readers(
            "trueup.features.images.child", 1, jobs=_JOBS, mirrors=mirrors, root=root, isolated=isolated
        )
        self._here = ThreadEditing()

    async def find(self, tree: Tree, folder: str) -> MarkedPolicies:
        if not isinstance(tree, GitTree):
            return await self._here.find(tree, folder)
        answer = await self._ask(Find(tree.place, folder))
        assert isinstance(answer, MarkedPolicies)
        return answer

    async def edit(self, tree: GitTree, asked: Sequence[Asked]) -> Edited:
        answer = await self._ask(Edit(tree.place, tuple(asked)))
        assert isinstance(answer, Edited)
        return answer

    async def close(self) -> None:
        """Kill the child."""
        await self._readers.close()

    async def _ask(self, task: Task) -> Answer:
        hint = "look for very large files, and for folders in folders without end"
        answer = await self._readers.ask(_encoder.encode(task), _answers.decode, what=task.place.shown, hint=hint)
        if isinstance(answer, EditRefused):
            raise Stalled(answer.message, hint=answer.hint, reason=answer.reason)
        return answer


def handle(body: bytes) -> bytes:
    """The answer to one task, packed; in the child."""
    return _encoder.encode(_answered(_tasks.decode(body)))


def _answered(task: Task) -> Answer:
    try:
        tree, budget = task.place.open(lambda: None), Budget(meter=time.process_time)
        return found(tree, task.folder, budget) if isinstance(task, Find) else edited(tree, task.asked, budget)
    except TrueupError as error:
        return EditRefused(_packable(error.message), _packable(error.hint), error.reason)
    except (MemoryError, RecursionError):
        return EditRefused(f"reading {task.place.shown} stopped: too large, or nested too deep", "shorten its files")


def _packable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def found(tree: Tree, folder: str, budget: Budget) -> MarkedPolicies:
    """The markers below a folder."""
    keys, problems = find_markers(Editor(tree, budget), folder)
    return MarkedPolicies(tuple(sorted(keys)), tuple(problems))


def edited(tree: GitTree, asked: Sequence[Asked], budget: Budget) -> Edited:
    """The updates in the files of a tree."""
    undone = taken_back(pygit2.Repository(tree.place.folder), tree.revision)
    wanted, left = _wanted(asked, undone)
    kept, refused = list[tuple[int, tuple[int, ...]]](), list[tuple[int, str]]()
    editor = Editor(tree, budget)
    for at, numbers in wanted:
        work, updates = asked[at]
        before = dict(editor.files), list(editor.changes)
        try:
            edit_work(editor, work, [updates[number] for number in numbers])
        except TrueupError as error:
            editor.files, editor.changes = before
            refused.append((at, _packable(str(error))))
        else:
            kept.append((at, numbers))
    return Edited(editor.files, tuple(editor.changes), tuple(kept), tuple(refused), left)


def edit_work(editor: Editor, work: Work, updates: Sequence[Update]) -> None:
    """Put one work's images into the files.

    Raises:
        WriteBackFailed: a file cannot take them.
    """
    if work.back.target is TargetKind.MARKERS:
        new = {update.rule.alias: update.new for update in updates}
        images = {key: new[rule.alias] for key, rule in work.policies.items() if rule.alias in new}
        write_markers(editor, work.folder, images)
        return
    write_images(editor, work.source, work.subject.instance, work.back, updates)


def _wanted(
    asked: Sequence[Asked], undone: Sequence[Undone]
) -> tuple[list[tuple[int, tuple[int, ...]]], dict[str, str]]:
    """The updates that nobody has taken back, by number, and why of each image of the others."""
    kept, left = list[tuple[int, tuple[int, ...]]](), dict[str, str]()
    for at, (_, updates) in enumerate(asked):
        numbers = []
        for number, update in enumerate(updates):
            by = next((each.by for each in undone if each.brought(update.new)), "")
            if by:
                why = f"{update.new} was taken back by commit {by[:8]}; push a newer image, or revert that commit"
                left[str(update.new)] = why
            else:
                numbers.append(number)
        if numbers:
            kept.append((at, tuple(numbers)))
    return kept, left

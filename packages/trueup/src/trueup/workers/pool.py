"""Renders in children: a chart may loop or eat memory, so every render has a process to lose."""

import asyncio
import math
import shutil
from collections.abc import Mapping
from pathlib import Path

import msgspec

from trueup.model.errors import RenderFailed, RenderStopped
from trueup.model.manifest import Rendering
from trueup.render.job import ClosureTooNarrow, DirectoryJob, PluginJob, Recipe
from trueup.workers.childprocess import REST_SECONDS, ChildEnded, Children, Yielding
from trueup.workers.frame import Done, RenderTask, framed, pack, unpack_answer
from trueup.workers.plugin import SYSTEM
from trueup.workers.process import MEBIBYTE, Limits
from trueup.workers.wall import Isolation

# Go collects garbage on other cores: processor time may outrun the clock. It is the second lock, for a tool left alone.
_THREADS = 8


class PoolLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one render may use.

    Args:
        seconds: wall-clock time.
        memory: bytes of address space of a child, and again of a tool it starts.
        file_size: bytes of any one file written.
        open_files: descriptors open at once.
        jobs: renders after which a child is replaced by a fresh one.
        rest: seconds without a render after which children end.
    """

    seconds: float = 60.0
    memory: int = 2048 * MEBIBYTE
    file_size: int = 128 * MEBIBYTE
    open_files: int = 256
    jobs: int = 500
    rest: float = REST_SECONDS


class Pool:
    """Renders recipes in up to ``size`` processes; further renders wait. Children start when first needed.

    Args:
        size: processes at a time, and as many each for programs of Jsonnet and for plugins, which have their own.
        limits: of each render.
        root: where the private folders are made; the system's temporary folder by default.
        isolated: refuse to render without a whole wall around it.
    """

    def __init__(
        self, size: int = 2, *, limits: PoolLimits | None = None, root: Path | None = None, isolated: bool = False
    ) -> None:
        self._limits = limits = limits or PoolLimits()
        allowed = Limits(memory=limits.memory, file_size=limits.file_size, open_files=limits.open_files)
        # Helm and Jsonnet each bring a runtime of Go, which reserves most of the address space that a child may have.
        # What a plugin leaves in the background ends with its child.
        self._children, self._evaluating, self._plugged = (
            Children(
                "trueup.workers.child",
                size,
                limits=allowed,
                jobs=jobs,
                root=root,
                reads=reads,
                isolated=isolated,
                rest=limits.rest,
            )
            for jobs, reads in ((limits.jobs, ()), (limits.jobs, ()), (1, SYSTEM))
        )

    async def render(
        self, recipe: Recipe, files: Mapping[str, bytes], yielding: Yielding | None = None, *, patient: bool = False
    ) -> Rendering:
        """The manifests of one recipe.

        Args:
            files: the bytes of every input by its path.
            yielding: told how to let other renders go first, should this one last.
            patient: it was slow before: a child that is ready is left to others.

        Raises:
            ClosureTooNarrow: a file outside the inputs is needed; make the recipe again with ``whole_tree``.
            RenderFailed: the source cannot become manifests, or took too much time or memory.
            TrueupError: no worker could be started.
        """
        limits = self._limits
        if recipe.job is None:
            return Rendering(key=recipe.key, source_type=recipe.tool, manifests=(), warnings=recipe.warnings)
        children = self._children_for(recipe)
        task = RenderTask(recipe, dict(files), cpu_seconds=math.ceil(limits.seconds) * _THREADS)
        try:
            answer = unpack_answer(await children.ask(framed(pack(task)), limits.seconds, yielding, patient=patient))
        except TimeoutError:
            raise RenderStopped(
                f"rendering stopped: took longer than {limits.seconds:g} s", hint="make the source smaller, or split it"
            ) from None
        except ChildEnded as ended:
            failure = RenderStopped(
                f"rendering stopped: the tool crashed or reached the memory limit of {limits.memory // MEBIBYTE} MiB",
                hint="make the source smaller, or split it",
            )
            failure.add_note(ended.errors)
            raise failure from None
        if isinstance(answer, Done):
            return answer.rendering
        if answer.narrow:
            raise ClosureTooNarrow(answer.message, hint=answer.hint)
        raise (RenderStopped if answer.stopped else RenderFailed)(answer.message, hint=answer.hint)

    def _children_for(self, recipe: Recipe) -> Children:
        if isinstance(recipe.job, PluginJob):
            return self._plugged
        evaluates = isinstance(recipe.job, DirectoryJob) and recipe.job.jsonnet is not None
        return self._evaluating if evaluates else self._children

    def expect(self) -> None:
        """A render is about to come: a child is started for it where none are left."""
        self._children.expect()

    async def warm(self) -> Isolation:
        """Start one child now, so that the first render does not wait for it; what stands around it.

        Raises:
            NotIsolated: a whole wall is asked for, and the kernel has none.
            TrueupError: no child could be started.
        """
        return await self._children.warm()

    async def close(self) -> None:
        """Kill all children and remove their folders. Renders under way fail."""
        await asyncio.gather(self._children.close(), self._evaluating.close(), self._plugged.close())


def scratch(folder: Path) -> Path:
    """An empty folder for the renders of one engine: what a killed one left there is removed."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder

"""jq expressions, evaluated in a child that can be lost: one may loop for ever, or name a million fields."""

from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec

from kubegrammar.json import digest
from trueup.diff.jq import Path as JqPath
from trueup.memory.bounded import Memory
from trueup.workers.childprocess import ChildEnded, Children, Yielding
from trueup.workers.frame import framed
from trueup.workers.process import MEBIBYTE, Limits
from trueup.workers.turns import nobody

DEFAULT_SECONDS = 1.0
"""Processor time of one expression over one object (Argo CD's ``ignore.normalizer.jq.timeout``)."""
LONGEST_EXPRESSION = 10_000
MOST_PATHS = 10_000
_MEMORY = 512 * MEBIBYTE
REMEMBERED, _ROOM, _STEP = 20_000, 40 * MEBIBYTE, 100
"""Answers that are remembered, bytes for them, and of a step of a path."""
_FILE_SIZE = 1 * MEBIBYTE
_SPARE_SECONDS = 20.0
"""Wall-clock time beyond the processor time: a busy machine is no fault of an expression."""


class JqTask(msgspec.Struct, frozen=True):
    """One expression over one document, as JSON, within so many seconds of processor time."""

    expression: str
    document: bytes
    seconds: float


class JqPaths(msgspec.Struct, frozen=True, tag=True):
    """The paths an expression names; none where it does not fit the document."""

    paths: tuple[JqPath, ...] = ()


class JqFault(msgspec.Struct, frozen=True, tag=True):
    """An expression that nothing is known about: it does not compile, took too long or names too much."""

    reason: str


JqAnswer = JqPaths | JqFault
_answers: msgspec.json.Decoder[JqAnswer] = msgspec.json.Decoder(JqAnswer)


Work = Callable[[Yielding], Coroutine[Any, Any, JqAnswer]]
Turns = Callable[[Work], Awaitable[JqAnswer]]
"""Does work when it is its turn, and tells it how to let others go first."""


async def _at_once(work: Work) -> JqAnswer:
    return await work(lambda _: nobody)


class Jq:
    """Asks jq which fields an expression names. The answers are remembered by expression and document.

    Args:
        seconds: processor time that an expression has for one document.
        root: where the child's private folder is made.
        isolated: refuse to ask without a whole wall around the child.
        size: children at a time.
        turns: does the work when it is its turn.
    """

    def __init__(
        self,
        seconds: Callable[[], float] = lambda: DEFAULT_SECONDS,
        *,
        root: Path | None = None,
        isolated: bool = False,
        size: int = 2,
        turns: Turns | None = None,
    ) -> None:
        self._seconds = seconds
        self._turns = turns or _at_once
        limits = Limits(memory=_MEMORY, file_size=_FILE_SIZE, open_files=64)
        self._children = Children(
            "trueup.workers.jqchild", size, limits=limits, jobs=10_000, root=root, isolated=isolated
        )
        self._known: Memory[tuple[str, str, float], JqAnswer] = Memory(
            entries=REMEMBERED, size=_ROOM, weigh=lambda answer: _STEP * _steps(answer)
        )

    async def paths(self, expression: str, document: bytes) -> JqAnswer:
        """The paths that an expression names in a document.

        Raises:
            TrueupError: no child could be started.
        """
        seconds = self._seconds()
        question = (expression, digest(document), seconds)
        known = self._known.get(question)
        if known is not None:
            return known
        if len(expression) > LONGEST_EXPRESSION:
            return JqFault(f"longer than {LONGEST_EXPRESSION} characters")
        try:
            task = JqTask(expression, document, seconds)
            answer = await self._turns(lambda yielding: self._ask(task, yielding))
        except TimeoutError:
            # The machine's fault, perhaps: not remembered.
            return JqFault("jq did not answer in time")
        self._known.put(question, answer)
        return answer

    async def close(self) -> None:
        """Kill the child."""
        await self._children.close()

    async def _ask(self, task: JqTask, yielding: Yielding) -> JqAnswer:
        frame = framed(msgspec.msgpack.encode(task))
        try:
            answer = await self._children.ask(frame, task.seconds + _SPARE_SECONDS, yielding)
            return _answers.decode(answer)
        except ChildEnded as ended:
            if ended.timed_out:
                return JqFault(f"jq did not end within {task.seconds:g} s")
            return JqFault(f"jq crashed or needed more than {_MEMORY // MEBIBYTE} MiB")
        except msgspec.DecodeError:
            return JqFault("jq gave no answer that could be read")


def _steps(answer: JqAnswer) -> int:
    return 1 + sum(map(len, answer.paths)) if isinstance(answer, JqPaths) else 1

"""Fair shares of a few slots: nobody's work waits for long because somebody else's lasts.

Work gets a slot in turn: projects one after the other, in a project its repositories, in a repository who came first
(:mod:`trueup.runtime.line`). While nobody else waits, one project may have all slots.

Work that has had its slot for longer than a moment, while somebody else waits, steps aside: it goes on in one of the
places beside the slots, of which no project and no repository may have all. Where those are taken, it is stopped and
begun anew later, when one is free (work that cannot be begun anew keeps its slot). What had to step aside once begins
there the next time, and so does what waits for the same. So a slot is free again after a moment, whatever is done with
it.

What was quick the last time waits in a line of its own, which takes turns with that of what nobody knows: however much
is new, and whatever comes of it, an ordinary commit finds a slot after one piece of that.
"""

import asyncio
import contextvars
import math
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any, TypeVar

from trueup.memory.bounded import Memory
from trueup.model.share import NOBODY, Share, Urgency
from trueup.model.tree import MEBIBYTE
from trueup.runtime.line import Line
from trueup.runtime.turn import Turn, nothing

MOMENT = 1.0
"""Seconds that work may keep a slot while others wait."""
REMEMBERED, _ROOM = 10_000, 4 * MEBIBYTE
"""Pieces of work that are known again, and bytes for them: their names are those of applications."""
_MOST_DOUBLINGS = 10

T = TypeVar("T")
_Known = tuple[str, str, str]
"""What work is known again by."""


_current: contextvars.ContextVar["tuple[Fair, Turn] | None"] = contextvars.ContextVar("turn", default=None)


class Fair:
    """Slots, and places beside them.

    Args:
        slots: pieces of work at a time, of those that are quick.
        beside: places for those that are not.
        moment: seconds until work steps aside for others.
    """

    def __init__(self, slots: int, beside: int = 0, *, moment: float = MOMENT) -> None:
        self._slots, self._beside, self._moment = slots, beside, moment
        self._of_project = max(1, math.ceil(beside / 2))
        self._of_repository = max(1, math.ceil(beside / 4))
        self._line: Line[Turn] = Line()
        self._proven: Line[Turn] = Line()
        self._proven_next = True
        self._slow: Line[Turn] = Line()
        self._quick: dict[Turn, None] = {}
        self._aside: set[Turn] = set()
        self._waiting: dict[int, int] = {}
        self._known_slow: Memory[_Known, int] = Memory(entries=REMEMBERED, size=_ROOM)
        self._known_quick: Memory[_Known, None] = Memory(entries=REMEMBERED, size=_ROOM)
        self._timer: asyncio.TimerHandle | None = None
        self._paused = False

    def pause(self) -> None:
        """Nothing begins from now on."""
        self._paused = True

    def resume(self) -> None:
        """What waits begins."""
        self._paused = False
        self._go_on()

    def load(self, project: str) -> int:
        """Pieces of work under way of a project."""
        return sum(line.held(project) for line in (self._line, self._proven, self._slow))

    def idle(self) -> bool:
        """Whether nothing is under way or waits."""
        return not (self._quick or self._aside or self._waits() or len(self._slow))

    async def run(self, share: Share, work: Callable[[Turn], Coroutine[Any, Any, T]], *, again: bool = True) -> T:
        """Do a piece of work when it is its turn, and give what came of it.

        Args:
            again: it may be cancelled and begun anew for the sake of others.
        """
        while (done := await self._tried(share, work, again)) is None:
            continue
        return done.result()

    async def _tried(
        self, share: Share, work: Callable[[Turn], Coroutine[Any, Any, T]], again: bool
    ) -> asyncio.Task[T] | None:
        """The work, done; None where it had to make room."""
        tasks: list[asyncio.Task[T]] = []

        def stop() -> None:
            for task in tasks:
                task.cancel()

        async with self.turn(share, stop if again else None) as turn:
            tasks.append(task := asyncio.create_task(work(turn)))
            task.add_done_callback(_heard)
            try:
                await asyncio.wait([task])
            finally:
                if not task.done():
                    task.cancel()
                    await asyncio.wait([task])
            return None if turn.stopped and task.cancelled() else task

    def resting(self) -> AbstractAsyncContextManager[None]:
        """As the function of that name: whoever waits for these slots gives up the one that it has, of whichever."""
        return resting()

    @asynccontextmanager
    async def turn(self, share: Share, stop: Callable[[], None] | None = None) -> AsyncIterator[Turn]:
        """Wait for a slot and hold it for as long as the block lasts.

        Args:
            stop: ends the work soon, so that it can be begun anew; None where it cannot.
        """
        turn = Turn(share, nothing, stop)
        try:
            await self.wait(turn)
            with self.holding(turn):
                yield turn
        finally:
            self.leave(turn)

    async def wait(self, turn: Turn) -> None:
        """Wait for a slot."""
        begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        turn.begin = turn.begin_at_once = lambda: None if begun.done() else begun.set_result(None)
        self.enter(turn)
        await begun

    @contextmanager
    def holding(self, turn: Turn) -> Iterator[None]:
        """What runs in the block is the work of this turn, which :func:`resting` gives up."""
        reset = _current.set((self, turn))
        try:
            yield
        finally:
            _current.reset(reset)

    def enter(self, turn: Turn) -> None:
        """Wait for a slot; ``turn.begin`` is called when there is one, perhaps at once."""
        known = _known_by(turn.share)
        turn.pressed = self._go_on
        turn.lasting = False
        if self._beside and known in self._known_slow:
            self._put_slow(turn)
        else:
            turn.line = self._proven if self._beside and known in self._known_quick else self._line
            turn.line.put(turn.share, turn)
        self._go_on()

    def _put_slow(self, turn: Turn) -> None:
        turn.line, turn.tries = self._slow, self._known_slow.get(_known_by(turn.share)) or 1
        # What was slow once only goes before what always is.
        urgency = Urgency.NEWS if turn.tries == 1 else Urgency.ROUTINE
        turn.queued = Share(turn.share.project, turn.share.repository, urgency)
        self._slow.put(turn.queued, turn)
        self._waiting[turn.tries] = self._waiting.get(turn.tries, 0) + 1

    def leave(self, turn: Turn) -> None:
        """It is done, or waits no more."""
        if turn in self._quick or turn in self._aside:
            took = asyncio.get_running_loop().time() - turn.since
            if not (turn.stopped or turn.lasting) and took <= self._moment:
                self._was_quick(_known_by(turn.share))
            self._drop(turn)
        elif turn.line is self._slow:
            waits = len(self._slow)
            self._slow.remove(turn.queued, turn)
            if len(self._slow) < waits:
                self._waits_no_more(turn)
        elif turn.line is not None:
            turn.line.remove(turn.share, turn)
        self._go_on()

    # --- who goes on ---------------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        if self._paused:
            return
        self._fill()
        if self._beside and (self._waits() or len(self._slow)):
            self._press()

    def _waits(self) -> int:
        return len(self._line) + len(self._proven)

    def _fill(self) -> None:
        while len(self._aside) < self._beside and (found := self._slow.take(self._may_be_beside)):
            found[1].slow = True
            self._waits_no_more(found[1])
            self._aside.add(found[1])
            self._began(found[1])
        while len(self._quick) < self._slots and (found := self._next()):
            self._begin_quick(found[1])
        while self._may_be_borrowed() and (found := self._slow.take()):
            found[1].borrowed = True
            self._waits_no_more(found[1])
            self._begin_quick(found[1])

    def _next(self) -> tuple[Share, Turn] | None:
        """Of what is proven and what nobody knows, in turns; what is proven needs no place to step aside to."""
        for _ in range(2):
            proven, self._proven_next = self._proven_next, not self._proven_next
            found = self._proven.take() if proven else self._line.take(self._may_have_a_slot)
            if found is not None:
                return found
        return None

    def _may_be_borrowed(self) -> bool:
        """A slot that nobody wants is lent to what is slow. The last one is kept free, so that an ordinary commit need
        not wait for the end of something else; but not from what was slow once, perhaps for a busy machine's sake."""
        if self._waits() or len(self._quick) >= self._slots:
            return False
        lent = sum(turn.borrowed or turn.lasting for turn in self._quick)
        return lent < max(1, self._slots - 1) or 1 in self._waiting

    def _waits_no_more(self, turn: Turn) -> None:
        self._waiting[turn.tries] -= 1
        if not self._waiting[turn.tries]:
            del self._waiting[turn.tries]

    def _begin_quick(self, turn: Turn) -> None:
        self._quick[turn] = None
        self._began(turn)

    def _began(self, turn: Turn) -> None:
        turn.since = asyncio.get_running_loop().time()
        turn.begin()

    def _drop(self, turn: Turn) -> None:
        if turn in self._aside:
            self._aside.discard(turn)
            self._slow.release(turn.share)
        else:
            del self._quick[turn]
            assert turn.line is not None
            turn.line.release(turn.share)

    def _may_be_beside(self, project: str, repository: str) -> bool:
        if repository:
            return self._slow.held(project, repository) < self._of_repository
        return self._slow.held(project) < self._of_project

    def _may_have_a_slot(self, project: str, repository: str) -> bool:
        """Who has nowhere to step aside to leaves half of the slots to the others."""
        if not self._beside or self._may_be_beside(project, repository):
            return True
        return self._line.held(project, repository) < -(-self._slots // 2)

    def _press(self) -> None:
        """Somebody waits: what has been long enough at a slot makes room."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._paused:
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        dues = self._dues()
        if any(due <= now for due in dues):
            for turn in list(self._quick):
                due = self._due(turn) if turn in self._quick else None
                if due is not None and due <= now and self._stopping() < (self._waits() or len(self._slow)):
                    self._make_room(turn)
                    self._fill()
            dues = self._dues()
        if later := [due for due in dues if due > now]:
            self._timer = loop.call_at(min(later), self._press)

    def _dues(self) -> list[float]:
        return [due for turn in self._quick if (due := self._due(turn)) is not None]

    def _stopping(self) -> int:
        """Slots that are going to be free."""
        return sum(turn.stopped for turn in self._quick)

    def _due(self, turn: Turn) -> float | None:
        """When a turn has to make room; None while nobody waits for that.

        Among what is slow a turn lasts twice as long each time, so that everybody gets done in the end; what was slow
        less often need not wait for what always is.
        """
        if turn.stopped:
            return None
        if self._line.others(turn.share) or self._proven.others(turn.share):
            return turn.since if turn.borrowed or turn.lasting else turn.since + self._moment
        if self._slow.others(turn.share):
            tries = self._known_slow.get(_known_by(turn.share)) or 0
            return turn.since + self._moment * 2.0 ** min(tries, *self._waiting)
        return None

    def _make_room(self, turn: Turn) -> None:
        share = turn.share
        room = len(self._aside) < self._beside
        if room and all(self._may_be_beside(share.project, name) for name in ("", share.repository)):
            self._drop(turn)
            turn.borrowed, turn.line = False, self._slow
            self._slow.hold(share)
            self._aside.add(turn)
            turn.step_aside()
        elif turn.may_stop:
            turn.stop()
        else:
            return
        self._remember(_known_by(share))

    def _was_quick(self, known: _Known) -> None:
        self._known_slow.pop(known)
        self._known_quick.put(known, None)

    def _remember(self, slow: _Known) -> None:
        self._known_quick.pop(slow)
        self._known_slow.put(slow, min((self._known_slow.pop(slow) or 0) + 1, _MOST_DOUBLINGS))
        for line in (self._line, self._proven):
            for turn in [each for each in line.of(slow[0], slow[1]) if _known_by(each.share) == slow]:
                line.remove(turn.share, turn)
                self._put_slow(turn)


def _known_by(share: Share) -> _Known:
    return share.project, share.repository, share.about


def current_share() -> Share:
    """Whose the work is that this is part of."""
    held = _current.get()
    return held[1].share if held is not None else NOBODY


@asynccontextmanager
async def resting() -> AsyncIterator[None]:
    """Give the slot of the work that this is part of to others for as long as the block lasts: it only waits."""
    held = _current.get()
    if held is None:
        yield
        return
    fair, turn = held
    turn.rests += 1
    if turn.rests == 1:
        fair.leave(turn)
    try:
        yield
    except asyncio.CancelledError:
        turn.rests = 0  # it ends: a slot would not be given back to somebody who has gone
        raise
    finally:
        turn.rests -= 1
        if turn.rests == 0:
            turn.slow = turn.borrowed = False
            await fair.wait(turn)


@contextmanager
def lingering(moment: float = MOMENT / 2) -> Iterator[None]:
    """Give the slot of the work that this is part of to others when the block has lasted for a moment: it depends on
    somebody who may take as long as he likes. It goes on without a slot, to its end.

    Args:
        moment: seconds; less than those after which work counts as slow.
    """
    held = _current.get()
    if held is None:
        yield
        return
    fair, turn = held

    def lasts() -> None:
        turn.rests += 1
        if turn.rests == 1:
            fair.leave(turn)
            # It may be waiting for a slot just then, after a rest: it needs none any more.
            turn.begin_at_once()

    timer = asyncio.get_running_loop().call_later(moment, lasts)
    try:
        yield
    finally:
        timer.cancel()


def _heard(task: asyncio.Task[Any]) -> None:
    """Where nobody waits any more, a failure counts as heard; whoever waits hears it all the same."""
    if not task.cancelled():
        task.exception()

"""The processes that do hostile work: rendering, reading trees, editing, jq."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import structlog

from trueup.engine.options import EngineOptions
from trueup.features.images.editing import Apart
from trueup.model.errors import TrueupError
from trueup.model.seal import SopsKeys
from trueup.runtime.fair import Fair, current_share, resting
from trueup.store.preparing import Preparer
from trueup.workers.childprocess import NotIsolated
from trueup.workers.jq import Jq, JqAnswer
from trueup.workers.jq import Work as JqWork
from trueup.workers.kept import RENDERS, Kept
from trueup.workers.plugins import plugins_in
from trueup.workers.pool import Pool, scratch
from trueup.workers.renders import Renders

log = structlog.get_logger("trueup")

PREPARED = 2
"""Recipes made at a time, and as many beside them that take long."""
RENDER_MOMENT = 2.0
"""Seconds until a render that lasts steps aside for others, and goes on beside them at a low priority."""
JQ_SLOTS, JQ_MOMENT = 2, 0.25
"""jq's children at a time; seconds until an expression that lasts steps aside."""


class Tools:
    """The workers, each in a private folder below one of the engine's, and the cache of what they rendered.

    Args:
        mirrors: folder of the mirrors, which trees are read from.
        jq_seconds: processor time of one jq expression.
        keys: private keys by their name, which open encrypted files.
    """

    def __init__(
        self,
        options: EngineOptions,
        mirrors: Path,
        jq_seconds: Callable[[], float],
        keys: Callable[[str], SopsKeys],
    ) -> None:
        root, isolated, renderers = scratch(options.data / "render"), options.isolated, options.render_workers
        self.pool = Pool(2 * renderers + 1, root=root, isolated=isolated)
        self.preparer = Preparer(mirrors, 2 * PREPARED, root=root, isolated=isolated)
        self.jq = Jq(jq_seconds, root=root, isolated=isolated, size=2 * JQ_SLOTS, turns=self._jq_turn)
        self.editing = Apart(mirrors, root=root, isolated=isolated)
        self.kept = Kept(options.data / RENDERS, room=options.renders) if options.renders else None
        self.plugins = plugins_in(options.plugin_folder) if options.plugin_folder is not None else ()
        self.renders = Renders(
            self.pool,
            self.preparer,
            turns=Fair(renderers, renderers, moment=RENDER_MOMENT),
            preparing_turns=Fair(PREPARED, PREPARED),
            kept=self.kept,
            keys=keys,
            plugins=self.plugins,
        )
        self._jq_slots = Fair(JQ_SLOTS, JQ_SLOTS, moment=JQ_MOMENT)

    def until_left(self, stack: AsyncExitStack) -> None:
        """Have the processes ended when the stack is left."""
        if self.kept is not None:
            stack.push_async_callback(self.kept.close)
        for each in (self.pool, self.preparer, self.editing, self.jq):
            stack.push_async_callback(each.close)

    async def tell_isolation(self) -> None:
        """Say once what stands around the processes.

        Raises:
            NotIsolated: a whole wall was asked for, and the kernel has none.
        """
        try:
            isolation = await self.pool.warm()
        except NotIsolated:
            raise
        except TrueupError as error:
            log.error("no worker process starts", problem=error.message, hint=error.hint)
            return
        if isolation.whole:
            log.info("worker processes are isolated", by=str(isolation))
        else:
            log.warning("worker processes are not isolated", by=str(isolation), lacking="; ".join(isolation.lacking))

    async def _jq_turn(self, work: JqWork) -> JqAnswer:
        share = current_share()
        async with resting():
            return await self._jq_slots.run(share, lambda turn: work(turn.yielding))

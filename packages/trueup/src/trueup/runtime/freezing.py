"""Memory that lasts."""

import asyncio
import gc

FREEZE_AFTER = 15.0
"""Seconds after which what start-up built is taken out of the garbage collector's rounds (cluster-truths, costs)."""


async def freeze_later() -> None:
    """Once, when what start-up builds is there."""
    await asyncio.sleep(FREEZE_AFTER)
    gc.collect()
    gc.freeze()

"""The law of restarts: an engine that knows nothing but what is stored says the same, and writes nothing.

The second engine is built in this process, with folders of its own (no audit trail either) and a client that refuses
every write. It looks at each application of an estate once, as one that takes over.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec
from tests.e2e.estate import Estate
from tests.support.patience import looks, stretched

from trueup.engine import Engine, EngineOptions
from trueup.kube.config import load_kubeconfig
from trueup.kube.errors import NotFound
from trueup.model.errors import TrueupError

QUIET = 0.4
"""Seconds without a change after which an application counts as settled."""
PATIENCE = 15.0
TRIES = 4
PAUSE = 1.5
"""Seconds between two tries: what flapped is told by the shared engine some seconds later."""


class Wrote(Exception):
    """What a fresh engine would have written."""


class Standby:
    """An engine beside the shared one that takes over for every test. Its caches follow the cluster; what it remembered
    of the tests before is gone, as when a lease comes back to an engine.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = AsyncExitStack()
        self._engine: Engine | None = None

    async def take_over(self, estate: Estate) -> Engine:
        """The engine, which has seen the applications as they are and looked at none of them."""
        if self._engine is None:
            self._engine = await self._stack.enter_async_context(another(estate, self._folder))
        engine = self._engine
        engine.renew()
        await engine.control.credentials.load()
        async for _ in looks():
            # Asked anew each time: what changes meanwhile never goes back to the version that it had.
            versions = await versions_of(estate)
            live = {name: engine.control.applications.live(f"{estate.engine.namespace}/{name}") for name in versions}
            if versions == {name: found.resource_version for name, found in live.items() if found}:
                break
        return engine

    async def close(self) -> None:
        await self._stack.aclose()


async def agrees_afresh(estate: Estate, folder: Path, standby: Standby | None = None) -> None:
    """Fail where a fresh engine would write something about the applications of a test.

    Args:
        folder: for the fresh engine alone; it need not exist.
        standby: looks first. Only where it would write is an engine built that is quite new.
    """
    for number in range(TRIES):
        versions = await at_rest(estate)
        if not versions:
            return
        try:
            if standby is not None and number == 0:
                await look(estate, await standby.take_over(estate))
            else:
                async with another(estate, folder / str(number)) as fresh:
                    await look(estate, fresh)
            return
        except Wrote as wrote:
            # Only of a cluster that is quiet is it said that nothing is left to be written.
            if await versions_of(estate) == versions and number + 1 == TRIES:
                raise AssertionError(f"a fresh engine wants to write: {wrote}\n{estate.engine.tail(10)}") from None
            await asyncio.sleep(PAUSE)
    raise AssertionError(f"{estate.name} does not come to rest\n{estate.engine.tail(20)}")


@asynccontextmanager
async def another(estate: Estate, folder: Path) -> AsyncIterator[Engine]:
    """An engine like the estate's, which writes nothing."""
    folder.mkdir(parents=True)
    options = EngineOptions(
        config=load_kubeconfig(estate.engine.kubeconfig, None),
        control_namespace=estate.engine.namespace,
        data=folder / "data",
        state=folder / "state",
        local_repositories=(estate.engine.repositories,),
        render_workers=1,
        wave_delay=estate.engine.wave_delay,
    )
    async with Engine(options) as engine:
        engine.control.client.fence = _refuse
        yield engine


async def look(estate: Estate, fresh: Engine) -> None:
    for name in estate.made:
        key = f"{estate.engine.namespace}/{name}"
        stored = fresh.control.applications.get(key)
        if stored is None:
            continue
        for source in stored.app.spec.all_sources():
            with contextlib.suppress(TrueupError):
                await fresh.repositories.look(source.repo_url, key)
        with contextlib.suppress(TrueupError):
            await fresh.reconciler.reconcile(key)


def _refuse() -> None:
    raise Wrote(next(_wanted(), "something"))


def _wanted() -> Iterator[str]:
    """What the callers of the fence were about to send, read off their variables."""
    frame = sys._getframe()
    while frame := frame.f_back:  # type: ignore[assignment]
        if "patch" in frame.f_locals and isinstance(frame.f_locals["patch"], dict):
            yield msgspec.json.encode(frame.f_locals["patch"]).decode()[:4000]
        elif "manifest" in frame.f_locals:
            yield f"{frame.f_locals['manifest']}"[:500]


async def at_rest(estate: Estate, quiet: float = QUIET) -> dict[str, str]:
    """Wait until nothing changes for so many seconds; the versions then."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + stretched(PATIENCE)
    versions = await versions_of(estate)
    since = loop.time()
    while loop.time() < deadline and loop.time() - since < quiet:
        await asyncio.sleep(0.1)
        now = await versions_of(estate)
        if now != versions:
            versions, since = now, loop.time()
    return versions


async def versions_of(estate: Estate) -> dict[str, str]:
    found = {}
    for name in estate.made:
        try:
            live = await estate.client.get(estate.application, estate.engine.namespace, name)
        except NotFound:
            continue
        found[name] = live.resource_version
    return found

"""A cluster in this process, until it is told to stop."""

import asyncio
import gc
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom

from pocketkube.cluster.api import KubernetesApi
from pocketkube.cluster.certificates import ensure_certificates
from pocketkube.cluster.kubeconfig import write_kubeconfig
from pocketkube.cluster.server import HOST, Gate, listen
from pocketkube.cluster.storage import Storage, StorageFailed
from pocketkube.cluster.tokens import TokenBook, ensure_secrets
from pocketkube.cluster.upkeep import Upkeep
from pocketkube.errors import ClusterError
from pocketkube.player.inside import Inside
from pocketkube.player.lifecycle import read_lifecycles
from pocketkube.player.player import Player
from pocketkube.users import USERS


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


async def until_told(folder: Path, data: Path | None, port: int, *, workloads: bool) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        folder: gets the kubeconfigs when requests can come.
        data: keeps objects, certificates and tokens; None for objects in memory.
        port: on 127.0.0.1; 0 for any that is free.
        workloads: Pods come up, and controllers act.

    Raises:
        ClusterError: the port is taken, or the folder cannot be used.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await serve(folder, data, port, now, stop, workloads=workloads)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise ClusterError(f"{where}{error.strerror or error}", hint="choose another --port or --data") from error
    except StorageFailed as error:
        raise ClusterError(str(error), hint="choose another folder for --data") from error


async def serve(
    folder: Path,
    data: Path | None,
    port: int,
    now: Callable[[], datetime],
    stop: asyncio.Event,
    *,
    workloads: bool,
) -> None:
    """Serves until ``stop`` is set. The kubeconfigs are written into ``folder`` when requests can come.

    Args:
        data: keeps objects, certificates and tokens; None for objects in memory.
        port: 0 for any that is free.
        workloads: Pods come up, and controllers act.
    """
    home = data or folder
    home.mkdir(parents=True, exist_ok=True)
    ensure_certificates(home / "certificates", now())
    kept = ensure_secrets(home / "tokens.json", USERS)
    ca = (home / "certificates" / "ca.crt").read_bytes()
    async with AsyncExitStack() as stack:
        storage = await Storage.open(data / "objects" if data else None)
        stack.push_async_callback(storage.close)
        tokens = TokenBook(kept, USERS, now)
        api = KubernetesApi(storage, tokens, now=now, random=SystemRandom())
        upkeep = Upkeep(api, storage, now=now, ca=ca.decode())
        stack.push_async_callback(upkeep.close)
        await upkeep.start()
        if workloads:
            await stack.enter_async_context(Player(Inside(api, storage), read_lifecycles(), now))
        runner = await listen(Gate(api, tokens).handle, home / "certificates", port)
        stack.push_async_callback(runner.cleanup)
        url = f"https://{HOST}:{runner.addresses[0][1]}"
        for user, token in kept.users.items():
            write_kubeconfig(folder / f"{user.rpartition(':')[2]}.kubeconfig", url, ca, user, token)
        # What is there now stays: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        await stop.wait()

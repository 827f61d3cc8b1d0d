"""A cluster in this process, until it is told to stop."""

import asyncio
import signal
from datetime import UTC, datetime
from pathlib import Path

from pocketkube.cluster.server import serve
from pocketkube.cluster.storage import StorageFailed
from pocketkube.errors import ClusterError


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


async def until_told(folder: Path, data: Path | None, port: int) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        folder: gets the kubeconfigs when requests can come.
        data: keeps objects, certificates and tokens; None for objects in memory.
        port: on 127.0.0.1; 0 for any that is free.

    Raises:
        ClusterError: the port is taken, or the folder cannot be used.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await serve(folder, data, port, now, stop)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise ClusterError(f"{where}{error.strerror or error}", hint="choose another --port or --data") from error
    except StorageFailed as error:
        raise ClusterError(str(error), hint="choose another folder for --data") from error

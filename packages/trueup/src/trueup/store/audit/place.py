"""The place of a trail that is written: its folder is made, and what earlier releases had elsewhere comes to it."""

import contextlib
import os
import sqlite3
import tempfile
from pathlib import Path

from trueup.kube.client import Client
from trueup.runtime.folder import own_folder
from trueup.runtime.logger import Logger
from trueup.store.audit.address import TRAIL, locate

log = Logger("trueup.audit")

REMEDY = "set XDG_STATE_HOME to a folder that you may write, or name one by --state"


async def prepare(client: Client, state: Path, namespace: str, *, old: Path, ours: bool) -> Path:
    """The trail that an engine writes: its folder is there and can be written, and what lay at ``old`` has come to it.

    Args:
        old: where earlier releases had it, in a data folder that this process holds.
        ours: whether what lies there is certainly of this cluster.

    Raises:
        FolderUnusable: with what to do about it.
        ApiError: as :func:`locate`.
    """
    own_folder(state, remedy=REMEDY)
    path = await locate(client, state, namespace)
    own_folder(path.parent, remedy=REMEDY)
    settle(old, path, ours=ours)
    return path


def settle(old: Path, new: Path, *, ours: bool) -> None:
    """Move a trail from where earlier releases had it, and leave a link there for those who look for it.

    What cannot be moved stays, and the log says where: the trail goes on in the new place either way.
    """
    try:
        if old.is_file() and not old.is_symlink():
            if not ours or new.exists():
                log.warning("an older audit trail stays where it is", path=str(old), trail=str(new))
                return
            _move(old, new)
            log.info("audit trail moved", path=str(old), trail=str(new))
        if old.is_symlink() and old.readlink() != new:
            old.unlink()
        if not old.is_symlink():
            old.symlink_to(new)
    except (OSError, sqlite3.Error) as error:
        log.warning("an older audit trail stays where it is", path=str(old), trail=str(new), error=str(error))


def _move(old: Path, new: Path) -> None:
    """Whole or not at all, with what its log still holds, and over nothing that is there."""
    with tempfile.TemporaryDirectory(dir=new.parent, prefix=".moving-") as folder:
        copy = Path(folder) / TRAIL
        with contextlib.closing(sqlite3.connect(old)) as source, contextlib.closing(sqlite3.connect(copy)) as target:
            source.backup(target)
            (verdict,) = target.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        copy.chmod(0o600)
        os.link(copy, new)
    for suffix in ("", "-wal", "-shm"):
        old.with_name(old.name + suffix).unlink(missing_ok=True)

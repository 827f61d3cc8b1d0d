"""Keeps objects in a SQLite file. A thread writes everything that came meanwhile in one transaction (group commit)."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

from pocketkube.cluster.storage.entry import Event, StorageFailed, StoredObject

_FILE: Final = "objects.sqlite"
_FORMAT: Final = 1
_GAP: Final = 100_000
"""Revisions left out at each start: what a reader saw that a crash undid never comes back under its number."""
_TABLES: Final = """
CREATE TABLE objects (
    stored_as TEXT, namespace TEXT, name TEXT, uid TEXT, revision INTEGER, body BLOB,
    PRIMARY KEY (stored_as, namespace, name)
) WITHOUT ROWID;
CREATE TABLE counter (revision INTEGER);
INSERT INTO counter VALUES (1);
"""
_KEEP: Final = "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?)"
_DROP: Final = "DELETE FROM objects WHERE stored_as = ? AND namespace = ? AND name = ?"

_Row = tuple[str, Event]
T = TypeVar("T")


class Journal:
    """The file of one storage; one process at a time.

    Args:
        folder: where the file is.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._pending: list[_Row] = []
        self._writing: asyncio.Task[None] | None = None
        self._written = 0
        self._failure: StorageFailed | None = None
        self._database: sqlite3.Connection | None = None

    async def open(self) -> int:
        """Opens the file, or makes it; gives the revision to go on from.

        Raises:
            StorageFailed.
        """
        revision = await self._run(self._open)
        self._written = revision
        return revision

    async def load(self) -> list[tuple[str, StoredObject]]:
        """Every object kept, with the name of its store.

        Raises:
            StorageFailed.
        """
        return await self._run(self._load)

    def add(self, stored_as: str, event: Event) -> None:
        """Takes a change to be written soon."""
        self._pending.append((stored_as, event))
        if self._writing is None and self._failure is None:
            self._writing = asyncio.get_running_loop().create_task(self._write_all())

    async def written(self, revision: int) -> None:
        """Returns when all changes up to a revision are on disk.

        Raises:
            StorageFailed: they are not and will not be.
        """
        while self._written < revision:
            if self._failure is not None:
                raise self._failure
            if self._writing is None:
                return
            await asyncio.shield(self._writing)

    async def close(self) -> None:
        """Writes what is left and closes the file."""
        while self._writing is not None:
            await asyncio.shield(self._writing)
        if self._database is not None:
            await self._run(self._database.close)
        self._thread.shutdown(wait=False)

    async def _write_all(self) -> None:
        try:
            while self._pending and self._failure is None:
                batch, self._pending = self._pending, []
                try:
                    await self._run(self._write, batch)
                except StorageFailed as error:
                    self._failure = error
                else:
                    self._written = batch[-1][1].entry.revision
        finally:
            self._writing = None

    async def _run(self, work: Callable[..., T], *args: Any) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, *args)
        except (sqlite3.Error, OSError) as error:
            why = "another process uses it" if "locked" in str(error) else str(error)
            raise StorageFailed(f"{self._path}: {why}") from None

    def _open(self) -> int:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=0)
        self._database = database
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, _FORMAT):
            raise StorageFailed(f"{self._path}: made by another version (format {version}); remove it or use that one")
        database.execute("BEGIN IMMEDIATE")
        if version == 0:
            for statement in _TABLES.split(";")[:-1]:
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {_FORMAT}")
        revision = int(database.execute("SELECT revision FROM counter").fetchone()[0])
        if version:
            revision += _GAP
            database.execute("UPDATE counter SET revision = ?", (revision,))
        database.execute("COMMIT")
        return revision

    def _load(self) -> list[tuple[str, StoredObject]]:
        rows = self._connection().execute("SELECT * FROM objects")
        return [(row[0], StoredObject(*row[1:])) for row in rows]

    def _write(self, batch: Sequence[_Row]) -> None:
        database = self._connection()
        latest = {(stored_as, event.entry.namespace, event.entry.name): event for stored_as, event in batch}
        kept = [
            (*key, event.entry.uid, event.entry.revision, event.entry.body)
            for key, event in latest.items()
            if event.type != "DELETED"
        ]
        database.execute("BEGIN")
        database.executemany(_KEEP, kept)
        database.executemany(_DROP, [key for key, event in latest.items() if event.type == "DELETED"])
        database.execute("UPDATE counter SET revision = ?", (batch[-1][1].entry.revision,))
        database.execute("COMMIT")

    def _connection(self) -> sqlite3.Connection:
        if self._database is None:
            raise StorageFailed(f"{self._path}: not open")
        return self._database

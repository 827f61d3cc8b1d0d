"""Writing the trail: a SQLite database, many writers in one transaction, durable before anybody is told."""

import asyncio
import contextlib
import math
import sqlite3
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import msgspec

from kubegrammar.named_secrets import MASK, names_secret
from kubegrammar.redact import redact_url
from kubegrammar.time import parse_time
from trueup.model.audit import Action, AuditRecord, FieldChange
from trueup.model.errors import TrueupError
from trueup.runtime.logger import Logger
from trueup.runtime.secrecy import told
from trueup.runtime.threads import Threads

log = Logger("trueup.audit")
T = TypeVar("T")

VERSION = 2
PATIENCE = 10.0
"""Seconds that a write waits for another engine's."""
LONGEST_MESSAGE = 1000
LONGEST_VALUE = 200
"""Characters kept of a message, and of a field's value."""
LATEST = 500
"""Entries that tell how things stand: an application that has more drifts than that tells some of them again."""
RETENTION = timedelta(days=400)
SWEEP_EVERY = 3600.0
SWEEP_BATCH = 1000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    application TEXT NOT NULL,
    object TEXT NOT NULL,
    actor TEXT NOT NULL,
    revision TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS by_application ON entries (application, id);
CREATE INDEX IF NOT EXISTS by_object ON entries (object, id) WHERE object <> '';
CREATE INDEX IF NOT EXISTS by_time ON entries (at);
CREATE INDEX IF NOT EXISTS by_revision ON entries (revision, id) WHERE revision <> '';
CREATE TABLE IF NOT EXISTS retention (until INTEGER NOT NULL) STRICT;
INSERT INTO retention SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM retention);
CREATE TABLE IF NOT EXISTS intents (id INTEGER PRIMARY KEY, application TEXT NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TRIGGER IF NOT EXISTS nothing_is_changed BEFORE UPDATE ON entries
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER IF NOT EXISTS nothing_goes_before_its_time BEFORE DELETE ON entries
    WHEN OLD.at >= (SELECT until FROM retention)
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
"""
_INSERT = "INSERT INTO entries (id, at, action, application, object, actor, revision, body) VALUES (?,?,?,?,?,?,?,?)"

_LATEST = "SELECT body FROM entries WHERE application = ? ORDER BY id DESC LIMIT ?"
_OPERATION = "SELECT body FROM entries WHERE application = ? AND action IN (?, ?) ORDER BY id DESC LIMIT 1"


class _Batch(msgspec.Struct, frozen=True):
    """What is appended as one. ``of`` names the application whose intents are replaced; empty for none."""

    entries: Sequence[AuditRecord]
    of: str = ""
    intents: Sequence[AuditRecord] = ()


class AuditFailed(TrueupError):
    """The trail cannot be written."""

    reason = "AuditFailed"


class Trail:
    """Appends entries. Whoever waits for :meth:`write` knows that they survive the process.

    Args:
        path: of the database; opened by the first write, for its owner only.
        retention: how long entries are kept.
    """

    def __init__(self, path: Path, now: Callable[[], datetime], *, retention: timedelta = RETENTION) -> None:
        self.path = path
        self._now, self._retention = now, retention
        self._thread = Threads(1, "audit", patience=math.inf)
        self._database: sqlite3.Connection | None = None
        self._swept: datetime | None = None
        self._pending: list[tuple[_Batch, asyncio.Future[list[int]]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def write(self, *entries: AuditRecord, settles: str = "") -> list[int]:
        """Append, and return the ids once the entries are on the disk. All that waits shares one transaction.

        Args:
            settles: an application whose intents have come to an end: they go in the same transaction.

        Raises:
            AuditFailed: the disk is full, or the file cannot be written.
        """
        return await self._written(_Batch([_told(each) for each in entries], settles)) if entries or settles else []

    async def intend(self, application: str, intents: Sequence[AuditRecord]) -> None:
        """Note what is about to be done, so that it is not lost with a process that is killed while doing it.

        Raises:
            AuditFailed: as :meth:`write`.
        """
        await self._written(_Batch((), application, [_told(each) for each in intents]))

    async def intended(self, application: str) -> list[AuditRecord]:
        """What was noted and came to no end.

        Raises:
            AuditFailed: the file cannot be read.
        """
        return await self._read(self._read_intents, application)

    async def last_operation(self, application: str) -> AuditRecord | None:
        """The newest entry about an operation as a whole, that it was started or has ended; None where there is none.

        Raises:
            AuditFailed: the file cannot be read.
        """
        return await self._read(self._read_operation, application)

    async def latest(self, application: str) -> list[AuditRecord]:
        """The newest entries about an application, the newest first, some hundreds of them.

        Raises:
            AuditFailed: the file cannot be read.
        """
        return await self._read(self._read_latest, application)

    async def _read(self, what: Callable[[str], T], application: str) -> T:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, what, application)
        except Exception as error:
            raise error if isinstance(error, AuditFailed) else _failure(error) from error

    async def _written(self, batch: _Batch) -> list[int]:
        done: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
        self._pending.append((batch, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._drain(), name="audit")
        return await done

    async def close(self) -> None:
        """Write what waits, and close the file."""
        if self._writing is not None:
            await self._writing
        await asyncio.get_running_loop().run_in_executor(self._thread, self._shut)
        self._thread.shutdown()

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._pending:
                batch, self._pending = self._pending, []
                try:
                    ids = await loop.run_in_executor(self._thread, self._append, [each for each, _ in batch])
                except Exception as error:  # whoever waits must be told, whatever it is
                    failure = error if isinstance(error, AuditFailed) else _failure(error)
                    for _, done in batch:
                        if not done.done():
                            done.set_exception(failure)
                    continue
                for (_, done), given in zip(batch, ids, strict=True):
                    if not done.done():
                        done.set_result(given)
        finally:
            self._writing = None

    # --- in the thread -------------------------------------------------------------------------------------------

    def _append(self, batches: Sequence[_Batch]) -> list[list[int]]:
        database = self._opened()
        with database:
            # Before the ids are chosen: another engine of this machine may have written since.
            database.execute("BEGIN IMMEDIATE")
            (last,) = database.execute("SELECT max(id) FROM entries").fetchone()
            rows, given = _numbered([batch.entries for batch in batches], (last or 0) + 1)
            database.executemany(_INSERT, rows)
            for batch in batches:
                if batch.of:
                    database.execute("DELETE FROM intents WHERE application = ?", (batch.of,))
                    noted = [(batch.of, msgspec.json.encode(intent)) for intent in batch.intents]
                    database.executemany("INSERT INTO intents (application, body) VALUES (?,?)", noted)
        self._sweep(database)
        return given

    def _read_intents(self, application: str) -> list[AuditRecord]:
        rows = self._opened().execute("SELECT body FROM intents WHERE application = ? ORDER BY id", (application,))
        return [msgspec.json.decode(body, type=AuditRecord) for (body,) in rows]

    def _read_operation(self, application: str) -> AuditRecord | None:
        row = self._opened().execute(_OPERATION, (application, str(Action.STARTED), str(Action.FINISHED))).fetchone()
        return msgspec.json.decode(row[0], type=AuditRecord) if row else None

    def _read_latest(self, application: str) -> list[AuditRecord]:
        rows = self._opened().execute(_LATEST, (application, LATEST))
        return [msgspec.json.decode(body, type=AuditRecord) for (body,) in rows]

    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._database = self._open()
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                aside = self.path.with_name(f"{self.path.name}.damaged-{int(self._now().timestamp())}")
                log.warning("the audit trail is damaged, a new one begins", kept=aside.name, error=str(error))
                self.path.rename(aside)
                for suffix in ("-wal", "-shm"):
                    self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
                self._database = self._open()
        return self._database

    def _open(self) -> sqlite3.Connection:
        self.path.touch(mode=0o600)
        database = sqlite3.connect(self.path, isolation_level="DEFERRED", check_same_thread=False, timeout=PATIENCE)
        try:
            _keep_a_log(database)
            # The log outlives this process; only with a machine that dies may the last transactions go.
            database.execute("PRAGMA synchronous=NORMAL")
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version < VERSION:
                # Two engines on one machine share a trail, and may come to make it at one time.
                with database:
                    database.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version={VERSION}; COMMIT;")
            elif version > VERSION:
                raise AuditFailed(
                    f"{self.path.name} was written by a newer release",
                    hint="run that release, or choose another --state",
                )
        except BaseException:
            database.close()
            raise
        return database

    def _sweep(self, database: sqlite3.Connection) -> None:
        """Let go of what is too old, a little at a time."""
        now = self._now()
        if self._swept is not None and (now - self._swept).total_seconds() < SWEEP_EVERY:
            return
        until = int((now - self._retention).timestamp() * 1_000_000)
        with database:
            database.execute("UPDATE retention SET until = ?", (until,))
            gone = database.execute(
                "DELETE FROM entries WHERE id IN (SELECT id FROM entries WHERE at < ? LIMIT ?)", (until, SWEEP_BATCH)
            ).rowcount
        if gone < SWEEP_BATCH:
            self._swept = now

    def _shut(self) -> None:
        if self._database is not None:
            with contextlib.suppress(sqlite3.Error):
                self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._database.close()
            self._database = None


def _keep_a_log(database: sqlite3.Connection) -> None:
    """Have SQLite write ahead. It waits for nobody who is about to write while a database changes to that: who opens it
    beside an engine that does the same has to ask again.

    Raises:
        sqlite3.OperationalError: somebody holds the database.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            database.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
        time.sleep(0.01)


def _told(entry: AuditRecord) -> AuditRecord:
    """An entry as it may be kept: no secret in it, and no text longer than people read."""
    return msgspec.structs.replace(
        entry,
        object=told(entry.object),
        by=msgspec.structs.replace(entry.by, name=told(entry.by.name), signer=told(entry.by.signer)),
        changes=tuple(map(_told_change, entry.changes)),
        repository=told(redact_url(entry.repository)),
        message=_cut(told(entry.message), LONGEST_MESSAGE),
    )


def _told_change(change: FieldChange) -> FieldChange:
    path = told(change.path)
    if names_secret(change.path):
        return FieldChange(path, MASK if change.before else "", MASK if change.after else "")
    return FieldChange(path, _cut(told(change.before), LONGEST_VALUE), _cut(told(change.after), LONGEST_VALUE))


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _numbered(batch: Sequence[Sequence[AuditRecord]], number: int) -> tuple[list[tuple[object, ...]], list[list[int]]]:
    """Rows, and the ids of each sequence of entries, from a number on."""
    rows: list[tuple[object, ...]] = []
    given: list[list[int]] = []
    for entries in batch:
        ids = []
        for entry in entries:
            body = msgspec.json.encode(msgspec.structs.replace(entry, id=number))
            at, action = microseconds(entry.at), str(entry.action)
            rows.append((number, at, action, entry.application, entry.object, entry.by.name, entry.revision, body))
            ids.append(number)
            number += 1
        given.append(ids)
    return rows, given


def _failure(error: Exception) -> AuditFailed:
    return AuditFailed(
        f"the audit trail cannot be written: {error}", hint="free some space, or choose another folder by --state"
    )


def microseconds(at: str) -> int:
    """A time as whole microseconds since 1970."""
    moment = parse_time(at)
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond

"""Reading the trail, also while an engine writes it."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import msgspec

from kubegrammar.glob import glob_match
from trueup.model.audit import AuditRecord
from trueup.model.errors import TrueupError
from trueup.store.audit.trail import microseconds


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries. What is empty filters nothing.

    Attributes:
        application: ``namespace/name``.
        object: a glob over ``group/Kind/namespace/name``, or a part of it.
        since, until: RFC 3339; the second is not included.
        by: a part of the actor's name.
        revision: the start of a commit, whether it was left or reached.
        limit: the newest so many; 0 for all.
    """

    application: str = ""
    object: str = ""
    since: str = ""
    until: str = ""
    by: str = ""
    revision: str = ""
    action: str = ""
    limit: int = 0

    def takes(self, entry: AuditRecord) -> bool:
        """Whether an entry is meant; the limit aside."""
        pattern = self.object if any(c in self.object for c in "*?[") else f"*{self.object}*"
        return (
            (not self.application or entry.application == self.application)
            and (not self.object or glob_match(pattern, entry.object))
            and (not self.since or microseconds(entry.at) >= microseconds(self.since))
            and (not self.until or microseconds(entry.at) < microseconds(self.until))
            and (not self.by or self.by.lower() in entry.by.name.lower())
            and (not self.revision or _reaches(entry, self.revision.lower()))
            and (not self.action or entry.action == self.action)
        )


def query(path: Path, wanted: Filter) -> Iterator[AuditRecord]:
    """The entries, oldest first.

    Raises:
        TrueupError: there is no trail, or it cannot be read.
    """
    if not os.path.exists(path):  # noqa: PTH110 - Path.exists raises where a folder above may not be entered
        raise TrueupError(
            f"there is no audit trail at {path}",
            hint="`trueup server` writes one; --state names the folder where, --data the engine whose trail it is",
        )
    clauses, values = ["1"], list[str | int]()
    for clause, value in (
        ("application = ?", wanted.application),
        ("action = ?", wanted.action),
        ("at >= ?", microseconds(wanted.since) if wanted.since else ""),
        ("at < ?", microseconds(wanted.until) if wanted.until else ""),
    ):
        if value != "":
            clauses.append(clause)
            values.append(value)
    # From the newest on, so that a limit ends the search; the rest of the filter is the entries' own.
    statement = f"SELECT body FROM entries WHERE {' AND '.join(clauses)} ORDER BY id DESC"  # noqa: S608 - constants
    found: list[AuditRecord] = []
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=10)) as database:
            for (body,) in database.execute(statement, values):
                entry = msgspec.json.decode(body, type=AuditRecord)
                if wanted.takes(entry):
                    found.append(entry)
                    if wanted.limit and len(found) >= wanted.limit:
                        break
    except (sqlite3.Error, msgspec.MsgspecError) as error:
        raise TrueupError(
            f"the audit trail at {path} cannot be read: {error}", hint="is it the engine's file?"
        ) from error
    return reversed(found)


def _reaches(entry: AuditRecord, start: str) -> bool:
    return entry.revision.startswith(start) or entry.from_revision.startswith(start)

"""The audit trail as an engine writes and reads it."""

from collections.abc import Sequence
from pathlib import Path

import structlog

from trueup.model.audit import AuditRecord
from trueup.store.audit import Trail
from trueup.store.audit.trail import AuditFailed

log = structlog.get_logger("trueup.application")


class AuditJournal:
    """A trail that cannot be written or read is told loudly, and stops no delivery."""

    def __init__(self, trail: Trail) -> None:
        self._trail = trail

    @property
    def path(self) -> Path:
        """Where the trail lies, for those who read it."""
        return self._trail.path

    async def write(self, *entries: AuditRecord, settles: str = "") -> list[int]:
        """As the trail's; ids are 0 where it failed."""
        try:
            return await self._trail.write(*entries, settles=settles)
        except AuditFailed as error:
            log.error("not on record", entries=len(entries), error=str(error))
            return [0] * len(entries)

    async def intend(self, application: str, intents: Sequence[AuditRecord]) -> None:
        """As the trail's."""
        try:
            await self._trail.intend(application, intents)
        except AuditFailed as error:
            log.error("not on record", entries=len(intents), error=str(error))

    async def intended(self, application: str) -> list[AuditRecord]:
        """As the trail's; nothing where it cannot be read."""
        try:
            return await self._trail.intended(application)
        except AuditFailed as error:
            log.error("the audit trail cannot be read", error=str(error))
            return []

    async def latest(self, application: str) -> list[AuditRecord]:
        """As the trail's; nothing where it cannot be read."""
        try:
            return await self._trail.latest(application)
        except AuditFailed as error:
            log.error("the audit trail cannot be read", error=str(error))
            return []

    async def last_operation(self, application: str) -> AuditRecord | None:
        """As the trail's; None where it cannot be read."""
        try:
            return await self._trail.last_operation(application)
        except AuditFailed as error:
            log.error("the audit trail cannot be read", error=str(error))
            return None

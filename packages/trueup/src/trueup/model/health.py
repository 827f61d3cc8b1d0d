"""Health of an object or an application."""

from enum import StrEnum

import msgspec


class HealthCode(StrEnum):
    """Argo CD's health codes, from best to worst (``gitops-engine/pkg/health``)."""

    HEALTHY = "Healthy"
    SUSPENDED = "Suspended"
    PROGRESSING = "Progressing"
    MISSING = "Missing"
    DEGRADED = "Degraded"
    UNKNOWN = "Unknown"

    @property
    def rank(self) -> int:
        """0 for the best; grows as health worsens."""
        return list(HealthCode).index(self)


class Health(msgspec.Struct, frozen=True, gc=False):
    """A verdict, with the reason where there is one to give."""

    status: HealthCode
    message: str = ""

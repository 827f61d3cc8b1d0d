"""The audit trail: one append-only record for each thing that was done or seen."""

from trueup.store.audit.query import Filter, query
from trueup.store.audit.trail import Trail

__all__ = ["Filter", "Trail", "query"]

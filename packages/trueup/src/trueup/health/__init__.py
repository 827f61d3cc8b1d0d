"""Live objects → health, as Argo CD's ``gitops-engine/pkg/health`` judges the built-in kinds."""

from trueup.health.assess import assess, has_check
from trueup.health.child import is_known
from trueup.health.rollup import roll_up

__all__ = ["assess", "has_check", "is_known", "roll_up"]

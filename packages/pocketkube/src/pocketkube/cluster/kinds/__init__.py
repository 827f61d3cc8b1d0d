"""The built-in kinds: their stored forms, defaults, rules and the fields that may not change."""

from pocketkube.cluster.kinds.cluster import Kinds
from pocketkube.cluster.kinds.rules import HomeObjects

__all__ = ["HomeObjects", "Kinds"]

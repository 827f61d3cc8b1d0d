"""The built-in kinds: their stored forms, defaults, rules and the fields that may not change."""

from trueup.sandbox.cluster.kinds.cluster import Kinds
from trueup.sandbox.cluster.kinds.rules import Objects

__all__ = ["Kinds", "Objects"]

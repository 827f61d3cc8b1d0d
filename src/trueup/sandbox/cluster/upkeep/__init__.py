"""What the embedded server does of itself, beside answering requests."""

from trueup.sandbox.cluster.upkeep.logs import log_lines
from trueup.sandbox.cluster.upkeep.upkeep import Upkeep

__all__ = ["Upkeep", "log_lines"]

"""What the embedded server does of itself, beside answering requests."""

from pocketkube.cluster.upkeep.logs import log_lines
from pocketkube.cluster.upkeep.upkeep import Upkeep

__all__ = ["Upkeep", "log_lines"]

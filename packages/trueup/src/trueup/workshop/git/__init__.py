"""A Git server for first steps and tests: smart HTTP with push, by git's own ``http-backend``."""

from trueup.workshop.git.server import GitServer, Push

__all__ = ["GitServer", "Push"]

"""An OCI registry for first steps and tests: the distribution API on files."""

from trueup.sandbox.registry.server import Registry

__all__ = ["Registry"]

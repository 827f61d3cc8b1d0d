"""An OCI registry for first steps and tests: the distribution API on files."""

from trueup.workshop.registry.server import SandboxRegistry

__all__ = ["SandboxRegistry"]

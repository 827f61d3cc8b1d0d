"""A CI runner for first steps: on a push it runs the repository's pipeline file, and keeps what it printed."""

from trueup.sandbox.ci.runner import Run, Runner

__all__ = ["Run", "Runner"]

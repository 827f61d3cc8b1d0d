"""A CI runner for first steps: on a push it runs the repository's pipeline file, and keeps what it printed."""

from trueup.workshop.ci.runner import PipelineRun, Runner

__all__ = ["PipelineRun", "Runner"]

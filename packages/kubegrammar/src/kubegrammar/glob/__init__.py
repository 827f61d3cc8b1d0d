"""Globs in the two dialects of the field; each match takes time linear in the text, whatever the pattern."""

from kubegrammar.glob.doublestar import doublestar_match, doublestar_problem, doublestar_size
from kubegrammar.glob.gobwas import file_match, glob_match, glob_problem
from kubegrammar.glob.steps import OutOfSteps, Steps

__all__ = [
    "OutOfSteps",
    "Steps",
    "doublestar_match",
    "doublestar_problem",
    "doublestar_size",
    "file_match",
    "glob_match",
    "glob_problem",
]

"""Globs in the two dialects of the field; each match takes time linear in the text, whatever the pattern."""

from kubegrammar.glob.doublestar import doublestar_match, doublestar_problem
from kubegrammar.glob.gobwas import file_match, glob_match, glob_problem

__all__ = ["doublestar_match", "doublestar_problem", "file_match", "glob_match", "glob_problem"]

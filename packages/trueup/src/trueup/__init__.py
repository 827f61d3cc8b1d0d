"""Trueup keeps Kubernetes clusters true to Git."""

__version__ = "0.1.0"

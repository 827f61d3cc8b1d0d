"""Errors of a cluster that a user should read."""

from kubegrammar.errors import Explained


class ClusterError(Explained):
    """A cluster could not be started, found or ended."""


class ProcessFailed(ClusterError):
    """A process of a cluster ended or did not become ready; the message carries the end of its log."""

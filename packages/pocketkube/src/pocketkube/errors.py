"""Errors of a cluster that a user should read."""

from kubegrammar.errors import Explained


class ClusterError(Explained):
    """A cluster could not be started, found or ended."""

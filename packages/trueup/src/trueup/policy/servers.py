"""Servers of clusters as a project or a setting names them."""

from kubegrammar.glob import glob_match
from trueup.model.server import canonical_server


def matches_server(pattern: str, server: str) -> bool:
    """Whether a glob of a project names a server, however the one and the other is spelt."""
    if glob_match(pattern, server):
        return True
    if "://" in pattern:
        return glob_match(canonical_server(pattern), canonical_server(server))
    # Where the host ends in a pattern without a scheme nobody knows.
    return glob_match(pattern.strip().rstrip("/").lower(), canonical_server(server).lower())

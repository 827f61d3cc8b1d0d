"""Where an engine keeps its own files."""

import hashlib
import os
from pathlib import Path

from trueup.kube.config import ClusterConfig


def data_folder(config: ClusterConfig, namespace: str) -> Path:
    """One folder for each engine: two on one machine must not share it."""
    engine = hashlib.sha256(f"{config.server} {namespace}".encode()).hexdigest()[:12]
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "trueup" / f"engine-{engine}"

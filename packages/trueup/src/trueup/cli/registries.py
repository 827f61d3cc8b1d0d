"""What commands show a registry: variables, or Docker's configuration."""

import json
import os
from pathlib import Path

from trueup.cli.home import home
from trueup.sources.registry import Access, access_from_dockerconfig

USERNAME, PASSWORD = "TRUEUP_REGISTRY_USERNAME", "TRUEUP_REGISTRY_PASSWORD"


def registry_access(registry: str, repository: str) -> Access:
    """How a registry is reached by who runs a command."""
    if os.environ.get(PASSWORD):
        return Access(username=os.environ.get(USERNAME, ""), password=os.environ[PASSWORD])
    folder = os.environ.get("DOCKER_CONFIG") or str(home() / ".docker")
    try:
        data = (Path(folder) / "config.json").read_bytes()
        json.loads(data)
    except (OSError, ValueError):
        return Access()
    return access_from_dockerconfig(data, registry, repository) or Access()

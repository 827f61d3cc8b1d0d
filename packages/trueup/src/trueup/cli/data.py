"""Where an engine keeps its own files."""

import hashlib
from pathlib import Path

import click

from trueup.cli.home import cache_home, state_home
from trueup.kube.config import ClusterConfig

state_option = click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
    default=None,
    help="Folder of the audit trails, one for each cluster (default: below $XDG_STATE_HOME).",
)


def data_folder(config: ClusterConfig, namespace: str, shard: int = 0) -> Path:
    """What can be made anew. One folder for each engine: two on one machine must not share it."""
    said = f"{config.server} {namespace}{f' {shard}' if shard else ''}"
    engine = hashlib.sha256(said.encode()).hexdigest()[:12]
    return cache_home() / "trueup" / f"engine-{engine}"


def state_folder() -> Path:
    """What must last, of all engines of this user."""
    return state_home() / "trueup"

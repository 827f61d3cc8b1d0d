"""Where a trail lies: in the state folder, by cluster and control namespace, whatever address it has today."""

import contextlib
import hashlib
from pathlib import Path

from trueup.kube.client import Client
from trueup.kube.config import ClusterConfig
from trueup.kube.errors import ApiError
from trueup.store.identity import cluster_identity

TRAIL = "audit.db"
CLUSTERS, ADDRESSES = "clusters", "addresses"


async def locate(client: Client, state: Path, namespace: str) -> Path:
    """The trail of a cluster's control namespace. One that does not answer is the one that had its address last.

    Args:
        state: Trueup's state folder.

    Raises:
        ApiError: the cluster does not answer, and was never seen at its address.
    """
    memory = state / CLUSTERS / ADDRESSES / _address(client.config)
    try:
        identity = await cluster_identity(client)
    except ApiError:
        identity = _recalled(memory)
        if not identity:
            raise
    else:
        _remember(memory, identity)
    return state / CLUSTERS / identity / namespace / TRAIL


def _address(config: ClusterConfig) -> str:
    """An address and the certificate there, so that a later cluster at one address is another."""
    return hashlib.sha256(config.server.encode() + b"\0" + config.ca_data).hexdigest()[:32]


def _remember(memory: Path, identity: str) -> None:
    if _recalled(memory) == identity:
        return
    # Who only reads may lack the right to write here, and then asks the cluster each time.
    with contextlib.suppress(OSError):
        memory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        memory.write_text(identity)


def _recalled(memory: Path) -> str:
    try:
        return memory.read_text()
    except (OSError, ValueError):
        return ""

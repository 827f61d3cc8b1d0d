"""Which clusters are known, by the Secrets of the control namespace."""

from typing import Any

from trueup.kube.client import Client
from trueup.kube.errors import NotFound
from trueup.policy.settings import CONFIG_MAP, PARAMETERS
from trueup.store.clusters.known import SELECTOR, KnownClusters
from trueup.store.credentials import CONFIG_MAP as CONFIG_MAPS
from trueup.store.credentials import SECRET
from trueup.store.settings import read_settings


async def known_clusters(client: Client, namespace: str) -> KnownClusters:
    """The clusters as the engine knows them.

    Raises:
        ApiError: the Secrets or the settings may not be read.
    """
    data = [await settings_data(client, namespace, name) for name in (CONFIG_MAP, PARAMETERS)]
    settings = read_settings(*data)
    found = KnownClusters(client, namespace, settings=lambda: settings)
    found.replaced((await client.list(SECRET, namespace, label_selector=SELECTOR)).objects)
    return found


async def settings_data(client: Client, namespace: str, name: str) -> dict[str, Any]:
    """The data of a ConfigMap of settings; nothing where there is none."""
    try:
        return (await client.get(CONFIG_MAPS, namespace, name)).object().get("data") or {}
    except NotFound:
        return {}

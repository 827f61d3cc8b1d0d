"""Cluster Secrets: how they are called, made, found and shown."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

from kubegrammar.fnv import fnv32a
from trueup.kube.client import Client
from trueup.kube.config import ClusterConfig
from trueup.kube.errors import ConfigError
from trueup.model.application import IN_CLUSTER_NAME, IN_CLUSTER_SERVER
from trueup.model.errors import TrueupError
from trueup.model.live import LiveObject
from trueup.model.server import canonical_server
from trueup.store.clusters.known import OWN, SELECTOR
from trueup.store.clusters.secret import (
    CLUSTER,
    LABEL,
    ClusterEntry,
    read_entry,
)
from trueup.store.credentials import SECRET, decoded

MANAGED_BY = {"managed-by": "argocd.argoproj.io"}
"""What Argo CD puts on a Secret that a command made."""


class ClusterSecret(msgspec.Struct, frozen=True):
    """A cluster Secret.

    Attributes:
        secret: its name; empty for the engine's own cluster, which needs none.
        entry: what it says; None where it cannot be used.
        problem: why it cannot.
        data: its values; never shown.
    """

    secret: str
    name: str
    server: str
    project: str = ""
    entry: ClusterEntry | None = None
    problem: str = ""
    live: LiveObject | None = None
    data: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return f"Kept({self.secret!r})"


def secret_name(server: str) -> str:
    """Argo CD's name of a cluster's Secret: its host, and FNV-1a of its URL (``URIToSecretName``)."""
    host = (urlsplit(server).hostname or "").strip("[]").replace(":", "-").replace("_", "-")
    return f"cluster-{host}-{fnv32a(server)}"


def config_json(config: ClusterConfig) -> str:
    """The field ``config`` of a Secret."""
    tls: dict[str, Any] = {"insecure": config.insecure}
    for field, data in (("caData", config.ca_data), ("certData", config.cert_data), ("keyData", config.key_data)):
        if data:
            tls[field] = base64.b64encode(data).decode()
    if config.tls_server_name:
        tls["serverName"] = config.tls_server_name
    said: dict[str, Any] = {"tlsClientConfig": tls}
    for name, text in (
        ("bearerToken", config.token),
        ("username", config.username),
        ("password", config.password),
        ("proxyUrl", config.proxy),
    ):
        if text:
            said[name] = text
    if plugin := config.plugin:
        said["execProviderConfig"] = {
            "command": plugin.command,
            "args": list(plugin.args),
            "env": dict(plugin.env),
            "apiVersion": plugin.api_version,
            "installHint": plugin.install_hint,
        }
    return msgspec.json.encode(said).decode()


def secret_object(namespace: str, name: str, data: Mapping[str, str], metadata: Mapping[str, Any]) -> dict[str, Any]:
    """A cluster Secret as it is written.

    Args:
        metadata: labels and annotations beside those that every such Secret has.
    """
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {**(metadata.get("labels") or {}), LABEL: CLUSTER},
            "annotations": {**(metadata.get("annotations") or {}), **MANAGED_BY},
        },
        "type": "Opaque",
        "data": {field: base64.b64encode(value.encode()).decode() for field, value in data.items() if value},
    }


async def kept(client: Client, namespace: str) -> list[ClusterSecret]:
    """The clusters that are known, by name, the engine's own among them."""
    listing = await client.list(SECRET, namespace, label_selector=SELECTOR)
    found = [_kept(live) for live in listing.objects]
    if not any(each.server == IN_CLUSTER_SERVER for each in found):
        found.append(ClusterSecret("", IN_CLUSTER_NAME, IN_CLUSTER_SERVER, entry=OWN))
    return sorted(found, key=lambda each: (each.server != IN_CLUSTER_SERVER, each.name, each.secret))


def _kept(live: LiveObject) -> ClusterSecret:
    data = decoded(live.object())
    server = canonical_server(data.get("server", ""))
    name, project = data.get("name", "").strip() or server, data.get("project", "").strip()
    try:
        # Which programs the engine may run is its own affair: a Secret that names one is none the worse for it here.
        entry = read_entry(live, data, programs=None)
    except ConfigError as error:
        return ClusterSecret(live.key.name, name, server, project, None, str(error), live, data)
    return ClusterSecret(live.key.name, name, server, project, entry, "", live, data)


def only(found: Sequence[ClusterSecret], named: str) -> ClusterSecret:
    """The cluster of a name or server.

    Raises:
        TrueupError: there is none, or more than one.
    """
    server = canonical_server(named)
    fitting = [each for each in found if named == each.name or server == each.server]
    fitting = fitting or [each for each in found if each.server == IN_CLUSTER_SERVER and named == IN_CLUSTER_NAME]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise TrueupError(f"there is no cluster {named!r}", hint="`trueup cluster list` shows those that are known")
    raise TrueupError(
        f"there are {len(fitting)} clusters {named!r}, of the Secrets {', '.join(each.secret for each in fitting)}",
        hint="name one by its server, or delete the Secret that is not meant",
    )

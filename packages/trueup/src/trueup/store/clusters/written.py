"""Cluster Secrets as they are written: their names and their contents."""

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from kubegrammar.fnv import fnv32a
from trueup.kube.config import ClusterConfig
from trueup.model.annotations import INSTANCE_LABEL, SKIP_RECONCILE
from trueup.store.clusters.secret import CLUSTER, LABEL

MANAGED_BY = {"managed-by": "argocd.argoproj.io"}
"""What Argo CD puts on a Secret that a command made."""
_OWN_DOMAINS = ("argocd.argoproj.io", "trueup.dev")
_MEANT_FOR_CLUSTERS = frozenset((LABEL, SKIP_RECONCILE, "argocd.argoproj.io/auto-label-cluster-info"))


def makes_more_of_it(key: str) -> bool:
    """Whether a label or an annotation makes of a cluster's Secret more than that: a Secret whose values settings may
    name, or an object of an Application."""
    if key in _MEANT_FOR_CLUSTERS:
        return False
    return key in ("app.kubernetes.io/part-of", INSTANCE_LABEL) or key.partition("/")[0] in _OWN_DOMAINS


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

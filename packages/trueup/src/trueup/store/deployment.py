"""The engine as objects of a cluster: what runs it, where it keeps what must last, and its rights."""

from typing import Any

import msgspec

from trueup.store.rights import ACCOUNT, Shape, rights

INSTALLATION = "trueup.dev/installation"
"""Annotation of the Deployment: how it was asked for, so that an upgrade asks for the same."""
NAME = ACCOUNT
PROBES = 8081
"""Port of the kubelet's questions."""
API = 8080
API_SERVICE = f"{NAME}-server"
"""Leads to the API and the web UI."""
STATE_SIZE = "2Gi"
_USER = 1000
"""Of the Containerfile, as is its group."""
SELECTED = {"app.kubernetes.io/name": NAME}
"""Labels of the engine's Pod, and of what belongs to it."""
_MOUNTS = {"cache": "/var/cache/trueup", "state": "/var/lib/trueup", "tmp": "/tmp"}  # noqa: S108 - a volume of the Pod's own

Manifest = dict[str, Any]


class Installation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How an engine is installed.

    Attributes:
        image: with its tag or digest.
        shape, managed, impersonating: of :func:`trueup.store.rights.rights`.
        ephemeral: the audit trail goes with the Pod; no PersistentVolumeClaim is made.
        api: the API and the web UI are served, at a Service.
    """

    image: str
    shape: Shape = Shape.SINGLE_CLUSTER
    managed: tuple[str, ...] = ()
    impersonating: bool = False
    ephemeral: bool = False
    api: bool = False

    def objects(self, namespace: str, version: str) -> list[Manifest]:
        """What runs the engine, in the order to apply it; rights come before (:meth:`rights`).

        Args:
            namespace: the control namespace.
            version: of Trueup, for the labels.
        """
        claim = [] if self.ephemeral else [_claim(namespace)]
        service = [_service(namespace)] if self.api else []
        return [*claim, *service, self._deployment(namespace, version)]

    def rights(self, namespace: str) -> list[Manifest]:
        """Its service account and the roles of that."""
        return rights(self.shape, namespace, self.managed, impersonating=self.impersonating, api=self.api)

    def _deployment(self, namespace: str, version: str) -> Manifest:
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {
                "name": NAME,
                "namespace": namespace,
                "labels": {**SELECTED, "app.kubernetes.io/version": version},
                "annotations": {INSTALLATION: msgspec.json.encode(self).decode()},
            },
            "spec": {
                "replicas": 1,
                # The volume is for one at a time: the old engine goes before the new one comes.
                "strategy": {"type": "Recreate"},
                "selector": {"matchLabels": SELECTED},
                "template": {"metadata": {"labels": SELECTED}, "spec": self._pod(namespace)},
            },
        }

    def _pod(self, namespace: str) -> Manifest:
        return {
            "serviceAccountName": ACCOUNT,
            "nodeSelector": {"kubernetes.io/os": "linux"},
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": _USER,
                "runAsGroup": _USER,
                "fsGroup": _USER,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [self._container(namespace)],
            "volumes": [
                {"name": "cache", "emptyDir": {}},
                {"name": "tmp", "emptyDir": {}},
                # The audit trail, which is the one thing that must last.
                {"name": "state", "emptyDir": {}}
                if self.ephemeral
                else {"name": "state", "persistentVolumeClaim": {"claimName": f"{NAME}-state"}},
            ],
        }

    def _container(self, namespace: str) -> Manifest:
        # Mirrors are made anew in minutes; a node is not filled by them.
        args = ["server", "--namespace", namespace, "--data", _MOUNTS["cache"], "--state", _MOUNTS["state"]]
        args += ["--mirrors-quota", "16", "--probe-port", str(PROBES), "--log-format", "json"]
        if self.api:
            args += ["--listen", f":{API}"]
        if self.shape == Shape.NAMESPACED:
            args += [word for name in self.managed for word in ("--managed-namespace", name)]
        return {
            "name": "engine",
            "image": self.image,
            "args": args,
            "env": [{"name": "HOME", "value": _MOUNTS["cache"]}],
            "ports": [
                {"name": "probes", "containerPort": PROBES},
                *([{"name": "api", "containerPort": API}] if self.api else []),
            ],
            # Until it has read the cluster; a large one takes minutes.
            "startupProbe": {**_probe("/readyz"), "periodSeconds": 5, "failureThreshold": 120},
            "readinessProbe": {**_probe("/readyz"), "periodSeconds": 10},
            "livenessProbe": {**_probe("/healthz"), "periodSeconds": 20, "timeoutSeconds": 10, "failureThreshold": 6},
            "resources": {"requests": {"cpu": "250m", "memory": "512Mi"}},
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
            "volumeMounts": [{"name": name, "mountPath": path} for name, path in _MOUNTS.items()],
        }


def _service(namespace: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": API_SERVICE, "namespace": namespace, "labels": SELECTED},
        # In TLS of its own: whoever ends TLS before it speaks TLS to it.
        "spec": {"selector": SELECTED, "ports": [{"name": "https", "port": 443, "targetPort": "api"}]},
    }


def _claim(namespace: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": f"{NAME}-state", "namespace": namespace, "labels": SELECTED},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": STATE_SIZE}}},
    }


def _probe(path: str) -> Manifest:
    return {"httpGet": {"path": path, "port": "probes"}}

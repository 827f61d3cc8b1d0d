"""A monorepo as teams write it: for each service a base, overlays that use it, a component they share."""

from pathlib import Path

STAGES = ("dev", "staging", "prod")
PER_SERVICE = 1 + len(STAGES)
"""Kustomizations of one service: its base, and an overlay for each stage."""

_DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, labels: {{app: {name}}}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      serviceAccountName: {name}
      containers:
      - name: main
        image: registry.example.com/{name}
        ports: [{{containerPort: 8080, name: http}}]
"""
_SERVICE = """apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{app: {name}}}, ports: [{{port: 80, targetPort: http, name: http}}]}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {{name: {name}}}
---
# Every overlay has its own of this one, in a namespace that none of them changes.
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}-settings}}
data: {{level: info}}
"""
_BASE = "resources: [deployment.yaml, service.yaml]\n"
_OVERLAY = """resources: [../../base]
components: [../../../../components/monitored]
namespace: {namespace}
images: [{{name: registry.example.com/{name}, newTag: 1.{index}.0}}]
replicas: [{{name: {name}, count: {replicas}}}]
patches: [{{path: resources.yaml}}]
"""
_PATCH = """apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec: {{template: {{spec: {{containers: [{{name: main, resources: {{requests: {{cpu: {replicas}00m}}}}}}]}}}}}}
"""
_COMPONENT = """apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
commonAnnotations: {monitored: "true"}
"""


def write_monorepo(folder: Path, services: int) -> int:
    """Write it.

    Returns:
        How many overlays it has: what a cluster gets of it.
    """
    _write(folder / "components/monitored/kustomization.yaml", _COMPONENT)
    for index in range(services):
        name = f"service-{index}"
        home = folder / "services" / name
        _write(home / "base/kustomization.yaml", _BASE)
        _write(home / "base/deployment.yaml", _DEPLOYMENT.format(name=name))
        _write(home / "base/service.yaml", _SERVICE.format(name=name))
        for replicas, stage in enumerate(STAGES, 1):
            overlay = home / "overlays" / stage
            facts = {"name": name, "namespace": f"{name}-{stage}", "index": index, "replicas": replicas}
            _write(overlay / "kustomization.yaml", _OVERLAY.format(**facts))
            _write(overlay / "resources.yaml", _PATCH.format(**facts))
    return services * len(STAGES)


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)

"""Small manifests that the end-to-end tests share."""

from collections.abc import Mapping
from types import MappingProxyType

Annotations = Mapping[str, str]
NONE: Annotations = MappingProxyType({})


def config(name: str = "settings", value: str = "red", annotations: Annotations = NONE) -> str:
    """A ConfigMap."""
    return _document("v1", "ConfigMap", name, annotations, f'data: {{colour: "{value}"}}\n')


def deployment(
    name: str = "web", replicas: int = 1, pod_annotations: str = "{}", annotations: Annotations = NONE
) -> str:
    """A Deployment; ``pod_annotations`` may ask the simulator for trouble."""
    body = f"""spec:
  replicas: {replicas}
  progressDeadlineSeconds: 3
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}, annotations: {pod_annotations}}}
    spec:
      containers: [{{name: main, image: "registry.example/{name}:1"}}]
"""
    return _document("apps/v1", "Deployment", name, annotations, body)


def job(name: str, pod_annotations: str = "{}", generate: bool = False, annotations: Annotations = NONE) -> str:
    """A Job that tries once."""
    body = f"""spec:
  backoffLimit: 0
  template:
    metadata: {{annotations: {pod_annotations}}}
    spec:
      restartPolicy: Never
      containers: [{{name: main, image: "registry.example/job:1"}}]
"""
    text = _document("batch/v1", "Job", name, annotations, body)
    return text.replace(f"name: {name}", f"generateName: {name}-", 1) if generate else text


def wave(number: int) -> dict[str, str]:
    return {"argocd.argoproj.io/sync-wave": str(number)}


def hook(phase: str, policy: str = "") -> dict[str, str]:
    annotations = {"argocd.argoproj.io/hook": phase}
    return {**annotations, "argocd.argoproj.io/hook-delete-policy": policy} if policy else annotations


def _document(api_version: str, kind: str, name: str, annotations: Annotations, body: str) -> str:
    lines = "".join(f'    {key}: "{value}"\n' for key, value in annotations.items())
    head = f"apiVersion: {api_version}\nkind: {kind}\nmetadata:\n  name: {name}\n"
    return head + (f"  annotations:\n{lines}" if lines else "") + body

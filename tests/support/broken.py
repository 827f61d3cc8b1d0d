"""The example repository with one mistake of each kind, and what a check of it finds."""

import json
from pathlib import Path
from typing import Any

URL = "https://git.example.com/you/examples.git"
OVERLAY = "kustomize/overlays/production"


def application(name: str, path: str, **more: Any) -> str:
    spec = {
        "project": "default",
        "source": {"repoURL": "https://git.example.com/you/examples", "path": path, **more.pop("source", {})},
        "destination": {"server": "https://kubernetes.default.svc", "namespace": name},
        "syncPolicy": {"syncOptions": ["CreateNamespace=true"]},
        **more,
    }
    app = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": name}, "spec": spec}
    return json.dumps(app, indent=1)


def change(file: Path, before: str, after: str) -> None:
    text = file.read_text()
    assert before in text, file
    file.write_text(text.replace(before, after, 1))


DEFINITION = """apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Gadget, plural: gadgets, singular: gadget, listKind: GadgetList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties: {size: {type: integer, maximum: 10}, mode: {type: string, enum: [a, b]}}
"""
GADGETS = """apiVersion: example.com/v1
kind: Gadget
metadata: {name: big}
spec: {size: 11, mode: a}
---
apiVersion: example.com/v1
kind: Gizmo
metadata: {name: typo}
---
apiVersion: other.example.com/v1
kind: Unknown
metadata: {name: elsewhere}
"""


def break_everything(folder: Path) -> None:
    """One mistake of each kind."""
    root = application("apps", "apps", source={"helm": {"parameters": [{"name": "repoURL", "value": URL}]}})
    (folder / "root.json").write_text(root.replace('"namespace": "apps"', '"namespace": "argocd"'))
    change(folder / "plain/deployment.yaml", "  replicas:", "  replica: 3\n  replicas:")
    change(folder / "plain/service.yaml", "spec:\n", "spec:\n  sessionAffinity: 5\n")
    change(folder / OVERLAY / "spread.yaml", "spec:\n", "spec:\n  replicaz: 4\n")
    change(folder / "waves/config.yaml", "kind:", "  kind: [unclosed\nkind:")
    (folder / "hooks/crd.yaml").write_text(DEFINITION)
    (folder / "hooks/gadgets.yaml").write_text(GADGETS)
    (folder / "hooks/old.yaml").write_text("apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: x}")
    (folder / "lost.json").write_text(application("lost", "lost", syncPolicy=None))
    (folder / "lost").mkdir()
    (folder / "lost/a.yaml").write_text("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringdata: {x: hunter2}\n")
    (folder / "value.json").write_text(application("value", "apps"))
    (folder / "option.json").write_text(application("option", "plain", syncPolicy={"syncOptions": ["Prune=no"]}))
    (folder / "other.json").write_text(application("other", "x", source={"repoURL": "https://git.example.com/other"}))


FOUND = {
    ("argocd/hooks", "hooks/gadgets.yaml:4", "example.com/Gadget hooks/big", "spec.size"),
    ("argocd/hooks", "hooks/gadgets.yaml:6", "example.com/Gizmo hooks/typo", "apiVersion"),
    ("argocd/hooks", "hooks/old.yaml:1", "policy/PodDisruptionBudget hooks/x", "apiVersion"),
    ("argocd/lost", "lost/a.yaml:3", "Secret lost/a", "metadata.namespace"),
    ("argocd/lost", "lost/a.yaml:4", "Secret lost/a", "stringdata"),
    ("argocd/option", "option.json:1", "argoproj.io/Application argocd/option", ""),
    ("argocd/option", "plain/deployment.yaml:9", "apps/Deployment option/web", "spec.replica"),
    ("argocd/option", "plain/service.yaml:9", "Service option/web", "spec.sessionAffinity"),
    ("argocd/option", "plain/configmap.yaml:4", "ConfigMap option/web", "metadata.namespace"),
    ("argocd/shop-production", f"{OVERLAY}/spread.yaml:7", "apps/Deployment shop-production/shop", "spec.replicaz"),
    ("argocd/value", "apps/templates/applications.yaml:15", "", ""),
    ("argocd/waves", "waves/config.yaml:3", "", ""),
}
"""(application, file, object, field) of every problem."""  # fmt: skip

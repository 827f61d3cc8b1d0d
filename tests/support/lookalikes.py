"""Repositories in the shapes of well-known ones, path → content, in which nothing is wrong."""

OBJECT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"
DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: %(name)s}
spec:
  selector: {matchLabels: {app: %(name)s}}
  template:
    metadata: {labels: {app: %(name)s}}
    spec: {containers: [{name: main, image: example.com/%(name)s:1.0}]}
"""
DEFINITION = """apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: %(plural)s.%(group)s}
spec:
  group: %(group)s
  scope: Namespaced
  names: {kind: %(kind)s, plural: %(plural)s}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}
"""
MONITORS = DEFINITION % {"group": "monitoring.example.com", "kind": "Monitor", "plural": "monitors"}
WEB = DEPLOYMENT % {"name": "web"}
SKAFFOLD = (
    "apiVersion: skaffold/v3\nkind: Config\nmetadata: {name: shop}\nmanifests: {kustomize: {paths: [kustomize/base]}}\n"
)

JSONNET_STACK: dict[str, str] = {
    # A stack that is written in Jsonnet and committed as manifests; definitions and namespace in a folder below.
    ".github/workflows/ci.yaml": "on: push\njobs: {}\n",
    ".mdox.validate.yaml": "version: 1\n",
    "build.sh": "#!/bin/sh\n",
    "docs/blackbox.md": "# Blackbox\n```yaml\nkind: Probe\n```\n",
    "example.jsonnet": "local kp = (import 'jsonnet/main.libsonnet'); kp",
    "jsonnetfile.json": '{"version": 1, "dependencies": []}',
    "jsonnet/components/web.libsonnet": "{ apiVersion: 'v1', kind: 'Service', metadata: {} }",
    "examples/web-scrape.yaml": "- job_name: apiVersion-kind\n  static_configs: []\n",
    "examples/config.jsonnet": "{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' } }",
    "examples/monitor.yaml": (
        "apiVersion: monitoring.example.com/v1\nkind: Monitor\nmetadata: {name: mine, namespace: monitoring}\n"
        "spec: {size: 1}\n"
    ),
    "experimental/metrics/web.yaml": WEB,
    "kustomization.yaml": (
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
        "resources: [manifests/setup/namespace.yaml, manifests/setup/monitors.yaml, manifests/web.yaml,"
        " manifests/monitor.yaml]\n"
    ),
    "manifests/setup/namespace.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: monitoring}\n",
    "manifests/setup/monitors.yaml": MONITORS,
    "manifests/web.yaml": WEB.replace("{name: web}", "{name: web, namespace: monitoring}", 1),
    "manifests/monitor.yaml": (
        "apiVersion: monitoring.example.com/v1\nkind: Monitor\nmetadata: {name: web, namespace: monitoring}\n"
        "spec: {size: 1}\n"
    ),
    "tests/e2e/broken.yaml": OBJECT % "fixture" + "datum: {}\n",
}

SHOP: dict[str, str] = {
    # A demo of microservices: the same objects as plain manifests, as a release, as a chart and for Kustomize.
    "skaffold.yaml": SKAFFOLD,
    ".pre-commit-config.yaml": "repos: []\n",
    "cloudbuild.yaml": "steps: [{id: kind, name: apiVersion}]\n",
    "docker-compose.yaml": "services: {web: {image: example.com/web}}\n",
    "package.json": '{"name": "shop", "kind": "apiVersion", "metadata": {}}',
    "kubernetes-manifests/web.yaml": WEB,
    "kubernetes-manifests/kustomization.yaml": "resources: [web.yaml]\n",
    "istio-manifests/gateway.yaml": (
        "apiVersion: networking.example.com/v1\nkind: Gateway\nmetadata: {name: front}\nspec: {selector: {a: b}}\n"
    ),
    "release/kubernetes-manifests.yaml": f"# Generated\n---\n{WEB}---\n{OBJECT % 'release'}",
    "kustomize/kustomization.yaml": "resources: [base]\n# components: [components/cymbal]\n",
    "kustomize/base/kustomization.yaml": "resources: [web.yaml]\n",
    "kustomize/base/web.yaml": WEB,
    "kustomize/components/cymbal/kustomization.yaml": (
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches: [{path: patch.yaml}]\n"
    ),
    "kustomize/components/cymbal/patch.yaml": (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers:"
        " [{name: main, env: [{name: BRAND, value: cymbal}]}]}}}\n"
    ),
    "kustomize/tests/brand/kustomization.yaml": "resources: [../../base]\ncomponents: [../../components/nope]\n",
    "helm-chart/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
    "helm-chart/values.yaml": "kind: apiVersion\nreplicas: 1\n",
    "helm-chart/templates/web.yaml": WEB.replace("{name: web}", "{name: {{ .Release.Name }}}", 1),
    "helm-chart/templates/NOTES.txt": '{{ randAlphaNum 5 }} {{ lookup "v1" "Secret" "default" "x" }}\n',
    "helm-chart/templates/_helpers.tpl": '{{- define "shop.password" -}}{{ randAlphaNum 5 }}{{- end -}}',
    "helm-chart/templates/tests/connection.yaml": (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: 'try-{{ randAlphaNum 5 | lower }}',"
        " annotations: {helm.sh/hook: test}}\nspec: {containers: [{name: main, image: busybox}]}\n"
    ),
    "terraform/main.tf": 'resource "null_resource" "a" {}\n',
    "terraform/values.yaml.tftpl": "a: ${b}\n",
    "templates/app.yaml": OBJECT % "${SERVICE}",
    "library/Chart.yaml": "apiVersion: v2\nname: parts\nversion: 1.0.0\ntype: library\n",
    "library/templates/_parts.tpl": '{{- define "parts.name" -}}x{{- end -}}',
    # One role in several variants, each of them for a cluster of its own.
    "rights/narrow.yaml": (
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: shop}\nrules: []\n"
    ),
    "rights/wide.yaml": (
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: shop}\n"
        "rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]\n"
    ),
}

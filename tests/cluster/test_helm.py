"""Helm's own calls to a cluster: install, upgrade with a wait, history, rollback, uninstall."""

import asyncio
import sys
from pathlib import Path

import msgspec
from tests.conftest import Cluster
from tests.support.patience import stretched

from trueup.kube.client import Client
from trueup.kube.discovery import Discovery

CHART = {
    "Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.1.0\n",
    "values.yaml": "replicas: 1\nmessage: one\n",
    "templates/web.yaml": """apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}}
    spec: {containers: [{name: web, image: "nginx:1"}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}}
data:
  message: {{ .Values.message | quote }}
  secrets: {{ lookup "v1" "Secret" .Release.Namespace "none" | len | quote }}
""",
    "templates/hook.yaml": """apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-check
  annotations: {helm.sh/hook: "post-install,post-upgrade", helm.sh/hook-delete-policy: before-hook-creation}
spec:
  template:
    spec: {restartPolicy: Never, containers: [{name: c, image: "busybox:1"}]}
""",
}
SCRIPT = """
import json, sys
from helm_python import Config
kubeconfig, namespace, chart = sys.argv[1:]
told = []
with Config(kubeconfig_path=kubeconfig, namespace=namespace) as helm:
    helm.check_reachable()
    helm.install(chart, "web", namespace=namespace, wait="watcher", timeout=60)
    helm.upgrade(chart, "web", {"replicas": 2, "message": "two"}, namespace=namespace, wait="watcher", timeout=60)
    told.append(len(helm.list()))
    helm.rollback("web", version=1, wait="watcher", timeout=60)
    told.append(len(helm.history("web")))
    helm.uninstall("web", wait="watcher", timeout=60)
    told.append(len(helm.list()))
print(json.dumps(told))
"""


async def test_a_release_is_installed_upgraded_rolled_back_and_removed(
    cluster: Cluster, admin: Client, namespace: str, tmp_path: Path
) -> None:
    for name, text in CHART.items():
        (tmp_path / "web" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "web" / name).write_text(text)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SCRIPT, str(cluster.kubeconfig), namespace, str(tmp_path / "web")),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    async with asyncio.timeout(stretched(200)):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()[-3000:]
    assert msgspec.json.decode(out) == [1, 3, 0]
    discovery = Discovery(admin)
    await discovery.refresh()
    deployments = discovery.find("apps", "Deployment")
    assert deployments is not None
    assert (await admin.list(deployments, namespace)).objects == []

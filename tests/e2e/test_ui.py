"""The web UI in a real browser, over the API server and a cluster."""

import asyncio
import base64
import sys
from pathlib import Path

from tests.conftest import on_embedded
from tests.e2e.conftest import NAMESPACE
from tests.e2e.estate import Estate
from tests.support.apiserver import Served
from tests.support.patience import stretched
from tests.support.tiers import everywhere

from trueup.kube.client import Client
from trueup.store.credentials import SECRET

ROOT = Path(__file__).parents[2]
MANIFESTS = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "registry.example/web:1"}]
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {password: open-sesame}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: hostile}
data: {note: "<img src=x onerror=alert(1)>\\u202etxt.exe"}
"""


@on_embedded
@everywhere
async def test_people_sign_in_sync_by_a_plan_and_come_to_a_log_line(
    served: Served,
    client: Client,
    estate: Estate,
) -> None:
    tool = await asyncio.create_subprocess_exec(
        sys.executable, ROOT / "tools/ui/ui.py", "browser", stdout=asyncio.subprocess.PIPE
    )
    told, _ = await tool.communicate()
    assert tool.returncode == 0
    node = told.decode().strip().splitlines()[-1]
    await estate.given({"app/all.yaml": MANIFESTS})
    name = await estate.app("app", automated=None)
    await estate.until(lambda view: view.status.sync is not None, what="compared")
    initial = await client.get(SECRET, NAMESPACE, "argocd-initial-admin-secret")
    password = base64.b64decode(initial.object()["data"]["password"])
    flows = await asyncio.create_subprocess_exec(
        node, ROOT / "ui/browser/flows.mjs", served.url, name,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        output, _ = await asyncio.wait_for(flows.communicate(password), stretched(240))
    except TimeoutError:
        flows.kill()
        raise
    assert flows.returncode == 0, output.decode()
    await estate.settled()

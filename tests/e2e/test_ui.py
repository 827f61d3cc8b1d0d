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
async def test_people_create_sync_find_change_compare_roll_back_and_delete(
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
    await flows(node, served.url, name, "first", password)
    await estate.settled()
    await estate.commit({"app/all.yaml": MANIFESTS.replace("web:1", "web:2").replace("note: ", "more: x, note: ")})
    await estate.change("Deployment", "web", {"spec": {"replicas": 2}}, group="apps")
    await estate.refresh()
    await flows(node, served.url, name, "then", password)


async def flows(node: str, url: str, name: str, part: str, password: bytes) -> None:
    """A part of what people do, in a browser of its own."""
    browser = await asyncio.create_subprocess_exec(
        node, ROOT / "ui/browser/flows.mjs", url, name, part,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        output, _ = await asyncio.wait_for(browser.communicate(password), stretched(240))
    except TimeoutError:
        browser.kill()
        raise
    assert browser.returncode == 0, output.decode()

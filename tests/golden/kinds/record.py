"""Asks a real kube-apiserver for the expectations: ``python -m tests.golden.kinds.record [TOPIC...]``."""

import asyncio
import os
import ssl
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from tests.golden.kinds.cases import FOLDER, NAMESPACE, Json, load, plain, prepared, refusal, topics

from kubegrammar.patch import merge_patch
from pocketkube.controlplane import ControlPlane, default_folders

CONFLICT = 409
NOT_FOUND = 404


class Server:
    """Requests to one API server."""

    def __init__(self, session: aiohttp.ClientSession, url: str, trust: ssl.SSLContext) -> None:
        self.session, self.url, self.trust = session, url, trust
        self.plurals: dict[tuple[str, str], str] = {}

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Json]:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        headers = {"Content-Type": kind}
        async with self.session.request(method, self.url + path, json=body, ssl=self.trust, headers=headers) as answer:
            return answer.status, await answer.json()

    async def path_of(self, obj: Json) -> str:
        """The collection an object belongs to."""
        version, kind = obj["apiVersion"], obj["kind"]
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        if (version, kind) not in self.plurals:
            _, found = await self.call("GET", root)
            for resource in found["resources"]:
                if "/" not in resource["name"]:
                    self.plurals[(version, resource["kind"])] = resource["name"]
        namespace = obj["metadata"].get("namespace")
        return f"{root}/{f'namespaces/{namespace}/' if namespace else ''}{self.plurals[(version, kind)]}"

    async def answer(self, case: Json) -> Json:
        """What the server makes of a case."""
        obj = prepared(case)
        path = await self.path_of(obj)
        outcome: Json = {"case": case["case"]}
        code, made = await self.call("POST", path, obj)
        if code >= 400:
            return outcome | {"refused": refusal(made)}
        outcome["created"] = plain(made, given=case["create"], status=True)
        own = f"{path}/{made['metadata']['name']}"
        if "change" in case:
            subresource = case.get("subresource", "")
            new = merge_patch(deepcopy(made), case["change"])
            new["metadata"].pop("resourceVersion", None)
            code = CONFLICT
            # Controllers write too.
            while code == CONFLICT:
                _, now = await self.call("GET", own)
                new["metadata"]["resourceVersion"] = now["metadata"]["resourceVersion"]
                code, changed = await self.call("PUT", f"{own}/{subresource}" if subresource else own, new)
            if code >= 400:
                outcome["change_refused"] = refusal(changed)
            else:
                outcome["changed"] = plain(changed, given=case["create"], status=bool(subresource))
        if obj["kind"] != "Namespace":
            await self.remove(own)
        return outcome

    async def remove(self, path: str) -> None:
        """Deletes an object and waits until it is gone."""
        while True:
            await self.call("PATCH", path, {"metadata": {"finalizers": None}})
            code, _ = await self.call("DELETE", path, {"gracePeriodSeconds": 0, "propagationPolicy": "Background"})
            if code == NOT_FOUND:
                return


async def ready(server: Server) -> None:
    """A namespace with its ServiceAccount."""
    await server.call("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    while True:
        code, _ = await server.call("GET", f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/default")
        if code == 200:
            return
        await asyncio.sleep(0.1)


async def record(wanted: list[str]) -> None:
    async with ControlPlane(default_folders(os.environ, Path.home())) as plane:
        trust = ssl.create_default_context(cadata=plane.ca_data.decode())
        headers = {"Authorization": f"Bearer {plane.token}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            server = Server(session, plane.url, trust)
            await ready(server)
            for topic in wanted:
                answers = [await server.answer(case) for case in load(topic, "input")]
                text = yaml.safe_dump(answers, sort_keys=False, width=120, allow_unicode=True)
                (FOLDER / f"{topic}.expected.yaml").write_text(text)


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1:] or topics()))

"""Asks a real kube-apiserver for the expectations: ``python -m tests.golden.custom.record [TOPIC...]``."""

import asyncio
import os
import re
import ssl
import sys
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from tests.golden.custom.cases import (
    FOLDER,
    NAMESPACE,
    Json,
    answered,
    definition_of,
    load,
    object_of,
    refusal,
    topics,
)

from kubegrammar.patch import merge_patch
from pocketkube.controlplane import ControlPlane, default_folders

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_WARNING = re.compile(r'299 - "((?:[^"\\]|\\.)*)"')


class Server:
    """Requests to one API server."""

    def __init__(self, session: aiohttp.ClientSession, url: str, trust: ssl.SSLContext) -> None:
        self.session, self.url, self.trust = session, url, trust

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any, list[str]]:
        """The code, the answer and the warnings."""
        async with self.session.request(method, self.url + path, json=body, ssl=self.trust) as answer:
            kind = answer.content_type
            found = await answer.json() if kind == "application/json" else await answer.text()
            headers = answer.headers.getall("Warning", [])
            texts = [match[1] for header in headers if (match := _WARNING.fullmatch(header))]
            return answer.status, found, [re.sub(r"\\(.)", r"\1", text) for text in texts]

    async def record(self, case: Json) -> Json:
        """What the server makes of a case."""
        definition = definition_of(case)
        name = definition["metadata"]["name"]
        code, made, warnings = await self.call("POST", DEFINITIONS, definition)
        outcome: Json = {"case": case["case"]}
        if code >= 400:
            return outcome | {"defined": {"refused": refusal(made)}}
        outcome["defined"] = answered(made, warnings)
        if "requests" in case:
            await self.established(name, case["group"])
            outcome["answers"] = [await self.request(case, request, name) for request in case["requests"]]
        await self.call("DELETE", f"{DEFINITIONS}/{name}")
        return outcome

    async def established(self, name: str, group: str) -> None:
        """Waits until a definition is served as it is now stored."""
        await asyncio.sleep(0.3)
        while True:
            _, found, _ = await self.call("GET", f"{DEFINITIONS}/{name}")
            states = {one["type"]: one["status"] for one in found["status"].get("conditions") or ()}
            if states.get("Established") == "True":
                code, _, _ = await self.call("GET", f"/apis/{group}/v1/widgets")
                if code == 200:
                    return
            await asyncio.sleep(0.1)

    async def request(self, case: Json, request: Json, name: str) -> Json:
        ((verb, given),) = request.items()
        group = case["group"]
        path = f"/apis/{group}/v1/namespaces/{NAMESPACE}/widgets"
        match verb:
            case "redefine":
                _, now, _ = await self.call("GET", f"{DEFINITIONS}/{name}")
                now["spec"] = merge_patch(now["spec"], given)
                answer = await self.call("PUT", f"{DEFINITIONS}/{name}", now)
                await self.established(name, group)
            case "read":
                answer = await self.call("GET", f"/apis/{group}/{given}/namespaces/{NAMESPACE}/widgets/one")
            case "create":
                answer = await self.call("POST", path, object_of(case, given))
            case _:
                _, now, _ = await self.call("GET", f"{path}/one")
                end = "/status" if verb == "status" else ""
                answer = await self.call("PUT", f"{path}/one{end}", merge_patch(now, given))
        code, made, warnings = answer
        return {"refused": refusal(made)} if code >= 400 else answered(made, warnings)


async def record(wanted: list[str]) -> None:
    async with ControlPlane(default_folders(os.environ, Path.home())) as plane:
        trust = ssl.create_default_context(cadata=plane.ca_data.decode())
        headers = {"Authorization": f"Bearer {plane.token}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            server = Server(session, plane.url, trust)
            for topic in wanted:
                answers = [await server.record(case) for case in load(topic, "input")]
                text = yaml.safe_dump(answers, sort_keys=False, width=120, allow_unicode=True)
                (FOLDER / f"{topic}.expected.yaml").write_text(text)


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1:] or topics()))

"""Asks a real kube-apiserver for its tables: ``python -m tests.golden.tables.record [CASE...]``."""

import asyncio
import os
import ssl
import sys
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from tests.golden.tables.cases import Json, expected_path, load_cases, plain

from pocketkube.controlplane import ControlPlane, default_folders

NAMESPACE = "tables"
AS_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


class Refused(Exception):
    """The server does not do it."""


class Server:
    """Requests to one API server."""

    def __init__(self, session: aiohttp.ClientSession, url: str, trust: ssl.SSLContext) -> None:
        self.session, self.url, self.trust = session, url, trust

    async def call(
        self, method: str, path: str, body: Any = None, accept: str = "application/json"
    ) -> tuple[Json, str]:
        """The answer's body and its Date header.

        Raises:
            Refused: the server does not do it.
        """
        url, headers = self.url + path, {"Accept": accept}
        if method == "PATCH":
            headers["Content-Type"] = "application/merge-patch+json"
        async with self.session.request(method, url, json=body, ssl=self.trust, headers=headers) as answer:
            if answer.status >= 400:
                raise Refused(f"{method} {path}: {await answer.text()}")
            return await answer.json(), answer.headers["Date"]

    async def resource(self, path: str) -> Json:
        """The entry of discovery for ``group/version/plural``, as soon as it is served."""
        group_version, _, plural = path.rpartition("/")
        group, _, version = group_version.rpartition("/")
        root = f"/apis/{group_version}" if group else f"/api/{version}"
        while True:
            try:
                found, _ = await self.call("GET", root)
                entry = next(entry for entry in found["resources"] if entry["name"] == plural)
            except (Refused, StopIteration):
                await asyncio.sleep(0.2)
                continue
            namespace = f"/namespaces/{NAMESPACE}" if entry["namespaced"] else ""
            kept = {key: entry[key] for key in ("kind", "namespaced")}
            return kept | {"group": group, "version": version, "plural": plural, "path": f"{root}{namespace}/{plural}"}

    async def make(self, path: str, given: Json, case: str) -> None:
        """Creates an object, writes its status, deletes it where it is to be seen going."""
        obj = {key: value for key, value in given.items() if key != "deleted"}
        obj["metadata"] = obj["metadata"] | {"labels": obj["metadata"].get("labels", {}) | {"table": case}}
        await self.call("POST", path, obj)
        own = f"{path}/{obj['metadata']['name']}"
        if "status" in obj:
            await self.call("PATCH", f"{own}/status", {"status": obj["status"]})
        if given.get("deleted"):
            await self.call("DELETE", own, {"gracePeriodSeconds": 0, "propagationPolicy": "Background"})

    async def table(self, resource: Json, selector: str) -> Json:
        """The Table of a collection, with the time it was made and what it is of."""
        table, date = await self.call(
            "GET", f"{resource['path']}?includeObject=Object&labelSelector={selector}", accept=AS_TABLE
        )
        facts = {key: resource[key] for key in ("group", "version", "kind", "plural", "namespaced")}
        return {"resource": facts, "now": parsedate_to_datetime(date).isoformat(), "table": plain(table)}

    async def columns(self, crd: str) -> list[Json]:
        found, _ = await self.call("GET", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{crd}")
        columns: list[Json] = found["spec"]["versions"][0].get("additionalPrinterColumns", [])
        return columns


async def record(server: Server, case: Json, wanted: bool) -> None:
    resource = await server.resource(case["resource"])
    for obj in case.get("objects", ()):
        await server.make(resource["path"], obj, case["case"])
    if not wanted:
        return
    selector = f"table%3D{case['case']}" if "objects" in case else ""
    tables = []
    for path in (case["resource"], *case.get("also", ())):
        found = await server.table(await server.resource(path), selector)
        if crd := case.get("crd"):
            found["resource"]["columns"] = await server.columns(crd)
        tables.append(found)
    text = yaml.safe_dump(tables, sort_keys=False, width=120, allow_unicode=True, default_flow_style=None)
    expected_path(case["case"]).write_text(text)


async def main(wanted: list[str]) -> None:
    # Other controllers would change what is recorded.
    async with ControlPlane(
        default_folders(os.environ, Path.home()), controllers=("serviceaccount-controller",)
    ) as plane:
        trust = ssl.create_default_context(cadata=plane.ca_data.decode())
        headers = {"Authorization": f"Bearer {plane.token}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            server = Server(session, plane.url, trust)
            await server.call("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
            while True:
                try:
                    await server.call("GET", f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/default")
                    break
                except Refused:
                    await asyncio.sleep(0.1)
            for case in load_cases():
                await record(server, case, not wanted or case["case"] in wanted)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))

"""One request to two servers, and what of their answers counts."""

import asyncio
import io
import re
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

import aiohttp
import msgspec

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
PARTIAL_LIST = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"

SECONDS = 200.0
"""Patience, not a measure: what comes is taken at once."""

MASKED = {
    "uid": "UID",
    "resourceVersion": "VERSION",
    "continue": "TOKEN",
    "nodePort": "PORT",
    "clusterIP": "ADDRESS",
    "clusterIPs": "ADDRESSES",
    "podIP": "ADDRESS",
    "token": "TOKEN",
    "healthCheckNodePort": "PORT",
}
"""Fields whose values are each server's own."""
PATTERNS: Sequence[tuple[re.Pattern[str], str]] = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "UID"),
    (re.compile(r"(?<=-)[bcdfghjklmnpqrstvwxz2456789]{5}(?=[\"' ]|$)"), "SUFFIX"),
    (re.compile(r"Too large resource version: (\d+), current: \d+"), r"Too large resource version: \1, current: N"),
    (re.compile(r"too old resource version: (\d+) \(\d+\)"), r"too old resource version: \1 (N)"),
    (re.compile(r"resourceVersion: \d+"), "resourceVersion: N"),
    (re.compile(r"in record \(\d+\)"), "in record (N)"),
    (re.compile(r'(?s)patch: Invalid value: ".*"(?=: )|^Invalid value: "\{.*"(?=: )'), "patch: Invalid value: SHOWN"),
    (re.compile(r'(?<=\\"resourceVersion\\":\\")\d+'), "N"),
    (re.compile(r'(?<="resourceVersion":")\d+'), "N"),
)
CELLS: Sequence[tuple[re.Pattern[str], str]] = (
    (re.compile(r"^(\d+[smhd])+$|^<invalid>$"), "AGE"),
    (re.compile(r"^10\.\d+\.\d+\.\d+$"), "ADDRESS"),
    (re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"), "TIME"),
)
CONTROLLED = ("kube-controller-manager", "pod-simulator")
"""Field managers whose writes come when they come."""
CONTROLLER_ANNOTATIONS = ("deployment.kubernetes.io/revision", "deprecated.daemonset.template.generation")
DRIVEN = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "PodDisruptionBudget", "Ingress",
          "HorizontalPodAutoscaler", "PersistentVolumeClaim", "PersistentVolume", "ResourceQuota", "Pod")  # fmt: skip
"""Kinds whose status belongs to controllers."""

Json = dict[str, Any]


class Cluster(Protocol):
    """What either kind of cluster tells of itself."""

    @property
    def url(self) -> str: ...
    @property
    def token(self) -> str: ...
    @property
    def ca_data(self) -> bytes: ...


class Answer(msgspec.Struct):
    """What a server said.

    Attributes:
        body: decoded JSON, or text.
    """

    code: int
    body: Any
    warnings: list[str] = []
    content_type: str = ""

    def plain(self) -> Json:
        """What must be the same of both servers."""
        found: Json = {"code": self.code, "body": plain(self.body), "type": self.content_type}
        return found | ({"warnings": sorted(self.warnings)} if self.warnings else {})


def plain(value: Any) -> Any:
    """A value without what is each server's own."""
    if isinstance(value, dict):
        kind = str(value.get("kind", ""))
        if kind == "Table":
            return _table(value)
        if kind in DRIVEN and "spec" in value:
            value = {name: inner for name, inner in value.items() if name != "status"}
        elif kind.removesuffix("List") in DRIVEN and "items" in value:
            items = [{name: inner for name, inner in item.items() if name != "status"} for item in value["items"]]
            value = {**value, "items": items}
        return {
            name: MASKED[name] if name in MASKED and inner else _metadata(inner) if name == "metadata" else plain(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str):
        for pattern, replacement in PATTERNS:
            value = pattern.sub(replacement, value)
    return value


def _table(table: Json) -> Json:
    """A table without the descriptions of its columns."""
    columns = [{name: text for name, text in column.items() if name != "description"}
               for column in table.get("columnDefinitions") or ()]  # fmt: skip
    rows = [{**plain({**row, "cells": None}), "cells": _cells(row)} for row in table.get("rows") or ()]
    return {**plain({**table, "kind": "", "columnDefinitions": None, "rows": None}), "columns": columns, "rows": rows}


def _cells(row: Json) -> Any:
    cells = []
    for cell in row.get("cells") or ():
        for pattern, replacement in CELLS:
            cell = pattern.sub(replacement, cell) if isinstance(cell, str) else cell
        cells.append(cell)
    return cells


def _metadata(metadata: Any) -> Any:
    found = plain(metadata)
    if not isinstance(found, dict):
        return found
    entries = [one for one in found.get("managedFields") or () if one.get("manager") not in CONTROLLED]
    if entries:
        found["managedFields"] = sorted(entries, key=lambda one: (one["manager"], one["operation"], str(one)))
    else:
        found.pop("managedFields", None)
    # Who protects a volume lets it go when they come to it.
    finalizers = [name for name in found.get("finalizers") or () if not name.startswith("kubernetes.io/pv")]
    if finalizers:
        found["finalizers"] = finalizers
    else:
        found.pop("finalizers", None)
    annotations = found.get("annotations")
    if isinstance(annotations, dict):
        kept = {name: text for name, text in annotations.items() if name not in CONTROLLER_ANNOTATIONS}
        found.pop("annotations")
        if kept:
            found["annotations"] = kept
    return found


class Server:
    """Requests to one of them, as its administrator."""

    def __init__(self, session: aiohttp.ClientSession, cluster: Cluster) -> None:
        self._session, self._url = session, cluster.url
        self.headers = {"Authorization": f"Bearer {cluster.token}"}
        self.trust = ssl.create_default_context(cadata=cluster.ca_data.decode())

    async def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        """One request; a body that is no text is sent as JSON."""
        sent = {**self.headers, "Content-Type": "application/json", "Accept": "application/json", **(headers or {})}
        data = body if isinstance(body, bytes | None) else msgspec.json.encode(body)
        # A large body that is sent from memory as it is would hold the loop up.
        payload = io.BytesIO(data) if data is not None and len(data) > 1 << 20 else data
        async with (
            asyncio.timeout(SECONDS),
            self._session.request(
                method,
                self._url + path,
                data=payload,
                headers=sent,
                ssl=self.trust,
                allow_redirects=False,
            ) as response,
        ):
            raw = await response.read()
            kind = response.headers.get("Content-Type", "")
            parsed = (
                msgspec.json.decode(raw)
                if kind.startswith("application/json") and raw
                else raw.decode(errors="replace")
            )
            return Answer(response.status, parsed, response.headers.getall("Warning", []), kind)

    async def watch(self, path: str, lines: int) -> list[Any]:
        """The first lines of a watch."""
        found: list[Any] = []
        async with (
            asyncio.timeout(SECONDS),
            self._session.get(self._url + path, headers=self.headers, ssl=self.trust) as response,
        ):
            if response.status != 200:
                return [response.status, await response.json()]
            while len(found) < lines and (line := await response.content.readline()):
                found.append(msgspec.json.decode(line))
        return found


class Both:
    """The real server and the embedded one."""

    def __init__(self, real: Server, embedded: Server) -> None:
        self.real, self.embedded = real, embedded

    @classmethod
    @asynccontextmanager
    async def open(cls, real: Cluster, embedded: Cluster) -> "AsyncIterator[Both]":
        """Connections to two clusters."""
        async with aiohttp.ClientSession() as session:
            yield cls(Server(session, real), Server(session, embedded))

    async def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[Answer, Answer]:
        """The same request to both, at once."""
        return await asyncio.gather(
            self.real.ask(method, path, body, headers), self.embedded.ask(method, path, body, headers)
        )

    async def same(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, *, code: int = 0
    ) -> Answer:
        """Asks both, who must agree; the real answer.

        Args:
            code: that the real server must answer with; 0 for any.
        """
        real, embedded = await self.ask(method, path, body, headers)
        if code:
            assert real.code == code, f"{method} {path}: {real.code} {real.body}"
        assert embedded.plain() == real.plain(), f"{method} {path}"
        return real

    async def silently(self, method: str, path: str, body: Any = None) -> None:
        """Asks both for what is no part of a case."""
        await self.ask(method, path, body)

    async def make_namespace(self, name: str) -> None:
        """Creates a namespace and waits for what controllers put into it."""
        await self.silently("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        async with asyncio.timeout(SECONDS):
            for furniture in ("serviceaccounts/default", "configmaps/kube-root-ca.crt"):
                path = f"/api/v1/namespaces/{name}/{furniture}"
                while any(answer.code != 200 for answer in await self.ask("GET", path)):
                    await asyncio.sleep(0.02)

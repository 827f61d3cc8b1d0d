"""A Helm repository on the loopback interface, and the packed charts in it."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from tests.support.httpserver import serving

from kubegrammar import yaml

SHOW = """apiVersion: v1
kind: ConfigMap
metadata: {name: '{{ .Release.Name }}-{{ .Chart.Name }}', namespace: '{{ .Release.Namespace }}'}
data: {chart: '{{ .Chart.Name }}-{{ .Chart.Version }}', values: {{ .Values | toJson | quote }}}
"""


def chart(name: str, version: str, files: Mapping[str, str] | None = None) -> dict[str, str]:
    """The files of a chart, in a folder of its name."""
    made = {
        "Chart.yaml": f"apiVersion: v2\nname: {name}\nversion: {version}\n",
        "values.yaml": "a: 1\nm: {x: 1}\n",
        "templates/show.yaml": SHOW,
        **(files or {}),
    }
    return {f"{name}/{path}": text for path, text in made.items()}


def packed(files: Mapping[str, str | bytes | tarfile.TarInfo]) -> bytes:
    """A packed chart. What is no content is an entry of its own, such as a link."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for path, content in files.items():
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
                continue
            data = content.encode() if isinstance(content, str) else content
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(plain.getvalue(), mtime=0)


class HelmRepo:
    """Served at ``url``, below a folder.

    Attributes:
        url: of the repository.
        index: its entries, by name.
        files: by path from the host's root; what no chart has put there too.
        asked: the paths that were asked for, in order.
        authorizations: the header of each request, empty where there was none.
        authorization: the header that every request needs; empty for none.
        tags: the index has an ETag.
        unchanged: how often nobody was sent it who has it.
        out_of_order: every request is answered with an error of the server.
    """

    def __init__(self) -> None:
        self.url = ""
        self.index: dict[str, list[dict[str, Any]]] = {}
        self.files: dict[str, bytes] = {}
        self.moved: dict[str, str] = {}
        self.asked: list[str] = []
        self.authorizations: list[str] = []
        self.authorization = ""
        self.out_of_order = False
        self.tags, self.unchanged = False, 0

    def add(self, name: str, version: str, files: Mapping[str, str] | None = None, *, url: str = "") -> bytes:
        """Put a chart there.

        Args:
            url: as the index has it, ``{}`` for the archive's own; relative to the repository by default.
        """
        data = packed(chart(name, version, files))
        path = f"{name}-{version}.tgz"
        self.files[f"/charts/stable/{path}"] = data
        entry = {
            "apiVersion": "v2",
            "name": name,
            "version": version,
            "urls": [url.format(path) if url else path],
            "digest": hashlib.sha256(data).hexdigest(),
        }
        self.index.setdefault(name, []).append(entry)
        return data

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request.path)
        self.authorizations.append(request.headers.get("Authorization", ""))
        if self.out_of_order:
            return web.Response(status=503)
        if self.authorization and self.authorizations[-1] != self.authorization:
            return web.Response(status=401)
        if request.path in self.moved:
            return web.Response(status=302, headers={"Location": self.moved[request.path]})
        if request.path == "/charts/stable/index.yaml" and request.path not in self.files:
            text = yaml.dump({"apiVersion": "v1", "entries": self.index})
            tag = f'"{hashlib.sha256(text.encode()).hexdigest()}"'
            if self.tags and request.headers.get("If-None-Match") == tag:
                self.unchanged += 1
                return web.Response(status=304)
            return web.Response(text=text, headers={"ETag": tag} if self.tags else {})
        data = self.files.get(request.path)
        return web.Response(body=data) if data is not None else web.Response(status=404)


@asynccontextmanager
async def helm_repo() -> AsyncIterator[HelmRepo]:
    """A repository, as long as the block lasts."""
    made = HelmRepo()
    async with serving(made.answer) as address:
        made.url = f"http://{address}/charts/stable"
        yield made

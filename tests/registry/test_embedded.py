"""The sandbox's registry keeps the distribution specification where clients lean on it, and its folder to itself."""

import asyncio
import hashlib
import time
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from helm_python.chart import package
from helm_python.registry import RegistryClient as HelmRegistry
from tests.registry.conftest import PASSWORD, USER, RunningRegistry
from tests.registry.images import MANIFEST, push_image
from tests.support.httpserver import serving
from yarl import URL

from trueup.sources.registry import Access, RegistryClient
from trueup.workshop.registry import SandboxRegistry
from trueup.workshop.registry.store import UPLOAD_SECONDS

embedded = pytest.mark.parametrize("registry", ["embedded"], indirect=True)
DATA = b"0123456789"
DIGEST = "sha256:" + hashlib.sha256(DATA).hexdigest()


class Session:
    """Raw requests to one registry."""

    def __init__(self, session: aiohttp.ClientSession, host: str) -> None:
        self._session, self._base = session, f"http://{host}"

    async def __call__(self, method: str, path: str, data: bytes | None = None, **headers: str) -> Any:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        url = path if path.startswith("http") else self._base + path
        async with self._session.request(method, URL(url, encoded=True), data=data, headers=sent) as answer:
            body = await answer.read()
            return answer.status, answer.headers, body


@pytest.fixture
async def ask(registry: RunningRegistry) -> Any:
    async with aiohttp.ClientSession(headers=registry.headers) as session:
        yield Session(session, registry.host)


def code_of(body: bytes) -> str:
    return str(msgspec.json.decode(body)["errors"][0]["code"])


@embedded
async def test_a_blob_comes_in_chunks(registry: RunningRegistry, ask: Any) -> None:
    status, headers, _ = await ask("POST", "/v2/chunks/app/blobs/uploads/")
    place = headers["Location"]
    assert status == 202
    status, headers, _ = await ask("PATCH", place, DATA[:4], Content_Range="0-3", Content_Length="4")
    assert (status, headers["Range"]) == (202, "0-3")
    status, _, body = await ask("PATCH", place, DATA[6:], Content_Range="6-9")
    assert (status, code_of(body)) == (416, "RANGE_INVALID")
    status, headers, _ = await ask("GET", place)
    assert (status, headers["Range"]) == (204, "0-3")
    await ask("PATCH", place, DATA[4:8])
    status, headers, _ = await ask("PUT", f"{place}?digest={DIGEST}", DATA[8:])
    assert (status, headers["Docker-Content-Digest"]) == (201, DIGEST)
    assert (await ask("GET", f"/v2/chunks/app/blobs/{DIGEST}"))[2] == DATA
    status, headers, body = await ask("GET", f"/v2/chunks/app/blobs/{DIGEST}", Range="bytes=2-4")
    assert (status, headers["Content-Range"], body) == (206, "bytes 2-4/10", DATA[2:5])
    assert (await ask("GET", f"/v2/chunks/app/blobs/{DIGEST}", Range="bytes=20-"))[0] == 416


@embedded
async def test_a_blob_comes_in_one_request_and_is_mounted_elsewhere(registry: RunningRegistry, ask: Any) -> None:
    assert (await ask("POST", f"/v2/one/app/blobs/uploads/?digest={DIGEST}", DATA))[0] == 201
    assert (await ask("HEAD", f"/v2/two/app/blobs/{DIGEST}"))[0] == 404
    assert (await ask("POST", f"/v2/two/app/blobs/uploads/?mount={DIGEST}&from=one/app"))[0] == 201
    assert (await ask("HEAD", f"/v2/two/app/blobs/{DIGEST}"))[0] == 200
    assert (await ask("POST", f"/v2/two/app/blobs/uploads/?mount={DIGEST}&from=no/such"))[0] == 202


@embedded
async def test_an_upload_can_be_given_up(registry: RunningRegistry, ask: Any) -> None:
    _, headers, _ = await ask("POST", "/v2/gone/app/blobs/uploads/")
    assert (await ask("DELETE", headers["Location"]))[0] == 204
    assert code_of((await ask("PATCH", headers["Location"], b"x"))[2]) == "BLOB_UPLOAD_UNKNOWN"


@embedded
async def test_a_blob_that_is_not_its_digest_is_not_kept(registry: RunningRegistry, ask: Any) -> None:
    status, _, body = await ask("POST", f"/v2/bad/app/blobs/uploads/?digest={DIGEST}", b"other")
    assert (status, code_of(body)) == (400, "DIGEST_INVALID")


HOSTILE = {
    "a path upwards": ("GET", "/v2/../../etc/passwd/manifests/x", "NAME_INVALID"),
    "an encoded path upwards": ("GET", "/v2/%2e%2e/%2e%2e/blobs/" + DIGEST, "NAME_INVALID"),
    "an encoded slash in a tag": ("GET", "/v2/a/manifests/..%2f..%2fx", "NAME_UNKNOWN"),
    "upper case": ("GET", "/v2/App/tags/list", "NAME_INVALID"),
    "a name too long": ("GET", f"/v2/{'a' * 300}/tags/list", "NAME_INVALID"),
    "a folder of ours": ("GET", "/v2/a/_tags/tags/list", "NAME_INVALID"),
    "a digest that is none": ("GET", "/v2/a/blobs/sha256:zz", "DIGEST_INVALID"),
    "another algorithm": ("GET", "/v2/a/blobs/md5:0123456789abcdef", "DIGEST_INVALID"),
    "a tag that is none": ("PUT", "/v2/a/manifests/-x", "MANIFEST_INVALID"),
    "a manifest that is none": ("PUT", "/v2/a/manifests/v1", "MANIFEST_INVALID"),
    "an upload that is none": ("PATCH", "/v2/a/blobs/uploads/..%2fx", "NAME_UNKNOWN"),
    "an unknown repository": ("GET", "/v2/no/such/tags/list", "NAME_UNKNOWN"),
    "an unknown tag": ("GET", "/v2/no/such/manifests/v1", "MANIFEST_UNKNOWN"),
    "no such address": ("GET", "/v2/a/nothing", "NAME_UNKNOWN"),
    "a method that is none": ("POST", "/v2/a/manifests/v1", "UNSUPPORTED"),
    "a number that is none": ("GET", "/v2/_catalog?n=-1", "PAGINATION_NUMBER_INVALID"),
}


@embedded
@pytest.mark.parametrize("rule", HOSTILE)
async def test_hostile_requests_are_refused(registry: RunningRegistry, ask: Any, rule: str) -> None:
    method, path, expected = HOSTILE[rule]
    status, _, body = await ask(method, path, b"{}" if method == "PUT" else None)
    assert 400 <= status < 500
    assert code_of(body) == expected


@embedded
async def test_tags_come_in_pages_and_go(registry: RunningRegistry, client: RegistryClient, ask: Any) -> None:
    digest, _ = await push_image(client, registry, "pages/app", "a", "b", "c")
    _, headers, body = await ask("GET", "/v2/pages/app/tags/list?n=2")
    assert msgspec.json.decode(body)["tags"] == ["a", "b"]
    following = headers["Link"].partition(">")[0][1:]
    assert msgspec.json.decode((await ask("GET", following))[2])["tags"] == ["c"]
    assert (await ask("DELETE", "/v2/pages/app/manifests/a"))[0] == 202
    assert msgspec.json.decode((await ask("GET", "/v2/pages/app/tags/list"))[2])["tags"] == ["b", "c"]
    assert (await ask("DELETE", f"/v2/pages/app/manifests/{digest}"))[0] == 202
    assert msgspec.json.decode((await ask("GET", "/v2/pages/app/tags/list"))[2])["tags"] == []


@embedded
async def test_who_refers_to_an_image_is_found(registry: RunningRegistry, client: RegistryClient, ask: Any) -> None:
    digest, size = await push_image(client, registry, "refs/app", "v1")
    for kind in ("application/spdx+json", "application/vnd.example.signature"):
        body = msgspec.json.encode(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "artifactType": kind,
                "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": DIGEST, "size": 10},
                "layers": [],
                "subject": {"mediaType": MANIFEST, "digest": digest, "size": size},
            }
        )
        await client.push_blob(registry.host, "refs/app", DATA, registry.access)
        name = "sha256:" + hashlib.sha256(body).hexdigest()
        status, headers, _ = await ask("PUT", f"/v2/refs/app/manifests/{name}", body, Content_Type=MANIFEST)
        assert (status, headers["OCI-Subject"]) == (201, digest)
    everything = msgspec.json.decode((await ask("GET", f"/v2/refs/app/referrers/{digest}"))[2])["manifests"]
    assert {entry["artifactType"] for entry in everything} == {
        "application/spdx+json",
        "application/vnd.example.signature",
    }
    _, headers, body = await ask("GET", f"/v2/refs/app/referrers/{digest}?artifactType=application/spdx%2Bjson")
    assert headers["OCI-Filters-Applied"] == "artifactType"
    assert len(msgspec.json.decode(body)["manifests"]) == 1


async def test_helm_pushes_and_pulls_a_chart(registry: RunningRegistry, tmp_path: Path) -> None:
    chart = tmp_path / "demo"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: demo\nversion: 1.2.3\n")
    (chart / "templates" / "cm.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n")
    (tmp_path / "pulled").mkdir()

    def push_and_pull() -> None:
        packed = package(chart, destination=tmp_path)
        with HelmRegistry(plain_http=True, credentials_file=tmp_path / "config.json") as helm:
            helm.login(registry.host, USER, PASSWORD, plain_http=True)
            helm.push(packed, f"oci://{registry.host}/charts", plain_http=True)
            helm.pull(
                f"oci://{registry.host}/charts/demo", version="1.2.3", destination=tmp_path / "pulled", plain_http=True
            )

    await asyncio.to_thread(push_and_pull)
    assert [each.name for each in (tmp_path / "pulled").iterdir()] == ["demo-1.2.3.tgz"]
    async with RegistryClient() as client:
        assert await client.tags(registry.host, "charts/demo", registry.access) == ["1.2.3"]


async def test_what_was_acknowledged_is_there_after_a_restart(tmp_path: Path) -> None:
    for round_ in ("push", "read"):
        store = SandboxRegistry(tmp_path, admit=lambda _: True)
        async with serving(store.handle) as host, RegistryClient() as client:
            registry = RunningRegistry(host, Access())
            if round_ == "push":
                await push_image(client, registry, "kept", "v1")
            assert await client.tags(host, "kept", Access()) == ["v1"]
            assert (await client.describe(host, "kept", "v1", Access())).created


async def test_pushes_are_told_and_uploads_that_nobody_ends_are_swept(tmp_path: Path) -> None:
    told: list[tuple[str, str]] = []
    now = [0.0]
    store = SandboxRegistry(tmp_path, admit=lambda _: True, changed=lambda *push: told.append(push), now=lambda: now[0])
    async with serving(store.handle) as host, RegistryClient() as client, aiohttp.ClientSession() as session:
        ask = Session(session, host)
        await push_image(client, RunningRegistry(host, Access()), "app", "v1", "v2")
        assert told == [("app", "v1"), ("app", "v2")]
        now[0] = time.time()
        for _ in range(3):
            await ask("POST", "/v2/app/blobs/uploads/")
        assert len(list((tmp_path / "uploads").iterdir())) == 3
        now[0] += UPLOAD_SECONDS + 60
        await ask("POST", "/v2/app/blobs/uploads/")
        assert len(list((tmp_path / "uploads").iterdir())) == 1

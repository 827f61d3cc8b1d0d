"""Ways to a cluster that kubeconfigs name: credential plug-ins and proxies."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import yaml
from tests.conftest import Cluster

from trueup.cli.connect import ClusterAccess, client_of, connected
from trueup.kube.client import Client

V1 = "client.authentication.k8s.io/v1"


async def token_of(admin: Client, namespace: str, name: str) -> str:
    """A token of a service account that is made for it."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}
    await admin.request("POST", path, body=msgspec.json.encode(account))
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    answer = await admin.request("POST", f"{path}/{name}/token", body=msgspec.json.encode(asked))
    return str(msgspec.json.decode(answer)["status"]["token"])


def kubeconfig(cluster: Cluster, file: Path, user: dict[str, Any] | None = None, proxy_url: str = "") -> ClusterAccess:
    """That of the cluster with another user, or another way there."""
    document = yaml.safe_load(cluster.kubeconfig.read_text())
    if proxy_url:
        document["clusters"][0]["cluster"]["proxy-url"] = proxy_url
    if user is not None:
        document["users"][0]["user"] = user
    file.write_text(yaml.safe_dump(document))
    return ClusterAccess(str(file), "", "argocd")


def plugin(folder: Path, script: str) -> dict[str, Any]:
    """A user whose credential a program prints; it notes each run in the file ``runs`` beside it."""
    program = folder / "get-token"
    program.write_text(f'#!/bin/sh\necho >> "${{0%/*}}/runs"\n{script}\n')
    program.chmod(0o755)
    return {"exec": {"apiVersion": V1, "command": "./get-token", "interactiveMode": "IfAvailable"}}


def printing(file: Path) -> str:
    """A script that prints what a file has for a token."""
    answer = f'{{"kind":"ExecCredential","apiVersion":"{V1}","status":{{"token":"%s"}}}}'
    return f"printf '{answer}' \"$(cat {file})\""


async def who(client: Client) -> str:
    """As whom the server knows us."""
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = await client.request(
        "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body=msgspec.json.encode(asked)
    )
    return str(msgspec.json.decode(answer)["status"]["userInfo"]["username"])


async def test_the_token_of_a_plug_in_is_shown_and_asked_for_once(
    cluster: Cluster, admin: Client, namespace: str, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text(await token_of(admin, namespace, "reader"))
    access = kubeconfig(cluster, tmp_path / "config", plugin(tmp_path, printing(token)))
    async with connected(access) as client:
        for _ in range(3):
            assert await who(client) == f"system:serviceaccount:{namespace}:reader"
    assert (tmp_path / "runs").read_text() == "\n"


async def test_a_token_that_the_server_refuses_is_asked_for_anew(
    cluster: Cluster, admin: Client, namespace: str, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("of-yesterday")
    good = await token_of(admin, namespace, "reader")
    script = f"{printing(token)}; printf %s '{good}' > {token}"
    access = kubeconfig(cluster, tmp_path / "config", plugin(tmp_path, script))
    async with client_of(access.config()) as client:
        assert await who(client) == f"system:serviceaccount:{namespace}:reader"
    assert (tmp_path / "runs").read_text() == "\n\n"


@asynccontextmanager
async def proxy() -> AsyncIterator[tuple[str, list[str]]]:
    """An HTTP proxy for CONNECT; gives its address and, as they come, the first lines of its requests."""
    asked: list[str] = []
    pumps: set[asyncio.Task[None]] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        asked.append(head)
        host, port = head.split()[1].rsplit(":", 1)
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        for pair in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(pump(*pair))
            pumps.add(task)
            task.add_done_callback(pumps.discard)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    finally:
        server.close()
        for task in list(pumps):
            task.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


async def test_the_way_goes_through_the_proxy_that_is_named(cluster: Cluster, tmp_path: Path) -> None:
    async with proxy() as (address, asked):
        access = kubeconfig(cluster, tmp_path / "config", proxy_url=f"http://me:pass@{address}")
        async with connected(access) as client:
            assert await who(client)
        async with client_of(access.config()) as client:
            assert await who(client)
    server = access.config().server.removeprefix("https://")
    assert [head.split()[:2] for head in asked] == [["CONNECT", server]] * 2
    assert all("Proxy-Authorization: Basic bWU6cGFzcw==" in head for head in asked)

"""`cluster add` looks whether a credential is taken before anything of it is kept."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kubegrammar.errors import Explained
from trueup.cli.root import trueup

TOKEN = "dG9rZW4="
SECRET: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "x-long-lived-token", "namespace": "kube-system", "resourceVersion": "1"},
    "data": {"token": TOKEN},
}


def add(folder: Path, version: int) -> tuple[Result, list[str]]:
    """What `cluster add` says of a cluster that answers so to its version, and what an API server was asked."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")
                length = next((int(each.split(":")[1]) for each in lines if each.lower().startswith("content-len")), 0)
                await reader.readexactly(length)
                verb, target, _ = lines[0].split(" ")
                status, body = 200, dict[str, Any]()
                if target.startswith("/api/v1/clusters"):
                    asked.append(verb)
                elif target == "/version":
                    assert "Authorization: Bearer token" in lines
                    status, body = version, {"gitVersion": "v1.30.0"} if version == 200 else {"message": "no"}
                else:
                    status, body = (201, SECRET) if verb == "POST" else (200, SECRET)
                text = json.dumps(body).encode()
                writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(text), text))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def ran() -> Result:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_text(
            "{apiVersion: v1, kind: Config, current-context: there, users: [{name: me, user: {}}], "
            f"clusters: [{{name: c, cluster: {{server: 'http://{address}'}}}}], "
            "contexts: [{name: there, context: {cluster: c, user: me}}]}"
        )
        words = ["cluster", "add", "there", "--service-account", "x", "-y", "--upsert", "--kubeconfig", str(kubeconfig)]
        words += ["--server", address, "--plaintext", "--auth-token", "t", "--config", str(folder / "none")]
        try:
            return await asyncio.to_thread(CliRunner().invoke, trueup, words)
        finally:
            server.close()

    return asyncio.run(ran()), asked


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_cluster_that_does_not_take_the_token_is_not_kept(status: int, tmp_path: Path) -> None:
    result, asked = add(tmp_path, status)
    assert isinstance(result.exception, Explained) and "does not take the token" in str(result.exception), result
    assert "nothing was kept" in result.exception.hint and "POST" not in asked


def test_a_cluster_that_takes_it_is_kept(tmp_path: Path) -> None:
    result, asked = add(tmp_path, 200)
    assert result.exit_code == 0 and asked == ["POST"], result.exception

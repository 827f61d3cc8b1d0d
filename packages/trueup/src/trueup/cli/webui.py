"""Where the web UI of the demo is, and who may sign in."""

import asyncio
import base64
from pathlib import Path

import msgspec

from trueup.kube.client import Client
from trueup.kube.errors import NotFound
from trueup.store.credentials import SECRET

PASSWORD = "argocd-initial-admin-secret"  # noqa: S105 - the name of a Secret
_LOOK = 0.2
"""Seconds between two looks."""


class WebUi(msgspec.Struct, frozen=True):
    """An address for a browser, and the first password of ``admin``."""

    url: str
    password: str


class _ServedLine(msgspec.Struct):
    event: str = ""
    port: int = 0


async def web_ui(log: Path, client: Client, namespace: str) -> WebUi:
    """Wait until an engine serves it, for as long as that takes.

    Args:
        log: of the engine, as JSON.
        namespace: of the engine's Secrets.

    Raises:
        ApiError: the cluster does not answer.
    """
    while True:
        port = await asyncio.to_thread(_port, log)
        if port and (password := await _password(client, namespace)):
            return WebUi(f"http://127.0.0.1:{port}", password)
        await asyncio.sleep(_LOOK)


async def _password(client: Client, namespace: str) -> str:
    """Empty before there is one."""
    try:
        data = (await client.get(SECRET, namespace, PASSWORD)).object().get("data") or {}
    except NotFound:
        return ""
    return base64.b64decode(data.get("password", "")).decode()


def _port(log: Path) -> int:
    """The port that the log names; 0 before it does."""
    for line in log.read_bytes().splitlines() if log.exists() else ():
        if b"API served" in line:
            try:
                return msgspec.json.decode(line, type=_ServedLine).port
            except msgspec.DecodeError:
                continue  # half a line, or a text that says the same
    return 0

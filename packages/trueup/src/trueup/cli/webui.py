"""Where the web UI of the demo is, who may sign in, and how a browser is sent there."""

import asyncio
import base64
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

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


_HANDOVER = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="referrer" content="no-referrer"><title>Trueup</title>
<meta http-equiv="refresh" content="0; url={address}"></head><body><a href="{address}">The web UI</a></body></html>
"""


def shows_browsers(environ: Mapping[str, str], platform: str, *, terminal: bool) -> bool:
    """Whether somebody is there who would see a browser: at a terminal of a machine with a display, not of another one.

    Args:
        platform: as ``sys.platform`` has it.
    """
    if not terminal or environ.get("SSH_CONNECTION") or environ.get("CI"):
        return False
    return platform in ("darwin", "win32") or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def handover(ui: WebUi, folder: Path) -> Path:
    """A page that sends a browser to the web UI, signed in.

    The password is in the part of the address that goes to no server, and the address in a file of this user's alone:
    what a program is started with everybody on the machine may read.
    """
    page = folder / "web-ui.html"
    address = f"{ui.url}/login#sign-in={quote('admin', safe='')}:{quote(ui.password, safe='')}"
    descriptor = os.open(page, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(_HANDOVER.format(address=address))
    return page


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

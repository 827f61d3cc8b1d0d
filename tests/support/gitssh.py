"""Serves Git repositories over ssh on the loopback interface, to one key."""

import asyncio
import os
import shlex
from pathlib import Path
from types import TracebackType
from typing import Any

import asyncssh


class GitSshServer:
    """A context manager that serves the bare repositories below a folder to the owner of one key.

    Attributes:
        private_key: what a client needs, in OpenSSH's form.
        commands: what clients asked to run, in order.
    """

    def __init__(self, root: Path, *, read_only: bool = False) -> None:
        self.root = root
        self.commands: list[str] = []
        self._read_only = read_only
        self._key = asyncssh.generate_private_key("ssh-ed25519")
        self._host_key = asyncssh.generate_private_key("ssh-ed25519")
        self._server: Any = None

    @property
    def port(self) -> int:
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def private_key(self) -> str:
        return self._key.export_private_key().decode()

    @property
    def known_hosts(self) -> str:
        return f"[127.0.0.1]:{self.port} {self._host_key.export_public_key().decode()}"

    def url(self, name: str) -> str:
        return f"ssh://git@127.0.0.1:{self.port}{self.root / name}"

    async def __aenter__(self) -> "GitSshServer":
        authorized = asyncssh.import_authorized_keys(self._key.export_public_key().decode())
        self._server = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[self._host_key],
            authorized_client_keys=authorized,
            process_factory=self._process,
            encoding=None,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _process(self, process: Any) -> None:
        self.commands.append(process.command or "")
        words = shlex.split(process.command or "")
        allowed = ["git-upload-pack"] if self._read_only else ["git-upload-pack", "git-receive-pack"]
        if len(words) != 2 or words[0] not in allowed or not Path(words[1]).resolve().is_relative_to(self.root):
            process.stderr.write(b"not allowed\n")
            process.exit(1)
            return
        child = await asyncio.create_subprocess_exec(
            "git",
            words[0].removeprefix("git-"),
            words[1],
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/nonexistent"},
        )
        feeding = asyncio.create_task(_copy(process.stdin, child.stdin))
        await asyncio.gather(_copy(child.stdout, process.stdout), _copy(child.stderr, process.stderr))
        feeding.cancel()
        process.exit(await child.wait())


async def _copy(source: Any, target: Any) -> None:
    """Everything, and no end before it has been taken."""
    while data := await source.read(64 * 1024):
        target.write(data)
        await target.drain()
    if hasattr(target, "write_eof"):
        target.write_eof()

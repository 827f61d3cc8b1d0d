"""Registries that the tests talk to: Debian's docker-registry, and the sandbox's own. Both want a password."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import msgspec
import pytest
import pytest_asyncio
from tests.support.httpserver import serving
from tests.support.patience import stretched

from pocketkube.processes import Nest
from trueup.sources.registry import Access, RegistryClient
from trueup.workshop.registry import SandboxRegistry

FETCH = Path(__file__).parents[2] / "tools" / "registry" / "fetch.py"
USER, PASSWORD = "ada", "s3cret"
HTPASSWD = "ada:$2b$05$abcdefghijklmnopqrstuuLK7U1u6pVRmL7L1BBM2aS35PSZnDXlK\n"
"""bcrypt of the password above."""
DOCKER, EMBEDDED = "docker-registry", "embedded"


class RunningRegistry(msgspec.Struct, frozen=True):
    """A registry and how to get in."""

    host: str
    access: Access = Access(username=USER, password=PASSWORD)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": self.access.basic}


@pytest.fixture(scope="session")
def docker_registry() -> Path:
    """The binary; fetched when it is missing."""
    done = subprocess.run([sys.executable, FETCH], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        pytest.exit(f"{FETCH.name} could not fetch docker-registry", returncode=1)
    return Path(done.stdout.strip())


@pytest_asyncio.fixture(scope="session", params=[DOCKER, EMBEDDED])
async def registry(
    request: pytest.FixtureRequest, docker_registry: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningRegistry]:
    """Both, one after the other."""
    folder = tmp_path_factory.mktemp("registry")
    if request.param == EMBEDDED:
        expected = Access(username=USER, password=PASSWORD).basic
        store = SandboxRegistry(folder, admit=lambda asked: asked.headers.get("Authorization") == expected)
        async with serving(store.handle) as host:
            yield RunningRegistry(host)
        return
    nest = await Nest.open("trueup-test-registry-")
    try:
        port = free_port()
        (folder / "htpasswd").write_text(HTPASSWD)
        config = {
            "version": "0.1",
            "log": {"level": "error"},
            "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}},
            "http": {"addr": f"127.0.0.1:{port}"},
            "auth": {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}},
        }
        (folder / "config.yml").write_bytes(msgspec.json.encode(config))
        process = await nest.start("registry", [docker_registry, "serve", folder / "config.yml"])
        deadline = time.monotonic() + stretched(30)
        async with aiohttp.ClientSession() as session:
            while True:
                process.check()
                try:
                    async with session.get(f"http://127.0.0.1:{port}/v2/") as answer:
                        if answer.status == 401:
                            break
                except aiohttp.ClientError:
                    if time.monotonic() > deadline:
                        raise
                await asyncio.sleep(0.05)
        yield RunningRegistry(f"127.0.0.1:{port}")
    finally:
        await nest.close()


@pytest_asyncio.fixture
async def client() -> AsyncIterator[RegistryClient]:
    async with RegistryClient(timeout=10) as client:
        yield client


def free_port() -> int:
    """A port that nobody listens on."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

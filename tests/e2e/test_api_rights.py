"""Every method of the API by every kind of caller, on objects of their project, of another and of none: made from the
description. Who is refused by the golden table is refused; a method that is new keeps what holds of all.
"""

import json
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import msgspec
import pytest_asyncio
from tests.conftest import Cluster, on_embedded
from tests.e2e.conftest import NAMESPACE
from tests.e2e.estate import engine_process
from tests.support.patience import looks, stretched

from trueup.kube.client import Client
from trueup.server.api import OPEN
from trueup.server.description.read import description
from trueup.server.description.values import MethodOf
from trueup.server.session.tokens import LocalClaims, issue
from trueup.store.accounts import SECRET_NAME, SIGNING_KEY
from trueup.store.credentials import SECRET, decoded
from trueup.store.kinds import APPLICATION, PROJECT

GOLDEN = Path(__file__).parents[1] / "golden" / "api_rights.txt"
PLACES = {"own": "rights-own", "other": "rights-other", "absent": "rights-absent"}
"""Projects, and the Applications in them, which are called alike."""
SUBJECTS = {
    "stranger": "",
    "nobody": "proj:rights-else:none",
    "member": "proj:rights-own:reader",
    "admin": "admin:login",
}
POLICY = "p, proj:rights-own:reader, applications, get, rights-own/*, allow"
INTERNAL = "repository.RepoServerService"


@pytest_asyncio.fixture
async def port(cluster: Cluster, client: Client, repositories: Path, tmp_path: Path) -> AsyncIterator[int]:
    now = int(time.time())
    tokens = {"none": ("rights-else", []), "reader": ("rights-own", [POLICY])}
    for role, (project, policies) in tokens.items():
        await _project(client, project, role, policies, now)
    await _project(client, "rights-other", "other", [], now)
    for name in ("rights-own", "rights-other"):
        source = {"repoURL": "https://git.invalid/a.git", "path": "."}
        spec = {"project": name, "source": source, "destination": {"name": "in-cluster", "namespace": name}}
        body = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": name}, "spec": spec}
        await client.apply(APPLICATION, NAMESPACE, name, msgspec.json.encode(body), manager="tests")
    arguments = ("--listen", "127.0.0.1:0", "--insecure", "--no-engine")
    folder = tmp_path / "api"
    folder.mkdir()
    async with engine_process(
        cluster.kubeconfig_of("trueup"), folder, repositories, NAMESPACE, arguments=arguments
    ) as engine:
        lines: list[str] = []
        async for _ in looks(60):
            lines = [line for line in engine.log.read_text().splitlines() if "API served" in line]
            if lines:
                break
        assert lines, engine.tail()
        yield json.loads(lines[0])["port"]
        for name in ("rights-own", "rights-other"):
            await client.delete(APPLICATION, NAMESPACE, name, propagation="Background")


async def _project(client: Client, name: str, role: str, policies: list[str], now: int) -> None:
    body = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": name},
        "spec": {"sourceRepos": ["*"], "roles": [{"name": role, "policies": policies}]},
        "status": {"jwtTokensByRole": {role: {"items": [{"iat": now, "id": f"{name}-token"}]}}},
    }
    await client.apply(PROJECT, NAMESPACE, name, msgspec.json.encode(body), manager="tests")


async def _token(client: Client, subject: str) -> str:
    key = decoded((await client.get(SECRET, NAMESPACE, SECRET_NAME)).object())[SIGNING_KEY]
    project = subject.split(":")[1]
    now = int(time.time())
    jti = f"{project}-token" if subject.startswith("proj:") else "rights-admin"
    return issue(LocalClaims(sub=subject, iat=now, exp=now + 3600, jti=jti), key)


def asked(method: MethodOf, name: str) -> tuple[str, str]:
    """Verb and path of a method about an object."""
    binding = method.bindings[0]
    path = binding.path
    while "{" in path:
        begin, _, rest = path.partition("{")
        field, _, rest = rest.partition("}")
        path = begin + ("1" if field == "iat" else name) + rest
    return binding.verb, path


async def answer(session: aiohttp.ClientSession, method: MethodOf, name: str) -> tuple[int, str]:
    """The status and the beginning of an answer."""
    verb, path = asked(method, name)
    body = {"metadata": {"name": name}, "spec": {"project": name}} if "ApplicationService.Create" in method.key else {}
    data = None if verb == "GET" else json.dumps(body)
    headers = {"Content-Type": "application/json"} if data is not None else {}
    async with session.request(verb, path, data=data, headers=headers) as response:
        streams = response.headers.get("transfer-encoding", "") == "chunked" and response.status == 200
        text = "" if streams else await response.text()
        # A refusal may say what was asked for.
        return response.status, text.replace(name, "NAME") if response.status != 200 else text


def methods() -> list[MethodOf]:
    return [each for each in description().methods() if each.service != INTERNAL and each.bindings]


REFUSED = (401, 403)


@on_embedded
async def test_every_method_by_every_caller(port: int, client: Client) -> None:
    table: dict[str, dict[str, str]] = {}
    for who, subject in SUBJECTS.items():
        token = await _token(client, subject) if subject else ""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        timeout = aiohttp.ClientTimeout(total=stretched(30))
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers, timeout=timeout) as session:
            for method in methods():
                if who == "admin" and method.bindings[0].verb != "GET":
                    continue
                found = {place: await answer(session, method, name) for place, name in PLACES.items()}
                judge(who, method.key, found)
                if not any(status == 501 for status, _ in found.values()):
                    said = (str(status) if status in REFUSED else "-" for status, _ in found.values())
                    table.setdefault(method.key, {})[who] = " ".join(said)
    if os.environ.get("UPDATE_GOLDEN"):
        rows = (f"{key}: {'; '.join(f'{who} {said}' for who, said in by.items())}" for key, by in sorted(table.items()))
        GOLDEN.write_text("\n".join(rows) + "\n")
    for line in GOLDEN.read_text().splitlines():
        key, _, callers = line.partition(": ")
        for caller in callers.split("; "):
            who, *wanted = caller.split()
            now = table[key][who].split()
            assert all(want in ("-", have) for want, have in zip(wanted, now, strict=True)), (key, who, wanted, now)


def judge(who: str, key: str, found: dict[str, tuple[int, str]]) -> None:
    """What holds of every method, whatever it is."""
    statuses = [status for status, _ in found.values()]
    assert all(status < 500 or status == 501 for status in statuses), (who, key, found)
    texts = "".join(text for _, text in found.values())
    if who == "stranger" and not key.startswith(OPEN):
        assert statuses == [401] * 3, (key, found)
    if who in ("stranger", "nobody"):
        # What is another's and what is not there answer alike, in the same words, and lists do not name it.
        assert key.startswith(OPEN) or len(set(found.values())) == 1, (key, found)
        assert "rights-own" not in texts and "rights-other" not in texts, (key, found)
    if who == "member":
        assert found["other"] == found["absent"], (key, found)
        assert "rights-other" not in texts, (key, found)

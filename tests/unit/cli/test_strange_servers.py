"""Commands beside a server that answers, and otherwise than an API server does: told as an error, never a traceback."""

import asyncio
import base64
import copy
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubegrammar.errors import Explained
from trueup.cli.root import trueup
from trueup.cli.servers.tokens import require_token
from trueup.kube import plainwire

STRANGE: list[Any] = [
    None,
    0,
    -1,
    True,
    "",
    "text",
    "\x1b[31m",
    [],
    [None],
    [1],
    [["a"]],
    ["a"],
    {},
    {"a": 1},
    [{}],
    10**40,
]
OBJECT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop", "annotations": {"a": "b"}},
    "spec": {"paused": True},
}
ITEM = {
    "group": "apps",
    "version": "v1",
    "kind": "Deployment",
    "namespace": "shop",
    "name": "web",
    "uid": "u",
    "createdAt": "2026-05-04T03:02:01Z",
    "parentRefs": [{"group": "", "kind": "Node", "namespace": "", "name": "x"}],
    "health": {"status": "Degraded", "message": "m"},
    "metadata": {"name": "web", "namespace": "argocd", "resourceVersion": "1", "creationTimestamp": "x"},
    "spec": {
        "project": "shop",
        "destination": {"server": "https://a", "name": "b", "namespace": "shop"},
        "source": {"repoURL": "https://x", "path": "."},
        "sourceRepos": ["*"],
        "destinations": [{"server": "*", "namespace": "*"}],
        "roles": [{"name": "ci", "policies": ["p"], "groups": ["g"]}],
        "syncWindows": [{"kind": "allow", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]}],
    },
    "liveState": json.dumps(OBJECT),
    "normalizedLiveState": json.dumps(OBJECT),
    "predictedLiveState": json.dumps(OBJECT | {"spec": {}}),
    "targetState": json.dumps(OBJECT),
    "modified": True,
    "server": "https://a",
    "namespaces": ["a"],
    "connectionState": {"status": "Failed", "message": "m"},
    "serverVersion": "1.30",
    "repo": "https://x",
    "url": "https://x",
    "enabled": True,
    "capabilities": ["login"],
    "keyID": "a",
    "subType": "rsa",
    "owner": "o",
    "serverName": "x",
    "certType": "ssh",
    "certSubType": "s",
    "certInfo": "i",
    "type": "Warning",
    "reason": "Failed",
    "count": 2,
    "series": {"count": 3, "lastObservedTime": "x"},
    "disabled": False,
    "params": [{"name": "replicas"}],
}
WHOLE = ITEM | {
    "items": [ITEM],
    "nodes": [ITEM],
    "orphanedNodes": [ITEM],
    "manifests": [json.dumps(OBJECT)],
    "manifest": json.dumps(OBJECT),
    "actions": [ITEM],
    "assignedWindows": [{"kind": "allow", "schedule": "* * * * *", "duration": "1h"}],
    "canSync": True,
    "status": {"sync": {"status": "Synced", "revision": "c"}, "resources": [], "history": [{"id": 1, "revision": "c"}]},
    "tokens": [{"id": "t", "issuedAt": 1, "expiresAt": 2}],
    "loggedIn": True,
    "username": "ada",
    "iss": "argocd",
    "groups": ["g"],
    "value": "yes",
    "author": "a",
    "message": "m",
    "lines": [{"at": "2026-05-04T03:02:01Z", "text": "t", "tone": "good", "inner": False}],
    "causes": [{"what": "health", "object": "o", "why": "w", "lines": ["l"], "remedy": "r"}],
    "steps": [{"action": "create", "kind": "K", "name": "n", "phase": "Sync", "wave": 0, "changes": [{"path": "p"}]}],
    "leftAlone": [{"kind": "K", "name": "n", "reason": "r"}],
    "problems": ["p"],
    "revision": "c",
    "Version": "v1",
}
COMMANDS = [
    *("app list", "app list -o name", "app get web", "app get web -o tree", "app resources web", "app history web"),
    *("app diff web", "app manifests web", "app manifests web --source live", "app get-resource web --kind Deployment"),
    *("app actions list web --kind Deployment", "app timeline web", "app explain web", "app plan web --all"),
    *("proj list", "proj get shop", "proj role list shop", "proj role get shop ci", "proj windows list shop"),
    *("repo list", "repo get https://x", "repocreds list", "cluster list", "cluster get https://a"),
    *("cert list", "gpg list", "gpg get a", "account list", "account get -a web", "account get-user-info"),
    *("account can-i sync applications x", "version"),
]


def places(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where something stands in an answer."""
    yield at
    if isinstance(value, (dict, list)):
        for name, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(each, (*at, name))


def with_another(at: tuple[str | int, ...], other: Any) -> Any:
    """The answer with something else at a place."""
    if not at:
        return other
    found: Any = copy.deepcopy(WHOLE)
    inner = found
    for each in at[:-1]:
        inner = inner[each]
    inner[at[-1]] = other
    return found


@asynccontextmanager
async def answering(body: bytes, *, ends: bool = True) -> AsyncIterator[str]:
    """The address of a server that has one answer to everything.

    Args:
        ends: whether the answer does; it goes on with a blank each moment else.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"length" in line), 0
                )
                await reader.readexactly(length)
                size = len(body) if ends else 1 << 20
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (size, body))
                while not ends:
                    writer.write(b" ")
                    await writer.drain()
                    await asyncio.sleep(0.01)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def run(body: bytes, words: str, home: Path, *, ends: bool = True) -> Result:
    async def ran() -> Result:
        async with answering(body, ends=ends) as address:
            server = [] if words.startswith("login") else ["--server", address]
            said = [*words.replace("ADDRESS", address).split(), *server, "--plaintext", "--config", str(home / "none")]
            return await asyncio.to_thread(CliRunner().invoke, trueup, said)

    return asyncio.run(ran())


@pytest.fixture(autouse=True)
def nobody_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ARGOCD_SERVER", "ARGOCD_OPTS", "ARGOCD_CONFIG_DIR", "KUBECONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ARGOCD_AUTH_TOKEN", "token")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_answered_well_is_shown(command: str, tmp_path: Path) -> None:
    """Else the next test would look at nothing."""
    result = run(json.dumps(WHOLE).encode(), command, tmp_path)
    assert result.exception is None or isinstance(result.exception, SystemExit | Explained), result.exception


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
@given(command=st.sampled_from(COMMANDS), at=st.sampled_from(list(places(WHOLE))), other=st.sampled_from(STRANGE))
def test_a_strange_answer_is_no_traceback(command: str, at: tuple[str | int, ...], other: Any, tmp_path: Path) -> None:
    result = run(json.dumps(with_another(at, other)).encode(), command, tmp_path)
    assert result.exception is None or isinstance(result.exception, SystemExit | Explained), result.exception


def test_a_list_of_what_is_no_application_says_so(tmp_path: Path) -> None:
    result = run(b'{"items": [1]}', "app list", tmp_path)
    assert isinstance(result.exception, Explained) and "items is no list of objects" in str(result.exception)
    result = run(b'{"items": [{"metadata": 1}, {"metadata": {"name": 5}}]}', "app list", tmp_path)
    assert result.exception is None, result.exception


def test_a_server_that_never_comes_to_an_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plainwire, "REQUEST_SECONDS", 0.3)
    for command in ("app list", "account list", "login ADDRESS --username a --password b"):
        result = run(b"{", command, tmp_path, ends=False)
        assert "no answer in time" in str(result.exception), result.exception


def part(said: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")


GOOD = f"{part({'alg': 'HS256'})}.{part({'sub': 'admin:login'})}.c2ln"
NO_TOKENS = {
    "nothing": "",
    "a number": 5,
    "a word": "secret",
    "a sequence for terminals": f"\x1b]0;x\x07{GOOD}",
    "a line that follows": f"{GOOD}\r\nX-Other: 1",
    "a blank": f"{GOOD} ",
    "letters of others": f"{GOOD}é",
    "no claims": "a.b.c",
    "claims that are a list": f"a.{part([1])}.c",
    "a part too many": f"{GOOD}.d",
    "more than a header holds": f"{GOOD}{'a' * 70_000}",
}


@pytest.mark.parametrize("what", NO_TOKENS)
def test_what_is_no_token_is_refused_and_not_kept(what: str, tmp_path: Path) -> None:
    body = json.dumps({"token": NO_TOKENS[what], "loggedIn": True}).encode()
    for command in ("login ADDRESS --username admin --password b", "account generate-token -a ci"):
        result = run(body, command, tmp_path)
        assert isinstance(result.exception, Explained) and "gives no token" in str(result.exception), result.output
        assert "secret" not in str(result.exception)
    assert not (tmp_path / "none").exists()


def test_a_token_is_taken(tmp_path: Path) -> None:
    assert require_token(GOOD, "it") == GOOD
    result = run(json.dumps({"token": GOOD}).encode(), "login ADDRESS --username admin --password b", tmp_path)
    assert "'admin:login' logged in" in result.output and GOOD in (tmp_path / "none").read_text()

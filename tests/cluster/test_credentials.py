"""Repository Secrets and credential templates by Argo CD's names, read from a cluster."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from trueup.kube.client import Client
from trueup.model.errors import InvalidSpec
from trueup.store.credentials import CERTIFICATES, CONFIG_MAP, KNOWN_HOSTS, LABEL, SECRET, Credentials
from trueup.store.install import NAMESPACE as NAMESPACES

SPACE = "credentials"
SECRETS: dict[str, tuple[str, dict[str, str]]] = {
    "own": ("repository", {"url": "https://git.example.com/team/own.git", "username": "own", "password": "1"}),
    "bare": ("repository", {"url": "https://git.example.com/team/bare"}),
    "team": ("repo-creds", {"url": "https://git.example.com/team", "username": "team", "password": "2"}),
    "host": ("repo-creds", {"url": "https://git.example.com", "username": "host", "password": "3"}),
    "token": ("repository", {"url": "https://token.example.com/a", "bearerToken": "t"}),
    "pushes": ("repository-write", {"url": "https://git.example.com/team/own", "username": "w", "password": "4"}),
    "ssh": ("repo-creds", {"url": "git@ssh.example.com:team", "sshPrivateKey": "KEY"}),
    "insecure": ("repository", {"url": "https://self.example.com/a", "insecure": "true", "password": "5"}),
    "github": ("repository", {"url": "https://app.example.com/a", "githubAppPrivateKey": "K"}),
    "unlabelled": ("", {"url": "https://none.example.com/a", "username": "n", "password": "6"}),
}


@pytest_asyncio.fixture(scope="module")
async def credentials(admin: Client) -> AsyncIterator[Credentials]:
    body = msgspec.json.encode({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})
    await admin.apply(NAMESPACES, "", SPACE, body, manager="tests")
    for name, (kind, data) in SECRETS.items():
        await put_secret(admin, name, kind, data)
    for name, texts in (
        (KNOWN_HOSTS, {"ssh_known_hosts": "ssh.example.com ssh-ed25519 AAAA"}),
        (CERTIFICATES, {"git.example.com": "PEM"}),
    ):
        metadata = {"name": name, "namespace": SPACE}
        encoded = msgspec.json.encode({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": texts})
        await admin.apply(CONFIG_MAP, SPACE, name, encoded, manager="tests")
    found = Credentials(admin, SPACE)
    await found.load()
    yield found


async def put_secret(client: Client, name: str, kind: str, data: dict[str, str]) -> None:
    labels = {LABEL: kind} if kind else {}
    metadata = {"name": name, "namespace": SPACE, "labels": labels}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}
    await client.apply(SECRET, SPACE, name, msgspec.json.encode(body), manager="tests")


READ = {
    "a repository's own Secret, whatever the spelling": ("https://GIT.example.com/Team/own", "own"),
    "one without credentials takes the template's": ("https://git.example.com/team/bare.git", "team"),
    "the longest template": ("https://git.example.com/team/x", "team"),
    "a shorter template": ("https://git.example.com/other", "host"),
    "a host that only begins so": ("https://git.example.com.evil.org/x", None),
    "a host with another port": ("https://git.example.com:8443/team/x", None),
    "another scheme": ("http://git.example.com/team/x", None),
    "a Secret without the label": ("https://none.example.com/a", None),
}


@pytest.mark.parametrize("rule", READ)
async def test_who_reads(credentials: Credentials, rule: str) -> None:
    url, expected = READ[rule]
    found = credentials.of(url)
    assert (found.username if found and found.password else None) == expected


async def test_what_is_shown(credentials: Credentials) -> None:
    token = credentials.of("https://token.example.com/a")
    assert token and token.authorization == "Bearer t"
    own = credentials.of("https://git.example.com/team/own")
    assert own and own.ca == "PEM" and own.authorization.startswith("Basic ")
    ssh = credentials.of("git@ssh.example.com:team/repo.git")
    assert ssh and ssh.ssh_private_key == "KEY" and "ssh-ed25519" in ssh.known_hosts
    same = credentials.of("ssh://git@ssh.example.com/team/repo.git")
    assert same and same.ssh_private_key == "KEY"
    insecure = credentials.of("https://self.example.com/a")
    assert insecure and insecure.insecure and insecure.username == "git"
    assert "password" not in repr(own) and "1" not in repr(own)


async def test_who_pushes(credentials: Credentials) -> None:
    writer = credentials.for_writing("https://git.example.com/team/own")
    assert writer and writer.username == "w"
    reader = credentials.for_writing("https://git.example.com/team/x")
    assert reader and reader.username == "team"


async def test_what_is_not_supported_is_named(credentials: Credentials) -> None:
    with pytest.raises(InvalidSpec, match="githubAppPrivateKey"):
        credentials.of("https://app.example.com/a")


async def test_a_change_is_followed(admin: Client, credentials: Credentials) -> None:
    task = asyncio.create_task(credentials.run())
    try:
        await asyncio.sleep(0.5)
        await put_secret(admin, "late", "repository", {"url": "https://late.example.com/a", "password": "7"})
        for _ in range(100):
            if credentials.of("https://late.example.com/a"):
                return
            await asyncio.sleep(0.1)
        raise AssertionError("the Secret was not seen")
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

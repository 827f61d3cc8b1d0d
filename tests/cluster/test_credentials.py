"""Repository Secrets and credential templates by Argo CD's names, read from a cluster."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio
from tests.support.patience import looks

from trueup.kube.client import Client
from trueup.model.errors import InvalidSpec
from trueup.sources.identity.github import GithubApp
from trueup.store.credentials import CERTIFICATES, CONFIG_MAP, KNOWN_HOSTS, LABEL, SECRET, Credentials
from trueup.store.kinds import NAMESPACE as NAMESPACES

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
    "github": (
        "repo-creds",
        {"url": "https://app.example.com", "githubAppID": "7", "githubAppPrivateKey": "K", "noProxy": "x"},
    ),
    "nameless": ("repository", {"url": "https://nameless.example.com/a", "githubAppPrivateKey": "K"}),
    "workload": ("repository", {"url": "https://workload.example.com/a", "useAzureWorkloadIdentity": "true"}),
    "ours": ("repository", {"url": "https://git.example.com/shared/a", "username": "all", "password": "8"}),
    "theirs": (
        "repository",
        {"url": "https://git.example.com/Shared/A.git", "username": "b", "password": "9", "project": "team-b"},
    ),
    "private": (
        "repository",
        {"url": "https://git.example.com/b/private", "username": "b", "password": "10", "project": "team-b"},
    ),
    "pushes-b": (
        "repository-write",
        {"url": "https://git.example.com/b/private", "username": "wb", "password": "11", "project": "team-b"},
    ),
    "template-b": (
        "repo-creds",
        {"url": "https://b.example.com", "username": "t", "password": "12", "project": "team-b"},
    ),
    "broken": ("repository", {"url": "https://git.example.com/a/../b", "username": "x", "password": "13"}),
    "lines": ("repository", {"url": "https://lines.example.com/a", "bearerToken": "t\r\nX: y"}),
    "azure": (
        "repository",
        {"url": "https://org@azure.example.com/org/p/_git/r", "username": "any", "password": "14"},
    ),
    "bitbucket": ("repository", {"url": "https://me@bitbucket.example.com/w/r.git", "password": "15"}),
    "nobody": ("repo-creds", {"url": "https://org@creds.example.com/org", "password": "16"}),
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
    "a path that only begins so": ("https://git.example.com/team-evil/x", "host"),
    "a host in the place of a user": ("https://git.example.com@evil.example/x", None),
    "a user in both URLs": ("https://org@azure.example.com/org/p/_git/r", "any"),
    "a user in the Secret's URL": ("https://azure.example.com/org/p/_git/r", "any"),
    "a user in the Application's URL": ("https://ada@git.example.com/team/own", "own"),
    "two users": ("https://you@bitbucket.example.com/w/r", "me"),
    "a user of the Secret's URL who has only a password": ("https://bitbucket.example.com/w/r", "me"),
    "a user of a template's URL": ("https://x@creds.example.com/org/a", "org"),
    "a user does not lead to another host": ("https://azure.example.com@evil.example/org/p/_git/r", None),
    "a Secret without the label": ("https://none.example.com/a", None),
}


@pytest.mark.parametrize("rule", READ)
async def test_who_reads(credentials: Credentials, rule: str) -> None:
    url, expected = READ[rule]
    found = credentials.of(url)
    assert (found.username if found and found.password else None) == expected


PROJECTS = {
    "a project's own Secret wins": ("https://git.example.com/shared/a", "team-b", "b"),
    "another project takes what is for all": ("https://git.example.com/shared/a", "team-x", "all"),
    "nobody's request takes what is for all": ("https://git.example.com/shared/a", "", "all"),
    "its own repository": ("https://git.example.com/b/private", "team-b", "b"),
    "another project has no part in it": ("https://git.example.com/b/private", "team-x", "host"),
    "nor has nobody": ("https://git.example.com/b/private", "", "host"),
    "a template is a project's as well": ("https://b.example.com/x", "team-b", "t"),
    "and no other's": ("https://b.example.com/x", "team-x", None),
}


@pytest.mark.parametrize("rule", PROJECTS)
async def test_a_secret_of_a_project_serves_that_project(credentials: Credentials, rule: str) -> None:
    url, project, expected = PROJECTS[rule]
    found = credentials.of(url, project)
    assert (found.username if found and found.password else None) == expected
    # What was fetched by it is in nobody else's mirror.
    own = project if expected in ("b", "t") else ""
    assert credentials.scope(url, project) == own


async def test_who_may_not_read_by_a_secret_may_not_push_by_it(credentials: Credentials) -> None:
    url = "https://git.example.com/b/private"
    assert [(c := credentials.for_writing(url, p)) and c.username for p in ("team-b", "team-x")] == ["wb", "host"]


NAMED = {
    "its repository": ("pushes", "https://git.example.com/team/own.git", "any", ""),
    "a repository below a template": ("team", "https://git.example.com/team/x", "any", ""),
    "another repository": ("pushes", "https://evil.example/team/own", "any", "is for https://git.example.com/team/own"),
    "another host": ("team", "https://git.example.com.evil.example/team/x", "any", "is for"),
    "another project": ("pushes-b", "https://git.example.com/b/private", "team-x", "another project"),
    "a Secret that is none of a repository": (
        "unlabelled",
        "https://none.example.com/a",
        "any",
        "no repository Secret",
    ),
    "a Secret that is not there": ("none", "https://none.example.com/a", "any", "no repository Secret"),
}


@pytest.mark.parametrize("rule", NAMED)
async def test_a_secret_that_is_named_is_for_its_own_repository(credentials: Credentials, rule: str) -> None:
    name, url, project, problem = NAMED[rule]
    if not problem:
        assert credentials.named(name, url, project).password
        return
    with pytest.raises(InvalidSpec, match=problem):
        credentials.named(name, url, project)


async def test_a_token_of_several_lines_is_refused(credentials: Credentials) -> None:
    with pytest.raises(InvalidSpec, match="control character in bearerToken"):
        credentials.of("https://lines.example.com/a")


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
    with pytest.raises(InvalidSpec, match="useAzureWorkloadIdentity"):
        credentials.of("https://workload.example.com/a")


async def test_a_github_app_is_an_identity(credentials: Credentials) -> None:
    found = credentials.of("https://app.example.com/org/a")
    assert found and found.identity == GithubApp(app="7", key="K") and "K" in found.confidential()
    with pytest.raises(InvalidSpec, match="githubAppID is missing"):
        credentials.of("https://nameless.example.com/a")


async def test_a_change_is_followed(admin: Client, credentials: Credentials) -> None:
    task = asyncio.create_task(credentials.run())
    try:
        for name in ("early", "late"):  # the second may come only by the watch that has told of the first
            url = f"https://{name}.example.com/a"
            await put_secret(admin, name, "repository", {"url": url, "password": "7"})
            async for _ in looks():
                if credentials.of(url):
                    break
            else:
                raise AssertionError(f"the Secret {name} was not seen")
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

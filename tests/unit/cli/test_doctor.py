"""``trueup doctor`` where there is no cluster: what it finds, and when it exits 1."""

import asyncio
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.githttp import GitHttpServer
from tests.support.gitrepo import GitRepo

from kubegrammar import yaml
from kubegrammar.named_secrets import MASK
from trueup.cli.connect import ClusterAccess
from trueup.cli.preflight import LOOKS, PreflightFinding, PreflightRequest, examine, of_repositories
from trueup.cli.reach import MOST, Reached, ask, named, of_secrets
from trueup.model.errors import SourceUnavailable
from trueup.model.project import Project
from trueup.model.repository import RepositoryOf
from trueup.sources.credential import Credential

NOWHERE = """\
apiVersion: v1
kind: Config
current-context: x
contexts: [{name: x, context: {cluster: x, user: x}}]
clusters: [{name: x, cluster: {server: "http://127.0.0.1:9"}}]
users: [{name: x, user: {}}]
"""


async def findings(monkeypatch: pytest.MonkeyPatch, folder: Path, **more: Any) -> dict[str, PreflightFinding]:
    monkeypatch.setenv("HOME", str(folder))
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    access = ClusterAccess(str(more.pop("kubeconfig", "")), "", "argocd")
    asked = PreflightRequest(**{"access": access, "data": None, "state": None, "isolated": False, **more})
    found = await examine(asked)
    assert [finding.name for finding in found] == list(LOOKS)
    return {finding.name: finding for finding in found}


async def test_without_a_cluster_everything_else_is_looked_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = await findings(monkeypatch, tmp_path)
    states = {name: finding.state for name, finding in found.items()}
    assert states.pop("isolation") == ("ok" if platform.system() == "Linux" else "warning")
    assert {name for name, state in states.items() if state == "skipped"} == {
        "data folder",
        "cluster",
        "rights",
        "repositories",
    }
    assert set(states.values()) == {"ok", "skipped"}
    assert "Landlock" in found["isolation"].found and found["helm"].found == "helm 4.2.3"
    assert list(tmp_path.iterdir()) == []


async def test_what_is_named_and_not_there_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text(NOWHERE)
    (tmp_path / "file").write_text("")
    places = {"data": tmp_path / "file" / "x", "state": tmp_path / "file" / "y"}
    found = await findings(monkeypatch, tmp_path, kubeconfig=tmp_path / "kubeconfig", **places)
    missing = {name: finding for name, finding in found.items() if finding.state == "missing"}
    assert set(missing) == {"data folder", "state folder", "cluster", "rights"}
    assert "name another by --data" in missing["data folder"].hint
    assert "is the cluster up?" in missing["cluster"].hint


async def test_a_kubeconfig_that_is_named_and_not_there_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = await findings(monkeypatch, tmp_path, kubeconfig=tmp_path / "gone")
    assert found["cluster"].state == "missing" and str(tmp_path / "gone") in found["cluster"].found


def test_what_is_found_is_data_too(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "trueup", "doctor", "-o", "yaml"]
    environment = {**os.environ, "HOME": str(tmp_path), "KUBECONFIG": ""}
    ended = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert [finding["name"] for finding in yaml.load(ended.stdout.encode(), "stdout")] == list(LOOKS)


@pytest.mark.skipif(platform.system() != "Linux", reason="only there is isolation to be lost")
@pytest.mark.parametrize(
    ("options", "state", "code"),
    [
        pytest.param([], "warning", 0, id="a remark"),
        pytest.param(["--require-isolation"], "missing", 1, id="an error where it is required"),
    ],
)
def test_a_kernel_without_landlock(tmp_path: Path, options: list[str], state: str, code: int) -> None:
    old = [sys.executable, str(Path(__file__).parents[2] / "support" / "oldkernel.py")]
    command = [*old, sys.executable, "-m", "trueup", "doctor", "-o", "json", *options]
    environment = {**os.environ, "HOME": str(tmp_path), "KUBECONFIG": ""}
    ended = subprocess.run(command, capture_output=True, text=True, env=environment)
    (isolation,) = [finding for finding in json.loads(ended.stdout) if finding["name"] == "isolation"]
    assert (isolation["state"], ended.returncode) == (state, code)
    assert "Landlock: Function not implemented" in isolation["found"] and isolation["hint"]


PROJECT = msgspec.convert(
    {"metadata": {"name": "team", "namespace": "argocd"}, "spec": {"sourceRepos": ["https://git.example/*"]}}, Project
)


def application(*urls: str, project: str = "team", namespace: str = "argocd", **source: str) -> bytes:
    spec = {"project": project, "sources": [{"repoURL": url, "path": ".", **source} for url in urls]}
    return msgspec.json.encode({"metadata": {"name": "web", "namespace": namespace}, "spec": spec})


NAMED: dict[str, tuple[bytes, set[str], set[str]]] = {
    "all sources": (
        application("https://git.example/a", "https://git.example/b"),
        {"https://git.example/a", "https://git.example/b"},
        set(),
    ),
    "not those that the project forbids": (
        application("https://me:pass@evil.example/a"), set(), {f"https://me:{MASK}@evil.example/a"}
    ),
    "nor any of a project that is not there": (
        application("https://git.example/a", project="gone"), set(), {"https://git.example/a"}
    ),
    "nor any of a namespace that the project does not take": (
        application("https://git.example/a", namespace="x"), set(), {"https://git.example/a"}
    ),
    "no chart's": (application("https://charts.example", chart="web"), set(), set()),
    "none of what cannot be read": (b'{"spec": {"sources": 1}}', set(), set()),
    "none where there is none": (b'{"spec": {}}', set(), set()),
}  # fmt: skip


@pytest.mark.parametrize(("body", "urls", "denied"), NAMED.values(), ids=NAMED)
def test_the_repositories_that_an_application_names(body: bytes, urls: set[str], denied: set[str]) -> None:
    asked, refused, odd = named([body], {"team": PROJECT})
    assert {each.url for each in asked} == urls and {each.project for each in asked} <= {"team"}
    assert refused == denied and not odd


@pytest.mark.parametrize(
    "url", ["http://git.example/x.git?token=a", "https://git.example/\x1b[31mx", "ftp://git.example/x"]
)
def test_what_is_no_repository_is_told_by_its_own_fault(url: str) -> None:
    asked, denied, odd = named([application(url)], {"team": PROJECT})
    assert not asked and not denied and len(odd) == 1


def test_the_repositories_that_secrets_name() -> None:
    secrets = [{"url": "a", "project": "p", "password": "x"}, {"url": "b", "type": "helm"}, {"password": "x"}]
    assert of_secrets(secrets) == {RepositoryOf("a", "p")}


async def test_a_repository_is_asked_once_whatever_its_spellings_and_projects_and_errors_keep_secrets(
    tmp_path: Path,
) -> None:
    GitRepo(tmp_path / "git" / "a.git").commit({"x": b"1"})
    with GitHttpServer(tmp_path / "git") as server:
        server.credentials = "me:hidden-word"
        urls = [f"{server.url}/{name}" for name in ("a.git", "a.git/", "gone.git")]
        reached = await ask(
            {RepositoryOf(url, project) for url in urls for project in ("p", "q")},
            ["https://denied.example"],
            lambda _: Credential(username="me", password="hidden-word"),
        )
        assert server.listings() <= 4, "two repositories, at first without a credential"
    assert (reached.readable, reached.denied, reached.unasked) == (1, ("https://denied.example",), 0)
    assert [url for url, _ in reached.errors] == [f"{server.url}/gone.git"]
    assert "hidden-word" not in str(reached)
    finding = of_repositories(reached)
    first, second, third = finding.found.splitlines()
    assert (finding.state, first) == ("missing", "1 of 2 can be read") and finding.hint
    assert f"{server.url}/gone.git" in second and "https://denied.example" in third


async def test_a_server_that_never_answers_is_given_its_time_and_no_more() -> None:
    asking: list[asyncio.Task[Any]] = []

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        asking.append(task)
        await reader.read()  # until who asks has gone, if he came within his time
        writer.close()

    hanging = await asyncio.start_server(silent, "127.0.0.1", 0)
    try:
        place = f"127.0.0.1:{hanging.sockets[0].getsockname()[1]}/x"
        reached = await ask([RepositoryOf(f"http://me:pw@{place}", "")], [], lambda _: None, seconds=0.2)
    finally:
        hanging.close()
        await asyncio.gather(*asking)
    ((url, error),) = reached.errors
    assert url == f"http://me:{MASK}@{place}" and error.message == "no answer within 0.2 s"


DENIED = tuple(f"https://{each}.example" for each in "abcdefg")
FOUND: dict[str, tuple[Reached, str, str]] = {
    "none": (Reached(), "ok", "no application names any"),
    "all are read": (Reached(readable=2), "ok", "2 of 2 can be read"),
    "more than are asked": (
        Reached(readable=MOST, unasked=5), "ok", f"{MOST} of {MOST} can be read; 5 more are not asked"
    ),
    "an error is a line, whatever a server says": (
        Reached(errors=(("https://x", SourceUnavailable("no\nsync  ok")),)),
        "missing",
        "0 of 1 can be read\nhttps://x: no sync ok",
    ),
    "some are denied": (
        Reached(readable=1, denied=DENIED),
        "warning",
        "1 of 1 can be read\nnot asked, for no project permits them to the applications that name them: "
        f"{', '.join(DENIED[:5])} and 2 more",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("reached", "state", "told"), FOUND.values(), ids=FOUND)
def test_what_is_said_of_repositories(reached: Reached, state: str, told: str) -> None:
    found = of_repositories(reached)
    assert (found.state, found.found) == (state, told)

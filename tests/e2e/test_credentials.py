"""A credential belongs to a host and to a project, in a running engine: nobody's Application takes it elsewhere."""

import base64
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.e2e.conftest import NAMESPACE
from tests.e2e.estate import Estate
from tests.e2e.test_images import DEPLOYMENT, KUSTOMIZATION, annotations, push, registry
from tests.registry.conftest import RunningRegistry
from tests.support.githttp import GitHttpServer
from tests.support.gitrepo import GitRepo

from trueup.kube.client import Client
from trueup.store.credentials import LABEL, SECRET

__all__ = ["registry"]
BASIC = "Basic " + base64.b64encode(b"ada:canary").decode()


@pytest.fixture
def git(tmp_path: Path) -> Iterator[GitHttpServer]:
    with GitHttpServer(tmp_path / "remote") as server:
        server.credentials = "ada:canary"
        yield server


async def put_secret(client: Client, name: str, kind: str, **data: str) -> None:
    metadata = {"name": name, "namespace": NAMESPACE, "labels": {LABEL: kind}}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}
    await client.apply(SECRET, NAMESPACE, name, msgspec.json.encode(body), manager="tests")


async def test_a_repository_secret_serves_the_applications_of_its_project(
    estate: Estate, client: Client, git: GitHttpServer, tmp_path: Path
) -> None:
    repository = GitRepo(tmp_path / "remote" / f"{estate.name}.git")
    sha = repository.commit({"app/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: '1'}\n"})
    url = f"{git.url}/{estate.name}.git"
    known = {"url": url, "username": "ada", "password": "canary"}
    await put_secret(client, estate.name, "repository", **known, project="team-b")
    await estate.app("app", repoURL=url)
    message = await estate.condition("ComparisonError")
    assert "canary" not in message
    assert git.requests and set(git.authorizations) == {""}
    await put_secret(client, estate.name, "repository", **known, project="default")
    await estate.settled(sha)
    assert BASIC in git.authorizations


async def test_an_annotation_takes_no_credential_to_a_server_of_its_author(
    estate: Estate, client: Client, registry: RunningRegistry, git: GitHttpServer, tmp_path: Path
) -> None:
    """Its own write-back leads to a server that it chose, by a Secret that is there for another repository."""
    GitRepo(tmp_path / "remote" / "theirs.git").commit({"a": b"1"})
    await put_secret(
        client, estate.name, "repository-write", url="https://git.example/b", username="ada", password="canary"
    )
    await push(registry, f"{estate.name}/web", "1.0.0", "1.1.0")
    kustomization = KUSTOMIZATION % f"{registry.host}/{estate.name}"
    await estate.given({"app/kustomization.yaml": kustomization, "app/deployment.yaml": DEPLOYMENT % "web"})
    marks = annotations(
        registry,
        f"{estate.name}/web",
        write_back_target="kustomization",
        web__kustomize__image_name="web",
        write_back_method=f"git:secret:{NAMESPACE}/{estate.name}",
        git_repository=f"{git.url}/theirs.git",
    )
    await estate.app("app", annotations=marks)
    message = await estate.condition("ImageUpdateError")
    assert "is for https://git.example/b" in message and "canary" not in message
    assert set(git.authorizations) <= {""}

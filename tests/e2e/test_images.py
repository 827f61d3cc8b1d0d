"""Image automation in a running engine: a tag that appears in a registry becomes a commit, and what cannot is named."""

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from aiohttp import web
from tests.conftest import on_embedded
from tests.e2e.conftest import NAMESPACE
from tests.e2e.estate import Estate
from tests.registry.conftest import PASSWORD, USER, RunningRegistry
from tests.registry.images import push_image
from tests.support.httpserver import serving
from tests.support.patience import looks
from tests.support.tiers import rows
from tests.unit.sources.test_pulls import Host

from trueup.kube.client import Client
from trueup.kube.discovery import Discovery
from trueup.sources.registry import Access, RegistryClient
from trueup.store.credentials import CONFIG_MAP, LABEL, SECRET
from trueup.workshop.git import GitServer
from trueup.workshop.registry import SandboxRegistry

UPDATER = "argocd-image-updater.argoproj.io/"
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: %s
"""
KUSTOMIZATION = """\
# What runs in production.
resources: [deployment.yaml]
images:
  - name: web   # the one
    newName: %s/web
    newTag: '1.0.0' # moved by automation
"""


@pytest_asyncio.fixture(scope="session")
async def registry(client: Client, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningRegistry]:
    """A registry with a password, which the engine's settings name."""
    expected = Access(username=USER, password=PASSWORD).basic
    store = SandboxRegistry(
        tmp_path_factory.mktemp("images"), admit=lambda r: r.headers.get("Authorization") == expected
    )
    async with serving(store.handle) as host:
        auths = {host: {"username": USER, "password": PASSWORD}}
        await put(
            client,
            SECRET,
            "registry",
            type="kubernetes.io/dockerconfigjson",
            stringData={".dockerconfigjson": msgspec.json.encode({"auths": auths}).decode()},
        )
        entry = {"prefix": host, "api_url": f"http://{host}", "credentials": f"pullsecret:{NAMESPACE}/registry"}
        data = {"interval": "1s", "registries.conf": msgspec.json.encode({"registries": [entry]}).decode()}
        await put(client, CONFIG_MAP, "argocd-image-updater-config", data=data)
        yield RunningRegistry(host)


async def put(client: Client, type_: Any, name: str, **fields: Any) -> None:
    body = {"apiVersion": "v1", "kind": type_.kind, "metadata": {"name": name, "namespace": NAMESPACE}, **fields}
    await client.apply(type_, NAMESPACE, name, msgspec.json.encode(body), manager="tests")


async def push(registry: RunningRegistry, repository: str, *tags: str) -> None:
    async with RegistryClient() as images:
        await push_image(images, registry, repository, *tags)


async def open_to_pushes(estate: Estate) -> None:
    """The work tree follows what is pushed to it."""
    await estate.repository.git("config", "receive.denyCurrentBranch", "updateInstead")


def annotations(registry: RunningRegistry, image: str = "", **settings: str) -> dict[str, str]:
    found = {f"{UPDATER}image-list": f"web={registry.host}/{image or 'web'}:1.x", f"{UPDATER}write-back-method": "git"}
    return found | {UPDATER + name.replace("__", ".").replace("_", "-"): value for name, value in settings.items()}


async def until_image(estate: Estate, image: str) -> None:
    async def images() -> list[str]:
        view = await estate.view()
        return view.status.summary.images if view.status.summary else []

    async for _ in looks(60):
        if image in await images():
            return
    raise AssertionError(f"{image} does not run: {await images()}\n{estate.engine.tail()}")


async def test_a_new_tag_becomes_one_commit_and_runs(estate: Estate, registry: RunningRegistry) -> None:
    repository = f"{estate.name}/web"
    await push(registry, repository, "1.0.0")
    kustomization = KUSTOMIZATION % f"{registry.host}/{estate.name}"
    first = await estate.given({"app/kustomization.yaml": kustomization, "app/deployment.yaml": DEPLOYMENT % "web"})
    await open_to_pushes(estate)
    marks = annotations(registry, repository, write_back_target="kustomization", web__kustomize__image_name="web")
    await estate.app("app", annotations=marks)
    await until_image(estate, f"{registry.host}/{repository}:1.0.0")
    await push(registry, repository, "1.1.0", "2.0.0", "1.2.0-rc.1")
    await until_image(estate, f"{registry.host}/{repository}:1.1.0")
    assert (estate.repository.folder / "app/kustomization.yaml").read_text() == kustomization.replace("1.0.0", "1.1.0")
    log = (await estate.repository.git("log", "--format=%an|%s", f"{first}..HEAD")).decode().splitlines()
    assert log == [f"Trueup|build: automatic update of {estate.name}"]


@on_embedded
async def test_marked_fields_follow_fluxs_policies(estate: Estate, registry: RunningRegistry, client: Client) -> None:
    await define_flux_kinds(client)
    repository = f"{estate.name}/web"
    await push(registry, repository, "main-a-9", "main-b-10", "dev-c-99")
    marked = f'{registry.host}/{repository}:main-a-9 # {{"$imagepolicy": "{NAMESPACE}:{estate.name}"}}'
    await estate.given({"app/deployment.yaml": DEPLOYMENT % marked})
    await open_to_pushes(estate)
    await flux(client, "ImageRepository", estate.name, {"image": f"{registry.host}/{repository}"})
    filters = {"pattern": "^main-[a-z]-(?P<ts>[0-9]+)$", "extract": "$ts"}
    policy = {"imageRepositoryRef": {"name": estate.name}, "filterTags": filters, "policy": {"numerical": {}}}
    await flux(client, "ImagePolicy", estate.name, policy)
    await estate.app("app")
    await until_image(estate, f"{registry.host}/{repository}:main-b-10")
    text = (estate.repository.folder / "app/deployment.yaml").read_text()
    assert text == DEPLOYMENT % marked.replace("main-a-9", "main-b-10")


BROKEN = {
    "an unknown strategy": ({"web__update_strategy": "best"}, "web.update-strategy: 'best'"),
    "tags that are no versions": ({"web__allow_tags": "regexp:^nightly"}, "not allowed by ^nightly"),
    "a pattern that is none": ({"web__allow_tags": "regexp:((("}, "no regular expression"),
    "a Secret of another team": ({"web__pull_secret": "pullsecret:kube-system/x"}, "Secrets of namespace kube-system"),
    "a Secret that is not there": ({"web__pull_secret": f"pullsecret:{NAMESPACE}/none"}, "there is no Secret"),
    "a Secret of the control namespace": ({"web__pull_secret": f"pullsecret:{NAMESPACE}/registry"}, "for all applic"),
    "a Secret that is no repository's": (
        {"write_back_method": f"git:secret:{NAMESPACE}/registry", "write_back_target": "kustomization"},
        "there is no repository Secret",
    ),
    "a write-back that is none": ({"write_back_target": "jsonnet"}, "write-back-target: 'jsonnet'"),
    "a folder without a kustomization": ({"write_back_target": "kustomization"}, "app has no kustomization"),
    "plain manifests without a marker": ({}, "neither a kustomization nor a chart"),
}


@pytest.mark.parametrize(
    ("settings", "why"),
    rows(BROKEN, "an unknown strategy", "a Secret of another team", "plain manifests without a marker"),
)
@on_embedded
async def test_what_cannot_be_updated_is_named_on_the_application(
    estate: Estate, registry: RunningRegistry, settings: dict[str, str], why: str
) -> None:
    repository = f"{estate.name}/web"
    await push(registry, repository, "1.0.0", "1.1.0", "nightly")
    image = f"{registry.host}/{repository}:1.0.0"
    head = await estate.given({"app/deployment.yaml": DEPLOYMENT % image})
    await open_to_pushes(estate)
    await estate.app("app", annotations=annotations(registry, repository, **settings))
    message = await estate.condition("ImageUpdateError")
    assert why in message, message
    assert PASSWORD not in message and "Traceback" not in message
    assert await estate.repository.head() == head
    await estate.until(
        lambda view: view.status.health is not None and view.status.health.status in ("Healthy", "Progressing"),
        what="deployed all the same",
    )


@on_embedded
async def test_a_branch_that_takes_no_push_is_named_with_the_remedy(estate: Estate, registry: RunningRegistry) -> None:
    repository = f"{estate.name}/web"
    await push(registry, repository, "1.0.0", "1.1.0")
    kustomization = KUSTOMIZATION % f"{registry.host}/{estate.name}"
    await estate.given({"app/kustomization.yaml": kustomization, "app/deployment.yaml": DEPLOYMENT % "web"})
    marks = annotations(registry, repository, write_back_target="kustomization", web__kustomize__image_name="web")
    await estate.app("app", annotations=marks)
    message = await estate.condition("ImageUpdateError")
    assert "branch main cannot be pushed" in message and "repository-write" in message
    # What is mended is no error any more.
    await open_to_pushes(estate)
    await until_image(estate, f"{registry.host}/{repository}:1.1.0")
    async for _ in looks():
        if not any(c.type == "ImageUpdateError" for c in (await estate.view()).status.conditions):
            return
    raise AssertionError("the condition stays")


@on_embedded
async def test_a_pull_request_is_opened_where_a_review_has_to_come_first(
    estate: Estate, registry: RunningRegistry, client: Client, tmp_path: Path
) -> None:
    repository = f"{estate.name}/web"
    await push(registry, repository, "1.0.0", "1.1.0")
    token = "Basic " + base64.b64encode(b"bot:t0ken").decode()
    git = GitServer(tmp_path / "git", admit=lambda r: r.headers.get("Authorization") == token, pushed=lambda _: None)
    forge = Host("gitea")

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return await (git.handle if request.path.startswith("/git/") else forge.handle)(request)

    content = tmp_path / "content" / "app"
    content.mkdir(parents=True)
    (content / "kustomization.yaml").write_text(KUSTOMIZATION % f"{registry.host}/{estate.name}")
    (content / "deployment.yaml").write_text(DEPLOYMENT % "web")
    first = await git.create(estate.name, tmp_path / "content")
    async with serving(answer) as host:
        url = f"http://{host}/git/{estate.name}.git"
        labels = {LABEL: "repository"}
        metadata = {"name": estate.name, "namespace": NAMESPACE, "labels": labels}
        data = {"url": url, "username": "bot", "password": "t0ken"}
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}
        await client.apply(SECRET, NAMESPACE, estate.name, msgspec.json.encode(body), manager="tests")
        marks = annotations(registry, repository, write_back_target="kustomization", web__kustomize__image_name="web")
        marks |= {"trueup.dev/image-pull-request": "true", "trueup.dev/git-provider": "gitea"}
        await estate.app("app", annotations=marks, repoURL=url)
        async for _ in looks(30):
            if forge.opened:
                break
        assert len(forge.opened) == 1, estate.engine.tail()
        made = forge.opened[0]
        assert made["base"] == "main" and made["head"]["ref"].startswith("trueup/images-")
        refs = git.refs(estate.name)
        assert refs["refs/heads/main"] == first
        assert f"refs/heads/{made['head']['ref']}" in refs
        await asyncio.sleep(3)
        assert len(forge.opened) == 1, "later rounds open no other"
        await estate.remove_application()


async def test_the_application_itself_takes_the_image_where_git_is_not_asked_for(
    estate: Estate, registry: RunningRegistry
) -> None:
    repository = f"{estate.name}/web"
    await push(registry, repository, "1.0.0", "1.1.0")
    image = f"{registry.host}/{repository}"
    files = {"app/kustomization.yaml": "resources: [d.yaml]\n", "app/d.yaml": DEPLOYMENT % f"{image}:1.0.0"}
    head = await estate.given(files)
    marks = annotations(registry, repository)
    del marks[f"{UPDATER}write-back-method"]
    await estate.app("app", annotations=marks, kustomize={"images": [f"{image}:1.0.0"]})
    await until_image(estate, f"{image}:1.1.0")
    assert (await estate.view()).app.spec.all_sources()[0].kustomize.images == [f"{image}:1.1.0"]  # type: ignore[union-attr]
    assert await estate.repository.head() == head


async def define_flux_kinds(client: Client) -> None:
    discovery = Discovery(client)
    await discovery.refresh()
    definitions = discovery.find("apiextensions.k8s.io", "CustomResourceDefinition")
    assert definitions
    for kind, plural in (("ImagePolicy", "imagepolicies"), ("ImageRepository", "imagerepositories")):
        name = f"{plural}.image.toolkit.fluxcd.io"
        schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
        body = {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": name},
            "spec": {
                "group": "image.toolkit.fluxcd.io",
                "scope": "Namespaced",
                "names": {"kind": kind, "plural": plural},
                "versions": [version],
            },
        }
        await client.apply(definitions, "", name, msgspec.json.encode(body), manager="tests")


async def flux(client: Client, kind: str, name: str, spec: dict[str, Any]) -> None:
    discovery = Discovery(client)
    async for _ in looks():
        await discovery.refresh()
        type_ = discovery.find("image.toolkit.fluxcd.io", kind)
        if type_ is not None:
            break
    assert type_ is not None
    body = {
        "apiVersion": "image.toolkit.fluxcd.io/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": spec,
    }
    await client.apply(type_, NAMESPACE, name, msgspec.json.encode(body), manager="tests")

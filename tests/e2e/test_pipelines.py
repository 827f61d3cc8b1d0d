"""``trueup ci`` and ``trueup images`` as a pipeline runs them: what they print, push and exit with."""

import asyncio
import os
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import msgspec
import pytest
from tests.conftest import Cluster, on_embedded
from tests.e2e.conftest import NAMESPACE
from tests.e2e.estate import EngineProcess, Estate
from tests.e2e.manifests import config, deployment
from tests.support import commands
from tests.support.githttp import GitHttpServer
from tests.support.gitrepo import GitRepo
from tests.support.patience import stretched

from trueup.cli.app.access import ApplicationView

LOGIN = {"TRUEUP_GIT_USERNAME": "ada", "TRUEUP_GIT_PASSWORD": "s3cret"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitHttpServer]:
    with GitHttpServer(tmp_path / "remote") as server:
        server.credentials = "ada:s3cret"
        yield server


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    repo = GitRepo(tmp_path / "remote" / "manifests.git")
    repo.git("config", "http.receivepack", "true")
    repo.commit({"shop/d.yaml": b"image: reg.example/shop:1.0 # keep\n", "api/kustomization.yaml": b"resources: []\n"})
    return repo


async def trueup(*args: str, env: Mapping[str, str] | None = None, home: Path) -> tuple[int, str, str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), **(env or {})}
    process = await commands.start(*args, environment=environment)
    output, errors = await asyncio.wait_for(process.communicate(), stretched(90))
    return process.returncode or 0, output.decode(), errors.decode()


class TestSetImage:
    async def test_one_commit_changes_the_tag_alone(self, repo: GitRepo, server: GitHttpServer, tmp_path: Path) -> None:
        command = ["ci", "set-image", "--repo", f"{server.url}/manifests.git", "--path", "shop"]
        command += ["--image", "reg.example/shop=:1.1", "--author", "CI <ci@example.org>"]
        code, output, _ = await trueup(*command, "--dry-run", env=LOGIN, home=tmp_path)
        assert (code, repo.git("rev-list", "--count", "main")) == (0, "1")
        assert "shop/d.yaml:1 image: reg.example/shop:1.0 → reg.example/shop:1.1" in output
        code, output, errors = await trueup(*command, env=LOGIN, home=tmp_path)
        assert code == 0, errors
        assert "pushed" in output
        assert repo.git("show", "main:shop/d.yaml") == "image: reg.example/shop:1.1 # keep"
        assert repo.git("log", "-1", "--format=%an|%s", "main") == "CI|Set reg.example/shop to 1.1"
        code, output, _ = await trueup(*command, "-o", "json", env=LOGIN, home=tmp_path)
        assert code == 0 and msgspec.json.decode(output)["revision"] == ""

    @pytest.mark.parametrize(
        ("more", "env", "why"),
        [
            (["--path", "shop", "--image", "other=:2"], LOGIN, "names the image other"),
            (["--path", "nowhere", "--image", "other=:2"], LOGIN, "nowhere is not there"),
            (["--path", "shop", "--image", "Shop:2"], LOGIN, "lower case"),
            (["--path", "shop", "--image", "reg.example/shop=:2", "--branch", "none"], LOGIN, "none"),
            (["--path", "shop", "--image", "reg.example/shop=:2"], {}, "repository"),
            (["--path", "shop", "--image", "reg.example/shop=:2", "--open-pr"], LOGIN, "git-provider"),
        ],
        ids=["no such image", "no such folder", "no image", "no such branch", "no credentials", "an unknown host"],
    )
    async def test_what_cannot_be_done_is_said_with_exit_20(
        self, repo: GitRepo, server: GitHttpServer, tmp_path: Path, more: list[str], env: dict[str, str], why: str
    ) -> None:
        command = ["ci", "set-image", "--repo", f"{server.url}/manifests.git", *more]
        code, _, errors = await trueup(*command, env=env, home=tmp_path)
        assert code == 20 and why in errors and "Traceback" not in errors and "s3cret" not in errors
        assert repo.git("rev-list", "--count", "main") == "1"


async def test_wait_ends_with_the_deployment_or_says_why_not(estate: Estate, cluster: Cluster, tmp_path: Path) -> None:
    revision = await estate.given({"app/d.yaml": deployment("web"), "app/c.yaml": config("c")})
    await estate.app("app")
    where = ["--kubeconfig", str(cluster.kubeconfig), "--namespace", NAMESPACE, "--app", estate.name]
    wait = ["ci", "wait", *where, "--timeout", "300s"]
    assert (await trueup(*wait, "--revision", revision, home=tmp_path))[0] == 0
    assert (await trueup(*wait, "--image", "registry.example/web:1", home=tmp_path))[0] == 0
    code, _, errors = await trueup(*wait, "--image", "Registry!", home=tmp_path)
    assert code == 20 and "image" in errors
    code, _, errors = await trueup("ci", "wait", *where, "--timeout", "1s", "--image", "x.example/y:1", home=tmp_path)
    assert code == 20 and "x.example/y:1 to be deployed" in errors
    bad = deployment("web", pod_annotations="{trueup.dev/simulate: crash-loop}")
    revision = await estate.commit({"app/d.yaml": bad})
    code, _, errors = await trueup(*wait, "--revision", revision, home=tmp_path)
    assert code == 20 and "Degraded" in errors and "rollback" in errors
    command = ["app", "rollback", estate.name, "--git", *where[:4], "--author", "Ada <ada@example.com>"]
    command += ["--allow-local-repos", str(estate.repository.folder.parent)]
    code, _, errors = await trueup(*command, home=tmp_path)
    assert code == 20 and "nobody is here to be asked" in errors and "--yes" in errors
    code, output, errors = await trueup(*command, "--dry-run", home=tmp_path)
    assert code == 0, errors
    assert any(line.lstrip().startswith("-") and "crash-loop" in line for line in output.splitlines()), output
    assert await estate.repository.head() == revision
    code, output, errors = await trueup(*command, "--yes", home=tmp_path)
    assert code == 20 and "cannot be pushed" in errors, output  # the work tree takes no push
    await estate.repository.git("config", "receive.denyCurrentBranch", "updateInstead")
    code, output, errors = await trueup(*command, "--yes", home=tmp_path)
    assert code == 0 and "takes back" in output, errors
    await estate.settled(await estate.repository.head())
    assert (estate.repository.folder / "app/d.yaml").read_text() == deployment("web")
    assert (await estate.repository.git("log", "-1", "--format=%an <%ae>")).decode().strip() == "Ada <ada@example.com>"


@on_embedded
async def test_rollback_passes_over_what_is_on_record_as_degraded(
    estate: Estate, engine: EngineProcess, cluster: Cluster, tmp_path: Path
) -> None:
    good = await estate.given({"app/d.yaml": deployment("web")})
    await estate.app("app")
    await estate.settled()
    for wish in ("crash-loop", "image-pull-error"):
        bad = await estate.commit({"app/d.yaml": deployment("web", pod_annotations=f"{{trueup.dev/simulate: {wish}}}")})
        await estate.until(partial(is_degraded_at, bad))
    await estate.repository.git("config", "receive.denyCurrentBranch", "updateInstead")
    where = ["--kubeconfig", str(cluster.kubeconfig), "--namespace", NAMESPACE, "--data", str(engine.folder / "data")]
    where += ["--allow-local-repos", str(estate.repository.folder.parent), "--author", "Ada <ada@example.com>"]
    code, output, errors = await trueup("app", "rollback", estate.name, "--git", "--yes", *where, home=tmp_path)
    assert code == 0 and "passed over" in output and f"to {good[:8]}" in output, errors + output
    await estate.settled(await estate.repository.head())
    assert (estate.repository.folder / "app/d.yaml").read_text() == deployment("web")


def is_degraded_at(revision: str, view: ApplicationView) -> bool:
    status = view.status
    deployed = status.history[-1].revision if status.history else ""
    return deployed == revision and status.health is not None and status.health.status == "Degraded"


@on_embedded
async def test_rollback_without_git_is_refused_beside_automation(
    estate: Estate, cluster: Cluster, tmp_path: Path
) -> None:
    await estate.given({"app/c.yaml": config("c")})
    await estate.app("app")
    await estate.settled()
    where = ["--kubeconfig", str(cluster.kubeconfig), "--namespace", NAMESPACE]
    code, _, errors = await trueup("app", "rollback", estate.name, *where, home=tmp_path)
    assert code == 20 and "auto-sync" in errors and "--git" in errors


async def test_rollback_on_the_cluster_syncs_to_the_older_commit(
    estate: Estate, cluster: Cluster, tmp_path: Path
) -> None:
    await estate.given({"app/c.yaml": config("c", "red")})
    await estate.app("app", automated=None)
    await estate.sync()
    await estate.settled()
    await estate.commit({"app/c.yaml": config("c", "blue")})
    await estate.refresh()
    await estate.sync()
    where = ["--kubeconfig", str(cluster.kubeconfig), "--namespace", NAMESPACE]
    code, output, errors = await trueup("app", "rollback", estate.name, *where, "--timeout", "300", home=tmp_path)
    assert code == 0, errors
    live = await estate.live("ConfigMap", "c")
    assert live and live.object()["data"] == {"colour": "red"}, output


@on_embedded
async def test_images_check_says_by_its_exit_code_what_it_found(
    estate: Estate, cluster: Cluster, tmp_path: Path
) -> None:
    await estate.given({"app/c.yaml": config("c")})
    updater = "argocd-image-updater.argoproj.io"
    await estate.app("app", annotations={f"{updater}/image-list": "web=127.0.0.1:9/web:1.x"})
    await estate.settled()
    where = ["--kubeconfig", str(cluster.kubeconfig), "--namespace", NAMESPACE]
    where += ["--allow-local-repos", str(estate.repository.folder.parent)]
    code, output, errors = await trueup("images", "check", estate.name, *where, home=tmp_path)
    assert code == 20 and "127.0.0.1:9" in output and "Traceback" not in errors
    code, output, _ = await trueup("images", "list", estate.name, *where, "-o", "json", home=tmp_path)
    assert code == 0 and msgspec.json.decode(output)[0]["problem"]
    code, _, errors = await trueup("images", "list", "no-such-app", *where, home=tmp_path)
    assert code == 20 and "no-such-app" in errors

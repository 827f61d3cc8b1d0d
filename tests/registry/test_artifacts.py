"""``trueup artifact`` against registries: what is pushed is pulled, and read as a source."""

import os
import subprocess
from pathlib import Path

import msgspec
import pytest
from tests.registry.conftest import PASSWORD, USER, RunningRegistry
from tests.support.commands import start

from trueup.cli.artifact import ArtifactPlace, read_place
from trueup.model.errors import InvalidSpec
from trueup.model.repository import RepositoryOf
from trueup.render.helm_index import ChartOf, Found
from trueup.sources.credential import Credential
from trueup.sources.registry import RegistryClient
from trueup.sources.registry.deliver import packed
from trueup.sources.registry.library import Registries
from trueup.sources.worktree import WorkTree


async def trueup(*args: str, code: int = 0) -> str:
    environment = {**os.environ, "TRUEUP_REGISTRY_USERNAME": USER, "TRUEUP_REGISTRY_PASSWORD": PASSWORD}
    running = await start(*args, environment=environment)
    out, err = await running.communicate()
    assert running.returncode == code, (out, err)
    return out.decode() + err.decode()


def checkout(folder: Path) -> str:
    """A repository with a folder of manifests; its commit."""

    def git(*args: str) -> str:
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", *identity, *args], cwd=folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    (folder / "deploy" / "base").mkdir(parents=True)
    (folder / "deploy" / "web.yaml").write_text("kind: ConfigMap\n")
    (folder / "deploy" / "base" / "run.sh").write_text("#!/bin/sh\n")
    (folder / "deploy" / "base" / "run.sh").chmod(0o755)
    (folder / "deploy" / "link.yaml").symlink_to("web.yaml")
    (folder / ".gitignore").write_text("ignored\n")
    (folder / "deploy" / "ignored").write_text("secret")
    git("init", "--quiet")
    git("remote", "add", "origin", "https://ada:s3cret-of-hers@h/org/app.git")
    git("add", ".")
    git("commit", "--quiet", "-m", "x")
    return git("rev-parse", "HEAD")


async def test_a_folder_is_pushed_pulled_tagged_listed_compared_and_read_as_a_source(
    registry: RunningRegistry, tmp_path: Path
) -> None:
    sha = checkout(tmp_path / "app")
    folder, place = tmp_path / "app" / "deploy", f"oci://{registry.host}/team/web"
    said = await trueup("artifact", "push", f"{place}:v1", "--path", str(folder), "--plain-http", "-o", "json")
    pushed = msgspec.json.decode(said)
    assert pushed["revision"] == f"sha1:{sha}" and pushed["digest"].startswith("sha256:")

    # As an application reads it.
    async with RegistryClient() as client:
        credential = Credential(username=USER, password=PASSWORD, plain_http=True)
        library = Registries(client, lambda _: credential, guarded=False)
        repository, chart = RepositoryOf(place, ""), ChartOf(place, "", "v1")
        found = (await library.find(repository, [chart]))[chart]
        assert isinstance(found, Found) and found.version == pushed["digest"]
        said_of_itself = await library.annotations(repository, found.version)
    assert said_of_itself["org.opencontainers.image.revision"] == f"sha1:{sha}"
    assert "s3cret-of-hers" not in str(said_of_itself) and "h/org/app.git" in str(said_of_itself)

    assert "is prod, next too" in await trueup(
        "artifact", "tag", f"{place}:v1", "--tag", "prod", "--tag", "next", "--plain-http"
    )
    assert (await trueup("artifact", "list", place, "--plain-http")).split() == ["next", "prod", "v1"]
    pulled = tmp_path / "pulled"
    await trueup("artifact", "pull", f"{place}@{pushed['digest']}", "--path", str(pulled), "--plain-http")
    assert sorted(each.relative_to(pulled).as_posix() for each in pulled.rglob("*")) == [
        "base",
        "base/run.sh",
        "link.yaml",
        "web.yaml",
    ]
    assert (pulled / "link.yaml").read_text() == "kind: ConfigMap\n" and os.access(pulled / "base" / "run.sh", os.X_OK)
    assert "is not empty" in await trueup(
        "artifact", "pull", f"{place}:v1", "--path", str(pulled), "--plain-http", code=20
    )

    assert await trueup("artifact", "diff", f"{place}:prod", "--path", str(folder), "--plain-http") == ""
    (folder / "web.yaml").write_text("kind: Secret\n")
    (folder / "new.yaml").write_text("")
    (folder / "base" / "run.sh").unlink()
    said = await trueup("artifact", "diff", f"{place}:prod", "--path", str(folder), "--plain-http", code=1)
    assert said.splitlines() == ["- base/run.sh", "+ new.yaml", "~ web.yaml"]


def test_the_same_files_are_the_same_layer(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for path in ("b", "a") if name == "one" else ("a", "b"):
            (tmp_path / name / path).write_text(path)
        os.utime(tmp_path / name / "a", (1, 1 if name == "one" else 2))
    assert packed(WorkTree(tmp_path / "one"), "") == packed(WorkTree(tmp_path / "two"), "")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("oci://h/a/b:v1", ArtifactPlace("h", "a/b", "v1")),
        ("oci://h:5000/a", ArtifactPlace("h:5000", "a", "latest")),
        ("h/a@sha256:00", ArtifactPlace("h", "a", "sha256:00")),
    ],
)
def test_a_place_is_read(text: str, place: ArtifactPlace) -> None:
    assert read_place(text) == place


@pytest.mark.parametrize(
    "text", ["https://h/a:v1", "oci://h", "oci://u:p@h/a", "oci://h/a:-x/..", "oci://h/a:v1 x", ""]
)
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(InvalidSpec):
        read_place(text)

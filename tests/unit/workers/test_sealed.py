"""Encrypted files are opened by their project's keys alone, by each of the renderers, and leave no trace."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.gitrepo import GitRepo
from tests.unit.sources.test_sops import KEYS, OTHER, encrypted

from trueup.model.application import HelmSource, Source
from trueup.model.errors import RenderFailed
from trueup.model.manifest import Rendering
from trueup.render.environment import RenderContext
from trueup.sources.tree import GitTree
from trueup.store.preparing import Preparer
from trueup.workers.kept import Kept
from trueup.workers.pool import Pool
from trueup.workers.renders import Renders

CHART = b"apiVersion: v2\nname: web\nversion: 1.0.0\n"
TEMPLATE = (
    b"apiVersion: v1\nkind: Secret\nmetadata: {name: chart}\nstringData:\n  b: {{ index .Values.a.b 0 | quote }}\n"
)
BROKEN = TEMPLATE.replace(b"| quote", b"| fail")
GENERATED = (
    b"secretGenerator: [{name: g, envs: [settings.env], options: {disableNameSuffixHash: true}}]\n"
    b"resources: [pgp.yaml]\n"
)
FILES: dict[str, bytes | str] = {
    "plain/two.yaml": encrypted("two.yaml"),
    "overlay/kustomization.yaml": GENERATED,
    "overlay/settings.env": encrypted("settings.env"),
    "overlay/pgp.yaml": encrypted("pgp.yaml"),
    "chart/Chart.yaml": CHART,
    "chart/templates/t.yaml": TEMPLATE,
    "chart/secrets.json": encrypted("values.json"),
    "broken/Chart.yaml": CHART,
    "broken/templates/t.yaml": BROKEN,
    "broken/secrets.json": encrypted("secret.yaml"),
}
VALUES = HelmSource(value_files=["secrets.json"])


class Sealed:
    """A repository, and what renders it for projects by their keys' names."""

    def __init__(self, repo: GitRepo, renders: Renders, folder: Path) -> None:
        self.tree = GitTree(repo.path, repo.commit(FILES), repo.url, lambda: None)
        self.renders, self.folder = renders, folder

    async def made(self, path: str, keys: str = KEYS.name, helm: HelmSource | None = None) -> Rendering:
        context = RenderContext(app_name="shop", namespace="prod", kube_version="v1.37.0", sops=keys)
        return await self.renders.manifests(Source(path=path, helm=helm), self.tree, {}, context)


@pytest.fixture(scope="module")
async def sealed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sealed]:
    folder = tmp_path_factory.mktemp("sealed")
    mirrors, kept = folder / "mirrors", Kept(folder / "renders", room=1 << 30)
    repo = GitRepo(mirrors / "repo.git")
    pool, preparer = Pool(1), Preparer(mirrors, 1)
    known = {each.name: each for each in (KEYS, OTHER)}
    yield Sealed(repo, Renders(pool, preparer, kept=kept, keys=lambda name: known[name]), folder)
    await preparer.close()
    await pool.close()
    await kept.close()


def values(made: Rendering) -> dict[str, dict[str, str]]:
    """What Secrets hold, by their names."""
    objects = [each.object() for each in made.manifests]
    return {
        each["metadata"]["name"]: {name: base64.b64decode(text).decode() for name, text in each["data"].items()}
        for each in objects
    }


async def test_manifests_variables_of_generators_and_values_of_charts_are_opened(sealed: Sealed) -> None:
    assert values(await sealed.made("plain")) == {"a": {"x": "first-secret"}, "b": {"y": "second-secret"}}
    overlay = values(await sealed.made("overlay"))
    assert overlay["by-pgp"] == {"password": "s3cr3t words"}
    assert overlay["g"]["PASSWORD"] == "s3cr3t=words"
    made = await sealed.made("chart", helm=VALUES)
    assert values(made) == {"chart": {"b": "x"}} and "x" in made.secrets


async def test_another_projects_keys_open_nothing_though_it_was_rendered_a_moment_ago(sealed: Sealed) -> None:
    await sealed.made("plain")
    with pytest.raises(RenderFailed, match=r"plain/two\.yaml: no key opens it: .*age1"):
        await sealed.made("plain", OTHER.name)


async def test_without_keys_a_file_is_what_it_is(sealed: Sealed) -> None:
    made = await sealed.made("plain", "")
    assert "ENC[AES256_GCM" in str(values(made)) and made.secrets == ()


async def test_a_message_of_a_tool_quotes_nothing_that_was_encrypted(sealed: Sealed) -> None:
    with pytest.raises(RenderFailed) as refused:
        await sealed.made("broken", helm=VALUES)
    assert "s3cr3t" not in str(refused.value)


async def test_nothing_of_it_is_written_to_disk(sealed: Sealed) -> None:
    await sealed.made("plain")
    await sealed.made("chart", helm=VALUES)
    for file in sealed.folder.rglob("*"):
        content = file.read_bytes() if file.is_file() else b""
        assert not any(each in content for each in (b"first-secret", base64.b64encode(b"first-secret"), b"s3cr3t"))

"""Bases and files elsewhere: the outcome is that of kustomize itself, which fetches them without a wall."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from aiohttp import web
from tests.support.githttp import GitHttpServer
from tests.support.gitrepo import GitRepo
from tests.support.httpserver import serving
from tests.support.memtree import MemTree

from kubegrammar import yaml
from trueup.model.application import KustomizeSource, Source
from trueup.model.errors import RenderFailed, SourceUnavailable, TrueupError
from trueup.model.manifest import Manifest
from trueup.offline.elsewhere import Elsewhere
from trueup.offline.renderer import OfflineRenderer
from trueup.render.environment import RenderContext
from trueup.render.output import Objects
from trueup.sources.mirrors import Mirrors
from trueup.workers.git import run_git
from trueup.workers.kustomize import kubectl

CONTEXT = RenderContext(app_name="shop", namespace="prod")
CM = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {v: a}\n"
COMPONENT = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnameSuffix: -c\n"
WEB = {
    "/cm.yaml": CM % "remote",
    "/patch.yaml": CM.replace("v: a", "v: patched") % "remote",
    "/org/manifests": CM % "by-query",
    "/conf.ini": "a=b\n",
    "/page/repo": "<html>apiVersion kind metadata</html>",
    "/gen.yaml": "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: generated}\nliterals: [a=b]\n",
}
CASES: dict[str, dict[str, str]] = {
    "a folder by // at a tag, twice by two ways": {
        "kustomization.yaml": "resources: ['{git}/team/base.git//deploy?ref=v1', diamond]\nnamePrefix: x-\n",
        "diamond/kustomization.yaml": "nameSuffix: -d\n"
        "resources: ['git::{git}/team/base.git/deploy?ref=v1&timeout=90s']\n",
    },
    "the root of a branch, and a component": {
        "kustomization.yaml": "bases: ['{git}/team/base.git?ref=next&submodules=false']\n"
        "components: ['{git}/team/base.git//component']\n",
    },
    "a commit": {"kustomization.yaml": "resources: ['{git}/team/base//common?ref={sha}']\n"},
    "a base that names a base elsewhere, and a link": {
        "kustomization.yaml": "resources: ['{git}/team/over.git//deep', own.yaml]\nlabels: [{pairs: {a: b}}]\n",
        "own.yaml": CM % "own",
    },
    "files over HTTP": {
        "kustomization.yaml": "resources: ['{web}/cm.yaml', '{web}/org/manifests?v=1&x=y']\n"
        "patches: [{path: '{web}/patch.yaml'}]\n"
        "configMapGenerator: [{name: g, files: ['{web}/conf.ini', 'k={web}/conf.ini'], envs: ['{web}/conf.ini']}]\n"
        "generators: ['{web}/gen.yaml']\n",
    },
}
REFUSED = {
    "a repository that is none": (
        "resources: ['{git}/team/none.git//x']",
        SourceUnavailable,
        "resources\\[0\\]: .*none",
    ),
    "a ref that is none": ("resources: ['{git}/team/base.git//deploy?ref=v9']", RenderFailed, '"v9" not found'),
    "a file of a folder": (
        "resources: ['{git}/team/base.git//deploy/kustomization.yaml?ref=v1']",
        RenderFailed,
        "is a file, and a folder with a kustomization is expected",
    ),
    "a folder that is none": ("resources: ['{git}/team/base.git//gone?ref=v1']", RenderFailed, "gone: no such folder"),
    "a folder without a kustomization": ("resources: ['{git}/team/base.git//bare']", RenderFailed, "no kustomization"),
    "a file that is none": ("patches: [{path: '{web}/gone'}]", RenderFailed, "patches\\[0\\].path: .*answers 404"),
    "a manifest that is none": ("resources: ['{web}/org/repo/gone.yaml']", RenderFailed, "gone.yaml: .*answers 404"),
    "a page about a repository": ("resources: ['{web}/page/repo']", SourceUnavailable, "/page/repo"),
    "a circle": ("resources: ['{git}/team/round.git//a']", RenderFailed, "cycle detected"),
    "a base that leaves its folder": ("resources: ['{git}/team/base.git//out']", RenderFailed, "not below the folder"),
    "a base that leaves its repository": ("resources: ['{git}/team/base.git//way']", RenderFailed, "outside the appl"),
    "a base that links out of its repository": (
        "resources: ['{git}/team/base.git//leak']",
        RenderFailed,
        "outside rep",
    ),
    "a pointer of Git LFS": ("resources: ['{git}/team/base.git//large']", RenderFailed, "Git LFS pointer"),
    "a local repository": ("resources: ['file:///etc//x']", TrueupError, "local repositories are not allowed"),
    "a file of a transformer": (
        "transformers: ['{kind: PatchTransformer, path: \"{web}/patch.yaml\"}']",
        RenderFailed,
        "a generator or transformer may name files of its repository only",
    ),
    "a component over HTTP": ("components: ['{web}/cm.yaml']", RenderFailed, "no such file"),
}


@pytest.fixture(scope="module")
async def places(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, str]]:
    root = tmp_path_factory.mktemp("served")
    base = GitRepo(root / "team" / "base.git")
    files: dict[str, bytes | str] = {
        "kustomization.yaml": b"resources: [common]\nnamePrefix: root-\n",
        "deploy/kustomization.yaml": b"resources: [cm.yaml, ../common]\n",
        "deploy/cm.yaml": (CM % "deploy").encode(),
        "common/kustomization.yaml": b"configMapGenerator: [{name: g, files: [f.txt]}]\n",
        "common/f.txt": b"x",
        "component/kustomization.yaml": COMPONENT.encode(),
        "bare/x.yaml": b"",
        "out/kustomization.yaml": b"resources: [../deploy/cm.yaml]\n",
        "way/kustomization.yaml": b"resources: [../../../../kustomization.yaml]\n",
        "leak/kustomization.yaml": b"resources: [l.yaml]\n",
        "leak/l.yaml": "../../../kustomization.yaml",
        "large/kustomization.yaml": b"resources: [l.yaml]\n",
        "large/l.yaml": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
    }
    sha = base.commit(files)
    base.git("tag", "v1")
    base.commit({"common/f.txt": b"next"}, branch="next", keep=False)
    base.commit({**files, "common/f.txt": b"next"}, branch="next", keep=False)
    with GitHttpServer(root) as git:
        over = GitRepo(root / "team" / "over.git")
        named = (
            f"resources: ['{git.url}/team/base.git//deploy?ref=v1']\nconfigMapGenerator: [{{name: l, files: [l]}}]\n"
        )
        over.commit({"deep/kustomization.yaml": named.encode(), "deep/l": "m", "deep/m": b"linked"})
        GitRepo(root / "team" / "round.git").commit(
            {
                "a/kustomization.yaml": f"resources: ['{git.url}/team/round.git//b']\n".encode(),
                "b/kustomization.yaml": f"resources: ['{git.url}/team/round.git//a']\n".encode(),
            }
        )

        async def answer(request: web.BaseRequest) -> web.Response:
            text = WEB.get(request.path)
            return web.Response(text=text, content_type="text/plain") if text else web.Response(status=404)

        async with serving(answer) as address:
            yield {"{git}": git.url, "{web}": f"http://{address}", "{sha}": sha}


@pytest.fixture(scope="module")
async def renderer() -> AsyncIterator[OfflineRenderer]:
    async with OfflineRenderer() as made:
        yield made


def filled(files: Mapping[str, str], places: Mapping[str, str]) -> dict[str, str]:
    made = {}
    for path, text in files.items():
        for mark, place in places.items():
            text = text.replace(mark, place)
        made[path] = text
    return made


async def ours(
    renderer: OfflineRenderer, files: Mapping[str, str], folder: Path, source: Source | None = None
) -> tuple[Manifest, ...]:
    mirrors = Mirrors(folder / "mirrors", run_git)
    fetch = Elsewhere(mirrors, guarded=False).application()
    return (await renderer.render(source or Source(path="."), MemTree(files), CONTEXT, fetch=fetch)).manifests


async def theirs(files: Mapping[str, str], folder: Path) -> tuple[Manifest, ...]:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    done = await asyncio.create_subprocess_exec(
        *(kubectl(), "kustomize", folder, "--load-restrictor", "LoadRestrictionsNone"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"},
    )
    out, err = await done.communicate()
    assert done.returncode == 0, err.decode()
    objects = Objects()
    for document in yaml.load_all(out, "kustomize").documents:
        objects.add(document.value, "kustomize")
    return objects.finish()


@pytest.mark.parametrize("files", CASES.values(), ids=CASES.keys())
async def test_the_outcome_is_kustomizes(
    renderer: OfflineRenderer, places: Mapping[str, str], files: Mapping[str, str], tmp_path: Path
) -> None:
    files = filled(files, places)
    made, expected = await asyncio.gather(ours(renderer, files, tmp_path), theirs(files, tmp_path / "app"))
    assert made
    assert {each.key: each.body for each in made} == {each.key: each.body for each in expected}


@pytest.mark.parametrize(("text", "error", "says"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_is_refused_names_file_and_field(
    renderer: OfflineRenderer, places: Mapping[str, str], text: str, error: type[TrueupError], says: str, tmp_path: Path
) -> None:
    files = filled({"kustomization.yaml": text}, places)
    with pytest.raises(error, match=says) as caught:
        await ours(renderer, files, tmp_path)
    assert "kustomization.yaml" in caught.value.message or "LFS" in says


async def test_an_application_adds_a_component_from_elsewhere(
    renderer: OfflineRenderer, places: Mapping[str, str], tmp_path: Path
) -> None:
    options = KustomizeSource(components=[f"{places['{git}']}/team/base.git//component?ref=v1"])
    files = {"kustomization.yaml": "resources: [cm.yaml]\n", "cm.yaml": CM % "own"}
    made = await ours(renderer, files, tmp_path, Source(path=".", kustomize=options))
    assert [manifest.key.name for manifest in made] == ["own-c"]

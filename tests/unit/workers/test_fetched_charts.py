"""Charts of Helm repositories in kustomizations: the outcome is that of kustomize with Helm's own ``pull``."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from tests.support import helmtemplate
from tests.support.helmrepo import HelmRepo, chart, helm_repo, packed
from tests.support.memtree import MemTree

from kubegrammar import yaml
from trueup.model.application import Source
from trueup.model.errors import RenderFailed, TrueupError
from trueup.model.manifest import Manifest
from trueup.offline.elsewhere import Elsewhere
from trueup.offline.renderer import OfflineRenderer
from trueup.render.environment import RenderContext
from trueup.render.output import Objects
from trueup.render.remote import RemotesNeeded
from trueup.sources.mirrors import Mirrors
from trueup.workers.git import run_git
from trueup.workers.kustomize import kubectl

CONTEXT = RenderContext(app_name="shop", namespace="prod", kube_version="v1.37.2", inflates=True)
CASES: dict[str, dict[str, str]] = {
    "an exact version, a range, the newest stable, of one repository": {
        "kustomization.yaml": "namespace: own\nnamePrefix: p-\nhelmCharts:\n"
        "- {name: web, repo: '{repo}', version: 1.0.0, releaseName: exact, valuesInline: {a: 2, m: {x: null}}}\n"
        "- {name: web, repo: '{repo}/', version: ~1.0, releaseName: range, additionalValuesFiles: [more.yaml]}\n"
        "- {name: other, repo: '{repo}', releaseName: newest}\n",
        "more.yaml": "b: 3\n",
    },
    "by a whole URL, with a subchart, and values of the chart itself": {
        "kustomization.yaml": "resources: [base]\n",
        "base/kustomization.yaml": "namespace: below\nhelmGlobals: {chartHome: stuff}\nhelmCharts:\n"
        "- {name: above, repo: '{repo}', version: 3.0.0, releaseName: r, valuesFile: "
        "stuff/above-3.0.0/above/prod.yaml, includeCRDs: true}\n",
    },
}
REFUSED = {
    "a name": ("name: wob, version: 1.0.0", "its index has no chart of this name .correct name, or repo"),
    "a version": (
        "name: web, version: 9.0.0",
        "its index has no such version .set version to one that it has: 2.0.0-rc1",
    ),
    "no stable version": ("name: early", "its index has no stable version .*1.0.0-a"),
    "no URL": ("name: nowhere", "names no URL of version 1.0.0"),
    "another digest": ("name: forged", "forged-1.0.0.tgz is not what the repository's index says"),
    "an archive that is none": ("name: page", "chart page .*is no packed chart"),
    "another chart": ("name: alias", "its Chart.yaml says that it is 'web'"),
    "a library": ("name: lib", "library charts are not installable"),
    "what is not there": ("name: lost", r"lost-1.0.0.tgz.*answers 404"),
    "a folder above": ("name: climber", "'climber/../../x' leads out of the chart"),
}


@pytest.fixture(scope="module")
async def repo() -> AsyncIterator[HelmRepo]:
    async with helm_repo() as made:
        for version in ("1.0.0", "1.0.5", "1.2.0-beta", "2.0.0-rc1", "1.0.4"):
            made.add("web", version)
        made.add("other", "0.1.0")
        made.add("other", "0.2.0+build")
        made.add("early", "1.0.0-a")
        below = packed(chart("below", "1.0.0"))
        made.add("above", "3.0.0", {"prod.yaml": "a: prod\n", "crds/x.yaml": helmcrd()}, url=f"{made.url}/x/{{}}")
        files: dict[str, str | bytes] = {
            **chart("above", "3.0.0", {"prod.yaml": "a: prod\n", "crds/x.yaml": helmcrd()}),
            "above/charts/below-1.0.0.tgz": below,
        }
        made.files["/charts/stable/x/above-3.0.0.tgz"] = packed(files)
        made.index["above"][0].pop("digest")
        for name in ("nowhere", "forged", "page", "alias", "lost", "climber"):
            made.add(name, "1.0.0")
            if name != "forged":
                made.index[name][0].pop("digest")
        made.add("lib", "1.0.0", {"Chart.yaml": "apiVersion: v2\nname: lib\nversion: 1.0.0\ntype: library\n"})
        made.index["nowhere"][0]["urls"] = []
        made.files["/charts/stable/forged-1.0.0.tgz"] = packed(chart("forged", "6.6.6"))
        made.files["/charts/stable/page-1.0.0.tgz"] = b"<html>"
        made.files["/charts/stable/alias-1.0.0.tgz"] = packed(chart("web", "1.0.0"))
        made.files["/charts/stable/climber-1.0.0.tgz"] = packed({"climber/../../x": "y"})
        del made.files["/charts/stable/lost-1.0.0.tgz"]
        yield made


def helmcrd() -> str:
    return "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: foos.example.com}\n"


@pytest.fixture(scope="module")
async def renderer() -> AsyncIterator[OfflineRenderer]:
    async with OfflineRenderer() as made:
        yield made


async def ours(renderer: OfflineRenderer, files: Mapping[str, str], folder: Path) -> tuple[Manifest, ...]:
    fetch = Elsewhere(Mirrors(folder / "mirrors", run_git), guarded=False).application()
    return (await renderer.render(Source(path="."), MemTree(files), CONTEXT, fetch=fetch)).manifests


async def theirs(files: Mapping[str, str], folder: Path) -> tuple[Manifest, ...]:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    helm = folder.with_name("helm")
    helm.write_text(f'#!/bin/sh\nexec {sys.executable} {helmtemplate.__file__} "$@"\n')
    helm.chmod(0o700)
    command = [str(kubectl()), "kustomize", str(folder), "--load-restrictor", "LoadRestrictionsNone"]
    done = await asyncio.create_subprocess_exec(
        *(*command, "--enable-helm", "--helm-command", str(helm), "--helm-kube-version", "1.37.2"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"HOME": str(folder.parent), "PATH": "/usr/bin:/bin"},
    )
    out, err = await done.communicate()
    assert done.returncode == 0, err.decode()
    objects = Objects()
    for document in yaml.load_all(out, "kustomize").documents:
        objects.add(document.value, "kustomize")
    return objects.finish()


@pytest.mark.parametrize("files", CASES.values(), ids=CASES.keys())
async def test_the_outcome_is_kustomizes(
    repo: HelmRepo, renderer: OfflineRenderer, files: Mapping[str, str], tmp_path: Path
) -> None:
    files = {path: text.replace("{repo}", repo.url) for path, text in files.items()}
    made, expected = await asyncio.gather(ours(renderer, files, tmp_path), theirs(files, tmp_path / "app"))
    assert made
    assert {each.key: each.body for each in made} == {each.key: each.body for each in expected}


async def test_as_it_was_written_formerly_and_where_it_is_committed(
    repo: HelmRepo, renderer: OfflineRenderer, tmp_path: Path
) -> None:
    files = {
        "kustomization.yaml": "helmChartInflationGenerator: [{chartName: web, chartRepoUrl: '{repo}', "
        "chartVersion: 1.0.0, releaseName: r}]\nhelmCharts: [{name: gone, repo: 'https://e.invalid', version: 1.0.0, "
        "releaseName: r}]\n".replace("{repo}", repo.url),
        **{f"charts/gone-1.0.0/{path}": text for path, text in chart("gone", "1.0.0").items()},
    }
    made = await ours(renderer, files, tmp_path)
    assert {each.object()["data"]["chart"] for each in made} == {"web-1.0.0", "gone-1.0.0"}


@pytest.mark.parametrize(("text", "says"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_is_refused_names_file_field_and_chart(
    repo: HelmRepo, renderer: OfflineRenderer, text: str, says: str, tmp_path: Path
) -> None:
    files = {"kustomization.yaml": f"helmCharts: [{{{text}, repo: '{repo.url}', releaseName: r}}]\n"}
    with pytest.raises(TrueupError, match=says) as caught:
        await ours(renderer, files, tmp_path)
    assert caught.value.message.startswith("kustomization.yaml: helmCharts[0]: ") and caught.value.hint


@pytest.mark.parametrize("url", ["file:///etc", "oci://h/x", "h/x", "ssh://h/x"])
async def test_a_repository_is_asked_over_http_alone(renderer: OfflineRenderer, url: str, tmp_path: Path) -> None:
    files = {"kustomization.yaml": f"helmCharts: [{{name: web, repo: '{url}', releaseName: r}}]\n"}
    with pytest.raises(RenderFailed, match=r"^kustomization.yaml: helmCharts\[0\]: .*over HTTP alone .*helm pull"):
        await ours(renderer, files, tmp_path)


async def test_without_a_network_the_remedy_is_to_commit_it(renderer: OfflineRenderer) -> None:
    files = {"kustomization.yaml": "helmCharts: [{name: web, repo: 'https://e.invalid', releaseName: r}]\n"}
    with pytest.raises(RemotesNeeded, match=r"chart web of https://e.invalid is remote.*helm pull --untar"):
        await renderer.render(Source(path="."), MemTree(files), CONTEXT)

"""Charts in kustomizations (``helmCharts``): the outcome is what kustomize makes of Helm's output."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from tests.support import helmtemplate
from tests.support.memtree import MemTree

from kubegrammar import yaml
from trueup.model.application import Source
from trueup.model.errors import RenderFailed
from trueup.model.manifest import Manifest
from trueup.render.environment import RenderContext
from trueup.render.output import Objects
from trueup.render.recipe import make_recipe, read_inputs
from trueup.workers.kustomize import kubectl
from trueup.workers.pool import Pool

CONTEXT = RenderContext(app_name="shop", namespace="prod", kube_version="v1.37.2", inflates=True)
SHOW = """apiVersion: v1
kind: ConfigMap
metadata: {name: '{{ .Release.Name }}', namespace: '{{ .Release.Namespace }}'}
data: {values: {{ .Values | toJson | quote }}, version: '{{ .Capabilities.KubeVersion }}'}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: '{{ .Release.Name }}-hook', annotations: {helm.sh/hook: pre-install}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: '{{ .Release.Name }}-test', annotations: {helm.sh/hook: test}}
"""
CRD = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: foos.example.com}\n"


def chart(folder: str) -> dict[str, str]:
    return {
        f"{folder}/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\nkubeVersion: '>=1.29'\n",
        f"{folder}/values.yaml": "a: 1\nlist: [1, 2]\nm: {x: 1, z: 2}\n",
        f"{folder}/templates/show.yaml": SHOW,
        f"{folder}/crds/foo.yaml": CRD,
    }


CASES: dict[str, dict[str, str]] = {
    "inline values over the chart's, and further files": {
        **chart("app/charts/web"),
        "app/kustomization.yaml": "namespace: own\nnamePrefix: p-\nlabels: [{pairs: {a: b}}]\n"
        "helmCharts: [{name: web, releaseName: r, valuesInline: {a: 2, m: {x: null, k: 3}}, "
        "additionalValuesFiles: [more.yaml], includeCRDs: true}]\n",
        "app/more.yaml": "list: [3]\n",
    },
    "other ways to merge, another home, a namespace from above": {
        **chart("base/stuff/web-1.0.0/web"),
        "app/kustomization.yaml": "namespace: above\nresources: [../base]\n",
        "base/kustomization.yaml": "helmGlobals: {chartHome: stuff}\nhelmCharts:\n"
        "- {name: web, version: 1.0.0, repo: 'https://e.invalid', releaseName: merge, skipHooks: true, "
        "valuesMerge: merge, valuesInline: {a: 2, more: 1}}\n"
        "- {name: web, version: 1.0.0, repo: 'https://e.invalid', releaseName: replace, namespace: said, "
        "skipTests: true, valuesMerge: replace, valuesInline: {b: 2}, valuesFile: v.yaml, kubeVersion: 1.30.0}\n",
        "base/v.yaml": "never: read\n",
    },
    "as it was written formerly": {
        **chart("app/local/web"),
        "app/kustomization.yaml": "helmChartInflationGenerator: [{chartName: web, chartHome: local, releaseName: r, "
        "valuesLocal: {a: 5}}]\n",
    },
}
REFUSED = {
    "a chart that is nowhere": (
        "helmCharts: [{name: gone, releaseName: r, version: 1.0.0}]",
        r"helmCharts\[0\]: no chart at app/charts/gone .*or set repo",
    ),
    "a release without a name": ("helmCharts: [{name: web}]", "set releaseName"),
    "a field of a wrong type": ("helmCharts: [{name: [web]}]", r"helmCharts\[0\]: Expected `str`"),
    "a home outside": (
        "helmGlobals: {chartHome: ../..}\nhelmCharts: [{name: web, releaseName: r}]",
        "outside the application root",
    ),
    "a value file outside": (
        "helmCharts: [{name: web, releaseName: r, valuesFile: ../../x}]",
        "outside repository root",
    ),
    "a cluster of another version": (
        "helmCharts: [{name: web, releaseName: r, kubeVersion: 1.20.0}]",
        "requires kubeVersion: >=1.29",
    ),
    "values that are none": (
        "helmCharts: [{name: web, releaseName: r, additionalValuesFiles: [list.yaml]}]",
        "values must be a mapping",
    ),
}


@pytest.fixture(scope="module")
async def pool() -> AsyncIterator[Pool]:
    made = Pool(1)
    yield made
    await made.close()


async def ours(pool: Pool, files: Mapping[str, str], context: RenderContext = CONTEXT) -> tuple[Manifest, ...]:
    tree = MemTree(files)
    recipe = make_recipe(Source(path="app"), tree, {}, context)
    return (await pool.render(recipe, read_inputs(recipe, tree, {}))).manifests


async def theirs(files: Mapping[str, str], folder: Path) -> tuple[Manifest, ...]:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    helm = folder / "helm"
    helm.write_text(f'#!/bin/sh\nexec {sys.executable} {helmtemplate.__file__} "$@"\n')
    helm.chmod(0o700)
    command = [str(kubectl()), "kustomize", str(folder / "app"), "--load-restrictor", "LoadRestrictionsNone"]
    done = await asyncio.create_subprocess_exec(
        *(*command, "--enable-helm", "--helm-command", str(helm), "--helm-kube-version", "1.37.2"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin"},
    )
    out, err = await done.communicate()
    assert done.returncode == 0, err.decode()
    objects = Objects()
    for document in yaml.load_all(out, "kustomize").documents:
        objects.add(document.value, "kustomize")
    return objects.finish()


@pytest.mark.parametrize("files", CASES.values(), ids=CASES.keys())
async def test_the_outcome_is_kustomizes(pool: Pool, files: Mapping[str, str], tmp_path: Path) -> None:
    made, expected = await asyncio.gather(ours(pool, files), theirs(files, tmp_path))
    assert len(made) > 1
    assert {each.key: each.body for each in made} == {each.key: each.body for each in expected}


@pytest.mark.parametrize(("text", "says"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_is_refused_names_its_field(pool: Pool, text: str, says: str) -> None:
    files = {**chart("app/charts/web"), "app/kustomization.yaml": text, "app/list.yaml": "[1]"}
    with pytest.raises(RenderFailed, match=says) as caught:
        await ours(pool, files)
    assert "helmCharts[0]" in str(caught.value) or "Chart.yaml" in str(caught.value)


async def test_charts_are_not_inflated_unasked(pool: Pool) -> None:
    files = {**chart("app/charts/web"), "app/kustomization.yaml": "helmCharts: [{name: web, releaseName: r}]"}
    with pytest.raises(RenderFailed, match="helmCharts needs Helm inflation, which is switched off"):
        await ours(pool, files, RenderContext(app_name="shop"))


async def test_a_base_cannot_be_inflated_for_two_namespaces_at_once(pool: Pool) -> None:
    files = {
        **chart("base/charts/web"),
        "base/kustomization.yaml": "helmCharts: [{name: web, releaseName: r}]",
        "app/kustomization.yaml": "resources: [a, b]",
        "app/a/kustomization.yaml": "namespace: a\nresources: [../../base]",
        "app/b/kustomization.yaml": "namespace: b\nresources: [../../base]",
    }
    with pytest.raises(RenderFailed, match=r"inflated for namespace 'a' too \(set helmCharts\[\].namespace"):
        await ours(pool, files)

"""Configurations that kustomize makes itself: what they read is in no file of the repository, nor in any check.

In a child with a wall, and in one on a kernel without Landlock.
"""

import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.support.memtree import MemTree

import trueup
from trueup.model.application import Source
from trueup.model.errors import RenderFailed
from trueup.model.manifest import Rendering
from trueup.render.job import ClosureTooNarrow, Recipe
from trueup.render.recipe import RenderContext, make_recipe, read_inputs
from trueup.workers.pool import Pool

CONTEXT = RenderContext(app_name="shop", namespace="prod")
CANARY = "5f1c0ffee-canary"
CM = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {v: a}\n"
PLUGIN = "apiVersion: builtin\nkind: {kind}\nmetadata: {{name: g}}\n"
REFUSED = (
    "leads out of the repository",
    "is outside the application root",
    "only kustomize knows what it reads",
    "Helm inflation",
    "must specify --enable-helm",
)
OLD_KERNEL = Path(__file__).parents[2] / "support" / "oldkernel.py"


@pytest.fixture(scope="module", params=["wall", "no wall"])
async def pool(request: pytest.FixtureRequest) -> AsyncIterator[Pool]:
    made = Pool(1)
    if request.param == "no wall":
        children: Any = made._children
        children._command = [sys.executable, str(OLD_KERNEL), *children._command]
    assert bool((await made.warm()).files) is (request.param == "wall")
    yield made
    await made.close()


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("machine") / "secret.yaml"
    made.write_text(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {{v: {CANARY}}}\n")
    return made


async def render(pool: Pool, files: Mapping[str, str]) -> Rendering:
    """As the engine does: with the whole repository where the closure missed a file."""
    tree = MemTree(files)

    async def once(recipe: Recipe) -> Rendering:
        return await pool.render(recipe, read_inputs(recipe, tree, {}))

    try:
        return await once(make_recipe(Source(path="app"), tree, {}, CONTEXT))
    except ClosureTooNarrow:
        return await once(make_recipe(Source(path="app"), tree, {}, CONTEXT, whole_tree=True))


def patched(field: str, kind: str, patch: str, **more: str) -> dict[str, str]:
    """A plugin whose configuration a patch completes."""
    return {
        "app/kustomization.yaml": f"resources: [../base/cm.yaml]\n{field}: [g]\n",
        "base/cm.yaml": CM,
        "app/g/kustomization.yaml": f"resources: [g.yaml]\npatches: [{{target: {{kind: {kind}}}, patch: '{patch}'}}]\n",
        "app/g/g.yaml": PLUGIN.format(kind=kind),
        **more,
    }


def added(place: str, value: object) -> str:
    return json.dumps([{"op": "add", "path": place, "value": value}])


GENERATED = patched("generators", "ConfigMapGenerator", added("/files", ["k={path}"]))
SHAPES = [
    pytest.param(GENERATED, id="a generator completed by a JSON patch"),
    pytest.param(patched("generators", "ConfigMapGenerator", added("/envs", ["{path}"])), id="variables"),
    pytest.param(patched("generators", "SecretGenerator", added("/FILES", ["{path}"])), id="in another case"),
    pytest.param(patched("generators", "ConfigMapGenerator", added("/files", ["{up}{path}"])), id="a relative path"),
    pytest.param(
        {
            **GENERATED,
            "app/g/kustomization.yaml": "resources: [g.yaml]\npatches: [{path: p.yaml}]\n",
            "app/g/p.yaml": PLUGIN.format(kind="ConfigMapGenerator") + "files: ['k={path}']\n",
        },
        id="completed by a patch that is a file",
    ),
    pytest.param(
        {
            **GENERATED,
            "app/g/kustomization.yaml": "resources: [g.yaml]\npatches: [{path: ../../p/p.yaml}]\n",
            "p/p.yaml": PLUGIN.format(kind="ConfigMapGenerator") + "files: ['k={path}']\n",
        },
        id="by a file beside it",
    ),
    pytest.param(
        {
            **GENERATED,
            "app/g/g.yaml": PLUGIN.format(kind="ConfigMapGenerator").replace("g}", "g, annotations: {p: 'k={path}'}}")
            + "files: [k=x]\n",
            "app/x": "x",
            "app/g/kustomization.yaml": "resources: [g.yaml]\nreplacements: [{source: {kind: ConfigMapGenerator, "
            "fieldPath: metadata.annotations.p}, targets: [{select: {kind: ConfigMapGenerator}, "
            "fieldPaths: [files.0]}]}]\n",
        },
        id="by a replacement",
    ),
    pytest.param(
        {
            **GENERATED,
            "app/g/kustomization.yaml": "resources: [g.yaml]\ncomponents: [../c]\n",
            "app/c/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches: "
            "[{target: {kind: ConfigMapGenerator}, patch: '" + added("/files", ["k={path}"]) + "'}]\n",
        },
        id="by a component",
    ),
    pytest.param(
        {
            **GENERATED,
            "app/kustomization.yaml": "resources: [../base/cm.yaml]\ncomponents: [c]\n",
            "app/c/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
            "generators: [../g]\n",
        },
        id="a component that adds a generator",
    ),
    pytest.param(
        {
            **GENERATED,
            "app/g/kustomization.yaml": "generators: [h]\n",
            "app/g/h/kustomization.yaml": "resources: [h.yaml]\npatches: [{target: {kind: ConfigMapGenerator}, patch: '"
            + added("/files", ["k={path}"])
            + "'}]\n",
            "app/g/h/h.yaml": PLUGIN.format(kind="ConfigMapGenerator"),
        },
        id="a generator of a generator",
    ),
    pytest.param(
        {
            **GENERATED,
            "app/g/kustomization.yaml": "transformers: [t.yaml]\nresources: [g.yaml]\n",
            "app/g/t.yaml": PLUGIN.format(kind="PatchTransformer")
            + "target: {kind: ConfigMapGenerator}\npatch: '"
            + added("/files", ["k={path}"])
            + "'\n",
        },
        id="by a transformer",
    ),
    pytest.param(
        {
            **GENERATED,
            "app/kustomization.yaml": "resources: [../base/cm.yaml]\ngenerators: [g.yaml]\n",
            "app/g.yaml": "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: List, items: [{apiVersion: "
            "builtin, kind: ConfigMapGenerator, metadata: {name: g}, files: ['k={path}']}]}\n",
        },
        id="in lists",
    ),
    pytest.param(patched("transformers", "PatchTransformer", added("/path", "{path}")), id="a transformer's patch"),
    pytest.param(
        patched("transformers", "PatchStrategicMergeTransformer", added("/paths", ["{path}"])), id="its patches"
    ),
    pytest.param(
        patched("transformers", "ReplacementTransformer", added("/replacements", [{"path": "{path}"}])),
        id="its replacements",
    ),
    pytest.param(patched("validators", "PatchTransformer", added("/path", "{path}")), id="a validator's patch"),
    pytest.param(
        patched("generators", "HelmChartInflationGenerator", added("/valuesFile", "{path}")), id="a chart's values"
    ),
    *(
        pytest.param(
            {**GENERATED, "app/kustomization.yaml": f"resources: [../base/cm.yaml]\n{text}\n"}, id=f"{name}, named"
        )
        for name, text in {
            "openapi": "openapi: {path: '{path}'}",
            "crds": "crds: ['{path}']",
            "configurations": "configurations: ['{path}']",
            "patches": "patches: [{path: '{path}'}]",
            "a patch that is YAML, or a path": "patchesStrategicMerge: ['{path}']",
            "a patch with a line break": 'patchesStrategicMerge: ["\\n/../{up}{path}"]',
            "a generator with a line break": 'generators: ["\\n/../{up}{path}"]',
            "helmCharts": "helmCharts: [{name: x, valuesFile: '{path}'}]",
        }.items()
    ),
]


def reaching(files: Mapping[str, str], path: Path) -> dict[str, str]:
    return {name: text.replace("{path}", str(path)).replace("{up}", "../" * 20) for name, text in files.items()}


@pytest.mark.parametrize("files", SHAPES)
async def test_no_file_of_the_machine_is_read(
    pool: Pool, request: pytest.FixtureRequest, secret: Path, files: dict[str, str]
) -> None:
    # Behind a wall, one that Python itself may read; else any.
    path = secret if request.node.callspec.params["pool"] == "no wall" else Path(trueup.__file__)
    with pytest.raises(RenderFailed) as caught:
        await render(pool, reaching(files, path))
    assert CANARY not in str(caught.value)
    assert any(word in str(caught.value) for word in REFUSED), str(caught.value)


@pytest.mark.parametrize(
    "path", ["/etc/ld.so.cache", "/etc/localtime", "/dev/urandom", os.__file__, pytest.__file__, "/gone"]
)
async def test_kustomize_may_read_less_than_python(pool: Pool, path: str) -> None:
    with pytest.raises(RenderFailed, match=r"leads out of the repository|only kustomize knows"):
        await render(pool, reaching(GENERATED, Path(path)))


HONEST = {
    "../base/file beside a plain generator": {
        "app/kustomization.yaml": "resources: [../base/cm.yaml]\ngenerators: [g.yaml]\n",
        "app/g.yaml": PLUGIN.format(kind="ConfigMapGenerator") + "files: [k=../shared/f]\n",
        "shared/f": "text",
    },
    "a generator in place": {
        "app/kustomization.yaml": "resources: [../base/cm.yaml]\ngenerators:\n- |\n  apiVersion: builtin\n"
        "  kind: ConfigMapGenerator\n  metadata: {name: g}\n  files: [k=../shared/f]\n",
        "shared/f": "text",
    },
    "a folder of generators within its folder": {
        "app/kustomization.yaml": "resources: [cm.yaml]\ngenerators: [g]\n",
        "app/cm.yaml": CM,
        "app/g/kustomization.yaml": "resources: [g.yaml]\nnamePrefix: g-\n",
        "app/g/g.yaml": PLUGIN.format(kind="ConfigMapGenerator") + "files: [k=f]\n",
        "app/f": "text",
    },
}


@pytest.mark.parametrize("name", HONEST)
async def test_an_honest_generator_is_run(pool: Pool, name: str) -> None:
    made = await render(pool, {"base/cm.yaml": CM, **HONEST[name]})
    assert sorted(manifest.object()["data"].popitem() for manifest in made.manifests) == [("k", "text"), ("v", "a")]

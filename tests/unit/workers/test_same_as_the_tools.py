"""Every kustomization and chart of the examples becomes what the tools themselves make of it, field by field."""

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support import helmtemplate

from kubegrammar import yaml
from trueup.model.application import Source
from trueup.model.errors import RenderFailed
from trueup.offline.renderer import OfflineRenderer
from trueup.render.environment import RenderContext
from trueup.render.output import Objects
from trueup.sources.worktree import WorkTree
from trueup.workers.kustomize import kubectl

EXAMPLES = Path(__file__).parents[3] / "examples"
KUSTOMIZATIONS = sorted(file.parent.relative_to(EXAMPLES).as_posix() for file in EXAMPLES.rglob("kustomization.yaml"))
CHARTS = sorted(file.parent.relative_to(EXAMPLES).as_posix() for file in EXAMPLES.rglob("Chart.yaml"))
CONTEXT = RenderContext(app_name="shop", namespace="prod", kube_version="v1.37.2", api_versions=("v1", "apps/v1"))


@pytest.fixture(scope="module")
async def renderer() -> AsyncIterator[OfflineRenderer]:
    async with OfflineRenderer() as made:
        yield made


@pytest.mark.parametrize("folder", [*KUSTOMIZATIONS, *CHARTS])
async def test_the_outcome_is_the_tools(renderer: OfflineRenderer, folder: str, tmp_path: Path) -> None:
    command = [str(kubectl()), "kustomize", str(EXAMPLES / folder)]
    if folder in CHARTS:
        command = [sys.executable, helmtemplate.__file__, "template", "shop", str(EXAMPLES / folder)]
        command += ["--namespace", "prod", "--kube-version", "1.37.2", "--include-crds"]
    done = subprocess.run(command, capture_output=True, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"})
    rendering = renderer.render(Source(path=folder), WorkTree(EXAMPLES), CONTEXT)
    if done.returncode != 0:
        # A chart that asks for values.
        with pytest.raises(RenderFailed):
            await rendering
        return
    expected = Objects()
    for document in yaml.load_all(done.stdout, folder).documents:
        expected.add(document.value, folder)
    made = (await rendering).manifests
    assert made
    assert {each.key: each.body for each in made} == {each.key: each.body for each in expected.finish()}

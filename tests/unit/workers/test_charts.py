"""What charts do, each in one of its own: the outcome is Helm's, field by field."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.charts import CASES, chart

from kubegrammar import yaml
from trueup.model.application import HelmSource, Source
from trueup.model.errors import RenderFailed
from trueup.offline.renderer import OfflineRenderer
from trueup.render.environment import RenderContext
from trueup.render.output import Objects
from trueup.sources.worktree import WorkTree

CONTEXT = RenderContext(app_name="shop", namespace="prod", kube_version="v1.37.2", api_versions=("v1", "apps/v1"))
# In one process for all: each start of the library takes a good part of a second.
ORACLE = """
import json, sys
from helm_python import Chart, HelmError, _native
options = {"name": "shop", "namespace": "prod", "api_versions": ["v1", "apps/v1"], "kube_version": "1.37.2"}
made = {}
for name, (folder, values) in json.load(sys.stdin).items():
    try:
        with Chart.load(folder) as chart:
            asked = chart._raw(), json.dumps(values), json.dumps(options)
            texts = json.loads(_native.call_string("helm_render", *asked))
            crds = [each["data"] for each in chart.crds]
    except HelmError as error:
        made[name] = str(error)
    else:
        made[name] = crds + [t for n, t in sorted(texts.items()) if not n.rpartition("/")[2].startswith(("_", "NOTES"))]
json.dump(made, sys.stdout)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All charts, each in a folder of its own."""
    root = tmp_path_factory.mktemp("charts")
    for number, case in enumerate(CASES.values()):
        for path, text in {"Chart.yaml": chart(), **case.files}.items():
            file = root / f"c{number}" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    return root


@pytest.fixture(scope="module")
def helms(folder: Path) -> dict[str, Any]:
    """What Helm makes of each: texts, or its error."""
    asked = {name: [str(folder / f"c{number}"), case.values] for number, (name, case) in enumerate(CASES.items())}
    done = subprocess.run([sys.executable, "-c", ORACLE], input=json.dumps(asked).encode(), capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
async def ours(folder: Path) -> AsyncIterator[dict[str, Any]]:
    """What is made of each here: manifests, or the error."""

    async def one(number: int, values: dict[str, Any]) -> Any:
        source = Source(path=f"c{number}", helm=HelmSource(values_object=values))
        try:
            return (await renderer.render(source, WorkTree(folder), CONTEXT)).manifests
        except RenderFailed as error:
            return error

    async with OfflineRenderer() as renderer:
        made = await asyncio.gather(*(one(number, case.values) for number, case in enumerate(CASES.values())))
        yield dict(zip(CASES, made, strict=True))


@pytest.mark.parametrize("name", CASES)
async def test_the_outcome_is_helms(name: str, helms: dict[str, Any], ours: dict[str, Any]) -> None:
    case, made = CASES[name], ours[name]
    if case.fails:
        assert isinstance(helms[name], str) and case.fails in helms[name]
        assert isinstance(made, RenderFailed) and case.fails in made.message
        return
    assert isinstance(helms[name], list), helms[name]
    assert not isinstance(made, RenderFailed), made
    expected = Objects()
    for text in helms[name]:
        for document in yaml.load_all(text.encode(), name).documents:
            expected.add(document.value, name)
    assert made
    assert {each.key: each.body for each in made} == {each.key: each.body for each in expected.finish()}

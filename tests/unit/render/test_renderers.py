"""The table of renderers."""

from typing import get_args

import msgspec
import pytest
from tests.support.memtree import MemTree

from trueup.model.application import DirectorySource, HelmSource, KustomizeSource, PluginSource, Source
from trueup.model.errors import RenderFailed
from trueup.model.source import explicit_tool
from trueup.render.environment import Plugin, RenderContext
from trueup.render.job import GivenJob, Job
from trueup.render.recipe import make_recipe
from trueup.render.renderers import BY_NAME, RENDERERS, WrittenAs, renderer_of, written_of

BLOCKS = (
    Source(directory=DirectorySource()),
    Source(kustomize=KustomizeSource()),
    Source(helm=HelmSource()),
    Source(plugin=PluginSource()),
)
FILES = {
    "plain/x.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
    "built/kustomization.yaml": "configMapGenerator: [{name: a, literals: [a=b]}]\n",
    "chart/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
}
TREE = MemTree(FILES)


def test_each_block_of_a_source_is_an_entry_and_each_entry_a_block() -> None:
    assert {explicit_tool(source) for source in BLOCKS} == set(BY_NAME) == {each.name for each in RENDERERS}


def test_every_folder_is_for_somebody() -> None:
    assert renderer_of(Source(), MemTree({}), "nowhere") is RENDERERS[-1]


def test_every_kind_of_job_is_some_entrys_and_bears_its_name() -> None:
    """Recipes of one job and two names would be told apart by nobody."""
    plugin = Plugin(name="p", generate=("true",), file_name="x.yaml")
    made = [
        make_recipe(Source(path=path), TREE, {}, RenderContext(app_name="a", plugins=plugins))
        for path, plugins in (("plain", ()), ("built", ()), ("chart", ()), ("plain", (plugin,)))
    ]
    jobs = {type(recipe.job) for recipe in made}
    assert jobs == set(get_args(Job)) - {GivenJob}
    assert all(msgspec.to_builtins(recipe.job)["type"] == recipe.tool for recipe in made)


def test_a_plugin_that_is_not_there_is_refused() -> None:
    with pytest.raises(RenderFailed, match="no plugin is for the files of plain"):
        make_recipe(Source(path="plain", plugin=PluginSource()), TREE, {}, RenderContext(app_name="a"))


def test_what_nobody_rendered_is_as_it_was_written() -> None:
    assert written_of("") is WrittenAs.OBJECTS
    assert written_of("Helm") is WrittenAs.TEMPLATES

"""Config management plugins: what the operator has configured runs, as Argo CD runs it, and nothing else."""

import base64
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.support.memtree import Link, MemTree

from trueup.model.application import NameValue, PluginParameter, PluginSource, Source
from trueup.model.errors import RenderFailed, TrueupError
from trueup.model.tree import Entry, Mode
from trueup.render.environment import ParameterAnnouncement, Plugin
from trueup.render.plugin import plugin_of
from trueup.render.recipe import RenderContext, make_recipe, read_inputs
from trueup.render.renderers import renderer_of
from trueup.workers.plugins import plugins_in
from trueup.workers.pool import Pool

PRINT = """cat <<END
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data: {out: "$({ %s ; } | base64 -w0)"}
END
"""


def shell(script: str, **more: Any) -> Plugin:
    return Plugin(name="mine", generate=("sh", "-c", script), **more)


def show(command: str, **more: Any) -> Plugin:
    return shell(PRINT % command, **more)


def context(*plugins: Plugin) -> RenderContext:
    return RenderContext(app_name="shop", namespace="prod", project="p", kube_version="v1.30.1", plugins=plugins)


@pytest.fixture(scope="module")
async def pool() -> AsyncIterator[Pool]:
    made = Pool(1)
    yield made
    await made.close()


SOURCE = Source(repo_url="https://git.example/x", path="app", plugin=PluginSource(name="mine"))
FILES: dict[str, str | bytes] = {"app/in.txt": "text\n", "other/far.txt": "far"}


async def out(pool: Pool, plugin: Plugin, files: Mapping[str, str | bytes] = FILES, source: Source = SOURCE) -> str:
    tree = MemTree(files)
    recipe = make_recipe(source, tree, {}, context(plugin))
    assert recipe.confidential, "a plugin may put a secret anywhere"
    made = await pool.render(recipe, read_inputs(recipe, tree, {}))
    assert made.source_type == "Plugin"
    (manifest,) = made.manifests
    return base64.b64decode(manifest.object()["data"]["out"]).decode()


async def test_it_runs_in_the_sources_folder_of_the_whole_repository_after_its_init(pool: Pool) -> None:
    plugin = show("cat in.txt made ../other/far.txt; pwd | sed 's,.*/,,'", init=("sh", "-c", "echo made > made"))
    assert await out(pool, plugin) == "text\nmade\nfarapp\n"


async def test_it_sees_argo_cds_environment_and_no_other(pool: Pool) -> None:
    options = PluginSource(
        name="mine",
        env=[NameValue(name="A", value="$ARGOCD_APP_NAME!"), NameValue(name="EMPTY", value="")],
        parameters=[
            PluginParameter(name="the text", string="t"),
            PluginParameter(name="list", array=["x", "y"]),
            PluginParameter(name="map", map={"a.b": "c"}),
        ],
    )
    plugin = show("env | grep -v '^_=\\|^PWD=\\|^SHLVL=\\|^OLDPWD='")
    source = Source(repo_url="https://git.example/x", path="app", target_revision="main", plugin=options)
    found = dict(line.split("=", 1) for line in (await out(pool, plugin, source=source)).splitlines())
    assert json.loads(found.pop("ARGOCD_APP_PARAMETERS")) == [
        {"name": "the text", "string": "t"},
        {"name": "list", "array": ["x", "y"]},
        {"name": "map", "map": {"a.b": "c"}},
    ]
    for name in ("HOME", "TMPDIR", "PATH"):
        found.pop(name)
    assert found == {
        "ARGOCD_APP_NAME": "shop",
        "ARGOCD_APP_NAMESPACE": "prod",
        "ARGOCD_APP_PROJECT_NAME": "p",
        "ARGOCD_APP_REVISION": "a" * 40,
        "ARGOCD_APP_REVISION_SHORT": "a" * 7,
        "ARGOCD_APP_REVISION_SHORT_8": "a" * 8,
        "ARGOCD_APP_SOURCE_PATH": "app",
        "ARGOCD_APP_SOURCE_REPO_URL": "https://git.example/x",
        "ARGOCD_APP_SOURCE_TARGET_REVISION": "main",
        "ARGOCD_ENV_A": "shop!",
        "KUBE_VERSION": "1.30.1",
        "PARAM_LIST_0": "x",
        "PARAM_LIST_1": "y",
        "PARAM_MAP_A_B": "c",
        "PARAM_THE_TEXT": "t",
    }


REFUSED: dict[str, tuple[Plugin, str]] = {
    "a command that fails": (shell("echo why >&2; exit 3"), "failed with exit 3: why"),
    "a command that fails after it has printed": (shell(PRINT % "true" + "\nexit 1"), "failed with exit 1"),
    "one that is killed": (shell("kill -9 $$"), "failed with signal 9"),
    "a program that is not there": (Plugin(name="mine", generate=("none-such",)), "cannot be started"),
    "a program of the repository": (Plugin(name="mine", generate=("./run",)), "cannot be started"),
    "an init that fails": (show("true", init=("false",)), "spec.init `false` failed with exit 1"),
    "nothing printed": (shell("true"), "printed no manifest"),
    "nothing but comments": (shell("echo '# nothing'; echo ---"), "printed no manifest"),
    "half a manifest": (shell("printf 'apiVersion: v1\\nkind: [Conf'"), "output of plugin mine"),
    "a text": (shell("echo hello"), "must be a mapping"),
    "a folder that it is not for": (show("true", find=("true",)), "it is not for app"),
    "a look that fails": (show("true", find=("false",)), "spec.discover.find `false` failed"),
    "too much": (shell("cat /dev/zero"), "failed with"),
    "a file of the machine": (shell("cat /etc/passwd"), "failed with exit 1"),
    "the engine's own process": (shell("cat /proc/1/environ"), "failed with exit 1"),
    "the network": (Plugin(name="mine", generate=("bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/22")), "socket: "),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_not_whole_is_refused(pool: Pool, name: str) -> None:
    plugin, says = REFUSED[name]
    with pytest.raises(RenderFailed) as refused:
        await out(pool, plugin, {**FILES, "app/run": "#!/bin/sh\necho"})
    assert says in refused.value.message
    assert "root:" not in refused.value.message and "/repository/" not in refused.value.message


async def test_a_look_that_prints_says_that_it_is_for_the_folder(pool: Pool) -> None:
    assert await out(pool, show("cat in.txt", find=("sh", "-c", "ls in.txt"))) == "text\n"


async def test_modes_are_kept_where_it_asks_for_them(pool: Pool) -> None:
    tree = MemTree({"app/run": "x"})
    tree._entries["app/run"] = type(tree._entries["app/run"])("app/run", Mode.EXECUTABLE, "1" * 40)
    for keeps, mode in ((False, "600"), (True, "700")):
        recipe = make_recipe(SOURCE, tree, {}, context(show("stat -c %a run", preserves_mode=keeps)))
        made = await pool.render(recipe, read_inputs(recipe, tree, {}))
        assert base64.b64decode(made.manifests[0].object()["data"]["out"]).decode().strip() == mode


FILE = (
    "apiVersion: argoproj.io/v1alpha1\nkind: ConfigManagementPlugin\nmetadata: {name: cue}\n"
    "spec:\n  generate: {command: [a], args: [b]}\n"
)


def test_a_file_says_what_a_plugin_is(tmp_path: Path) -> None:
    more = (
        "  version: v1\n  init: {command: [i]}\n"
        "  discover: {fileName: x/*.cue, find: {glob: '**/y', command: [f], args: [g]}}\n"
        "  preserveFileMode: true\n  lockRepo: true\n"
        "  parameters: {static: [{name: a, title: t}], dynamic: {command: [d]}}\n"
    )
    assert plugin_of((FILE + more).encode(), "p") == Plugin(
        name="cue-v1",
        init=("i",),
        generate=("a", "b"),
        file_name="x/*.cue",
        glob="**/y",
        find=("f", "g"),
        preserves_mode=True,
        announced=(ParameterAnnouncement(name="a", title="t"),),
    )
    (tmp_path / "other").mkdir()
    (tmp_path / "n.yaml").write_text(FILE)
    (tmp_path / "other/plugin.yaml").write_text(FILE.replace("name: cue", "name: other"))
    (tmp_path / "notes.txt").write_text("no plugin")
    assert [each.name for each in plugins_in(tmp_path)] == ["cue", "other"]
    (tmp_path / "again.yaml").write_text(FILE)
    with pytest.raises(TrueupError, match="there is a plugin cue already"):
        plugins_in(tmp_path)
    with pytest.raises(TrueupError, match="no such folder"):
        plugins_in(tmp_path / "none")


@pytest.mark.parametrize(
    "text, says",
    [
        ("", "p"),
        ("a: [", "p"),
        (FILE.replace("ConfigManagementPlugin", "Pod"), "kind"),
        (FILE.replace("v1alpha1", "v1"), "kind"),
        (FILE.replace("metadata: {name: cue}", "metadata: {}"), "name"),
        (FILE.replace("name: cue", "name: ''"), "metadata.name"),
        (FILE.replace("[a]", "[]"), "spec.generate.command"),
        (FILE.replace("[a]", "a"), "command"),
        (FILE + "  unknown: 1\n", "unknown"),
        (FILE + "  provideGitCreds: true\n", "provideGitCreds"),
    ],
)
def test_a_file_that_is_none_is_refused_by_its_field(text: str, says: str) -> None:
    with pytest.raises(ValueError) as refused:
        plugin_of(text.encode(), "p")
    assert says in str(refused.value)


TREE = MemTree({"app/deep/x.cue": "", "app/k.cue": "", "app/kustomization.yaml": "", "other/a": "", "l": Link("app")})
BY_FILE = Plugin(name="file", generate=("a",), file_name="*.cue")
BY_GLOB = Plugin(name="glob", generate=("a",), glob="**/x.*")


@pytest.mark.parametrize(
    "path, plugins, tool",
    [
        ("app", (), "Kustomize"),
        ("app", (BY_FILE,), "Plugin"),
        ("app", (BY_GLOB,), "Plugin"),
        ("other", (BY_FILE, BY_GLOB), "Directory"),
        ("app/deep", (Plugin(name="c", generate=("a",), find=("f",)),), "Directory"),
        ("app/deep", (Plugin(name="c", generate=("a",), file_name="../*.cue"),), "Plugin"),
        ("app", (Plugin(name="c", generate=("a",), file_name="../../*"),), "Kustomize"),
        ("app", (Plugin(name="c", generate=("a",)),), "Kustomize"),
    ],
)
def test_a_plugin_is_found_by_its_files_before_all_else(path: str, plugins: tuple[Plugin, ...], tool: str) -> None:
    assert renderer_of(Source(path=path), TREE, path, context(*plugins)).name == tool


@pytest.mark.parametrize(
    "source, says",
    [
        (SOURCE, "no plugin 'mine' is configured (file, glob)"),
        (Source(path="other", plugin=PluginSource(name="file")), "it is for folders with *.cue, and other has none"),
        (Source(path="other", plugin=PluginSource()), "no plugin is for the files of other"),
        (Source(path="app", plugin=PluginSource(name="file", env=[NameValue(name="a-b", value="x")])), "plugin.env"),
    ],
)
def test_what_is_not_configured_does_not_run(source: Source, says: str) -> None:
    with pytest.raises(RenderFailed) as refused:
        make_recipe(source, TREE, {}, context(BY_FILE, BY_GLOB))
    assert says in refused.value.message


def test_it_reads_what_the_application_says_that_it_is_made_of() -> None:
    files = {"a/x": "1", "a/deep/y": "2", "lib/z": "3", "lib/n.txt": "4", "other/w": "5", "one": "6", "two": "7"}
    plugin = Plugin(name="p", generate=("true",))

    def read(*reads: str) -> set[str]:
        context = RenderContext(app_name="web", plugins=(plugin,), reads=reads)
        source = Source(path="a", plugin=PluginSource(name="p"))
        return {file.path for file in make_recipe(source, MemTree(files), {}, context).inputs}

    assert read() == files.keys()
    assert read("a") == {"a/x", "a/deep/y"}
    assert read("one", "nowhere") == {"a/x", "a/deep/y", "one"}
    assert read("lib/*.txt") == {"a/x", "a/deep/y", "lib/n.txt"}
    assert read("lib") == {"a/x", "a/deep/y", "lib/z", "lib/n.txt"}
    assert read("") == files.keys(), "the root is everything"


def test_what_takes_too_long_to_find_out_is_everything() -> None:
    files = {f"a/{n}": "1" for n in range(2000)} | {"other/w": "5"}
    plugin = Plugin(name="p", generate=("true",))
    reads = tuple(f"*/**/{'*x' * 20}{n}" for n in range(500))
    context = RenderContext(app_name="web", plugins=(plugin,), reads=reads)
    tree = MemTree(files)
    walks, walk = 0, tree.walk

    def counted(path: str) -> Iterator[Entry]:
        nonlocal walks
        walks += 1
        return walk(path)

    tree.walk = counted  # type: ignore[method-assign]
    source = Source(path="a", plugin=PluginSource(name="p"))
    assert {file.path for file in make_recipe(source, tree, {}, context).inputs} == files.keys()
    assert walks < 100

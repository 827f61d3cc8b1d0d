"""Jsonnet among the manifests of a folder: evaluated as the tool does it, on exactly the files that it imports."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from tests.support.memtree import Link, MemTree

from trueup.model.application import DirectorySource, JsonnetSource, JsonnetVar, Source
from trueup.model.errors import RenderFailed
from trueup.render.recipe import RenderContext, make_recipe, read_inputs
from trueup.workers.pool import Pool, PoolLimits

CONTEXT = RenderContext(app_name="shop", namespace="prod")
MAP = "{apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: '%s'}, data: {%s}}"
EMPTY = MAP % ("a", "")


@pytest.fixture(scope="module")
async def pool() -> AsyncIterator[Pool]:
    made = Pool(1)
    yield made
    await made.close()


def directory(**options: Any) -> Source:
    return Source(path="app", directory=DirectorySource(jsonnet=JsonnetSource(**options)))


async def render(pool: Pool, files: Mapping[str, str | bytes], source: Source | None = None) -> list[dict[str, Any]]:
    tree = MemTree(files)
    recipe = make_recipe(source or Source(path="app"), tree, {}, CONTEXT)
    made = await pool.render(recipe, read_inputs(recipe, tree, {}))
    return [manifest.object() for manifest in made.manifests]


def data(objects: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: value for each in objects for name, value in each.get("data", {}).items()}


GOLDEN: dict[str, tuple[dict[str, str], JsonnetSource]] = {
    "a file beside": (
        {"app/a.jsonnet": MAP % ("a", "k: (import 'b.libsonnet').k"), "app/b.libsonnet": "{k: '1'}"},
        JsonnetSource(),
    ),
    "a file above, within the repository": (
        {"app/a.jsonnet": MAP % ("a", "k: importstr '../up.txt'"), "up.txt": "text\n"},
        JsonnetSource(),
    ),
    "an import of an import is seen from its own folder": (
        {
            "app/a.jsonnet": MAP % ("a", "k: import '../lib/x.libsonnet'"),
            "lib/x.libsonnet": "(import 'deep/y.libsonnet').k + (importstr './z')",
            "lib/deep/y.libsonnet": '{k: importstr "../z"}',
            "lib/z": "Z",
        },
        JsonnetSource(),
    ),
    "of two libraries the last one wins": (
        {"app/a.jsonnet": MAP % ("a", "k: import 'x'"), "l1/x": "'one'", "l2/x": "'two'"},
        JsonnetSource(libs=["l1", "l2"]),
    ),
    "the folder of the file comes before libraries": (
        {"app/a.jsonnet": MAP % ("a", "k: import 'x'"), "app/x": "'own'", "l2/x": "'two'"},
        JsonnetSource(libs=["l2"]),
    ),
    "a library's file finds the source's folder": (
        {"app/a.jsonnet": MAP % ("a", "k: import 'x'"), "lib/x": "import 'params'", "app/params": "'own'"},
        JsonnetSource(libs=["lib/"]),
    ),
    "external variables as text and as code": (
        {"app/a.jsonnet": MAP % ("a", "k: std.extVar('t'), n: std.toString(std.extVar('c').n + 1)")},
        JsonnetSource(ext_vars=[JsonnetVar(name="t", value="1+1"), JsonnetVar(name="c", value="{n: 1+1}", code=True)]),
    ),
    "top-level arguments as text and as code": (
        {"app/a.jsonnet": "function(t, c=1, d='d') " + MAP % ("a", "k: t, n: std.toString(c), d: d")},
        JsonnetSource(tlas=[JsonnetVar(name="t", value="1+1"), JsonnetVar(name="c", value="1+1", code=True)]),
    ),
    "code of a variable imports by libraries": (
        {"app/a.jsonnet": MAP % ("a", "k: std.extVar('c')"), "lib/x": "'lib'"},
        JsonnetSource(libs=["lib"], ext_vars=[JsonnetVar(name="c", value="import 'x'", code=True)]),
    ),
    "every string that an import may be": (
        {
            "app/a.jsonnet": MAP
            % (
                "a",
                "a: importstr 'a\\'b', b: importstr \"\\u0061.txt\", c: importstr @'q''q', d: importstr /**/ 'a.txt'",
            ),
            "app/a'b": "1",
            "app/a.txt": "2",
            "app/q'q": "3",
        },
        JsonnetSource(),
    ),
    "bytes, and what the standard library makes": (
        {
            "app/a.jsonnet": MAP % ("a", "k: std.base64(importbin 'b'), y: std.manifestYamlDoc({a: [1, 2]})"),
            "app/b": "x",
        },
        JsonnetSource(),
    ),
    "numbers": ({"app/a.jsonnet": "%s + {n: [1, 1.5, -0.1, 1e15, 1e-7, 3.0]}" % (MAP % ("a", ""))}, JsonnetSource()),
}


@pytest.mark.parametrize("name", GOLDEN)
async def test_the_outcome_is_the_tools(pool: Pool, name: str, tmp_path: Any) -> None:
    """The tool on a checkout, with its own way of opening files."""
    import _gojsonnet

    files, options = GOLDEN[name]
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    said = [*options.ext_vars, *options.tlas]
    text = _gojsonnet.evaluate_file(
        str(tmp_path / "app/a.jsonnet"),
        jpathdir=[str(tmp_path / "app"), *(str(tmp_path / each) for each in options.libs)],
        ext_vars={each.name: each.value for each in options.ext_vars if not each.code},
        ext_codes={each.name: each.value for each in options.ext_vars if each.code},
        tla_vars={each.name: each.value for each in options.tlas if not each.code},
        tla_codes={each.name: each.value for each in options.tlas if each.code},
    )
    source = Source(path="app", directory=DirectorySource(jsonnet=options)) if said or options.libs else None
    assert await render(pool, files, source) == [json.loads(text)]


@pytest.mark.parametrize(
    "text, names",
    [
        (f"[{EMPTY}, {EMPTY} + {{metadata+: {{name: 'b'}}}}]", ["a", "b"]),
        (f"{{apiVersion: 'v1', kind: 'List', items: [{EMPTY}]}}", ["a"]),
        ("[]", []),
        ("null", []),
        (f"function() [{EMPTY}]", ["a"]),
    ],
)
async def test_a_program_makes_one_object_or_a_list_of_them(pool: Pool, text: str, names: list[str]) -> None:
    made = await render(pool, {"app/x.jsonnet": text, "app/y.yaml": "# nothing\n", "app/lib.libsonnet": "{"})
    assert [each["metadata"]["name"] for each in made] == names


async def test_what_is_imported_is_no_manifest_of_its_own_unless_it_lies_among_them(pool: Pool) -> None:
    beside = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "j"}})
    files = {
        "app/a.jsonnet": MAP % ("a", "k: std.toString(import '../lib/b.json'), j: importstr 'j.json'"),
        "lib/b.json": beside,
    }
    made = await render(pool, {**files, "app/j.json": beside})
    assert [each["metadata"]["name"] for each in made] == ["a", "j"]


async def test_charts_and_programs_are_rendered_one_after_the_other(pool: Pool) -> None:
    chart = {
        "app/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n",
        "app/templates/c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n",
    }
    for _ in range(2):
        assert [len(await render(pool, files)) for files in ({"app/a.jsonnet": EMPTY}, chart)] == [1, 1]


async def test_variables_are_substituted(pool: Pool) -> None:
    source = directory(ext_vars=[JsonnetVar(name="n", value="$ARGOCD_APP_NAME in ${ARGOCD_APP_NAMESPACE}")])
    assert data(await render(pool, {"app/a.jsonnet": MAP % ("a", "k: std.extVar('n')")}, source)) == {
        "k": "shop in prod"
    }


@pytest.mark.parametrize(
    "files, said",
    [
        ({"app/a.jsonnet": "{"}, "app/a.jsonnet:1:2"),
        ({"app/a.jsonnet": "error 'boom'"}, "RUNTIME ERROR: boom (at app/a.jsonnet:1:1-13)"),
        ({"app/a.jsonnet": "import 'none'"}, "couldn't open import 'none'"),
        ({"app/a.jsonnet": "importstr '/etc/passwd'"}, "couldn't open import '/etc/passwd'"),
        ({"app/a.jsonnet": "importstr '../../../../etc/passwd'"}, "couldn't open import"),
        ({"app/a.jsonnet": "importbin '/dev/zero'"}, "couldn't open import"),
        ({"app/a.jsonnet": "importstr 'l'", "app/l": Link("/etc/passwd")}, "outside repository root"),
        ({"app/a.jsonnet": "importstr 'l'", "app/l": Link("../../x")}, "outside repository root"),
        ({"app/a.jsonnet": "importstr '..'", "up": "x"}, "couldn't open import"),
        ({"app/a.jsonnet": "import 'a.jsonnet'"}, "max stack frames exceeded"),
        ({"app/a.jsonnet": "import 'b'", "app/b": "import 'a.jsonnet'"}, "max stack frames exceeded"),
        ({"app/a.jsonnet": "local f(x) = f(x + 1); f(1)"}, "max stack frames exceeded"),
        ({"app/a.jsonnet": "std.extVar('none')"}, "Undefined external variable: none"),
        ({"app/a.jsonnet": "function(x) x"}, "Missing argument: x"),
        ({"app/a.jsonnet": "std.native('f')('x')"}, "RUNTIME ERROR"),
        ({"app/a.jsonnet": b"'\xff'"}, "Jsonnet is UTF-8"),
        ({"app/a.jsonnet": b"'\0'"}, "app/a.jsonnet"),
        ({"app/a.jsonnet": ""}, "app/a.jsonnet:1:1"),
        ({"app/a.jsonnet": "{a: {kind: 'ConfigMap'}}"}, "it has no kind"),
        ({"app/a.jsonnet": "'text'"}, "must be a mapping"),
        ({"app/a.jsonnet": "[[]]"}, "must be a mapping"),
        ({"app/a.jsonnet": "[1] + " + "[" * 5000}, "app/a.jsonnet"),
    ],
)
async def test_what_is_none_is_refused_by_its_file(pool: Pool, files: dict[str, str | bytes], said: str) -> None:
    with pytest.raises(RenderFailed) as refused:
        await render(pool, files)
    assert said in refused.value.message
    assert "root:" not in refused.value.message


@pytest.mark.parametrize("libs", [["../x"], ["/x"], ["none"], ["app/a.jsonnet"], ["out"]])
async def test_a_library_is_a_folder_of_the_repository(pool: Pool, libs: list[str]) -> None:
    files = {"app/a.jsonnet": "[]", "out": Link("../..")}
    with pytest.raises(RenderFailed, match=r"directory\.jsonnet\.libs"):
        await render(pool, files, directory(libs=libs))


def test_the_closure_is_what_a_program_may_import() -> None:
    files = {
        "app/a.jsonnet": "import 'x'",
        "lib/x": "importstr 'y'",
        "lib/y": "import 'not read as a program'",
        "lib/other": "",
        "far": "",
    }
    source = directory(libs=["lib"])
    recipe = make_recipe(source, MemTree(files), {}, CONTEXT)
    assert [file.path for file in recipe.inputs] == ["app/a.jsonnet", "lib/x", "lib/y"]
    assert [path for path in recipe.absent if ".argocd-source" not in path] == ["app/x"]

    def key(**changed: str) -> str:
        return make_recipe(source, MemTree({**files, **changed}), {}, CONTEXT).key

    assert key(far="other") == recipe.key == key(**{"lib/other": "changed"})
    assert len({recipe.key, key(**{"lib/y": "other"}), key(**{"app/x": "nearer"})}) == 3


async def test_a_program_without_end_ends_with_its_process() -> None:
    text = "local f(n) = if n == 0 then 0 else f(n - 1) + f(n - 1); f(60)"
    pool = Pool(1, limits=PoolLimits(seconds=1.0))
    try:
        with pytest.raises(RenderFailed, match=r"rendering stopped"):
            await render(pool, {"app/a.jsonnet": text})
    finally:
        await pool.close()

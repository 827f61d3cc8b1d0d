"""Sources that reach for what is not theirs, in real workers: with the checks before the tool, and without them."""

import gzip
import io
import json
import tarfile
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.memtree import MemTree
from tests.support.often import often

from trueup.model.application import HelmSource, Source
from trueup.model.errors import RenderFailed
from trueup.model.manifest import Rendering
from trueup.render.helm_schema import leads_out
from trueup.render.job import Input, Job, KustomizeJob, Recipe
from trueup.render.recipe import RenderContext, make_recipe, read_inputs
from trueup.render.remote import RemotesNeeded
from trueup.workers.pool import Pool

CONTEXT = RenderContext(app_name="shop", namespace="prod", kube_version="v1.30.1", api_versions=("v1",))
CANARY = "5f1c0ffee-canary"
CHART = "apiVersion: v2\nname: web\nversion: 1.0.0\n"
SHOW = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  v: "
LEADS_OUT = "leads out of the repository"
NO_REMOTE = "remote files and bases are not supported"


@pytest.fixture(scope="module")
async def pool() -> AsyncIterator[Pool]:
    made = Pool(1)
    yield made
    await made.close()


@pytest.fixture(scope="module")
async def uncheckedpool() -> AsyncIterator[Pool]:
    """Its children do not look at schemas."""
    made = Pool(1)
    children: Any = made._children
    code = "import trueup.workers.helm as h; h._refuse_schemas = lambda *_: None; from trueup.workers import child; "
    start = children._command.index("-m")
    children._command[start : start + 2] = ["-c", code + "child.main()"]
    yield made
    await made.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the machine with files of every kind that a tool might take."""
    made = tmp_path_factory.mktemp("machine")
    (made / "secret").write_text(f"{CANARY}=x\n")
    (made / "secret.json").write_text(json.dumps({"const": CANARY}))
    (made / "secret.yaml").write_text(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {CANARY}}}\n")
    (made / "kustomization.yaml").write_text("resources: [secret.yaml]\n")
    return made


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server of this machine that no render may ask anything."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"const": CANARY}).encode())

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()
    assert asked == []


async def unchecked(pool: Pool, files: Mapping[str, str | bytes], job: Job, *, whole: bool = True) -> Rendering:
    """A render as if every check before the tool had passed: the wall stands alone."""
    tree = MemTree(files)
    inputs = tuple(Input(entry.path, entry) for entry in tree.walk(""))
    recipe = Recipe(key="k", tool="x", inputs=inputs, job=job, whole_tree=whole)
    return await pool.render(recipe, read_inputs(recipe, tree, {}))


async def checked(pool: Pool, files: Mapping[str, str | bytes], **options: Any) -> Rendering:
    tree = MemTree(files)
    recipe = make_recipe(Source(path="app", **options), tree, {}, CONTEXT)
    return await pool.render(recipe, read_inputs(recipe, tree, {}))


@pytest.mark.parametrize(
    ("kustomization", "says"),
    [
        pytest.param(
            "ConfigMapGenerator: [{name: x, FILES: [k={place}/secret]}]", LEADS_OUT, id="keys in another case"
        ),
        pytest.param("configMapGenerator: [{name: x, file\u017f: [k={place}/secret]}]", LEADS_OUT, id="a long s"),
        pytest.param("configMapGenerator: [{name: x, files: [k={up}{place}/secret]}]", LEADS_OUT, id="relative"),
        pytest.param("secretGenerator: [{name: x, Env: '{place}/secret'}]", LEADS_OUT, id="a file of variables"),
        pytest.param("Resources: ['{place}/secret.yaml']", LEADS_OUT, id="a resource"),
        pytest.param("Resources: ['{up}{place}']", LEADS_OUT, id="a base"),
        pytest.param("components: ['{up}{place}']", LEADS_OUT, id="a component"),
        pytest.param(
            "generators: ['{apiVersion: builtin, kind: ConfigMapGenerator, metadata: {name: x}, "
            "Envs: [{place}/secret]}']",
            LEADS_OUT,
            id="a generator in place",
        ),
        pytest.param("generators: ['{x}/../{up}{place}/secret.yaml']", LEADS_OUT, id="a path that looks like YAML"),
        pytest.param("OPENAPI: {path: '{place}/secret.json'}", LEADS_OUT, id="a schema"),
        pytest.param("crds: ['{place}/secret.json']", LEADS_OUT, id="a definition"),
        pytest.param("configurations: ['{place}/secret.yaml']", LEADS_OUT, id="a configuration"),
        pytest.param("replacements: [{PATH: '{place}/secret.yaml'}]", LEADS_OUT, id="a replacement"),
        pytest.param("configMapGenerator: [{name: x, files: ['k={url}']}]", NO_REMOTE, id="a URL of this machine"),
        pytest.param("configMapGenerator: [{name: x, envs: ['{url}']}]", NO_REMOTE, id="variables from there"),
        pytest.param("resources: ['{url}']", NO_REMOTE, id="a resource from there"),
        pytest.param("resources: ['git::{url}//x?ref=y']", NO_REMOTE, id="a repository there"),
        pytest.param("resources: ['file://{place}//x?ref=y']", NO_REMOTE, id="a repository on the disk"),
    ],
)
async def test_the_wall_alone_stops_a_kustomization(
    pool: Pool, place: Path, port: int, kustomization: str, says: str
) -> None:
    text = kustomization.replace("{up}", "../" * 20).replace("{place}", str(place))
    text = text.replace("{url}", f"http://127.0.0.1:{port}/x")
    with pytest.raises(RenderFailed, match=says) as caught:
        await unchecked(pool, {"app/kustomization.yaml": text}, KustomizeJob("app"))
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("contained", [True, False])
@pytest.mark.parametrize("field", ["crds", "resources", "openapi", "configMapGenerator"])
async def test_whether_a_file_is_there_is_not_said(pool: Pool, place: Path, field: str, contained: bool) -> None:
    said = []
    for path in (place / "secret", place / "nothing-there"):
        values = {"configMapGenerator": [{"name": "x", "files": [f"k={path}"]}], "openapi": {"path": str(path)}}
        files = {"app/kustomization.yaml": json.dumps({field: values.get(field, [str(path)])})}
        with pytest.raises(RenderFailed, match=LEADS_OUT) as caught:
            await unchecked(pool, files, KustomizeJob("app", contained=contained), whole=not contained)
        said.append(str(caught.value).replace(path.name, "NAME"))
    assert said[0] == said[1]


@pytest.mark.parametrize(
    ("kustomization", "says"),
    [
        pytest.param(
            "ConfigMapGenerator: [{name: x, FILES: [k=/etc/passwd]}]", r"configMapGenerator\[0\]\.files\[0\]", id="case"
        ),
        pytest.param("configMapGenerator: [{name: x, FILE\u017f: [/x]}]", r".*files\[0\]", id="a long s"),
        pytest.param("Resources: [../../x]", r"resources\[0\] '../../x': the file is outside", id="resources"),
        pytest.param("generators: ['{x}/../../../x']", r"generators\[0\] .* outside", id="a path like YAML"),
        pytest.param("resources: [HTTP://127.0.0.1/x]", r"resources\[0\] .* is remote", id="a scheme in capitals"),
        pytest.param("resources: []\nResources: []", "resources is there twice", id="a field in two spellings"),
        pytest.param("helmcharts: [{name: x}]", "helmCharts needs", id="Helm in another case"),
    ],
)
async def test_a_reference_is_refused_by_file_and_field_however_it_is_spelled(
    pool: Pool, kustomization: str, says: str
) -> None:
    with pytest.raises((RenderFailed, RemotesNeeded), match=f"app/kustomization.yaml: {says}"):
        await checked(pool, {"app/kustomization.yaml": kustomization})


async def test_honest_kustomizations_may_reach_beside_and_above_their_folder(pool: Pool) -> None:
    files = {
        "app/kustomization.yaml": "Resources: [a.yaml]\nconfigMapGenerator: [{name: c, files: [k=../shared/f]}]\n",
        "app/a.yaml": SHOW + "a\n",
        "shared/f": "text",
    }
    made = await checked(pool, files)
    assert {manifest.key.kind for manifest in made.manifests} == {"ConfigMap"} and len(made.manifests) == 2


SPELLED = st.tuples(*(st.sampled_from(letters) for letters in ("fF", "iI", "lL", "eE", "sS\u017f"))).map("".join)
PATHS = st.sampled_from(
    [
        "{place}/secret",
        "{up}{place}/secret",
        "./{up}{place}/./secret",
        "{place}/../{name}/secret",
        "{url}",
        "HTTP{rest}",
    ]
)


@settings(max_examples=12)
@given(field=SPELLED, path=PATHS, key=st.sampled_from(["", "k=", "="]), inline=st.booleans())
async def test_no_spelling_brings_a_byte_or_a_request(
    pool: Pool, place: Path, port: int, field: str, path: str, key: str, inline: bool
) -> None:
    url = f"http://127.0.0.1:{port}/x"
    texts = {"place": place, "up": "../" * 20, "name": place.name, "url": url, "rest": url[4:]}
    generator: dict[str, Any] = {"name": "x", field: [key + path.format_map(texts)]}
    document: dict[str, Any] = {"configMapGenerator": [generator]}
    if inline:
        plugin = {"apiVersion": "builtin", "kind": "ConfigMapGenerator", "metadata": {"name": "x"}, **generator}
        document = {"generators": [json.dumps(plugin)]}
    files = {"app/kustomization.yaml": json.dumps(document)}
    for render in (checked, partial(unchecked, job=KustomizeJob("app"))):
        with pytest.raises((RenderFailed, RemotesNeeded)) as caught:
            await render(pool, files)
        assert CANARY not in str(caught.value)


def chart(schema: Any, **more: str | bytes) -> dict[str, str | bytes]:
    text = schema if isinstance(schema, str) else json.dumps(schema)
    return {"app/Chart.yaml": CHART, "app/templates/a.yaml": SHOW + "x\n", "app/values.schema.json": text, **more}


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"$ref": "file://{place}/secret.json"}, id="a file"),
        pytest.param({"$ref": "{place}/secret.json"}, id="an absolute path"),
        pytest.param({"$ref": "?#/x"}, id="itself with an empty query, which is a file of the machine to Go"),
        pytest.param({"$ref": "../../..{place}/secret.json"}, id="a relative path"),
        pytest.param(
            {"$ref": "other.json"}, id="a file that seems to be the chart's: Helm looks at the machine's root"
        ),
        pytest.param({"$ref": "FILE://{place}/secret%2ejson#/x"}, id="a scheme in capitals, a percent"),
        pytest.param({"$ref": "{url}"}, id="a URL"),
        pytest.param({"$schema": "{url}"}, id="a meta-schema"),
        pytest.param(
            {"$schema": "http://json-schema.org/draft-04/schema#", "id": "{url}", "not": {"$ref": "y"}}, id="id"
        ),
        pytest.param({"$id": "{url}", "allOf": [{"$ref": "y"}]}, id="$id"),
        pytest.param({"properties": {"a": {"$dynamicRef": "{url}"}}}, id="$dynamicRef"),
        pytest.param({"$ref": "#/default", "default": {"$ref": "{url}"}}, id="data that a pointer makes a schema"),
        pytest.param({"$ref": "#/%64efault", "default": {"$ref": "{url}"}}, id="a pointer with a percent"),
        pytest.param({"properties": {"default": {"$ref": "{url}"}}}, id="a value with the name of a keyword"),
        pytest.param({"properties": {"properties": {"properties": {"x": {"$ref": "{url}"}}}}}, id="names in names"),
    ],
)
async def test_a_schema_leads_nowhere(pool: Pool, place: Path, port: int, schema: Any) -> None:
    text = json.dumps(schema).replace("{place}", str(place)).replace("{url}", f"http://127.0.0.1:{port}/x")
    assert leads_out(text.encode())
    with pytest.raises(RenderFailed, match=r"app/values.schema.json: .* leads out of the schema") as caught:
        await checked(pool, chart(text))
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["file://{place}/secret.json", "file://{place}/gone.json", "{url}", "http://h.invalid/"]
)
async def test_the_wall_alone_stops_a_schema(uncheckedpool: Pool, place: Path, port: int, url: str) -> None:
    url = url.replace("{place}", str(place)).replace("{url}", f"http://127.0.0.1:{port}/x")
    with pytest.raises(RenderFailed, match=r"values.schema.json of chart web: .* leads out of the schema") as caught:
        await checked(uncheckedpool, chart({"$ref": url}))
    assert CANARY not in str(caught.value)


DEEP = 5_000


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        pytest.param('{"not":' * DEEP + "{}" + "}" * DEEP, "nested deeper than 200 levels", id="not in not"),
        pytest.param('{"x":' * 300 + "{}" + "}" * 300, "nested deeper than 200 levels", id="unknown words"),
        pytest.param('{"allOf":[' * 300 + "{}" + "]}" * 300, "nested deeper than 200 levels", id="lists"),
        pytest.param('{"$comment":"' + "x" * (4 << 20) + '"}', "larger than 4 MiB", id="a long text"),
        pytest.param('{"allOf":[' + "{}," * 110_000 + "{}]}", "of too many nested objects", id="many"),
        pytest.param(
            '{"allOf":[' + ",".join(['{"not":' * 150 + "{}" + "}" * 150] * 40) + "]}",
            "of too many nested objects",
            id="many that are deep",
        ),
    ],
)
@pytest.mark.parametrize("depth", [0, 1, 2])
async def test_a_schema_has_a_size_and_a_depth(pool: Pool, schema: str, says: str, depth: int) -> None:
    files = chart(schema)
    if depth:
        data = packed({**SUB, "sub/values.schema.json": schema})
        for _ in range(depth - 1):
            data = packed(SUB, inner=("sub/charts/sub-1.0.0.tgz", data))
        files = chart({}, **{"app/charts/sub-1.0.0.tgz": data})
    with pytest.raises(RenderFailed, match=rf"values.schema.json: the schema is {says}"):
        await checked(pool, files)


async def test_packed_charts_are_not_nested_without_end(pool: Pool) -> None:
    data = packed({**SUB, "sub/values.schema.json": '{"$ref": "file:///x"}'})
    for _ in range(4):
        data = packed(SUB, inner=("sub/charts/sub-1.0.0.tgz", data))
    with pytest.raises(RenderFailed, match="packed charts nested too deep"):
        await checked(pool, chart({}, **{"app/charts/sub-1.0.0.tgz": data}))


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param(
            {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}, id="a known meta-schema"
        ),
        pytest.param({"$ref": "#/$defs/n", "$defs": {"n": {"type": "object"}}}, id="a pointer"),
        pytest.param({"$ref": "#n", "$defs": {"n": {"$anchor": "n"}}}, id="an anchor"),
        pytest.param({"$id": "https://e.com/a", "$ref": "#/$defs/n", "$defs": {"n": {}}}, id="a schema with a name"),
        pytest.param({"$id": "https://e.com/a/b", "$ref": "c", "$defs": {"n": {"$id": "c"}}}, id="a part with a name"),
        pytest.param({"$ref": "values.schema.json#/$defs/n", "$defs": {"n": {}}}, id="itself, by its name"),
        pytest.param({"properties": {"$ref": {"type": "string"}}}, id="a value called $ref"),
        pytest.param({"properties": {"a": {"default": {"$ref": "https://e.com/x"}}}}, id="a $ref that is data"),
    ],
)
async def test_an_honest_schema_is_followed(pool: Pool, schema: Any) -> None:
    assert len((await checked(pool, chart(schema))).manifests) == 1


REFERENCES = st.text(st.sampled_from("file:/HTPhtp.%2e#$\\?@[]127.0x"), max_size=12)


@given(
    reference=REFERENCES, word=st.sampled_from(["$ref", "$schema", "$dynamicRef"]), base=often(st.just(""), REFERENCES)
)
def test_a_reference_stays_within_when_it_is_a_part_of_the_schema_alone(reference: str, word: str, base: str) -> None:
    found = leads_out(json.dumps({"$id": base, "allOf": [{word: reference}]}).encode())
    # A name that a schema gives itself is itself; everything else but a pointer is another document.
    if reference and not reference.startswith("#") and not base:
        assert found or reference.partition("#")[0] in ("values.schema.json", "/values.schema.json", "//", "")


@pytest.mark.parametrize(
    ("template", "value"),
    [
        pytest.param('{{ getHostByName "localhost" | quote }}', "", id="no name is looked up"),
        pytest.param('{{ len (lookup "v1" "Secret" "" "") | quote }}', "0", id="no cluster is asked"),
        pytest.param('{{ .Files.Get "../secret" | quote }}', "", id="no file beside the chart"),
        pytest.param('{{ .Files.Get "{place}/secret" | quote }}', "", id="no file of the machine"),
        pytest.param('{{ len (.Files.Glob "{place}/**") | quote }}', "0", id="no folder of the machine"),
        pytest.param('{{ osBase "/etc/passwd" | quote }}', "passwd", id="names of files are texts"),
    ],
)
async def test_a_template_sees_nothing_of_the_machine(pool: Pool, place: Path, template: str, value: str) -> None:
    files = chart({}, **{"app/templates/a.yaml": SHOW + template.replace("{place}", str(place)), "secret": CANARY})
    made = await checked(pool, files)
    assert made.manifests[0].object()["data"]["v"] == value


async def test_a_template_knows_time_zones(pool: Pool) -> None:
    template = '{{ dateInZone "15:04" (toDate "2006-01-02T15:04Z07:00" "2020-07-01T12:00Z") "Europe/Berlin" | quote }}'
    made = await checked(pool, chart({}, **{"app/templates/a.yaml": SHOW + template}))
    assert made.manifests[0].object()["data"]["v"] == "14:00"


def packed(files: Mapping[str, str], inner: tuple[str, bytes] | None = None, **special: tarfile.TarInfo) -> bytes:
    """A chart as an archive, with entries of any kind."""
    binary = {name: text.encode() for name, text in files.items()} | dict([inner] if inner else [])
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data in binary.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for info in special.values():
            archive.addfile(info)
    return out.getvalue()


def entry(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


SUB = {"sub/Chart.yaml": CHART.replace("web", "sub"), "sub/templates/a.yaml": SHOW + '{{ .Files.Get "x" | quote }}\n'}


@pytest.mark.parametrize(
    "special",
    [
        pytest.param(entry("sub/x", tarfile.SYMTYPE, "{place}/secret"), id="a link"),
        pytest.param(entry("sub/x", tarfile.LNKTYPE, "{place}/secret"), id="a hard link"),
        pytest.param(entry("sub/x", tarfile.FIFOTYPE), id="a pipe"),
        pytest.param(entry("sub/x", tarfile.CHRTYPE), id="a device"),
        pytest.param(entry("../x", tarfile.REGTYPE), id="a file above"),
        pytest.param(entry("/x", tarfile.REGTYPE), id="a file at the root"),
        pytest.param(entry("sub/../../x", tarfile.REGTYPE), id="a file beside"),
    ],
)
async def test_an_entry_of_a_packed_subchart_reaches_nothing(pool: Pool, place: Path, special: tarfile.TarInfo) -> None:
    special.linkname = special.linkname.replace("{place}", str(place))
    files = chart({}, **{"app/charts/sub-1.0.0.tgz": packed(SUB, special=special)})
    try:
        made = await checked(pool, files)
    except RenderFailed as error:
        assert CANARY not in str(error)
    else:
        assert CANARY not in repr([manifest.object() for manifest in made.manifests])


async def test_a_packed_chart_may_not_grow_without_end(pool: Pool) -> None:
    bomb = gzip.compress(bytes(110 * 1024 * 1024), 9)
    with pytest.raises(RenderFailed, match=r"app/charts/sub-1.0.0.tgz unpacks to more than 100 MiB"):
        await checked(pool, chart({}, **{"app/charts/sub-1.0.0.tgz": bomb}))


async def test_a_schema_in_a_packed_subchart_is_named(pool: Pool) -> None:
    schema = json.dumps({"$ref": "https://e.com/x"})
    sub = packed({**SUB, "sub/values.schema.json": schema})
    with pytest.raises(RenderFailed, match=r'sub-1.0.0.tgz: sub/values.schema.json: \$ref "https://e.com/x" leads out'):
        await checked(pool, chart({}, **{"app/charts/sub-1.0.0.tgz": sub}))


async def test_a_schema_in_a_packed_subchart_is_left_out_where_schemas_are_skipped(pool: Pool) -> None:
    inner = {name: text for name, text in SUB.items() if "/templates/" not in name}
    inner["sub/values.schema.json"] = json.dumps({"$ref": "https://e.com/x"})
    outer = {**inner, **SUB}
    files = chart({"not": {}}, **{"app/charts/sub-1.0.0.tgz": packed(outer)})
    made = await checked(pool, files, helm=HelmSource(skip_schema_validation=True))
    assert len(made.manifests) == 2


@pytest.mark.parametrize("name", ["../x", ".", "..", "a/b", "/etc"])
async def test_a_chart_name_is_no_path(pool: Pool, name: str) -> None:
    with pytest.raises(RenderFailed, match="invalid chart name"):
        await checked(pool, chart({}, **{"app/Chart.yaml": CHART.replace("name: web", f"name: {name}")}))


async def test_fields_of_a_chart_are_read_in_any_case(pool: Pool) -> None:
    files = chart({}, **{"app/Chart.yaml": CHART + "Dependencies: [{Name: gone, Version: 1.0.0}]\n"})
    with pytest.raises(RenderFailed, match="dependencies missing in charts/: gone"):
        await checked(pool, files, helm=HelmSource())

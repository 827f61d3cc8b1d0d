"""Whole renders in real workers: Directory, Kustomize and Helm, from a tree to manifests."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec
import pytest
from tests.support.memtree import Link, MemTree

from trueup.model.application import (
    HelmFileParameter,
    HelmParameter,
    HelmSource,
    KustomizePatch,
    KustomizePatchTarget,
    KustomizeReplica,
    KustomizeSource,
    Source,
)
from trueup.model.errors import RenderFailed
from trueup.model.manifest import Manifest, Rendering
from trueup.render.helm import OWN_KUBE_VERSION
from trueup.render.job import ClosureTooNarrow
from trueup.render.recipe import RenderContext, make_recipe, read_inputs
from trueup.workers.pool import Pool

CONTEXT = RenderContext(app_name="shop", namespace="prod", kube_version="v1.30.1", api_versions=("v1", "apps/v1"))
DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: 'nginx:1'}]}
"""
CHART = "apiVersion: v2\nname: web\nversion: 1.0.0\n"
SHOW = """apiVersion: v1
kind: ConfigMap
metadata: {name: '{{ .Release.Name }}', namespace: '{{ .Release.Namespace }}'}
data:
"""
COMPONENT = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
TRANSFORMER = "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: x}\ntarget: {kind: Deployment}\npath: "


@pytest.fixture(scope="module")
async def pool() -> AsyncIterator[Pool]:
    made = Pool(1)
    yield made
    await made.close()


async def render(
    pool: Pool, files: Mapping[str, str | bytes], source: Source, *, whole_tree: bool = False, **refs: MemTree
) -> Rendering:
    tree = MemTree(files)
    recipe = make_recipe(source, tree, refs, CONTEXT, whole_tree=whole_tree)
    return await pool.render(recipe, read_inputs(recipe, tree, refs))


def by_kind(rendering: Rendering) -> dict[str, Manifest]:
    return {manifest.key.kind: manifest for manifest in rendering.manifests}


async def test_a_directory(pool: Pool) -> None:
    made = await render(pool, {"a/-rf": "x", "a/$(id).yaml": DEPLOYMENT, "a/b\nc.yaml": "# empty"}, Source(path="a"))
    assert [manifest.origin for manifest in made.manifests] == ["a/$(id).yaml:1"]
    assert made.source_type == "Directory"


async def test_kustomize_with_every_option(pool: Pool) -> None:
    options = KustomizeSource(
        name_prefix="p-",
        name_suffix="-s",
        namespace="other",
        images=["nginx=registry:5000/nginx:2"],
        replicas=[KustomizeReplica(name="web", count=4)],
        common_labels={"team": "t"},
        common_annotations={"app": "$ARGOCD_APP_NAME"},
        common_annotations_envsubst=True,
        patches=[
            KustomizePatch(
                patch='[{"op":"add","path":"/spec/paused","value":true}]',
                target=KustomizePatchTarget(kind="Deployment"),
            )
        ],
        components=["../component"],
    )
    files = {
        "app/kustomization.yaml": "resources: [../base]\nnamePrefix: gone-\n",
        "base/kustomization.yml": "resources: [web.yaml]\nconfigMapGenerator: [{name: c, files: [f.txt]}]\n",
        "base/web.yaml": DEPLOYMENT,
        "base/f.txt": "x",
        "component/kustomization.yaml": COMPONENT + "nameSuffix: -c\n",
    }
    made = by_kind(await render(pool, files, Source(path="app", kustomize=options)))
    web = made["Deployment"].object()
    assert web["metadata"] == {
        "name": "p-web-c-s",
        "namespace": "other",
        "labels": {"team": "t"},
        "annotations": {"app": "shop"},
    }
    assert web["spec"]["replicas"] == 4 and web["spec"]["paused"] is True
    assert web["spec"]["selector"]["matchLabels"] == {"app": "web", "team": "t"}
    assert web["spec"]["template"]["spec"]["containers"][0]["image"] == "registry:5000/nginx:2"
    assert made["ConfigMap"].key.name.startswith("p-c-c-s-")


async def test_kustomize_through_links_inside_the_repository(pool: Pool) -> None:
    files = {
        "app/kustomization.yaml": "resources: [base, l.yaml]\n",
        "app/base": Link("../shared/base"),
        "app/l.yaml": Link("../shared/cm.yaml"),
        "shared/base/kustomization.yaml": "resources: [../web.yaml]\n",
        "shared/web.yaml": DEPLOYMENT,
        "shared/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n",
    }
    assert set(by_kind(await render(pool, files, Source(path="app")))) == {"Deployment", "ConfigMap"}


async def test_files_named_by_transformers_are_read(pool: Pool) -> None:
    files = {
        "app/kustomization.yaml": "resources: [web.yaml]\ntransformers: [t.yaml, more]\n",
        "app/web.yaml": DEPLOYMENT,
        "app/t.yaml": TRANSFORMER + "../p.yaml",
        "app/more/kustomization.yaml": "resources: [t.yaml]",
        "app/more/t.yaml": TRANSFORMER.replace("{name: x}", "{name: y}") + "../q.yaml",
        "p.yaml": '[{"op":"replace","path":"/spec/replicas","value":9}]',
        "q.yaml": '[{"op":"add","path":"/spec/paused","value":true}]',
        "app/q.yaml": "not this one",
    }
    spec = by_kind(await render(pool, files, Source(path="app")))["Deployment"].object()["spec"]
    assert (spec["replicas"], spec["paused"]) == (9, True)


async def test_a_file_nobody_named_asks_for_the_whole_tree(pool: Pool) -> None:
    tree = MemTree({"app/kustomization.yaml": "resources: [web.yaml]\n", "app/web.yaml": DEPLOYMENT, "l": Link("/etc")})
    recipe = make_recipe(Source(path="app"), tree, {}, CONTEXT)
    missing = msgspec.structs.replace(recipe, inputs=recipe.inputs[:1])
    with pytest.raises(ClosureTooNarrow, match="no such file or directory") as caught:
        await pool.render(missing, read_inputs(missing, tree, {}))
    assert "/tmp" not in str(caught.value)
    whole = make_recipe(Source(path="app"), tree, {}, CONTEXT, whole_tree=True)
    made = await pool.render(whole, read_inputs(whole, tree, {}))
    assert set(by_kind(made)) == {"Deployment"}
    assert "every commit renders anew" in made.warnings[0]
    with pytest.raises(RenderFailed, match="no such file or directory") as final:
        await pool.render(msgspec.structs.replace(missing, whole_tree=True), read_inputs(missing, tree, {}))
    assert not isinstance(final.value, ClosureTooNarrow)


async def values(pool: Pool, files: Mapping[str, str | bytes], **options: Any) -> Any:
    chart = {
        "c/Chart.yaml": CHART,
        "c/values.yaml": "a: chart\nlist: [1, 2]\nm: {x: 1, z: 2}\n",
        "c/templates/x.yaml": SHOW + "  v: {{ toJson .Values | quote }}\n",
        **files,
    }
    made = await render(pool, chart, Source(path="c", helm=HelmSource(**options)))
    return json.loads(made.manifests[0].object()["data"]["v"])


PARAMETER = HelmParameter(name="a", value="parameter")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({}, "chart", id="the chart's"),
        pytest.param({"value_files": ["1.yaml"]}, "one", id="a value file over the chart's"),
        pytest.param({"value_files": ["1.yaml", "2.yaml"]}, "two", id="a later value file over an earlier"),
        pytest.param({"value_files": ["1.yaml"], "values": "a: text"}, "text", id="values over value files"),
        pytest.param({"values": "a: text", "values_object": {"a": "object"}}, "object", id="valuesObject over values"),
        pytest.param(
            {"values_object": {"a": "object"}, "parameters": [PARAMETER]}, "parameter", id="parameters over all"
        ),
        pytest.param({"parameters": [HelmParameter(name="a", value="7")]}, 7, id="a parameter is typed"),
        pytest.param(
            {"parameters": [HelmParameter(name="a", value="7", force_string=True)]}, "7", id="a forced string is not"
        ),
        pytest.param({"parameters": [HelmParameter(name="a", value="x,y")]}, "x,y", id="a comma is part of the value"),
        pytest.param({"parameters": [HelmParameter(name="a", value="null")]}, None, id="null deletes the chart's"),
        pytest.param({"file_parameters": [HelmFileParameter(name="a", path="f.txt")]}, "k: v\n", id="a file's content"),
        pytest.param({"values": "a: {y: 1}"}, {"true": 1}, id="y is a boolean, as a key its name"),
    ],
)
async def test_helm_values_precedence(pool: Pool, options: dict[str, Any], expected: Any) -> None:
    got = await values(pool, {"c/1.yaml": "a: one", "c/2.yaml": "a: two", "c/f.txt": "k: v\n"}, **options)
    assert got.get("a") == expected


async def test_helm_parameters_change_a_list_item_and_keep_the_rest(pool: Pool) -> None:
    parameters = [HelmParameter(name="list[1]", value="9"), HelmParameter(name="m.x", value="5")]
    got = await values(pool, {"c/1.yaml": "list: [7, 8]"}, value_files=["1.yaml"], parameters=parameters)
    assert (got["list"], got["m"]) == ([7, 9], {"x": 5, "z": 2})


async def test_a_flag_as_a_parameter_name_is_a_plain_key(pool: Pool) -> None:
    got = await values(pool, {}, parameters=[HelmParameter(name="--post-renderer", value="/bin/sh")])
    assert got["--post-renderer"] == "/bin/sh"


async def test_value_files_from_another_repository(pool: Pool) -> None:
    files = {"c/Chart.yaml": CHART, "c/templates/x.yaml": SHOW + "  v: {{ .Values.a }}\n"}
    source = Source(path="c", helm=HelmSource(value_files=["$other/e/v.yaml"]))
    made = await render(pool, files, source, other=MemTree({"e/v.yaml": "a: far"}))
    assert made.manifests[0].object()["data"] == {"v": "far"}


CRD = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: foos.e.com}\n"
FULL = {
    "c/Chart.yaml": CHART,
    "c/crds/foo.yaml": CRD,
    "c/templates/NOTES.txt": "Installed: [{{ .Release.Name }}",
    "c/templates/_helpers.tpl": '{{ define "x" }}y{{ end }}',
    "c/templates/cm.yaml": SHOW
    + "  v: {{ .Capabilities.KubeVersion.Version }}\n  has: '{{ .Capabilities.APIVersions.Has \"e.com/v1\" }}'\n",
    "c/templates/empty.yaml": "{{ if false }}x{{ end }}",
    "c/templates/tests/t.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: t, annotations: {helm.sh/hook: test}}\n",
    "c/values.schema.json": '{"type":"object","properties":{"num":{"type":"integer"}},"required":["num"]}',
    "c/values.yaml": "num: 1\n",
    "c/.helmignore": "ignored*\n",
    "c/templates/ignored.yaml": "{{ fail `rendered` }}",
}


async def test_helm_leaves_out_notes_partials_empty_and_ignored_files(pool: Pool) -> None:
    made = by_kind(await render(pool, FULL, Source(path="c")))
    assert set(made) == {"CustomResourceDefinition", "ConfigMap", "Pod"}
    assert made["ConfigMap"].object()["data"] == {"v": "v1.30.1", "has": "false"}
    assert (made["ConfigMap"].key.name, made["ConfigMap"].key.namespace) == ("shop", "prod")
    assert made["ConfigMap"].origin == "c/templates/cm.yaml"


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        pytest.param({"skip_crds": True}, {"ConfigMap", "Pod"}, id="skipCrds"),
        pytest.param({"skip_tests": True}, {"ConfigMap", "CustomResourceDefinition"}, id="skipTests"),
        pytest.param(
            {"skip_schema_validation": True, "values": "num: text"},
            {"ConfigMap", "Pod", "CustomResourceDefinition"},
            id="skipSchemaValidation",
        ),
    ],
)
async def test_helm_options(pool: Pool, options: dict[str, Any], kinds: set[str]) -> None:
    assert set(by_kind(await render(pool, FULL, Source(path="c", helm=HelmSource(**options))))) == kinds


async def test_helm_release_namespace_and_cluster_of_the_source(pool: Pool) -> None:
    options = HelmSource(release_name="r", namespace="n", kube_version="v1.28.0", api_versions=["e.com/v1"])
    made = by_kind(await render(pool, FULL, Source(path="c", helm=options)))["ConfigMap"]
    assert (made.key.name, made.key.namespace) == ("r", "n")
    assert made.object()["data"] == {"v": "v1.28.0", "has": "true"}


@pytest.mark.parametrize(
    ("files", "options", "says"),
    [
        pytest.param({}, {"values": '"text"'}, "values must be a mapping, got string", id="values that are a text"),
        pytest.param({}, {"values": "a: [1"}, "values:1:", id="values that are broken"),
        pytest.param(
            {"c/v.yaml": "- x"},
            {"value_files": ["v.yaml"]},
            "c/v.yaml: values must be a mapping, got list",
            id="a value file that is a list",
        ),
        pytest.param(
            {},
            {"parameters": [HelmParameter(name="a[999999999]", value="1")]},
            "index of 999999999 is greater",
            id="a huge index",
        ),
        pytest.param({}, {"values": "num: text"}, "at '/num'", id="a schema violated"),
        pytest.param({"c/templates/z.yaml": "{{ env `HOME` }}"}, {}, 'function "env" not defined', id="env"),
        pytest.param({"c/templates/z.yaml": "{{ fail `no luck` }}"}, {}, "no luck", id="fail"),
        pytest.param(
            {"c/templates/z.yaml": '{{ define "r" }}{{ include "r" . }}{{ end }}{{ include "r" . }}'},
            {},
            "nested reference name",
            id="a template that includes itself",
        ),
        pytest.param({"c/templates/z.yaml": "a: {{ .Values.x.y.z }}"}, {}, "z.yaml", id="a missing value"),
        pytest.param(
            {"c/templates/z.yaml": "kind: X\n"},
            {},
            "c/templates/z.yaml: X has no apiVersion",
            id="an object without apiVersion",
        ),
        pytest.param(
            {"c/templates/z.yaml": "a: [1\n"}, {}, "c/templates/z.yaml.*rendered output", id="output that is no YAML"
        ),
    ],
)
async def test_helm_refuses(pool: Pool, files: dict[str, str], options: dict[str, Any], says: str) -> None:
    with pytest.raises(RenderFailed, match=says) as caught:
        await render(pool, {**FULL, **files}, Source(path="c", helm=HelmSource(**options)))
    assert "/tmp" not in str(caught.value)


SPLIT = {
    "the last line of a template ends": ("  v: |\n    x{{- /* none */ -}}", ["x\n"]),
    "blank lines at the end count for a block that keeps them": ("  v: |+\n    x\n\n", ["x\n\n\n"]),
    "blank lines before a separator do not": ("  v: |+\n    x\n\n\n---\n# end\n", ["x\n"]),
    "a comment glued to a separator": ("  v: a\n---# two\n" + SHOW + "  v: b\n", ["a", "b"]),
    "an object glued to a separator": ("  v: a\n---" + SHOW + "  v: b\n", ["a", "b"]),
    "line ends of Windows": ("  v: |\n    a\n---\n".replace("\n", "\r\n") + SHOW + "  v: b\r\n", ["a\n", "b"]),
}


@pytest.mark.parametrize(("text", "values"), SPLIT.values(), ids=SPLIT.keys())
async def test_templates_are_split_as_helm_splits_them(pool: Pool, text: str, values: list[str]) -> None:
    made = await render(pool, {"c/Chart.yaml": CHART, "c/templates/x.yaml": SHOW + text}, Source(path="c"))
    assert [manifest.object()["data"]["v"] for manifest in made.manifests] == values


async def test_values_of_several_documents_are_merged(pool: Pool) -> None:
    files = {
        "c/Chart.yaml": CHART,
        "c/templates/x.yaml": SHOW + '  v: "{{ .Values.a }}{{ .Values.b }}{{ .Values.c }}"\n',
        "c/more.yaml": "a: 1\nb: 1\n---\nb: 2\n---\nc: |\n  x",
    }
    made = await render(pool, files, Source(path="c", helm=HelmSource(value_files=["more.yaml"])))
    assert made.manifests[0].object()["data"] == {"v": "12x "}


async def test_helm_stands_in_for_a_cluster_of_its_own_version(pool: Pool) -> None:
    context = msgspec.structs.replace(CONTEXT, kube_version="")
    tree = MemTree({"c/Chart.yaml": CHART, "c/templates/x.yaml": SHOW + "  v: {{ .Capabilities.KubeVersion }}\n"})
    recipe = make_recipe(Source(path="c"), tree, {}, context)
    made = await pool.render(recipe, read_inputs(recipe, tree, {}))
    assert made.manifests[0].object()["data"] == {"v": f"v{OWN_KUBE_VERSION}"}


async def test_lookup_answers_nothing(pool: Pool) -> None:
    template = SHOW + '  v: "{{ len (lookup "v1" "Secret" "kube-system" "x") }}"\n'
    made = await render(pool, {"c/Chart.yaml": CHART, "c/templates/x.yaml": template}, Source(path="c"))
    assert made.manifests[0].object()["data"] == {"v": "0"}
    assert "uses lookup" in made.warnings[0]


async def test_crds_of_a_switched_off_subchart_stay_away(pool: Pool) -> None:
    files = {
        "c/Chart.yaml": CHART + "dependencies: [{name: sub, version: '1.0.0', condition: sub.enabled}]\n",
        "c/values.yaml": "sub: {enabled: false}\n",
        "c/templates/x.yaml": SHOW + "  v: x\n",
        "c/charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
        "c/charts/sub/crds/foo.yaml": FULL["c/crds/foo.yaml"],
    }
    assert set(by_kind(await render(pool, files, Source(path="c")))) == {"ConfigMap"}
    on = HelmSource(values="sub: {enabled: true}")
    assert set(by_kind(await render(pool, files, Source(path="c", helm=on)))) == {
        "ConfigMap",
        "CustomResourceDefinition",
    }


SETTINGS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {}}}\n"
JSON_SETTINGS = '{{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {{"name": "{}"}}}}\n'


@pytest.mark.parametrize(
    "resource",
    [
        pytest.param((JSON_SETTINGS.format("b") + JSON_SETTINGS.format("c")).encode(), id="JSON after JSON"),
        pytest.param((JSON_SETTINGS.format("b") + SETTINGS.format("c")).encode(), id="YAML after JSON"),
        pytest.param((SETTINGS.format("b") + "...\n" + SETTINGS.format("c")).encode(), id="text after an end"),
        pytest.param(f"\ufeff{SETTINGS.format('b')}---\n{SETTINGS.format('c')}".encode("utf-16-le"), id="UTF-16"),
    ],
)
async def test_a_resource_of_which_kustomize_reads_a_part_is_refused(pool: Pool, resource: bytes) -> None:
    files: dict[str, str | bytes] = {
        "kustomization.yaml": "resources: [a.yaml, b.yaml]\n",
        "a.yaml": SETTINGS.format("a"),
        "b.yaml": resource,
    }
    with pytest.raises(RenderFailed, match=r"b\.yaml:\d+"):
        await render(pool, files, Source(path="."))


@pytest.mark.parametrize(
    "resource",
    [
        pytest.param(f"\ufeff{SETTINGS.format('b')}".encode("utf-16-le"), id="UTF-16"),
        pytest.param((JSON_SETTINGS.format("b") + "---\n" + JSON_SETTINGS.format("c")).encode(), id="JSON and marks"),
    ],
)
async def test_a_resource_in_another_notation_is_read_whole(pool: Pool, resource: bytes) -> None:
    made = await render(pool, {"kustomization.yaml": "resources: [b.yaml]\n", "b.yaml": resource}, Source(path="."))
    assert len(made.manifests) == (1 if resource.startswith(b"\xff") else 2)


async def test_values_of_helm_are_read_in_the_encoding_that_they_tell(pool: Pool) -> None:
    files: dict[str, str | bytes] = {
        "Chart.yaml": CHART,
        "templates/show.yaml": SHOW + "  a: {{ .Values.a }}\n",
        "v.yaml": "\ufeffa: é\r\n".encode("utf-16-le"),
    }
    made = await render(pool, files, Source(path=".", helm=HelmSource(value_files=["v.yaml"])))
    assert by_kind(made)["ConfigMap"].object()["data"] == {"a": "é"}


LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22e\nsize 12345\n"


@pytest.mark.parametrize(
    "file", ["templates/show.yaml", "crds/a.yaml", "values.yaml", "v.yaml", "charts/sub-1.0.0.tgz"]
)
async def test_a_pointer_of_git_lfs_in_a_chart_is_an_error(pool: Pool, file: str) -> None:
    files = {"Chart.yaml": CHART, "values.yaml": "", "v.yaml": "", "templates/show.yaml": SHOW, file: LFS}
    with pytest.raises(RenderFailed, match=f"{file}: a Git LFS pointer"):
        await render(pool, files, Source(path=".", helm=HelmSource(value_files=["v.yaml"])))


@pytest.mark.parametrize("file", ["a.yaml", "a.txt"])
async def test_a_pointer_of_git_lfs_in_a_kustomization_is_an_error(pool: Pool, file: str) -> None:
    kustomization = "resources: [a.yaml]\nconfigMapGenerator: [{name: g, files: [a.txt]}]\n"
    files = {"kustomization.yaml": kustomization, "a.yaml": SETTINGS.format("a"), "a.txt": "text", file: LFS}
    with pytest.raises(RenderFailed, match=f"{file}: a Git LFS pointer"):
        await render(pool, files, Source(path="."))


LATIN = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: 'größe'}\n".encode("latin-1")


@pytest.mark.parametrize(
    ("files", "helm", "named"),
    [
        pytest.param({"templates/a.yaml": LATIN}, HelmSource(), "templates/a.yaml", id="a template"),
        pytest.param({"crds/a.yaml": LATIN}, HelmSource(), "crds/a.yaml", id="a definition"),
        pytest.param(
            {"templates/a.yaml": SHOW + '  a: {{ .Files.Get "a.txt" }}\n', "a.txt": b"gr\xfc"},
            HelmSource(),
            "templates/a.yaml",
            id="a file that a template reads",
        ),
        pytest.param(
            {"templates/a.yaml": SHOW, "a.txt": b"gr\xfc"},
            HelmSource(file_parameters=[HelmFileParameter(name="a", path="a.txt")]),
            "helm parameter 'a': a.txt is not valid UTF-8 at byte 2",
            id="a file parameter",
        ),
    ],
)
async def test_bytes_that_are_no_utf_8_are_refused_in_a_chart_as_helm_does(
    pool: Pool, files: dict[str, str | bytes], helm: HelmSource, named: str
) -> None:
    with pytest.raises(RenderFailed, match=named) as caught:
        await render(pool, {"Chart.yaml": CHART, **files}, Source(path=".", helm=helm))
    assert "UTF-8" in str(caught.value)


async def test_a_binary_file_that_a_template_encodes_is_no_text_and_a_replacement_character_in_git_is_one(
    pool: Pool,
) -> None:
    files: dict[str, str | bytes] = {
        "Chart.yaml": CHART,
        "templates/a.yaml": SHOW + '  a: {{ .Files.Get "a.bin" | b64enc }}\n  b: "\ufffd"\n',
        "a.bin": b"\xff\x00",
    }
    made = await render(pool, files, Source(path="."))
    assert by_kind(made)["ConfigMap"].object()["data"] == {"a": "/wA=", "b": "\ufffd"}


GLUED = "".join(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n" for name in "ab")


@pytest.mark.parametrize(
    ("files", "says"),
    [
        pytest.param({"app/a.yaml": GLUED}, "app/a.yaml:4: apiVersion, kind or metadata comes twice", id="Directory"),
        pytest.param(
            {"app/Chart.yaml": CHART, "app/templates/a.yaml": "{{ if true }}\n" + GLUED + "{{ end }}"},
            "templates/a.yaml:5: apiVersion, kind or metadata comes twice in one object \\(in its rendered output",
            id="Helm",
        ),
        pytest.param(
            {"app/kustomization.yaml": "resources: [a.yaml]\n", "app/a.yaml": GLUED},
            "kustomize: app/a.yaml:4: apiVersion, kind or metadata comes twice",
            id="Kustomize",
        ),
    ],
)
async def test_two_objects_that_lost_the_mark_between_them_are_an_error(
    pool: Pool, files: dict[str, str], says: str
) -> None:
    with pytest.raises(RenderFailed, match=says):
        await render(pool, files, Source(path="app"))

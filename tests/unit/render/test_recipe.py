"""Recipes: what a source may read, what it does read, and what its key depends on."""

from collections.abc import Mapping

import msgspec
import pytest
from tests.support.memtree import Link, MemTree

from trueup.model.application import (
    DirectorySource,
    HelmFileParameter,
    HelmParameter,
    HelmSource,
    KustomizeSource,
    PluginSource,
    Source,
)
from trueup.model.errors import InvalidSpec, RenderFailed
from trueup.model.tree import Tree
from trueup.render.job import HelmJob, KustomizeJob, Recipe
from trueup.render.recipe import RenderContext, make_recipe, read_inputs
from trueup.render.remote import RemotesNeeded

CONTEXT = RenderContext(
    app_name="shop", project="default", namespace="prod", kube_version="v1.37.2", api_versions=("v1",)
)
CM = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"
CHART = "apiVersion: v2\nname: web\nversion: 1.0.0\n"


def recipe(
    files: Mapping[str, str | bytes],
    source: Source,
    refs: Mapping[str, Tree] | None = None,
    context: RenderContext = CONTEXT,
) -> Recipe:
    return make_recipe(source, MemTree(files), refs or {}, context)


def paths(made: Recipe) -> list[str]:
    return [file.path for file in made.inputs]


@pytest.mark.parametrize(
    ("files", "source", "tool"),
    [
        pytest.param({"a/x.yaml": CM}, Source(path="a"), "Directory", id="plain files: Directory"),
        pytest.param({"a/Chart.yaml": CHART}, Source(path="a"), "Helm", id="Chart.yaml: Helm"),
        pytest.param({"a/kustomization.yaml": ""}, Source(path="a"), "Kustomize", id="kustomization.yaml: Kustomize"),
        pytest.param({"a/kustomization.yml": ""}, Source(path="a"), "Kustomize", id="kustomization.yml: Kustomize"),
        pytest.param({"a/Kustomization": ""}, Source(path="a"), "Kustomize", id="Kustomization: Kustomize"),
        pytest.param(
            {"a/Chart.yaml": CHART, "a/kustomization.yaml": ""},
            Source(path="a"),
            "Kustomize",
            id="Kustomize before Helm",
        ),
        pytest.param(
            {"a/Chart.yaml": CHART},
            Source(path="a", directory=DirectorySource()),
            "Directory",
            id="an explicit block decides",
        ),
        pytest.param({"x.yaml": CM}, Source(path="."), "Directory", id="the root by a dot"),
        pytest.param({"x.yaml": CM}, Source(path=""), "Directory", id="the root by nothing"),
        pytest.param({"x.yaml": CM}, Source(ref="values"), "", id="a ref without a path renders nothing"),
        pytest.param(
            {"a/Chart.yaml": CHART}, Source(ref="values", path="a"), "Helm", id="a ref with a path renders too"
        ),
    ],
)
def test_the_tool_is(files: dict[str, str], source: Source, tool: str) -> None:
    assert recipe(files, source).tool == tool


def test_two_explicit_blocks_are_an_invalid_spec() -> None:
    with pytest.raises(InvalidSpec, match="Directory,Helm"):
        recipe({"a/x.yaml": CM}, Source(path="a", helm=HelmSource(), directory=DirectorySource()))


OUTSIDE = "outside repository root"


@pytest.mark.parametrize(
    ("files", "source", "says"),
    [
        pytest.param({"x": ""}, Source(path="/etc"), "app path is absolute", id="an absolute path"),
        pytest.param({"x": ""}, Source(path="../x"), OUTSIDE, id="a path that climbs out"),
        pytest.param({"x": ""}, Source(path="a/../../x"), OUTSIDE, id="a path that climbs out in the middle"),
        pytest.param({"x": ""}, Source(path="nowhere"), "nowhere: app path does not exist", id="a missing path"),
        pytest.param({"x": ""}, Source(path="x"), "not a directory", id="a file as path"),
        pytest.param({"a": Link("/etc")}, Source(path="a"), OUTSIDE, id="a path that is a link out"),
        pytest.param(
            {"a": Link("b"), "b": Link("a")}, Source(path="a"), "symlink nesting too deep: a", id="links in a circle"
        ),
        pytest.param({"a/x.yaml": Link("x.yaml")}, Source(path="a"), "symlink nesting too deep", id="a link to itself"),
        pytest.param({"a/x.yaml": Link("/etc/passwd")}, Source(path="a"), OUTSIDE, id="a manifest that is a link out"),
        pytest.param(
            {"a/x.yaml": Link("../../s")}, Source(path="a"), OUTSIDE, id="a manifest that is a relative link out"
        ),
        pytest.param(
            {"a/x.yaml": Link("../l/y"), "l": Link("/etc")},
            Source(path="a"),
            OUTSIDE,
            id="a link through a directory link out",
        ),
        pytest.param(
            {f"a/l{i}": Link(f"l{i + 1}") for i in range(11)} | {"a/x.yaml": Link("l0"), "a/l11": CM},
            Source(path="a"),
            "symlink nesting too deep",
            id="a chain of more than ten links",
        ),
        pytest.param(
            {"a/x": ""}, Source(path="a", plugin=PluginSource()), "no plugin is for the files of a", id="a plugin"
        ),
        pytest.param(
            {f"a/{i}.yaml": b"#" * (2 << 20) for i in range(6)},
            Source(path="a"),
            "exceed 10 MiB",
            id="manifests of more than 10 MiB together",
        ),
    ],
)
def test_refused_before_anything_runs(files: dict[str, str], source: Source, says: str) -> None:
    with pytest.raises(RenderFailed, match=says):
        recipe(files, source)


def test_a_file_too_large_is_never_read() -> None:
    tree = MemTree({"a/x.yaml": b"#" * (11 << 20)})
    with pytest.raises(RenderFailed, match="exceed 10 MiB"):
        make_recipe(Source(path="a"), tree, {}, CONTEXT)
    assert tree.reads == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(DirectorySource(), ["a/x.yaml", "a/y.yml", "a/z.json"], id="one level, manifest extensions"),
        pytest.param(
            DirectorySource(recurse=True), ["a/d/n.yaml", "a/x.yaml", "a/y.yml", "a/z.json"], id="recurse goes below"
        ),
        pytest.param(DirectorySource(include="*.yaml"), ["a/x.yaml"], id="include narrows"),
        pytest.param(DirectorySource(exclude="{x.yaml,*.json}"), ["a/y.yml"], id="exclude removes, braces choose"),
        pytest.param(DirectorySource(include="*.yaml", exclude="x.*"), [], id="exclude beats include"),
        pytest.param(
            DirectorySource(recurse=True, exclude="*.yaml"), ["a/y.yml", "a/z.json"], id="a star crosses directories"
        ),
        pytest.param(
            DirectorySource(disable_extension_filter=True),
            ["a/README", "a/x.yaml", "a/y.yml", "a/z.json"],
            id="without the extension filter",
        ),
    ],
)
def test_a_directory_reads(options: DirectorySource, expected: list[str]) -> None:
    files = {"a/x.yaml": CM, "a/y.yml": CM, "a/z.json": "{}", "a/README": "", "a/d/n.yaml": CM, "b/o.yaml": CM}
    assert paths(recipe(files, Source(path="a", directory=options))) == expected


def test_a_link_inside_the_repository_is_read_by_content() -> None:
    tree = MemTree({"a/x.yaml": Link("../shared/y.yaml"), "shared/y.yaml": CM})
    made = make_recipe(Source(path="a"), tree, {}, CONTEXT)
    assert read_inputs(made, tree, {}) == {"a/x.yaml": CM.encode()}


BASE = {
    "base/kustomization.yaml": "resources: [web.yaml]\n",
    "base/web.yaml": CM,
    "app/kustomization.yaml": "resources: [../base]\n",
    "unrelated/x.yaml": CM,
}


@pytest.mark.parametrize(
    ("kustomization", "more"),
    [
        pytest.param("bases: [../base]", [], id="bases"),
        pytest.param(
            "resources: [r.yaml, sub/]", ["app/r.yaml", "app/sub/kustomization.yaml", "app/sub/s.yaml"], id="resources"
        ),
        pytest.param("patches: [{path: p.yaml}]", ["app/p.yaml"], id="patches"),
        pytest.param(
            "patchesStrategicMerge: [p.yaml, '{a: 1, b: 2}']", ["app/p.yaml"], id="strategic patches, inline ones too"
        ),
        pytest.param("patchesJson6902: [{path: p.yaml, target: {kind: X}}]", ["app/p.yaml"], id="json patches"),
        pytest.param("replacements: [{path: p.yaml}]", ["app/p.yaml"], id="replacements"),
        pytest.param(
            "crds: [r.yaml]\nconfigurations: [p.yaml]", ["app/p.yaml", "app/r.yaml"], id="crds, configurations"
        ),
        pytest.param(
            "transformers: [r.yaml]\ngenerators: [sub]",
            ["app/r.yaml", "app/sub/kustomization.yaml", "app/sub/s.yaml"],
            id="transformers, generators",
        ),
        pytest.param("openapi: {path: p.yaml}", ["app/p.yaml"], id="openapi"),
        pytest.param(
            "configMapGenerator: [{name: c, files: [f.txt, k=p.yaml], envs: [e.env]}]",
            ["app/e.env", "app/f.txt", "app/p.yaml"],
            id="generators of config maps",
        ),
        pytest.param("secretGenerator: [{name: c, env: e.env}]", ["app/e.env"], id="generators of secrets"),
        pytest.param("components: [sub]", ["app/sub/kustomization.yaml", "app/sub/s.yaml"], id="components"),
    ],
)
def test_a_kustomization_reads_exactly_what_it_names(kustomization: str, more: list[str]) -> None:
    files = {
        **BASE,
        "app/kustomization.yaml": kustomization.replace("\\n", "\n"),
        **{f"app/{name}": CM for name in ("r.yaml", "p.yaml", "f.txt", "e.env", "sub/s.yaml")},
        "app/sub/kustomization.yaml": "resources: [s.yaml]",
    }
    expected = {"app/kustomization.yaml", *more}
    if "base" in kustomization:
        expected |= {"base/kustomization.yaml", "base/web.yaml"}
    assert set(paths(recipe(files, Source(path="app")))) == expected


@pytest.mark.parametrize(
    ("files", "says"),
    [
        pytest.param(
            {"app/kustomization.yaml": "resources: [../../../etc]"}, "outside the application root", id="outside"
        ),
        pytest.param(
            {"app/kustomization.yaml": "resources: [/etc/passwd]"}, "outside the application root", id="absolute"
        ),
        pytest.param({"app/kustomization.yaml": "resources: [.]"}, "cycle detected: app → app", id="itself"),
        pytest.param(
            {"app/kustomization.yaml": "resources: [../b]", "b/kustomization.yaml": "resources: [../app]"},
            "cycle detected: app → b → app",
            id="a circle of two",
        ),
        pytest.param(
            {"app/kustomization.yaml": "resources: [gone.yaml]"},
            r"app/kustomization.yaml: resources\[0\] 'gone.yaml': no such file",
            id="a missing file",
        ),
        pytest.param({"app/kustomization.yaml": "resources: [https://e.com/x.yaml]"}, "is remote", id="a URL"),
        pytest.param(
            {"app/kustomization.yaml": "resources: ['github.com/a/b//c?ref=v1']"}, "is remote", id="a GitHub base"
        ),
        pytest.param({"app/kustomization.yaml": "resources: ['git@github.com:a/b']"}, "is remote", id="an ssh base"),
        pytest.param(
            {"app/kustomization.yaml": "patches: [{path: 'https://e.com/p'}]"}, "is remote", id="a remote patch"
        ),
        pytest.param(
            {
                "app/kustomization.yaml": "transformers: [t.yaml]",
                "app/t.yaml": "kind: PatchTransformer\npath: http://127.0.0.1/x",
            },
            "is remote",
            id="a remote file of a transformer",
        ),
        pytest.param(
            {"app/kustomization.yaml": "transformers: ['{kind: PatchTransformer, path: /etc/passwd}']"},
            "outside the application root",
            id="a file outside of an inline transformer",
        ),
        pytest.param({"app/kustomization.yaml": "helmCharts: [{name: x}]"}, "Helm inflation", id="Helm inflation"),
        pytest.param(
            {"app/kustomization.yaml": "configMapGenerator: [{name: g, files: ['k=a=b.txt']}]", "app/a=b.txt": ""},
            r"files\[0\] 'k=a=b.txt': key name or file path contains '='",
            id="a file of a generator with '=' in its name, as kustomize refuses it",
        ),
        pytest.param({"app/kustomization.yaml": "resources: x"}, "resources must be a list", id="no list"),
        pytest.param({"app/kustomization.yaml": "- x"}, "must be a mapping", id="no mapping"),
        pytest.param({"app/kustomization.yaml": "a: [1"}, "app/kustomization.yaml", id="broken YAML"),
        pytest.param(
            {"app/kustomization.yaml": "", "app/Kustomization": ""}, "multiple kustomization files", id="two files"
        ),
        pytest.param(
            {"app/kustomization.yaml": "resources: [../b]", "b/x.yaml": CM},
            "b: no kustomization.yaml",
            id="a base without one",
        ),
        pytest.param(
            {"app/kustomization.yaml": "resources: [l.yaml]", "app/l.yaml": Link("/etc/passwd")},
            OUTSIDE,
            id="a link out",
        ),
    ],
)
def test_a_kustomization_is_refused_for(files: dict[str, str], says: str) -> None:
    with pytest.raises((RenderFailed, RemotesNeeded), match=says):
        recipe(files, Source(path="app"))


def test_options_go_into_the_kustomization_and_the_repository_keeps_its_own() -> None:
    made = recipe(BASE, Source(path="app", kustomize=KustomizeSource(name_prefix="x-", namespace="n")))
    assert isinstance(made.job, KustomizeJob)
    assert list(made.job.written) == ["app/kustomization.yaml"]
    assert "namePrefix: x-" in made.job.written["app/kustomization.yaml"]


def test_the_whole_tree_is_the_input_on_demand_and_says_so() -> None:
    made = make_recipe(Source(path="app"), MemTree(BASE), {}, CONTEXT, whole_tree=True)
    assert "unrelated/x.yaml" in paths(made)
    assert "every commit renders anew" in made.warnings[0]


def chart(**more: str) -> dict[str, str | bytes]:
    return {"c/Chart.yaml": CHART, "c/values.yaml": "a: 1\n", "c/templates/x.yaml": CM, "envs/p.yaml": "a: 2\n", **more}


def helm(made: Recipe) -> HelmJob:
    assert isinstance(made.job, HelmJob)
    return made.job


def helm_source(**fields: object) -> Source:
    return Source(path="c", helm=HelmSource(**fields))  # type: ignore[arg-type]  # a table of differing fields


@pytest.mark.parametrize(
    ("value_files", "expected"),
    [
        pytest.param(["../envs/p.yaml"], ["envs/p.yaml"], id="relative to the chart"),
        pytest.param(["/envs/p.yaml"], ["envs/p.yaml"], id="a slash: relative to the repository"),
        pytest.param(["$ref/v/q.yaml"], ["$ref/v/q.yaml"], id="a ref: relative to that repository"),
        pytest.param(["../envs/$ARGOCD_APP_NAME.yaml"], ["envs/shop.yaml"], id="a build variable"),
        pytest.param(["../envs/*.yaml"], ["envs/p.yaml", "envs/shop.yaml"], id="a glob, sorted"),
        pytest.param(
            ["../envs/*.yaml", "../envs/p.yaml"],
            ["envs/shop.yaml", "envs/p.yaml"],
            id="an explicit entry keeps its place",
        ),
        pytest.param(
            ["../envs/p*", "../envs/*.yaml"],
            ["envs/p.yaml", "envs/shop.yaml"],
            id="of two globs the first takes the file",
        ),
        pytest.param(["$ref/**/*.yaml"], ["$ref/v/q.yaml"], id="a glob in a ref"),
    ],
)
def test_value_files_are(value_files: list[str], expected: list[str]) -> None:
    refs = {"ref": MemTree({"v/q.yaml": "b: 1"})}
    made = recipe(chart(**{"envs/shop.yaml": "a: 3"}), helm_source(value_files=value_files), refs)
    assert list(helm(made).value_files) == expected
    assert set(expected) <= set(paths(made))


@pytest.mark.parametrize(
    ("files", "fields", "says"),
    [
        pytest.param({}, {"value_files": ["../../s.yaml"]}, OUTSIDE, id="a value file outside"),
        pytest.param(
            {"c/l.yaml": Link("/etc/passwd")},
            {"value_files": ["l.yaml"]},
            OUTSIDE,
            id="a value file through a link out",
        ),
        pytest.param({}, {"value_files": ["$ref/../s.yaml"]}, OUTSIDE, id="a value file outside its ref"),
        pytest.param({}, {"value_files": ["$nope/x.yaml"]}, "no source has a 'ref' field", id="an unknown ref"),
        pytest.param(
            {}, {"value_files": ["secrets://x"]}, "the URL scheme 'secrets' is not allowed", id="a secrets URL"
        ),
        pytest.param({}, {"value_files": ["git+ssh://x"]}, r"the URL scheme 'git\+ssh' is not allowed", id="a git URL"),
        pytest.param({}, {"value_files": ["file:///etc/passwd"]}, "scheme 'file' is not allowed", id="a file URL"),
        pytest.param(
            {}, {"value_files": ["https://e.com/x"]}, "remote value files are not supported", id="a remote file"
        ),
        pytest.param({}, {"value_files": ["gone.yaml"]}, "values file gone.yaml not found", id="a missing value file"),
        pytest.param({}, {"value_files": ["gone*.yaml"]}, "matches no file", id="a glob without a match"),
        pytest.param(
            {f"v/{i}.yaml": "" for i in range(600)},
            {"value_files": ["/v/*"]},
            "too many value files",
            id="a glob with too many",
        ),
        pytest.param(
            {},
            {"file_parameters": [HelmFileParameter(name="a", path="../../x")]},
            OUTSIDE,
            id="a file parameter outside",
        ),
        pytest.param(
            {},
            {"file_parameters": [HelmFileParameter(name="a", path="gone")]},
            "gone not found",
            id="a missing file parameter",
        ),
        pytest.param({}, {"release_name": "x" * 54}, "longer than 53", id="a long release name"),
        pytest.param({}, {"release_name": "A_b"}, "no DNS name", id="a release name that is none"),
        pytest.param(
            {"c/Chart.yaml": "name: ../x\nversion: 1.0.0"}, {}, "invalid chart name", id="a chart name that is a path"
        ),
        pytest.param({"c/Chart.yaml": "name: web"}, {}, "missing or invalid: it has no version", id="no version"),
        pytest.param({"c/Chart.yaml": "name: [web"}, {}, "missing or invalid", id="a broken Chart.yaml"),
        pytest.param(
            {
                "c/Chart.yaml": CHART
                + "dependencies: [{name: db, version: 1.x, repository: 'https://e.com'}, {name: mq, version: '2'}]"
            },
            {},
            r"charts/: db 1.x \(https://e.com\), mq 2",
            id="missing dependencies, all named",
        ),
        pytest.param(
            {"c/Chart.yaml": CHART + "dependencies: [{name: lib, version: '1', repository: 'file://../../lib'}]"},
            {},
            OUTSIDE,
            id="a local dependency outside",
        ),
        pytest.param(
            {"c/requirements.yaml": "dependencies: [{name: db, version: 1.x, repository: 'https://e.com'}]"},
            {},
            r"c/requirements.yaml: dependencies missing in charts/: db 1.x",
            id="missing dependencies of requirements.yaml, whatever the API version",
        ),
        pytest.param(
            {"c/Chart.yaml": CHART.replace("v2", "v1") + "dependencies: [{name: db, version: 1.x}]"},
            {},
            r"c/Chart.yaml: dependencies missing in charts/: db 1.x",
            id="missing dependencies of Chart.yaml, whatever the API version",
        ),
        pytest.param(
            {"c/Chart.yaml": CHART + "Type: library"}, {}, "library charts are not installable", id="a library"
        ),
        pytest.param(
            {"c/Chart.yaml": CHART + "kubeVersion: '<1.20'"}, {}, "requires kubeVersion: <1.20", id="another Kubernetes"
        ),
        pytest.param(
            {"c/Chart.yaml": CHART + "kubeVersion: '>=1.30'"},
            {"kube_version": "v1.29.9"},
            "incompatible with Kubernetes v1.29.9",
            id="another Kubernetes than the source says",
        ),
        pytest.param({"c/Chart.yaml": CHART + "kubeVersion: new"}, {}, "kubeVersion: new", id="a range that is none"),
        pytest.param({"c/templates/s.yaml": Link("/etc/passwd")}, {}, OUTSIDE, id="a template that is a link out"),
        pytest.param({"c/Chart.lock": Link("/etc/cron.d/x")}, {}, OUTSIDE, id="a lock file that is a link out"),
    ],
)
def test_a_chart_is_refused_for(files: dict[str, str], fields: dict[str, object], says: str) -> None:
    with pytest.raises(RenderFailed, match=says):
        recipe(chart(**files), helm_source(**fields), {"ref": MemTree({"x.yaml": ""})})


def test_explicit_helm_without_a_chart_is_an_error() -> None:
    with pytest.raises(RenderFailed, match=r"Chart.yaml is missing or invalid"):
        recipe({"c/x.yaml": CM}, helm_source())


def test_missing_value_files_may_be_ignored_and_are_recorded() -> None:
    made = recipe(chart(), helm_source(value_files=["gone.yaml", "no*.yaml"], ignore_missing_value_files=True))
    assert helm(made).value_files == ()
    assert "c/gone.yaml" in made.absent


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"c/charts/db/Chart.yaml": "name: db\nversion: '1'"}, id="a folder"),
        pytest.param({"c/charts/db-1.2.3.tgz": "x"}, id="an archive"),
    ],
)
def test_a_dependency_in_charts_is_present(files: dict[str, str]) -> None:
    listed = {"c/Chart.yaml": CHART + "dependencies: [{name: db, version: 1.x, repository: 'https://e.com'}]"}
    assert set(files) <= set(paths(recipe(chart(**listed, **files), Source(path="c"))))


@pytest.mark.parametrize("listed_in", ["c/Chart.yaml", "c/requirements.yaml"])
def test_a_local_dependency_is_laid_out_in_charts(listed_in: str) -> None:
    listed = "dependencies: [{name: lib, version: '1', repository: 'file://../lib'}]"
    files = chart(**{"lib/Chart.yaml": "name: lib\nversion: '1'", "lib/templates/_x.tpl": ""})
    files[listed_in] = listed if "req" in listed_in else CHART + listed
    made = recipe(files, Source(path="c"))
    assert {"c/charts/lib/Chart.yaml", "c/charts/lib/templates/_x.tpl"} <= set(paths(made))
    assert any("c/requirements.yaml: apiVersion v2" in text for text in made.warnings) == ("req" in listed_in)


@pytest.mark.parametrize(
    ("wanted", "version"),
    [(">=1.30-0", "v1.37.2"), (">= 1.20", "v1.30.4-gke.1245000"), ("~1.30.0 || ~1.37.0", "1.37.2+k3s1"), ("*", "")],
)
def test_a_chart_is_for_the_cluster(wanted: str, version: str) -> None:
    files = chart(**{"c/Chart.yaml": f"{CHART}deprecated: true\ntype: application\nkubeVersion: '{wanted}'\n"})
    context = msgspec.structs.replace(CONTEXT, kube_version=version)
    assert recipe(files, Source(path="c"), context=context).tool == "Helm"


def test_parameters_are_substituted_escaped_and_ordered() -> None:
    parameters = [
        HelmParameter(name="s", value="1", force_string=True),
        HelmParameter(name="a", value="$ARGOCD_APP_NAME-$$x"),
        HelmParameter(name="b", value="x,y"),
        HelmParameter(name="c", value="{x,y}"),
        HelmParameter(name="a", value="${ARGOCD_APP_NAMESPACE}"),
    ]
    made = helm(recipe(chart(), helm_source(parameters=parameters)))
    assert [(each.name, each.value) for each in made.parameters] == [
        ("a", "prod"),
        ("b", r"x\,y"),
        ("c", "{x,y}"),
        ("s", "1"),
    ]


@pytest.mark.parametrize(
    ("template", "changes"),
    [
        pytest.param("kind: X", False, id="no capabilities: the cluster does not count"),
        pytest.param("{{ .Capabilities.KubeVersion.Version }}", True, id="the version"),
        pytest.param("{{ .Capabilities | toJson }}", True, id="capabilities as a whole"),
        pytest.param('{{ .Capabilities.APIVersions.Has "v1" }}', False, id="a literal question with the same answer"),
        pytest.param('{{ .Capabilities.APIVersions.Has "x/v1" }}', True, id="a literal question with another answer"),
        pytest.param("{{ .Capabilities.APIVersions.Has .Values.x }}", True, id="a question of unknown content"),
    ],
)
def test_the_cluster_is_in_the_key_only_where_the_chart_asks(template: str, changes: bool) -> None:
    files = chart(**{"c/templates/x.yaml": template})
    other = RenderContext(
        app_name="shop", project="default", namespace="prod", kube_version="v1.38.0", api_versions=("v1", "x/v1")
    )
    assert (recipe(files, Source(path="c")).key != recipe(files, Source(path="c"), context=other).key) is changes


def test_a_chart_that_may_draw_lots_is_rendered_again() -> None:
    files = chart(
        **{"c/templates/x.yaml": "p: {{ randAlphaNum 8 }} {{ now }}", "c/templates/y.yaml": "nowhere {{ .uuidv4 }}x"}
    )
    job = recipe(files, Source(path="c")).job
    assert isinstance(job, HelmJob)
    assert job.suspects == ("now", "randAlphaNum")


@pytest.mark.parametrize(
    ("change", "same"),
    [
        pytest.param({"unrelated/x.yaml": "new"}, True, id="a file outside the closure"),
        pytest.param({"base/web.yaml": CM + "# new"}, False, id="a file of the closure"),
        pytest.param({"app/.argocd-source.yaml": "kustomize: {namePrefix: x-}"}, False, id="an override appears"),
        pytest.param(
            {"app/.argocd-source-shop.yaml": "kustomize: {namePrefix: x-}"}, False, id="the app's override appears"
        ),
        pytest.param(
            {"app/.argocd-source-other.yaml": "kustomize: {namePrefix: x-}"}, True, id="another app's override appears"
        ),
    ],
)
def test_the_key_after(change: dict[str, str], same: bool) -> None:
    assert (recipe(BASE, Source(path="app")).key == recipe({**BASE, **change}, Source(path="app")).key) is same


def test_the_commit_is_in_the_key_only_where_it_is_used() -> None:
    def key(revision: str, value: str) -> str:
        source = helm_source(parameters=[HelmParameter(name="a", value=value)])
        return make_recipe(source, MemTree(chart(), revision * 40), {}, CONTEXT).key

    assert key("a", "x") == key("b", "x")
    assert key("a", "$ARGOCD_APP_REVISION_SHORT") != key("b", "$ARGOCD_APP_REVISION_SHORT")


def test_overrides_merge_and_the_applications_own_wins() -> None:
    files = {
        **BASE,
        "app/.argocd-source.yaml": "kustomize: {namePrefix: one-, nameSuffix: -s}",
        "app/.argocd-source-ns_shop.yaml": "kustomize: {namePrefix: two-}",
        "app/.argocd-source-shop.yaml": "kustomize: {namePrefix: wrong-}",
    }
    context = RenderContext(app_name="shop", instance="ns_shop")
    made = recipe(files, Source(path="app"), context=context)
    assert isinstance(made.job, KustomizeJob)
    text = made.job.written["app/kustomization.yaml"]
    assert "namePrefix: two-" in text and "nameSuffix: -s" in text


@pytest.mark.parametrize("field", ["repoURL", "path", "chart", "targetRevision", "project"])
def test_an_override_never_changes(field: str) -> None:
    with pytest.raises(RenderFailed, match=rf"\.argocd-source\.yaml: {field} cannot be overridden"):
        recipe({**BASE, "app/.argocd-source.yaml": f"{field}: evil"}, Source(path="app"))


def test_a_helm_parameter_without_a_name_in_an_override_is_refused() -> None:
    override = "helm: {parameters: [{name: a, value: x}, {value: z}]}"
    with pytest.raises(RenderFailed, match=r"helm\.parameters\[1\] has no name"):
        recipe({"app/Chart.yaml": CHART, "app/.argocd-source.yaml": override}, Source(path="app"))


@pytest.mark.parametrize(
    ("files", "source", "within"),
    [
        pytest.param({"a/x.yaml": CM}, Source(path="a"), "a", id="plain files"),
        pytest.param({"x.yaml": CM}, Source(), "", id="the whole repository"),
        pytest.param({"a/Chart.yaml": CHART, "a/templates/x.yaml": CM}, Source(path="a"), "a", id="a chart"),
        pytest.param(
            {"a/kustomization.yaml": "resources: [x.yaml]\n", "a/x.yaml": CM},
            Source(path="a"),
            "a",
            id="a kustomization",
        ),
        pytest.param(
            {"a/kustomization.yaml": "resources: [../b]\n", "b/kustomization.yaml": "resources: []\n"},
            Source(path="a"),
            None,
            id="a base beside it",
        ),
        pytest.param({"a/x.yaml": Link("../b.yaml"), "b.yaml": CM}, Source(path="a"), None, id="a link that leaves it"),
        pytest.param({"a": Link("b"), "b/x.yaml": CM}, Source(path="a"), None, id="a link to it"),
        pytest.param(
            {"a/Chart.yaml": CHART},
            Source(path="a", helm=HelmSource(value_files=["../v.yaml"], ignore_missing_value_files=True)),
            None,
            id="a file beside it that is not there",
        ),
        pytest.param(
            {"a/Chart.yaml": CHART},
            Source(
                path="a", helm=HelmSource(parameters=[HelmParameter(name="at", value="$ARGOCD_APP_REVISION_SHORT")])
            ),
            None,
            id="the commit",
        ),
    ],
)
def test_what_a_recipe_is_made_of_where_nothing_else_has_a_name(
    files: dict[str, str | bytes], source: Source, within: str | None
) -> None:
    assert recipe(files, source).within == within

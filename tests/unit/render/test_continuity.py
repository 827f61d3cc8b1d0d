"""A commit beside the one that was synced last."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest
from tests.support.memtree import Link, MemTree, Submodule

from trueup.model.application import DirectorySource, HelmFileParameter, HelmSource, Source
from trueup.model.errors import RenderFailed
from trueup.model.status import Status
from trueup.render.continuity import Trees, check_whole, synced_before
from trueup.render.environment import RenderContext
from trueup.render.recipe import make_recipe

CM = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"
CONTEXT = RenderContext(app_name="shop")
RECURSE = Source(path="app", directory=DirectorySource(recurse=True))
ONE, TWO, THREE = "1" * 40, "2" * 40, "3" * 40
Files = Mapping[str, str | bytes]


def check(
    source: Source,
    before: Files,
    now: Files,
    barren: Sequence[str] = (),
    refs: tuple[Mapping[str, MemTree], Mapping[str, MemTree]] = ({}, {}),
) -> None:
    tree = MemTree(now)
    recipe = make_recipe(source, tree, refs[1], CONTEXT)
    check_whole(recipe, barren, Trees(tree, refs[1]), Trees(MemTree(before), refs[0]))


FOLDER = {"app/a.yaml": CM, "app/sub/b.yaml": CM}


@pytest.mark.parametrize(
    ("now", "barren", "named"),
    [
        pytest.param(
            {**FOLDER, "app/a.yaml": ""}, ["app/a.yaml"], "app/a.yaml: it is empty", id="a file becomes empty"
        ),
        pytest.param({**FOLDER, "app/a.yaml": "x: 1"}, ["app/a.yaml"], "app/a.yaml: it holds no", id="or foreign"),
        pytest.param({**FOLDER, "app/a.yaml": CM[:-2]}, [], "app/a.yaml: it ends", id="or is cut off"),
        pytest.param({**FOLDER, "app/a.yaml": Link("gone")}, [], "app/a.yaml: a link", id="or a link to nothing"),
        pytest.param(
            {"app/a.yaml": CM, "app/sub": Link("gone")}, [], "app/sub: a link", id="a folder becomes a link to nothing"
        ),
        pytest.param(
            {"app/a.yaml": CM, "app/sub": Link("../other"), "other/b.yaml": CM},
            [],
            "app/sub: a link",
            id="a folder becomes a link to a folder, which Argo CD does not follow",
        ),
        pytest.param(
            {"app/a.yaml": CM, "app/sub": Link("/outside")}, [], "app/sub: a link", id="a folder becomes a link out"
        ),
    ],
)
def test_a_loss_is_refused_by_name(now: Files, barren: Sequence[str], named: str) -> None:
    with pytest.raises(RenderFailed, match=named) as caught:
        check(RECURSE, FOLDER, now, barren)
    assert "directory.exclude" in caught.value.hint and "restore" in caught.value.hint


@pytest.mark.parametrize(
    ("before", "now", "barren"),
    [
        pytest.param(FOLDER, {"app/a.yaml": CM}, [], id="a file or folder is deleted"),
        pytest.param(FOLDER, {"app/a.yaml": CM, "app/new.yaml": ""}, ["app/new.yaml"], id="a new file is empty"),
        pytest.param({"app/v.yaml": "a: 1"}, {"app/v.yaml": "b: 2"}, ["app/v.yaml"], id="a foreign file changes"),
        pytest.param({"app/a.yaml": ""}, {"app/a.yaml": ""}, ["app/a.yaml"], id="an empty file stays"),
        pytest.param(
            {"app/a.yaml": CM, "app/l": Link("gone")}, {"app/a.yaml": CM, "app/l": Link("gone")}, [], id="a link stays"
        ),
        pytest.param(
            {"app/a.yaml": CM, "app/l": Link("../o"), "o/b.yaml": CM},
            {"app/a.yaml": CM, "app/l": Link("gone")},
            [],
            id="a linked folder was not read before either",
        ),
        pytest.param(
            {"app/a.yaml": CM, "app/pictures/x.png": "x"},
            {"app/a.yaml": CM, "app/pictures": Link("gone")},
            [],
            id="a folder without manifests becomes a link",
        ),
        pytest.param(
            {"app/a.yaml": Submodule("c")}, {"app/a.yaml": ""}, ["app/a.yaml"], id="a submodule becomes a file"
        ),
    ],
)
def test_what_was_meant_is_not(before: Files, now: Files, barren: Sequence[str]) -> None:
    check(RECURSE, before, now, barren)


CHART = {"app/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n", "app/templates/a.yaml": CM}


@pytest.mark.parametrize("file", ["app/templates/a.yaml", "app/values.yaml"])
def test_a_file_of_a_chart_that_becomes_empty_is_refused(file: str) -> None:
    before = {**CHART, "app/values.yaml": "a: 1\n"}
    with pytest.raises(RenderFailed, match=f"{file}: it is empty"):
        check(Source(path="app"), before, {**before, file: ""})


READING = '{{ range $path, $_ := .Files.Glob "objects/*.yaml" }}{{ $.Files.Get $path }}{{ end }}'


@pytest.mark.parametrize(
    ("files", "file"),
    [
        pytest.param({"app/templates/all.yaml": READING}, "app/objects/a.yaml", id="by a template"),
        pytest.param({"app/templates/_read.tpl": READING}, "app/objects/a", id="by a helper, without an extension"),
        pytest.param({"app/charts/library-1.0.0.tgz": "x"}, "app/objects/a.yaml", id="by a packed library, maybe"),
    ],
)
@pytest.mark.parametrize("content", ["", "# nothing\n", "\0" * 60])
def test_a_file_that_a_chart_may_read_and_that_becomes_empty_is_refused(files: Files, file: str, content: str) -> None:
    before = {**CHART, **files, file: CM}
    with pytest.raises(RenderFailed, match=f"{file}: it"):
        check(Source(path="app"), before, {**before, file: content})


@pytest.mark.parametrize(
    ("file", "field"),
    [("app/objects", "resources: [objects]"), ("app/a.txt", "configMapGenerator: [{name: c, files: [a.txt]}]")],
)
@pytest.mark.parametrize("whole", [False, True])
def test_a_file_that_a_kustomization_names_is_refused_when_empty_whatever_its_name(
    file: str, field: str, whole: bool
) -> None:
    before = {"app/kustomization.yaml": f"{field}\n", file: CM}
    now = MemTree({**before, file: "\n"})
    recipe = make_recipe(Source(path="app"), now, {}, CONTEXT, whole_tree=whole)
    with pytest.raises(RenderFailed, match=f"{file}: it is empty"):
        check_whole(recipe, [], Trees(now), Trees(MemTree(before)))


def test_a_file_parameter_that_becomes_empty_is_refused() -> None:
    source = Source(path="app", helm=HelmSource(file_parameters=[HelmFileParameter(name="a", path="data/a.txt")]))
    before = {**CHART, "app/data/a.txt": "text"}
    with pytest.raises(RenderFailed, match=r"app/data/a.txt: it is empty"):
        check(source, before, {**before, "app/data/a.txt": ""})


@pytest.mark.parametrize("file", ["app/ci/test.yaml", "app/dashboards/a.json", "app/README.md"])
def test_a_file_beside_a_chart_may_become_empty(file: str) -> None:
    check(Source(path="app"), {**CHART, file: "a: 1\n"}, {**CHART, file: ""})


def test_a_file_that_a_kustomization_does_not_name_may_become_empty() -> None:
    before = {"app/kustomization.yaml": "resources: [a.yaml]\n", "app/a.yaml": CM, "other/b.yaml": CM}
    now, old = MemTree({**before, "other/b.yaml": ""}), MemTree(before)
    recipe = make_recipe(Source(path="app"), now, {}, CONTEXT, whole_tree=True)
    check_whole(recipe, [], Trees(now), Trees(old))


def test_a_resource_of_a_kustomization_that_becomes_empty_is_refused() -> None:
    before = {"app/kustomization.yaml": "resources: [a.yaml]\n", "app/a.yaml": CM}
    with pytest.raises(RenderFailed, match=r"app/a.yaml: it is empty"):
        check(Source(path="app"), before, {**before, "app/a.yaml": "\n"})


def test_values_of_another_source_that_become_empty_are_refused() -> None:
    source = Source(path="app", helm=HelmSource(value_files=["$v/prod.yaml"]))
    refs = {"v": MemTree({"prod.yaml": "a: 1\n"})}, {"v": MemTree({"prod.yaml": ""})}
    with pytest.raises(RenderFailed, match=r"\$v/prod.yaml: it is empty"):
        check(source, CHART, CHART, refs=refs)


def test_an_override_file_that_becomes_empty_is_refused() -> None:
    before = {**CHART, "app/.argocd-source.yaml": "helm: {parameters: [{name: a, value: b}]}\n"}
    with pytest.raises(RenderFailed, match=r"app/.argocd-source.yaml: it is empty"):
        check(Source(path="app"), before, {**before, "app/.argocd-source.yaml": ""})


def test_every_loss_is_named_up_to_a_limit() -> None:
    before = {f"app/{n:02}.yaml": CM for n in range(12)}
    with pytest.raises(RenderFailed, match=r"app/00.yaml.*app/09.yaml.*; and 2 more"):
        check(RECURSE, before, dict.fromkeys(before, ""), list(before))


@pytest.mark.parametrize(
    ("files", "source", "named"),
    [
        pytest.param({"app/s": Submodule("c")}, RECURSE, "app/s is a submodule", id="in a folder that is read whole"),
        pytest.param(
            {**CHART, "app/charts/dep": Submodule("c")}, Source(path="app"), "app/charts/dep is a", id="a subchart"
        ),
        pytest.param(
            {"app/Chart.yaml": CHART["app/Chart.yaml"], "app/templates": Submodule("c")},
            Source(path="app"),
            "app/templates is a",
            id="the templates of a chart",
        ),
    ],
)
def test_a_submodule_whose_files_would_be_rendered_is_refused(files: Files, source: Source, named: str) -> None:
    with pytest.raises(RenderFailed, match=named):
        make_recipe(source, MemTree(files), {}, CONTEXT)


@pytest.mark.parametrize("exclude", ["s", "s/*", "{s,t}/**"])
def test_a_submodule_that_is_excluded_is_nobodys(exclude: str) -> None:
    source = Source(path="app", directory=DirectorySource(recurse=True, exclude=exclude))
    assert make_recipe(source, MemTree({"app/a.yaml": CM, "app/s": Submodule("c")}), {}, CONTEXT).gaps == ()
    make_recipe(Source(path="app"), MemTree({"app/a.yaml": CM, "app/s": Submodule("c")}), {}, CONTEXT)


def test_links_that_lead_to_no_manifest_are_told() -> None:
    files = {"app/a.yaml": Link("gone"), "app/b.yaml": Link("../o"), "app/l": Link("../o"), "o/c.yaml": CM}
    made = make_recipe(RECURSE, MemTree(files), {}, CONTEXT)
    assert made.warnings == (
        "app/a.yaml: passed over, the link leads nowhere",
        "app/b.yaml: passed over, the link leads to a folder",
        "app/l: passed over, the link leads to a folder",
    )


# --- which commits are compared ---

SOURCE = {"repoURL": "https://g/r", "path": "app"}
OTHER = {"repoURL": "https://g/r", "path": "other"}


def past(revision: str, number: int = 0, source: Any = SOURCE) -> dict[str, Any]:
    return {"revision": revision, "source": source, "id": number, "deployedAt": "2026-01-01T00:00:00Z"}


def synced(revision: str, source: Any = SOURCE) -> dict[str, Any]:
    operation: dict[str, Any] = {"sync": {}}
    result = {"revision": revision, "source": source}
    return {"operation": operation, "phase": "Failed", "startedAt": "2026-01-01T00:00:00Z", "syncResult": result}


@pytest.mark.parametrize(
    ("status", "compared"),
    [
        pytest.param({}, (), id="nothing was synced yet"),
        pytest.param({"history": [past(ONE), past(TWO, 1)]}, ((TWO,),), id="the last deployment"),
        pytest.param(
            {"history": [past(ONE)], "operationState": synced(TWO)}, ((ONE,), (TWO,)), id="and a sync that failed since"
        ),
        pytest.param({"history": [past(ONE)], "operationState": synced(ONE)}, ((ONE,),), id="once each"),
        pytest.param({"history": [past(THREE), past(ONE, 1)]}, (), id="a commit that was deployed before is known"),
        pytest.param({"operationState": synced(THREE)}, (), id="the very commit is compared with nothing"),
        pytest.param({"history": [past(ONE, source=OTHER)]}, (), id="another path was deployed"),
        pytest.param({"history": [past(ONE, source={**SOURCE, "path": "./app/"})]}, ((ONE,),), id="the same path"),
    ],
)
def test_the_commits_to_compare_with(status: dict[str, Any], compared: tuple[tuple[str, ...], ...]) -> None:
    source = msgspec.convert(SOURCE, Source)
    assert synced_before(msgspec.convert(status, Status), [source], [THREE]) == compared


def test_of_several_sources_each_is_compared_with_its_own() -> None:
    history = [{**past(""), "sources": [OTHER, SOURCE], "revisions": [ONE, TWO], "source": None}]
    status = msgspec.convert({"history": history}, Status)
    sources = [msgspec.convert(source, Source) for source in (SOURCE, {**SOURCE, "path": "new"}, OTHER)]
    assert synced_before(status, sources, [THREE] * 3) == ((TWO, "", ONE),)

"""Objects → manifests; files → objects; manifests → an application's manifests."""

import base64
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubegrammar import json
from trueup.model.annotations import HOOK, INSTALLATION_ID, NAMESPACE_OF, OPERATION_ID, TRACKING_ID
from trueup.model.errors import RenderFailed
from trueup.model.manifest import Manifest
from trueup.model.resource import ResourceKey
from trueup.model.tracking import owner_instance
from trueup.render.directory import no_programs, read_directory
from trueup.render.job import DirectoryJob
from trueup.render.output import NoManifest, Objects, manifest_of
from trueup.render.stamp import Stamped, stamp

JSON_OF = '{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{}"}}}}'
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22e\nsize 12345\n"
CM = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {}\n"


def thing(**more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, **more}


@pytest.mark.parametrize(
    ("value", "says"),
    [
        pytest.param({"apiVersion": "v1", "metadata": {"name": "a"}}, "no kind", id="kind missing"),
        pytest.param({"kind": "X", "metadata": {"name": "a"}}, "X has no apiVersion", id="apiVersion missing"),
        pytest.param({**thing(), "apiVersion": "v1/2/3"}, "apiVersion 'v1/2/3' must be VERSION or", id="two slashes"),
        pytest.param({**thing(), "apiVersion": "/v1"}, "apiVersion '/v1' must be", id="an empty group"),
        pytest.param({**thing(), "apiVersion": "apps/"}, "apiVersion 'apps/' must be", id="an empty version"),
        pytest.param({**thing(), "apiVersion": "v1 "}, "apiVersion 'v1 ' must be", id="a blank in the version"),
        pytest.param({"kind": 3, "apiVersion": "v1"}, "kind must be a string, got number", id="kind a number"),
        pytest.param(thing(metadata={}), "ConfigMap has no name", id="name missing"),
        pytest.param(thing(metadata=None), "ConfigMap has no name", id="metadata null"),
        pytest.param(thing(metadata=[]), "metadata must be a mapping, got list", id="metadata a list"),
        pytest.param(thing(metadata={"name": 7}), "metadata.name must be a string, got number", id="name a number"),
        pytest.param(
            thing(metadata={"name": True}), "metadata.name must be a string, got boolean", id="name a boolean"
        ),
        pytest.param(thing(metadata={"name": "a", "labels": []}), "labels must be a mapping", id="labels a list"),
        pytest.param(
            thing(metadata={"name": "a", "annotations": {"x": 1}}),
            r"annotations\[x\] must be a string",
            id="annotation a number",
        ),
        pytest.param("text", "must be a mapping, got string", id="no mapping"),
        pytest.param(
            {**thing(kind="Secret"), "stringData": {"k": 1}}, "stringData.k must be a string", id="stringData a number"
        ),
    ],
)
def test_no_manifest_is(value: Any, says: str) -> None:
    with pytest.raises(NoManifest, match=says):
        manifest_of(value, "f.yaml:1")


def test_a_manifest_is_canonical_and_readable() -> None:
    made = manifest_of(
        {
            "kind": "Deployment",
            "apiVersion": "apps/v1",
            "metadata": {"namespace": "n", "name": "web", "labels": {"a": "b"}, "annotations": None},
        },
        "f.yaml:3",
        2,
    )
    assert made.key == ResourceKey("apps", "Deployment", "n", "web")
    assert (
        made.body
        == b'{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"labels":{"a":"b"},"name":"web","namespace":"n"}}'
    )
    assert made.digest == json.digest(made.body)
    assert (made.labels, made.annotations, made.origin, made.source_index) == ({"a": "b"}, {}, "f.yaml:3", 2)


def test_an_object_larger_than_an_api_server_takes_is_named() -> None:
    objects = Objects()
    objects.add(thing(data={"a": "x" * (3 << 20)}), "big.yaml:1")
    with pytest.raises(RenderFailed, match=r"big\.yaml:1: larger than the 3 MiB that an API server takes"):
        objects.finish()


def test_objects_that_are_too_large_together_are_refused_before_the_last_is_taken() -> None:
    objects = Objects()
    for number in range(40):
        objects.add(thing(metadata={"name": f"a{number}"}, data={"a": "x" * (2 << 20)}), "big.yaml:1")
    assert len(objects.manifests) < 40
    with pytest.raises(RenderFailed, match="the objects are larger than 32 MiB together"):
        objects.finish()


def test_a_generated_name_leaves_the_name_open() -> None:
    made = manifest_of(thing(metadata={"generateName": "x-"}), "f")
    assert (made.key.name, made.generate_name) == ("", "x-")


def test_what_is_the_servers_is_dropped() -> None:
    server = {
        "managedFields": [],
        "resourceVersion": "1",
        "uid": "u",
        "generation": 1,
        "creationTimestamp": None,
        "selfLink": "/",
    }
    made = manifest_of(thing(metadata={"name": "a", **server}, status={"x": 1}), "f")
    assert made.object() == thing()


def test_string_data_becomes_data_and_wins() -> None:
    secret = thing(kind="Secret", data={"a": "b2xk", "b": "eA=="}, stringData={"a": "new"})
    assert manifest_of(secret, "f").object() == thing(
        kind="Secret", data={"a": base64.b64encode(b"new").decode(), "b": "eA=="}
    )


def test_string_data_of_other_kinds_stays() -> None:
    assert manifest_of(thing(stringData={"a": "b"}), "f").object() == thing(stringData={"a": "b"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
    lambda x: st.lists(x) | st.dictionaries(st.text(), x),
)


@given(st.dictionaries(st.sampled_from(["spec", "data", "x", "status"]), JSON))
def test_cleaning_twice_is_cleaning_once(fields: dict[str, Any]) -> None:
    once = manifest_of(thing(**fields), "f")
    assert manifest_of(once.object(), "f") == once


def read(files: dict[str, str | bytes]) -> Objects:
    objects = Objects()
    contents = {path: text if isinstance(text, bytes) else text.encode() for path, text in files.items()}
    read_directory(DirectoryJob(), contents, objects, no_programs)
    return objects


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param(CM.format("a") + "---\n" + CM.format("b"), ["a", "b"], id="documents"),
        pytest.param("# nothing\n---\n", [], id="comments only"),
        pytest.param(
            "kind: List\napiVersion: v1\nitems:\n"
            "- {apiVersion: v1, kind: X, metadata: {name: a}}\n- {apiVersion: v1, kind: X, metadata: {name: b}}\n",
            ["a", "b"],
            id="a list is expanded",
        ),
        pytest.param("kind: ConfigMapList\napiVersion: v1\nitems: null\n", [], id="an empty list"),
        pytest.param("# +argocd:skip-file-rendering\n" + CM.format("a"), [], id="the marker skips the file"),
        pytest.param(
            "kind: ConfigMapList\napiVersion: v1\nitems:\n- metadata: {name: a}\n- metadata: {name: b}\n",
            ["a", "b"],
            id="items of a typed list need no kind",
        ),
        pytest.param("\ufeff" + CM.format("a"), ["a"], id="a byte order mark"),
        pytest.param(JSON_OF.format("a") + "\n" + JSON_OF.format("b"), ["a", "b"], id="JSON after JSON"),
        pytest.param(
            JSON_OF.format("a") + "\n---\n" + CM.format("b") + "---\n" + JSON_OF.format("c") + JSON_OF.format("d"),
            ["a", "b", "c", "d"],
            id="YAML among JSON",
        ),
        pytest.param("replicaCount: 1\n", [], id="values: no kind, skipped"),
        pytest.param("a: {{ .Values.x }}\n", [], id="a template: no YAML, skipped"),
    ],
)
def test_a_yaml_file_holds(text: str, names: list[str]) -> None:
    objects = read({"f.yaml": text})
    assert [manifest.key.name for manifest in objects.finish()] == names


@pytest.mark.parametrize(
    ("files", "says"),
    [
        pytest.param(
            {"d/f.yaml": CM.format("a") + "  x: [1\n"}, "d/f.yaml:", id="broken YAML that looks like a manifest"
        ),
        pytest.param(
            {"f.yaml": CM.format("a") + "---\nx: 1\n"},
            "f.yaml:6: it has no kind",
            id="a document without kind beside a manifest",
        ),
        pytest.param({"f.json": "{"}, "f.json:1:", id="broken JSON"),
        pytest.param(
            {"f.json": "[" * 100_000},
            "f.json:1:201: nested too deeply",
            id="brackets by the ten thousand in JSON",
        ),
        pytest.param(
            {"f.yaml": CM.format("a") + "x: " + "[" * 50_000}, "f.yaml:", id="brackets by the ten thousand in YAML"
        ),
        pytest.param({"f.yaml": CM.format("a") + "\tx: 1\n"}, "f.yaml:", id="a tab as indentation"),
        pytest.param({"f.yaml": b"apiVersion: kind: metadata: \xff"}, "f.yaml", id="no UTF-8"),
        pytest.param(
            {"f.yaml": CM.format("a").encode("utf-16-le")}, "f.yaml:1:2: .*save it as UTF-8", id="UTF-16 without a mark"
        ),
        pytest.param(
            {"f.yaml": ("\ufeff" + CM.format("a")).encode("utf-16-le")[:-1]}, "not valid UTF-16", id="half a letter"
        ),
        pytest.param({"f.yaml": b"\0" * 4096}, "f.yaml:1:1: .*NUL", id="a file that was never written: NULs"),
        pytest.param({"f.yml": b"\x1f\x8b\x08\x00\x01\xff"}, "f.yml:1:2: .*UTF-8", id="bytes that say nothing"),
        pytest.param({"f.yaml": CM.format("a") + "\x00"}, "f.yaml:5:1: .*NUL", id="a manifest and a NUL"),
        pytest.param(
            {"f.yaml": LFS},
            r"f.yaml: a Git LFS pointer .*git lfs untrack.*directory.exclude",
            id="a pointer of Git LFS",
        ),
        pytest.param(
            {"f.json": LFS.replace("\n", "\r\n")}, "f.json: a Git LFS pointer", id="one with Windows' line ends"
        ),
        pytest.param(
            {"f.yaml": f"<<<<<<< HEAD\n{CM.format('a')}=======\n{CM.format('b')}>>>>>>> other\n"},
            "f.yaml:2:",
            id="marks of a conflict",
        ),
        pytest.param(
            {"f.yaml": CM.format("a") + "<<<<<<< HEAD\ndata: {a: b}\n=======\ndata: {}\n>>>>>>> other\n"},
            "f.yaml:",
            id="marks of a conflict in the middle",
        ),
        pytest.param({"f.yaml": "apiVersion: v1\nki"}, "f.yaml:2:", id="a manifest cut off in its second key"),
        pytest.param({"f.yaml": "apiVersion: v1\nkind:"}, "f.yaml:1: it has no kind", id="cut off behind a key"),
        pytest.param({"f.yaml": "apiVersion: v1\nkind: Conf"}, "f.yaml:1: Conf has no name", id="cut off in its kind"),
        pytest.param({"f.yaml": "apiVersion: v1\nmetadata: {name: a}\n"}, "it has no kind", id="the kind lost"),
        pytest.param({"f.yaml": "kind: ConfigMap\nmetadata: {name: a}\n"}, "no apiVersion", id="the apiVersion lost"),
        pytest.param({"f.json": '{"apiVersion":"v1","metadata":{"name":"a"}}'}, "it has no kind", id="lost in JSON"),
        pytest.param({"f.json": JSON_OF.format("a")[:-1]}, "f.json:1:", id="JSON cut off"),
        pytest.param({"f.json": '{"kind": "A", "metadata": {},, }'}, "f.json:1:", id="JSON with a manifest's key"),
        pytest.param({"f.yaml": "apiVersion: apps/v1\nkind: Deployment\n"}, "has no name", id="the metadata lost"),
        pytest.param({"f.yaml": "apiVersion: a.io/v1\nkind: A\nmetadata: {}\n"}, "has no name", id="the name lost"),
        pytest.param(
            {"f.yaml": f"kind: x\n---\n{CM.format('a')}"}, "x has no apiVersion", id="one of two lost its type"
        ),
        pytest.param(
            {"f.yaml": JSON_OF.format("a") + JSON_OF.format("b")[:30]}, "f.yaml:1:", id="the second JSON cut off"
        ),
        pytest.param(
            {"f.yaml": f"[{JSON_OF.format('a')}]"}, "must be a mapping, got list", id="a sequence of manifests"
        ),
        pytest.param({"f.yaml": "kind: List\napiVersion: v1\nitems:\n-\n"}, r"items\[0\]: .* null", id="an empty item"),
        pytest.param(
            {"f.yaml": "kind: List\napiVersion: v1\nitems:\n- metadata: {name: a}\n"},
            "no kind",
            id="an item without kind in a list without type",
        ),
        pytest.param({"f.yaml": CM.format("a") + "n: 99999999999999999999\n"}, "f.yaml:", id="a number out of range"),
    ],
)
def test_a_file_is_an_error_for(files: dict[str, str | bytes], says: str) -> None:
    with pytest.raises(RenderFailed, match=says):
        read(files).finish()


def test_every_error_is_named_not_the_first_only() -> None:
    files: dict[str, str | bytes] = {
        "a.json": "{",
        "b.yaml": CM.replace("  name: {}\n", "  x: 1\n"),
        "c.yaml": CM.format("ok"),
    }
    with pytest.raises(RenderFailed) as caught:
        read(files).finish()
    assert "a.json" in str(caught.value) and "b.yaml:1" in str(caught.value)


FOREIGN = {
    "values": ("values.yaml", "a: 1\n"),
    "a chart's metadata": ("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
    "a pipeline": (".gitlab-ci.yml", "build: {script: [make]}\n"),
    "a package": ("package.json", '{"name": "web", "scripts": {"build": "make"}}'),
    "JSON without a kind": ("dashboard.json", '{"panels": [], "title": "kind: of"}'),
    "a package of a kind": ("package.json", '{"name": "web", "kind": "module", "version": "1.0.0"}'),
    "a specification of an API": ("api.json", '{"x": {"kind": "a", "apiVersion": "b", "metadata": {}}}'),
    "a dashboard with a number for a version": ("d.json", '{"apiVersion": 1, "metadata": {}, "panels": []}'),
    "values with a kind": ("values.yaml", "kind: DaemonSet\nimage: {}\n"),
    "a pipeline of a kind": (".drone.yml", "kind: pipeline\ntype: docker\nname: a\n"),
    "another tool's type": ("skaffold.yaml", "apiVersion: skaffold/v3\nkind: Config\nbuild: {}\n"),
    "a cluster to be made": ("kind.yaml", "apiVersion: kind.x-k8s.io/v1alpha4\nkind: Cluster\nnodes: []\n"),
    "a kubeconfig": ("config.yaml", "apiVersion: v1\nkind: Config\nclusters: []\n"),
    "a sequence": ("hosts.yaml", "- a\n- b\n"),
    "a text": ("notes.yaml", "nothing of interest\n"),
}


@pytest.mark.parametrize(("path", "text"), FOREIGN.values(), ids=FOREIGN.keys())
def test_a_file_that_is_no_manifest_is_passed_over_and_told(path: str, text: str) -> None:
    passed = read({path: text, "a.yaml": CM.format("a")})
    assert [manifest.key.name for manifest in passed.finish()] == ["a"]
    assert passed.warnings == [f"{path}: passed over, no manifest is in there"]
    assert passed.barren == [path]


@pytest.mark.parametrize(
    ("path", "data"),
    [
        pytest.param("values.yaml", b"a: [1", id="broken"),
        pytest.param("t.yaml", b"a: {{ .Values.x }}", id="a template"),
        pytest.param("tsconfig.json", b'{\n // comment\n "a": 1,\n}\n', id="JSON with comments"),
        pytest.param("v.yaml", b"gr\xfc\xdfe: 1\n", id="in a national code page"),
        pytest.param("picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", id="a picture, without the filter of extensions"),
    ],
)
def test_what_does_not_parse_and_is_no_manifest_is_passed_over_and_told(path: str, data: bytes) -> None:
    passed = read({path: data})
    assert passed.finish() == () and passed.barren == [path]
    assert passed.warnings[0].startswith(f"{path}: passed over, it is no manifest (")


def test_many_foreign_files_are_one_warning() -> None:
    passed = read({f"{n:02}.yaml": "a: 1" for n in range(12)})
    assert passed.warnings == [
        "00.yaml, 01.yaml, 02.yaml, 03.yaml, 04.yaml, 05.yaml, 06.yaml, 07.yaml, 08.yaml, 09.yaml and 2 more: "
        "passed over, no manifest is in there"
    ]


@pytest.mark.parametrize(
    ("text", "barren"),
    [
        pytest.param("", True, id="an empty file"),
        pytest.param("# c\n---\n", True, id="comments"),
        pytest.param("kind: List\napiVersion: v1\nitems:\n", True, id="an empty list"),
        pytest.param("# +argocd:skip-file-rendering\na: 1", False, id="a file that says it is not to be read"),
        pytest.param(CM.format("a"), False, id="a manifest"),
    ],
)
def test_a_file_without_manifests_is_on_record_without_a_word(text: str, barren: bool) -> None:
    objects = read({"f.yaml": text})
    assert objects.barren == (["f.yaml"] if barren else []) and objects.warnings == []


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_a_manifest_saved_anew_in_another_encoding_is_the_same_manifest(encoding: str) -> None:
    text = CM.format("a") + "data: {a: é}\n---\n" + CM.format("b")
    again = read({"f.yaml": ("\ufeff" + text.replace("\n", "\r\n")).encode(encoding)})
    assert again.finish() == read({"f.yaml": text}).finish()


def test_the_mark_to_skip_a_file_is_read_in_any_encoding() -> None:
    marked = "\ufeff# +argocd:skip-file-rendering\n" + CM.format("a")
    assert read({"f.yaml": marked.encode("utf-16-le")}).finish() == ()


def test_too_many_objects_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trueup.render.output.MAX_OBJECTS", 2)
    with pytest.raises(RenderFailed, match="more than 2 objects"):
        read({f"{name}.yaml": CM.format(name) for name in "abc"}).finish()


def manifests(*values: dict[str, Any]) -> list[Manifest]:
    return [manifest_of(value, f"{index}.yaml") for index, value in enumerate(values)]


SCOPES = {"ConfigMap": True, "Namespace": False, "CustomResourceDefinition": False}


def stamped(*values: dict[str, Any], label_key: str = "") -> Stamped:
    return stamp(
        manifests(*values),
        instance="shop",
        namespace="prod",
        namespaced=lambda group, kind: SCOPES.get(kind),
        label_key=label_key,
    )


def crd(scope: str) -> dict[str, Any]:
    spec = {"group": "e.com", "names": {"kind": "Foo"}, "scope": scope}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "f"},
        "spec": spec,
    }


FOO = {"apiVersion": "e.com/v1", "kind": "Foo", "metadata": {"name": "a"}}


@pytest.mark.parametrize(
    ("values", "key", "tracking"),
    [
        pytest.param(
            [thing()], ("prod", "a"), "shop:/ConfigMap:prod/a", id="a namespaced object gets the destination's"
        ),
        pytest.param(
            [thing(metadata={"name": "a", "namespace": "own"})],
            ("own", "a"),
            "shop:/ConfigMap:own/a",
            id="its own namespace stays",
        ),
        pytest.param(
            [thing(kind="Namespace", metadata={"name": "a", "namespace": "x"})],
            ("", "a"),
            "shop:/Namespace:prod/a",
            id="a cluster-scoped object has none, its tracking id the destination's",
        ),
        pytest.param([FOO], ("prod", "a"), "shop:e.com/Foo:prod/a", id="an unknown kind is taken as namespaced"),
        pytest.param(
            [crd("Cluster"), FOO], ("", "a"), "shop:e.com/Foo:prod/a", id="a kind defined beside it has that scope"
        ),
        pytest.param([crd("Namespaced"), FOO], ("prod", "a"), "shop:e.com/Foo:prod/a", id="or that one"),
        pytest.param([crd("Cluster")], ("", "f"), None, id="a definition is never tagged"),
    ],
)
def test_stamp(values: list[dict[str, Any]], key: tuple[str, str], tracking: str | None) -> None:
    last = stamped(*values).manifests[-1]
    assert (last.key.namespace, last.key.name) == key
    assert last.annotations.get(TRACKING_ID) == tracking
    metadata = last.object()["metadata"]
    assert metadata.get("namespace", "") == key[0]
    assert metadata.get("annotations", {}).get(TRACKING_ID) == tracking
    assert last.digest == json.digest(last.body)


FORGED = {TRACKING_ID: "other:/X:prod/a", INSTALLATION_ID: "i", OPERATION_ID: "run", NAMESPACE_OF: "other"}


@pytest.mark.parametrize("kind", ["ConfigMap", "Namespace", "CustomResourceDefinition", "Foo"])
def test_marks_are_ours_alone(kind: str) -> None:
    value = crd("Namespaced") if kind == "CustomResourceDefinition" else thing(kind=kind)
    value["metadata"] = {"name": "a", "annotations": {**FORGED, "x": "y"}}
    (made,) = stamped(value).manifests
    assert made.annotations == made.object()["metadata"]["annotations"]
    mark = {} if kind == "CustomResourceDefinition" else {TRACKING_ID: f"shop:/{kind}:prod/a"}
    assert made.annotations == {"x": "y", **mark}
    assert owner_instance(made.annotations, made.key) == ("shop" if mark else "")
    assert owner_instance({TRACKING_ID: f"b:{made.key.group}/{kind}:prod/a"}, made.key) == ("b" if mark else "")


def test_what_another_installation_marked_is_not_ours() -> None:
    (made,) = stamped(thing()).manifests
    assert owner_instance(made.annotations, made.key) == "shop"
    assert owner_instance({**made.annotations, INSTALLATION_ID: "other"}, made.key) == ""


def test_the_instance_label_where_asked() -> None:
    (made,) = stamped(thing(metadata={"name": "a", "labels": {"x": "y"}}), label_key="app").manifests
    assert made.labels == made.object()["metadata"]["labels"] == {"x": "y", "app": "shop"}


def test_without_an_instance_there_is_no_mark() -> None:
    plain = manifests(thing())
    result = stamp(plain, instance="", namespace="prod", namespaced=lambda *_: True).manifests
    assert [made.object() for made in result] == [thing(metadata={"name": "a", "namespace": "prod"})]


def test_of_two_with_one_key_the_last_wins_with_a_warning() -> None:
    result = stamped(thing(data={"v": "1"}), thing(metadata={"name": "a", "namespace": "prod"}, data={"v": "2"}))
    assert [made.object()["data"]["v"] for made in result.manifests] == ["2"]
    assert result.warnings == ("ConfigMap prod/a appears twice among the manifests: 0.yaml gives way to 1.yaml",)


def test_two_hooks_with_generated_names_are_two_and_named_when_they_run() -> None:
    metadata = {"generateName": "x-", "annotations": {HOOK: "Sync"}}
    result = stamped(thing(metadata=metadata), thing(metadata=metadata))
    assert [made.key.name for made in result.manifests] == ["", ""]
    assert not result.notes


def test_an_ordinary_object_with_a_generated_name_is_named_by_its_content() -> None:
    def named(*values: dict[str, Any]) -> list[str]:
        result = stamped(*(thing(metadata={"generateName": "x-"}, data=value) for value in values))
        assert all(made.object()["metadata"]["name"] == made.key.name for made in result.manifests)
        assert all(made.annotations[TRACKING_ID].endswith("/" + made.key.name) for made in result.manifests)
        assert all("metadata.generateName and is no hook" in note for note in result.notes)
        assert len(result.notes) == len(values)
        return [made.key.name for made in result.manifests]

    red, blue = {"colour": "red"}, {"colour": "blue"}
    (name,) = named(red)
    assert re.fullmatch("x-[0-9a-f]{10}", name)
    assert named(blue, red)[1] == name, "the same manifest is the same object wherever it stands"
    assert named(blue) != [name], "another manifest is another object"
    assert named(red, red) == [name, f"{name}-2"], "two that are equal are two"

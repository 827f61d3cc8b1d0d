"""What is served, how bodies are read, what the documents say."""

import msgspec
import pytest

from kubegrammar.merge import DEDUCED
from pocketkube.cluster.catalog import ResourceDocuments, built_in_resources, read_body, schema_of, type_of
from pocketkube.cluster.failure import Failure
from pocketkube.cluster.resource import Resource


def test_every_kind_that_is_served_and_stored_has_a_schema() -> None:
    for facts in built_in_resources():
        version = f"{facts.group}/{facts.version}" if facts.group else facts.version
        if "create" in facts.verbs and facts.kind not in ("Binding",):
            assert type_of(version, facts.kind) is not DEDUCED, facts


def test_an_unknown_kind_has_the_deduced_type() -> None:
    assert type_of("nothing.example.com/v1", "Nothing") is DEDUCED
    with pytest.raises(KeyError):
        schema_of("v1", "Nothing")


def test_two_groups_may_serve_the_same_objects() -> None:
    events = {facts.group: facts for facts in built_in_resources() if facts.plural == "events"}
    assert {facts.stored_as for facts in events.values()} == {"events"}
    assert {facts.storage_version for facts in events.values()} == {"v1"}


DUPLICATES = {
    "none": (b'{"a": 1, "b": {"a": 1}}', []),
    "at the top": (b'{"a":1,"a":2}', ['duplicate field "a"']),
    "below": (b'{"b":{"c":1,"c":2}}', ['duplicate field "b.c"']),
    "in a list": (b'{"l":[{},{"c":1,"c":2}]}', ['duplicate field "l[1].c"']),
    "three times, told once": (b'{"a":1,"a":2,"a":3}', ['duplicate field "a"']),
    "a colon in a text": (b'{"a":"\\":\\":","b":"x\\":"}', []),
}


@pytest.mark.parametrize(("body", "expected"), DUPLICATES.values(), ids=DUPLICATES.keys())
def test_keys_that_come_twice_are_named(body: bytes, expected: list[str]) -> None:
    assert read_body(body, "application/json").duplicates == expected


BROKEN = {
    "nothing": (b"", "unexpected end of JSON input"),
    "half": (b'{"a":', "unexpected end of JSON input"),
    "a bare word": (b"nope", "invalid character 'n' looking for beginning of value"),
    "a key without quotes": (b"{a: 1}", "invalid character 'a' looking for beginning of object key string"),
    "no comma": (b'{"a":1 "b":2}', "invalid character '\"' after object key:value pair"),
    "more after the end": (b"{} x", "invalid character 'x' after top-level value"),
}


@pytest.mark.parametrize(("body", "words"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_json_is_refused_in_the_real_words(body: bytes, words: str) -> None:
    with pytest.raises(Failure) as caught:
        read_body(body, "application/json; charset=utf-8")
    assert caught.value.code == 400
    assert caught.value.message == f"couldn't get version/kind; json parse error: {words}"


def test_other_media_types_are_refused() -> None:
    with pytest.raises(Failure) as caught:
        read_body(b"{}", "text/csv")
    assert caught.value.code == 415


def test_yaml_is_read_as_kubernetes_reads_it() -> None:
    assert read_body(b"a: yes\nb: '1'\n", "application/yaml").obj == {"a": True, "b": "1"}


def served(*versions: str) -> ResourceDocuments:
    def resource(version: str) -> Resource:
        return Resource(
            group="example.com",
            version=version,
            kind="Widget",
            plural="widgets",
            singular="widget",
            namespaced=True,
            verbs=("get", "list", "patch"),
            stored_as="widgets.example.com",
            storage_version="example.com/v1",
            behaviour=None,  # type: ignore[arg-type]  # documents do not look at it
            columns=(),
        )

    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"a": {"type": "integer"}}}}}
    return ResourceDocuments([resource(version) for version in versions], {("example.com/v1", "Widget"): schema})


def test_versions_are_ordered_by_their_stability() -> None:
    group = served("v1alpha1", "v1", "v2beta1", "v10", "v2").group("example.com")
    assert group is not None
    assert [one["version"] for one in group["versions"]] == ["v10", "v2", "v1", "v2beta1", "v1alpha1"]
    assert group["preferredVersion"]["version"] == "v10"


def test_the_hash_in_a_url_changes_with_what_is_described() -> None:
    one, other = served("v1"), ResourceDocuments([], {})
    path = "apis/example.com/v1"
    url = one.openapi_index()["paths"][path]["serverRelativeURL"]
    assert url.startswith(f"/openapi/v3/{path}?hash=")
    assert path not in other.openapi_index()["paths"]
    document = one.openapi(path)
    assert document is not None
    assert url.endswith(document.etag.strip('"'))


def test_a_document_says_what_a_patch_may_ask_for() -> None:
    document = served("v1").openapi("apis/example.com/v1")
    assert document is not None
    described = msgspec.json.decode(document.body)
    patch = described["paths"]["/apis/example.com/v1/namespaces/{namespace}/widgets/{name}"]["patch"]
    assert {"dryRun", "fieldValidation"} <= {one["name"] for one in patch["parameters"]}
    schema = described["components"]["schemas"]["com.example.v1.Widget"]
    assert set(schema["properties"]) == {"apiVersion", "kind", "metadata", "spec"}

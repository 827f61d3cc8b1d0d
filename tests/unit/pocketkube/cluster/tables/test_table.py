"""What stands around the rows of a table."""

from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from tests.support.objects import Empty

from pocketkube.cluster.failure import Failure
from pocketkube.cluster.kinds import Kinds
from pocketkube.cluster.resource import Object, Resource
from pocketkube.cluster.tables import table

NOW = datetime(2026, 1, 1, 0, 5, 3, tzinfo=UTC)
BORN = "2026-01-01T00:00:00Z"
KINDS = Kinds(Empty(), lambda: NOW, Random(1))


def resource(group: str, kind: str, columns: tuple[dict[str, Any], ...] | None = None) -> Resource:
    return Resource(
        group=group,
        version="v1",
        kind=kind,
        plural=f"{kind.lower()}s",
        singular=kind.lower(),
        namespaced=True,
        verbs=(),
        stored_as=kind,
        storage_version="v1",
        behaviour=KINDS.behaviour_of("", "ConfigMap"),
        columns=columns,
    )


def named(name: str, **more: Any) -> Object:
    return {"metadata": {"name": name, "creationTimestamp": BORN, **more.pop("metadata", {})}, **more}


def cells(made: Object) -> list[list[Any]]:
    return [row["cells"] for row in made["rows"]]


CONFIG_MAP = resource("", "ConfigMap")


def test_a_list_says_where_it_goes_on() -> None:
    made = table(CONFIG_MAP, [named("a")], now=NOW, revision="7", continue_token="next", remaining=0)
    assert made["metadata"] == {"resourceVersion": "7", "continue": "next", "remainingItemCount": 0}
    assert cells(made) == [["a", 0, "5m3s"]]


@pytest.mark.parametrize(
    ("include", "kind"),
    [("", "PartialObjectMetadata"), ("Metadata", "PartialObjectMetadata"), ("Object", None)],
)
def test_rows_hold_the_object_or_its_metadata(include: str, kind: str | None) -> None:
    obj = named("a", data={"x": "1"})
    (row,) = table(CONFIG_MAP, [obj], now=NOW, include_object=include)["rows"]
    assert row["object"] == (
        obj if kind is None else {"kind": kind, "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}
    )


def test_rows_hold_nothing_if_nothing_is_asked_for() -> None:
    assert table(CONFIG_MAP, [named("a")], now=NOW, include_object="None")["rows"][0]["object"] is None


def test_the_bookmark_after_the_first_events_keeps_its_annotation() -> None:
    bookmark = {"metadata": {"resourceVersion": "9", "annotations": {"k8s.io/initial-events-end": "true"}}}
    made = table(CONFIG_MAP, [bookmark], now=NOW, include_object="None", headers=False)
    assert made["columnDefinitions"] is None
    assert made["rows"][0]["object"]["metadata"] == bookmark["metadata"]
    assert cells(made) == [["", 0, "<unknown>"]]


def test_another_object_to_include_is_refused() -> None:
    with pytest.raises(Failure, match="must be 'Metadata', 'Object', 'None', or empty") as caught:
        table(CONFIG_MAP, [], now=NOW, include_object="Foo")
    assert caught.value.code == 400


def test_the_first_version_of_tables_is_known() -> None:
    made = table(CONFIG_MAP, [named("a")], now=NOW, version="v1beta1")
    assert made["apiVersion"] == made["rows"][0]["object"]["apiVersion"] == "meta.k8s.io/v1beta1"


@pytest.mark.parametrize(("phase", "reasons"), [("Running", []), ("Succeeded", ["Succeeded"]), ("Failed", ["Failed"])])
def test_a_pod_that_is_done_has_a_row_condition(phase: str, reasons: list[str]) -> None:
    (row,) = table(resource("", "Pod"), [named("a", status={"phase": phase})], now=NOW)["rows"]
    assert [condition["reason"] for condition in row.get("conditions", [])] == reasons


def storage_class(name: str, born: str) -> Object:
    metadata = {
        "creationTimestamp": born,
        "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
    }
    return named(name, metadata=metadata, provisioner="p")


def test_the_newest_of_several_default_storage_classes_is_marked() -> None:
    listed = [storage_class("old", BORN), storage_class("new", "2026-01-01T00:01:00Z"), named("other", provisioner="p")]
    made = table(resource("storage.k8s.io", "StorageClass"), listed, now=NOW)
    assert [row[0] for row in cells(made)] == ["old", "new (default)", "other"]


def test_a_storage_class_alone_is_not_compared() -> None:
    made = table(resource("storage.k8s.io", "StorageClass"), [storage_class("a", BORN)], now=NOW, listed=False)
    assert cells(made)[0][0] == "a"


def test_flow_schemas_come_in_the_order_they_are_tried() -> None:
    schemas = [named("b"), named("a"), named("first", spec={"matchingPrecedence": -1})]
    made = table(resource("flowcontrol.apiserver.k8s.io", "FlowSchema"), schemas, now=NOW)
    assert [row["object"]["metadata"]["name"] for row in made["rows"]] == ["first", "a", "b"]
    assert [row[0] for row in cells(made)] == ["first", "a", "b"]


def column(kind: str, path: str) -> dict[str, Any]:
    return {"name": "Value", "type": kind, "jsonPath": path}


def test_a_custom_resource_without_columns_shows_its_age() -> None:
    made = table(resource("example.com", "Thing", ()), [named("a")], now=NOW)
    assert [(entry["name"], entry["type"]) for entry in made["columnDefinitions"]] == [
        ("Name", "string"),
        ("Age", "date"),
    ]
    assert cells(made) == [["a", "5m3s"]]


def test_a_column_that_cannot_be_read_ends_the_table() -> None:
    columns = (column("string", ".a"), column("string", ".a["), column("string", ".a"))
    made = table(resource("example.com", "Thing", columns), [named("x", a="1")], now=NOW)
    assert cells(made) == [["x", "1"]]
    assert len(made["columnDefinitions"]) == 2


@pytest.mark.parametrize(
    ("kind", "value", "cell"),
    [
        pytest.param("string", 1e21, "1e+21", id="large numbers have an exponent"),
        pytest.param("string", 1.5e18, "1500000000000000000", id="smaller ones none"),
        pytest.param("string", 1e-5, "1e-05", id="small numbers have an exponent"),
        pytest.param("string", 2.0, "2", id="whole numbers have no point"),
        pytest.param("string", True, "true", id="yes in small letters"),
        pytest.param("string", {"b": "<", "a": 1}, '{"a":1,"b":"\\u003c"}', id="maps are JSON that is safe in HTML"),
        pytest.param("integer", 2.9, 2, id="a fraction is dropped"),
        pytest.param("integer", True, None, id="yes is no number"),
        pytest.param("number", 2, 2, id="whole numbers are numbers"),
        pytest.param("boolean", "true", None, id="a text is no boolean"),
        pytest.param("date", "yesterday", "<invalid>", id="a text is no date"),
        pytest.param("date", "", "<unknown>", id="an empty text is no time"),
        pytest.param("date", 5, None, id="a number is no date"),
        pytest.param("secret", "x", None, id="an unknown type shows nothing"),
    ],
)
def test_values_of_custom_columns(kind: str, value: Any, cell: Any) -> None:
    made = table(resource("example.com", "Thing", (column(kind, ".a"),)), [named("x", a=value)], now=NOW)
    assert cells(made) == [["x", cell]]
    assert type(cells(made)[0][1]) is type(cell)

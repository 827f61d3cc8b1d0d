"""Get, list, watch and the forms of answers."""

from typing import Any

import msgspec
import pytest
from tests.unit.pocketkube.cluster.api.served import CONFIG_MAPS, DEPLOYMENTS, Served, config_map, deployment

from pocketkube.cluster.api import StreamAnswer
from pocketkube.cluster.api.negotiation import view_of
from pocketkube.cluster.api.routes import ResourceRoute, parse

TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1,application/json"
PARTIAL = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
PARTIAL_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


def names(answer: Any) -> list[str]:
    return [item["metadata"]["name"] for item in answer.body["items"]]


async def test_items_of_built_in_kinds_have_no_kind(served: Served) -> None:
    await served.make(CONFIG_MAPS, config_map())
    answer = await served.ask("GET", CONFIG_MAPS)
    assert (answer.body["kind"], answer.body["apiVersion"]) == ("ConfigMapList", "v1")
    assert answer.body["items"][0].keys() == {"metadata", "data"}


async def test_an_empty_list_has_items(served: Served) -> None:
    answer = await served.ask("GET", CONFIG_MAPS)
    assert answer.body["items"] == []
    assert answer.body["metadata"] == {"resourceVersion": str(served.storage.revision)}


async def test_pages_make_the_whole_list(served: Served) -> None:
    for name in "abcde":
        await served.make(CONFIG_MAPS, config_map(name))
    first = await served.ask("GET", f"{CONFIG_MAPS}?limit=2")
    assert (names(first), first.body["metadata"]["remainingItemCount"]) == (["a", "b"], 3)
    await served.make(CONFIG_MAPS, config_map("aa"))
    second = await served.ask("GET", f"{CONFIG_MAPS}?limit=2&continue={first.body['metadata']['continue']}")
    third = await served.ask("GET", f"{CONFIG_MAPS}?limit=2&continue={second.body['metadata']['continue']}")
    assert names(second) + names(third) == ["c", "d", "e"]
    assert "continue" not in third.body["metadata"]


async def test_pages_across_namespaces(served: Served) -> None:
    await served.make("/api/v1/namespaces", {"metadata": {"name": "n"}})
    await served.make("/api/v1/namespaces/n/configmaps", config_map("a"))
    await served.make(CONFIG_MAPS, config_map("z"))
    first = await served.ask("GET", "/api/v1/configmaps?limit=1")
    second = await served.ask("GET", f"/api/v1/configmaps?continue={first.body['metadata']['continue']}")
    assert (names(first), names(second)) == (["z"], ["a"])


async def test_pages_of_a_selection_do_not_count_the_rest(served: Served) -> None:
    for name in "abcd":
        await served.make(CONFIG_MAPS, config_map(name, labels={"even": str(name in "bd").lower()}))
    first = await served.ask("GET", f"{CONFIG_MAPS}?limit=1&labelSelector=even=true")
    assert names(first) == ["b"]
    assert "remainingItemCount" not in first.body["metadata"]
    token = first.body["metadata"]["continue"]
    second = await served.ask("GET", f"{CONFIG_MAPS}?limit=9&labelSelector=even=true&continue={token}")
    assert names(second) == ["d"]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("labelSelector=x=y", ["a"]),
        ("labelSelector=x!=y", ["b"]),
        ("fieldSelector=metadata.name=b", ["b"]),
        ("fieldSelector=metadata.name!=b", ["a"]),
        ("fieldSelector=metadata.namespace=other", []),
    ],
)
async def test_selectors(served: Served, selector: str, expected: list[str]) -> None:
    await served.make(CONFIG_MAPS, config_map("a", labels={"x": "y"}))
    await served.make(CONFIG_MAPS, config_map("b"))
    assert names(await served.ask("GET", f"{CONFIG_MAPS}?{selector}")) == expected


async def test_metadata_alone(served: Served) -> None:
    made = await served.make(CONFIG_MAPS, config_map())
    one = await served.ask("GET", f"{CONFIG_MAPS}/a", accept=PARTIAL)
    assert one.body == {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": made["metadata"],
    }
    many = await served.ask("GET", CONFIG_MAPS, accept=PARTIAL_LIST)
    assert (many.body["kind"], many.body["items"]) == ("PartialObjectMetadataList", [one.body])


async def test_tables(served: Served) -> None:
    await served.make(CONFIG_MAPS, config_map())
    answer = await served.ask("GET", CONFIG_MAPS, accept=TABLE)
    assert answer.body["kind"] == "Table"
    assert answer.body["rows"][0]["cells"][0] == "a"
    assert answer.body["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


async def test_a_status_is_no_table(served: Served) -> None:
    await served.make(CONFIG_MAPS, config_map())
    answer = await served.ask("DELETE", f"{CONFIG_MAPS}/a", accept=TABLE)
    assert answer.body["kind"] == "Status"


async def test_another_version_of_the_same_objects(served: Served) -> None:
    await served.make(DEPLOYMENTS, deployment())
    scaler = {
        "metadata": {"name": "h"},
        "spec": {
            "maxReplicas": 3,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"},
            "targetCPUUtilizationPercentage": 60,
        },
    }
    path = "namespaces/default/horizontalpodautoscalers"
    await served.make(f"/apis/autoscaling/v1/{path}", scaler)
    answer = await served.ask("GET", f"/apis/autoscaling/v2/{path}/h")
    assert answer.body["apiVersion"] == "autoscaling/v2"
    assert answer.body["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 60


class Watch:
    """The lines of a watch, one after the other."""

    def __init__(self, stream: StreamAnswer) -> None:
        self._chunks = stream.chunks
        self._lines: list[bytes] = []

    async def next(self) -> tuple[str, dict[str, Any]]:
        while not self._lines:
            self._lines = (await anext(self._chunks)).splitlines()
        event = msgspec.json.decode(self._lines.pop(0))
        return event["type"], event["object"]


async def watch(served: Served, query: str, *, accept: str = "application/json") -> Watch:
    answer = await served.ask("GET", f"{CONFIG_MAPS}?watch=1&{query}", accept=accept)
    assert isinstance(answer.response, StreamAnswer)
    return Watch(answer.response)


async def test_a_watch_begins_after_a_revision(served: Served) -> None:
    made = await served.make(CONFIG_MAPS, config_map("a"))
    watching = await watch(served, f"resourceVersion={made['metadata']['resourceVersion']}")
    await served.make(CONFIG_MAPS, config_map("b"))
    await served.ask("DELETE", f"{CONFIG_MAPS}/b")
    assert [(kind, obj["metadata"]["name"]) for kind, obj in [await watching.next(), await watching.next()]] == [
        ("ADDED", "b"),
        ("DELETED", "b"),
    ]


async def test_a_watch_list_says_where_what_is_there_ends(served: Served) -> None:
    await served.make(CONFIG_MAPS, config_map("a"))
    query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    watching = await watch(served, query)
    assert (await watching.next())[0] == "ADDED"
    kind, obj = await watching.next()
    assert (kind, obj["metadata"]["annotations"]) == ("BOOKMARK", {"k8s.io/initial-events-end": "true"})
    assert obj["metadata"]["resourceVersion"] == str(served.storage.revision)


async def test_a_watch_of_one_object(served: Served) -> None:
    await served.make(CONFIG_MAPS, config_map("a"))
    watching = await watch(served, "fieldSelector=metadata.name=b")
    await served.make(CONFIG_MAPS, config_map("b"))
    assert (await watching.next())[1]["metadata"]["name"] == "b"


async def test_a_watch_of_tables_names_the_columns_once(served: Served) -> None:
    watching = await watch(served, "", accept=TABLE)
    await served.make(CONFIG_MAPS, config_map("a"))
    await served.make(CONFIG_MAPS, config_map("b"))
    first, second = (await watching.next())[1], (await watching.next())[1]
    assert bool(first["columnDefinitions"]), not second["columnDefinitions"]
    assert second["rows"][0]["cells"][0] == "b"


async def test_a_watch_of_metadata(served: Served) -> None:
    watching = await watch(served, "", accept=PARTIAL)
    await served.make(CONFIG_MAPS, config_map("a"))
    assert (await watching.next())[1].keys() == {"kind", "apiVersion", "metadata"}


@pytest.mark.parametrize(
    ("accept", "view"),
    [
        ("", ""),
        ("*/*", ""),
        ("application/vnd.kubernetes.protobuf,application/json", ""),
        ("application/vnd.kubernetes.protobuf", ""),
        ("application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io", "Table"),
        ("application/json;as=Table;v=v2;g=meta.k8s.io,application/json", ""),
        (
            "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1," + PARTIAL,
            "PartialObjectMetadata",
        ),
        ("application/json;q=0.5, application/json;as=Table;v=v1;g=meta.k8s.io", "Table"),
    ],
)
def test_views(accept: str, view: str) -> None:
    assert view_of(accept) == view


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/api/v1/namespaces", ResourceRoute("", "v1", "namespaces")),
        ("/api/v1/namespaces/n", ResourceRoute("", "v1", "namespaces", name="n")),
        ("/api/v1/namespaces/n/finalize", ResourceRoute("", "v1", "namespaces", name="n", subresource="finalize")),
        ("/api/v1/namespaces/n/status", ResourceRoute("", "v1", "namespaces", name="n", subresource="status")),
        ("/api/v1/namespaces/n/pods", ResourceRoute("", "v1", "pods", "n")),
        ("/apis/apps/v1/deployments", ResourceRoute("apps", "v1", "deployments")),
        (
            "/apis/apps/v1/namespaces/n/deployments/d/scale",
            ResourceRoute("apps", "v1", "deployments", "n", "d", "scale"),
        ),
        ("/api/v1/watch/namespaces/n/pods/p", ResourceRoute("", "v1", "pods", "n", "p", watch=True)),
        ("/api/v1", None),
        ("/apis/apps/v1", None),
        ("/version", None),
    ],
)
def test_routes(path: str, route: ResourceRoute | None) -> None:
    assert parse(path) == route

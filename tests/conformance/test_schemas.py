"""A custom resource whose schema changes: who owns what then, as the real server has it."""

from typing import Any

import pytest
from tests.conformance.exchange import APPLY, MERGE, Both, Json
from tests.support.patience import looks

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
ITEM: Json = {"type": "object", "required": ["name"], "properties": {"name": TEXT, "value": NUMBER}}
STRUCT: Json = {"type": "object", "properties": {"numeric": NUMBER, "string": TEXT}}
ATOMIC_STRUCT: Json = {**STRUCT, "x-kubernetes-map-type": "atomic"}
LIST: Json = {
    "type": "array",
    "items": ITEM,
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
}
ATOMIC_LIST: Json = {"type": "array", "items": ITEM, "x-kubernetes-list-type": "atomic"}

CHANGES: dict[str, tuple[str, Json, Json, Any, Any]] = {
    # plural, the schema of before and of after, what the first and the second manager apply
    "a struct becomes atomic": ("structs", STRUCT, ATOMIC_STRUCT, {"numeric": 1}, {"string": "a"}),
    "a struct becomes granular": ("grains", ATOMIC_STRUCT, STRUCT, {"numeric": 1, "string": "a"}, {"string": "b"}),
    "a list becomes atomic": ("lists", LIST, ATOMIC_LIST, [{"name": "a", "value": 1}], [{"name": "b"}]),
}


def definition(plural: str, part: Json) -> Json:
    schema = {"type": "object", "properties": {"part": part, "probe": part}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.schemas.example.com"},
        "spec": {
            "group": "schemas.example.com",
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": plural.title()},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def probed(body: Any) -> Any:
    """What a manager owns of a probe: by it is seen which schema a server goes by."""
    entries = (body.get("metadata") or {}).get("managedFields") or [] if isinstance(body, dict) else []
    return [entry["fieldsV1"].get("f:probe") for entry in entries if entry["manager"] == "probe"]


@pytest.mark.parametrize("rule", CHANGES)
async def test_a_schema_changes(rule: str, both: Both, namespace: str) -> None:
    plural, before, after, first, second = CHANGES[rule]
    folder = f"/apis/schemas.example.com/v1/namespaces/{namespace}/{plural}"
    head = {"apiVersion": "schemas.example.com/v1", "kind": plural.title()}

    async def apply(name: str, manager: str, more: Json, query: str = "", code: int = 0) -> None:
        path = f"{folder}/{name}?fieldManager={manager}{query}"
        await both.same("PATCH", path, {**head, "metadata": {"name": name}, **more}, {"Content-Type": APPLY}, code=code)

    async def goes_by(*, granular: bool) -> None:
        """Wait until both servers own a probe so: with something below it, or as a whole."""
        path = f"{folder}/probe?fieldManager=probe&dryRun=All"
        body = {**head, "metadata": {"name": "probe"}, "probe": first}
        async for _ in looks():
            answers = await both.ask("PATCH", path, body, {"Content-Type": APPLY})
            if [bool(owned) for answer in answers for owned in probed(answer.body)] == [granular, granular]:
                return
        pytest.fail("a server still goes by the former schema")

    granular = before in (STRUCT, LIST)
    await both.same("POST", CRDS, definition(plural, before), code=201)
    await goes_by(granular=granular)
    await apply("a", "one", {"part": first}, code=201)
    changed = {"spec": definition(plural, after)["spec"]}
    for answer in await both.ask("PATCH", f"{CRDS}/{plural}.schemas.example.com", changed, {"Content-Type": MERGE}):
        assert answer.code == 200, answer.body
    await goes_by(granular=not granular)

    await apply("a", "two", {"part": second})
    await apply("a", "two", {"part": second}, "&force=true", code=200)
    await apply("a", "one", {"part": first}, "&force=true", code=200)
    await both.same(
        "PATCH",
        f"{folder}/a?fieldManager=three",
        {"metadata": {"labels": {"a": "b"}}},
        {"Content-Type": MERGE},
        code=200,
    )
    await both.same("GET", f"{folder}/a", code=200)

"""Every verb on every kind: both servers answer alike."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from tests.conformance.exchange import (
    APPLY,
    DRIVEN,
    JSON_PATCH,
    MERGE,
    PARTIAL,
    PARTIAL_LIST,
    STRATEGIC,
    TABLE,
    Answer,
    Both,
    Json,
)
from tests.support import plainyaml
from tests.support.patience import looks
from tests.support.tiers import everywhere

KINDS = plainyaml.read((Path(__file__).with_name("kinds.yaml")).read_text().replace("{ns}", "NAMESPACE"))
WIDGETS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.conformance.example.com"},
    "spec": {
        "group": "conformance.example.com",
        "scope": "Namespaced",
        "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "shortNames": ["wd"]},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.size",
                                                         "statusReplicasPath": ".status.size"}},
                "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}],
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {
                                    "size": {"type": "integer", "minimum": 0},
                                    "colour": {"type": "string", "enum": ["red", "blue"]},
                                    "shape": {"type": "string", "default": "round"},
                                    "parts": {
                                        "type": "array",
                                        "x-kubernetes-list-type": "map",
                                        "x-kubernetes-list-map-keys": ["name"],
                                        "items": {
                                            "type": "object",
                                            "required": ["name"],
                                            "properties": {"name": {"type": "string"}, "count": {"type": "integer"}},
                                        },
                                    },
                                },
                            },
                            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                        },
                    }
                },
            }
        ],
    },
}  # fmt: skip


class Case:
    """One kind in one namespace."""

    def __init__(self, both: Both, facts: Json, namespace: str, name: str) -> None:
        text = msgspec.json.encode(facts).decode().replace("NAMESPACE", namespace)
        self.facts: Json = msgspec.json.decode(text)
        self.both, self.name = both, name
        self.path = f"/{self.facts['path']}"
        self.own = f"{self.path}/{name}"

    def manifest(self, **more: Any) -> Json:
        body = dict(self.facts["body"])
        return {
            "apiVersion": self.facts["version"],
            "kind": self.facts["kind"],
            "metadata": {"name": self.name, "labels": {"case": self.name}},
            **body,
            **more,
        }

    async def create(self) -> None:
        await self.both.same("POST", f"{self.path}?fieldManager=maker", self.manifest(), code=201)


Check = Callable[[Case], Awaitable[object]]


async def create(case: Case) -> None:
    await case.create()
    await case.both.same("POST", f"{case.path}?fieldManager=maker", case.manifest(), code=409)


async def dry_create(case: Case) -> None:
    await case.both.same("POST", f"{case.path}?dryRun=All&fieldManager=maker", case.manifest(), code=201)
    await case.both.same("GET", case.own, code=404)


NAMES = ("Bad_Name", "1a", "a.b", "a-", "a:b", "a/b", "a%b", "..", "a\n", "a" * 64, "a" * 254, "2001:DB8::1")
PREFIXES = ("Bad_", "a-", "-", "a_-", "..", "a" * 300)
"""Of ``generateName``, whose end is random."""
NAMED = ("metadata.name", "metadata.generateName")


async def names(case: Case) -> None:
    different: Json = {}
    for name in NAMES:
        different |= await told_otherwise(case.both, case.path, case.manifest(metadata={"name": name}))
    for prefix in PREFIXES:
        different |= await told_otherwise(case.both, case.path, case.manifest(metadata={"generateName": prefix}))
    assert not different


async def told_otherwise(both: Both, path: str, manifest: Json) -> Json:
    """What two servers say of a name, where that differs."""
    answers = await both.ask("POST", f"{path}?dryRun=All", manifest)
    given = str(manifest["metadata"])
    real, embedded = (_of_names(each, manifest["metadata"].get("generateName")) for each in answers)
    return {} if real == embedded else {f"{manifest['kind']} {given[:60]}": {"real": real, "embedded": embedded}}


def _of_names(answer: Answer, prefix: str | None) -> list[str]:
    """Without the random end of a name that was made, and without what else is wrong with an object."""
    causes = (answer.body.get("details") or {}).get("causes") or ()
    found = [f"{each['field']}: {each['message']}" for each in causes if each["field"] in NAMED]
    return [
        re.sub(f'(?<="){re.escape(prefix[:58])}[a-z0-9]{{5}}(?=")', "MADE", each) if prefix else each for each in found
    ]


async def strict_create(case: Case) -> None:
    manifest = case.manifest(nothing=1)
    await case.both.same("POST", f"{case.path}?fieldValidation=Strict", manifest, code=400)
    await case.both.same("POST", f"{case.path}?fieldValidation=Warn", manifest, code=201)


async def read(case: Case) -> None:
    await case.create()
    await case.both.same("GET", case.own, code=200)
    await case.both.same("GET", case.own, headers={"Accept": PARTIAL}, code=200)
    if case.facts["kind"] not in DRIVEN:
        await case.both.same("GET", case.own, headers={"Accept": TABLE}, code=200)


async def lists(case: Case) -> None:
    await case.create()
    query = f"labelSelector=case={case.name}"
    for accept in ("application/json", PARTIAL_LIST, *(() if case.facts["kind"] in DRIVEN else (TABLE,))):
        await case.both.same("GET", f"{case.path}?{query}", headers={"Accept": accept}, code=200)
    await case.both.same("GET", f"{case.path}?labelSelector=case=nothing", code=200)
    await case.both.same("GET", f"{case.path}?fieldSelector=metadata.name={case.name}", code=200)


async def settled(case: Case) -> None:
    """Until controllers have written to a new object: of a Deployment its annotations too count as a change."""
    seen = ""
    async for _ in looks(pause=0.25):
        found = await case.both.real.ask("GET", case.own)
        version = found.body["metadata"]["resourceVersion"]
        if version == seen:
            return
        seen = version


async def update(case: Case) -> None:
    await case.create()
    if case.facts["kind"] in DRIVEN:
        await settled(case)
    real, embedded = await case.both.ask("GET", case.own)
    current = (real.body, embedded.body)
    answers = []
    for server, body in zip((case.both.real, case.both.embedded), current, strict=True):
        body["metadata"]["labels"]["more"] = "x"
        del body["metadata"]["resourceVersion"]
        answers.append((await server.ask("PUT", f"{case.own}?fieldManager=updater", body)).plain())
    assert answers[1] == answers[0]


async def stale_update(case: Case) -> None:
    await case.create()
    manifest = case.manifest()
    manifest["metadata"]["resourceVersion"] = "1"
    await case.both.same("PUT", case.own, manifest, code=409)
    manifest["metadata"]["resourceVersion"] = "x"
    await case.both.same("PUT", case.own, manifest)


async def merge_patch(case: Case) -> None:
    await case.create()
    headers = {"Content-Type": MERGE}
    await case.both.same("PATCH", f"{case.own}?dryRun=All&fieldManager=p", case.facts["patch"], headers)
    await case.both.same("PATCH", f"{case.own}?fieldManager=p", case.facts["patch"], headers)
    await case.both.same("PATCH", f"{case.own}?fieldManager=p", case.facts["patch"], headers)


async def strategic_patch(case: Case) -> None:
    await case.create()
    await case.both.same("PATCH", f"{case.own}?fieldManager=p", case.facts["patch"], {"Content-Type": STRATEGIC})


async def json_patch(case: Case) -> None:
    await case.create()
    headers = {"Content-Type": JSON_PATCH}
    operations = [{"op": "test", "path": "/metadata/name", "value": case.name},
                  {"op": "add", "path": "/metadata/labels/new", "value": "x"}]  # fmt: skip
    await case.both.same("PATCH", f"{case.own}?fieldManager=p", operations, headers, code=200)
    await case.both.same("PATCH", case.own, [{"op": "remove", "path": "/metadata/labels/gone"}], headers, code=422)


async def apply(case: Case) -> None:
    headers = {"Content-Type": APPLY}
    path = f"{case.own}?fieldManager=one"
    await case.both.same("PATCH", path, case.manifest(), headers, code=201)
    await case.both.same("PATCH", path, case.manifest(), headers, code=200)
    less = case.manifest()
    less["metadata"] = {"name": case.name, "labels": {"other": "x"}}
    await case.both.same("PATCH", path, less, headers, code=200)


async def applies_of_two(case: Case) -> None:
    headers = {"Content-Type": APPLY}
    await case.both.same("PATCH", f"{case.own}?fieldManager=one", case.manifest(), headers, code=201)
    changed = case.manifest()
    changed["metadata"]["labels"] = {"case": "changed"}
    await case.both.same("PATCH", f"{case.own}?fieldManager=two", changed, headers, code=409)
    await case.both.same("PATCH", f"{case.own}?fieldManager=two&force=true", changed, headers, code=200)
    await case.both.same("PATCH", f"{case.own}?fieldManager=one", case.manifest(), headers, code=409)
    await case.both.same("PATCH", f"{case.own}?fieldManager=two", changed | case.facts["patch"] | {
        "metadata": {"name": case.name}}, headers)  # fmt: skip


async def delete(case: Case) -> None:
    await case.create()
    await case.both.same("DELETE", f"{case.own}?dryRun=All", code=200)
    wrong = {"preconditions": {"uid": "00000000-0000-0000-0000-000000000000"}}
    await case.both.same("DELETE", case.own, wrong, code=409)
    await case.both.same("DELETE", case.own, code=200)


async def finalized(case: Case) -> None:
    manifest = case.manifest()
    manifest["metadata"]["finalizers"] = ["example.com/wait"]
    await case.both.same("POST", f"{case.path}?fieldManager=maker", manifest, code=201)
    await case.both.same("DELETE", case.own, {"propagationPolicy": "Background"}, code=200)
    await case.both.same("GET", case.own, code=200)
    late = [{"op": "add", "path": "/metadata/finalizers/-", "value": "example.com/late"}]
    await case.both.same("PATCH", case.own, late, {"Content-Type": JSON_PATCH}, code=422)
    done = {"metadata": {"finalizers": None}}
    await case.both.same("PATCH", f"{case.own}?fieldManager=p", done, {"Content-Type": MERGE}, code=200)


CHECKS: list[Check] = [
    create,
    dry_create,
    names,
    strict_create,
    read,
    lists,
    update,
    stale_update,
    merge_patch,
    strategic_patch,
    json_patch,
    apply,
    applies_of_two,
    delete,
    finalized,
]


@pytest_asyncio.fixture(scope="session")
async def widgets(both: Both) -> None:
    await both.silently("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", WIDGETS)
    for server in (both.real, both.embedded):
        while (await server.ask("GET", "/apis/conformance.example.com/v1/widgets")).code != 200:
            pass


SORTS = ("ConfigMap", "Service", "Deployment", "Job", "ClusterRole", "Widget")
"""Kinds of each sort: plain data, defaults that the server chooses, controllers, no namespace, a definition's.
The others repeat on theirs what is shown on these; ``tests/golden/kinds`` has what each of them stores."""
EACH = [
    pytest.param(facts, marks=() if facts["kind"] in SORTS else everywhere, id=f"{facts['kind']} in {facts['version']}")
    for facts in KINDS
]


@pytest.fixture(scope="session")
def homes() -> dict[str, str]:
    """The namespace of each kind. What a case makes has a name of the case."""
    return {}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("facts", EACH)
async def test_both_answer_alike(both: Both, homes: dict[str, str], widgets: None, facts: Json, check: Check) -> None:
    if (home := homes.get(facts["path"])) is None:
        home = homes[facts["path"]] = f"kind-{len(homes)}"
        await both.make_namespace(home)
    await check(Case(both, facts, home, f"{home}-{check.__name__.replace('_', '-')}"))


async def test_both_refuse_the_same_names_of_every_other_kind(both: Both, namespace: str) -> None:
    """Of kinds that have no body above: whatever else is wrong with an empty one, its name is looked at too."""
    different: Json = {}
    known = {facts["path"].rpartition("/")[2] for facts in KINDS}
    group = await both.embedded.ask("GET", "/apis")
    versions = [f"/apis/{each['preferredVersion']['groupVersion']}" for each in group.body["groups"]]
    for root in ("/api/v1", *versions):
        for each in (await both.embedded.ask("GET", root)).body["resources"]:
            if (
                "/" in each["name"]
                or "create" not in each["verbs"]
                or each["name"] in known
                or "get" not in each["verbs"]
            ):
                continue
            path = f"{root}/namespaces/{namespace}/{each['name']}" if each["namespaced"] else f"{root}/{each['name']}"
            version = root.removeprefix("/apis/").removeprefix("/api/")
            for name in NAMES:
                manifest = {"apiVersion": version, "kind": each["kind"], "metadata": {"name": name}}
                different |= await told_otherwise(both, path, manifest)
    assert not different

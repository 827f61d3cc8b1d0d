"""Watches and pages: both servers tell the same story."""

import asyncio
from typing import Any

import pytest
from tests.conformance.exchange import MERGE, Both, Server, plain
from tests.support.patience import looks
from tests.support.tiers import everywhere


def shown(lines: list[Any]) -> list[Any]:
    """Types, and names with labels."""
    told: list[Any] = []
    for line in lines:
        if not isinstance(line, dict) or "object" not in line:
            told.append(plain(line))
            continue
        metadata = line["object"].get("metadata", {})
        annotations = metadata.get("annotations") or {}
        if line["type"] == "BOOKMARK" and not annotations:
            # Where one is up to, told now and then.
            continue
        told.append((line["type"], metadata.get("name", ""), metadata.get("labels"), annotations,
                     line["object"].get("kind"), line["object"].get("message", "").split(":")[0]))  # fmt: skip
    return told


async def story(server: Server, namespace: str, query: str, lines: int) -> list[Any]:
    """What a watcher with a selector sees of one object's life among others."""
    maps = f"/api/v1/namespaces/{namespace}/configmaps"
    await server.ask("POST", maps, {"metadata": {"name": "first", "labels": {"app": "web"}}})
    listed = await server.ask("GET", maps)
    since = listed.body["metadata"]["resourceVersion"]
    path = f"{maps}?watch=1&timeoutSeconds=5&{query}".replace("SINCE", since)
    watching = asyncio.create_task(server.watch(path, lines))
    await asyncio.sleep(0.2)
    await server.ask("POST", maps, {"metadata": {"name": "second"}})
    for labels in ({"app": "web"}, {"app": "web", "more": "x"}, {"app": None}):
        body = {"metadata": {"labels": labels}}
        await server.ask("PATCH", f"{maps}/second", body, {"Content-Type": MERGE})
    await server.ask("DELETE", f"{maps}/second")
    await server.ask("DELETE", f"{maps}/first")
    return shown(await watching)


WATCHES = {
    "from a revision": ("resourceVersion=SINCE", 6),
    "with a label selector objects come and go": ("resourceVersion=SINCE&labelSelector=app%3Dweb", 4),
    "with a field selector": ("resourceVersion=SINCE&fieldSelector=metadata.name%3Dfirst", 1),
    "initial events end with a bookmark": (
        "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
        "&fieldSelector=metadata.name!%3Dkube-root-ca.crt",
        8,
    ),
    "from nothing what is there comes first": ("fieldSelector=metadata.name!%3Dkube-root-ca.crt", 7),
    "from zero what is there comes first": ("resourceVersion=0&labelSelector=app", 5),
    "a bad version": ("resourceVersion=x", 1),
    "a bad selector": ("labelSelector=a%20in", 1),
}


@pytest.mark.parametrize(("query", "lines"), WATCHES.values(), ids=WATCHES.keys())
async def test_a_watch_tells_the_same(both: Both, namespace: str, query: str, lines: int) -> None:
    real, embedded = await asyncio.gather(
        *(story(server, namespace, query, lines) for server in (both.real, both.embedded))
    )
    assert embedded == real
    assert real


async def test_a_single_object_is_watched_by_its_name(both: Both, namespace: str) -> None:
    maps = f"/api/v1/namespaces/{namespace}/configmaps"
    await both.same("POST", maps, {"metadata": {"name": "a"}}, code=201)
    found = await asyncio.gather(
        *(
            server.watch(f"/api/v1/watch/namespaces/{namespace}/configmaps/a?timeoutSeconds=1", 1)
            for server in (both.real, both.embedded)
        )
    )
    assert shown(found[0]) == shown(found[1]) != []


async def pages(server: Server, namespace: str, query: str) -> list[Any]:
    """Names and remaining counts, page by page; an object that comes between pages is not in them."""
    maps = f"/api/v1/namespaces/{namespace}/configmaps"
    for number in range(7):
        await server.ask("POST", maps, {"metadata": {"name": f"n{number}", "labels": {"odd": str(number % 2)}}})
    told: list[Any] = []
    token = ""
    while True:
        answer = await server.ask("GET", f"{maps}?limit=3&continue={token}{query}")
        metadata = answer.body["metadata"]
        names = [item["metadata"]["name"] for item in answer.body["items"]]
        told.append((names, metadata.get("remainingItemCount")))
        token = metadata.get("continue", "")
        if not token:
            return told
        await server.ask("POST", maps, {"metadata": {"name": f"n0-{len(told)}"}})


@pytest.mark.parametrize("query", ["", "&labelSelector=odd%3D1", "&fieldSelector=metadata.name!%3Dn3"])
async def test_pages_are_the_same(both: Both, namespace: str, query: str) -> None:
    real, embedded = await asyncio.gather(*(pages(server, namespace, query) for server in (both.real, both.embedded)))
    assert embedded == real
    assert len(real) > 1


async def settled(server: Server, path: str, code: int) -> bool:
    """Whether a path comes to answer with a code."""
    async for _ in looks(60):
        if (await server.ask("GET", path)).code == code:
            return True
    return False


async def family(server: Server, namespace: str) -> str:
    """An owner with a dependent; gives the path of the collection."""
    maps = f"/api/v1/namespaces/{namespace}/configmaps"
    owner = (await server.ask("POST", maps, {"metadata": {"name": "owner"}})).body
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"],
                 "blockOwnerDeletion": True}  # fmt: skip
    await server.ask("POST", maps, {"metadata": {"name": "child", "ownerReferences": [reference]}})
    return maps


@pytest.mark.parametrize(("policy", "child"), [("Background", 404), ("Foreground", 404), ("Orphan", 200), (None, 404)])
async def test_dependents_go_or_stay_with_their_owner(
    both: Both, namespace: str, policy: str | None, child: int
) -> None:
    for server in (both.real, both.embedded):
        maps = await family(server, namespace)
        await server.ask("DELETE", f"{maps}/owner", {"propagationPolicy": policy} if policy else None)
        assert await settled(server, f"{maps}/owner", 404)
        assert await settled(server, f"{maps}/child", child)
        if child == 200:
            orphan = await server.ask("GET", f"{maps}/child")
            assert "ownerReferences" not in orphan.body["metadata"]


async def test_a_child_of_an_owner_that_never_was_is_collected(both: Both, namespace: str) -> None:
    reference = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": "ghost",
        "uid": "00000000-1111-2222-3333-444444444444",
    }
    for server in (both.real, both.embedded):
        maps = f"/api/v1/namespaces/{namespace}/configmaps"
        await server.ask("POST", maps, {"metadata": {"name": "child", "ownerReferences": [reference]}})
        assert await settled(server, f"{maps}/child", 404)


@everywhere
async def test_a_namespace_takes_along_what_is_in_it_and_waits_for_finalizers(both: Both, namespace: str) -> None:
    name = f"{namespace}-own"
    await both.make_namespace(name)
    maps = f"/api/v1/namespaces/{name}/configmaps"
    await both.same("POST", maps, {"metadata": {"name": "held", "finalizers": ["example.com/wait"]}}, code=201)
    await both.silently("POST", maps, {"metadata": {"name": "free"}})
    await both.same("DELETE", f"/api/v1/namespaces/{name}", {"propagationPolicy": "Background"}, code=200)
    await both.same("POST", maps, {"metadata": {"name": "late"}}, code=403)
    for server in (both.real, both.embedded):
        assert await settled(server, f"{maps}/free", 404)
        assert (await server.ask("GET", f"{maps}/held")).code == 200
        async for _ in looks(60):
            found = (await server.ask("GET", f"/api/v1/namespaces/{name}")).body
            conditions = {one["type"]: one["status"] for one in found["status"].get("conditions") or ()}
            if conditions.get("NamespaceFinalizersRemaining") == "True":
                break
        assert found["status"]["phase"] == "Terminating"
        assert conditions["NamespaceFinalizersRemaining"] == "True"
        await server.ask("PATCH", f"{maps}/held", {"metadata": {"finalizers": None}}, {"Content-Type": MERGE})
        assert await settled(server, f"/api/v1/namespaces/{name}", 404)

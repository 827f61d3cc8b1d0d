"""Watches see every change once and in order, or are told that they cannot."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from tests.support.patience import stretched

from pocketkube.cluster.storage import Expired, Storage, StoredObject, watch
from pocketkube.cluster.storage.history import MOST_EVENTS

KIND = "pods"


def pod(name: str, labels: dict[str, str] | None = None) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "default", "uid": name, "labels": labels or {}}}


def everything(_: StoredObject) -> bool:
    return True


def labelled(entry: StoredObject) -> bool:
    return bool(entry.object()["metadata"]["labels"].get("app") == "web")


async def seen(stream: AsyncIterator[list[Any]], most: int = 100) -> list[str]:
    """Types, names and revisions of the first changes."""
    found: list[str] = []
    async for batch in stream:
        for item in batch:
            found.append(f"{item[0]} {item[1].name}" if item[0] != "BOOKMARK" else f"BOOKMARK {item[2]}")
        if len(found) >= most:
            break
    return found


async def begun(storage: Storage, watches: int = 1) -> None:
    """So many watches wait for changes."""
    async with asyncio.timeout(stretched(5)):
        while len(storage.shelf(KIND).waiting) < watches:
            await asyncio.sleep(0)


def follow(
    storage: Storage,
    *,
    since: int,
    keep: Callable[[StoredObject], bool] = everything,
    timeout: float = 5.0,
    **options: Any,
) -> AsyncIterator[list[Any]]:
    return watch(storage, KIND, "default", keep=keep, since=since, timeout=timeout, **options)


async def test_changes_after_the_revision_come_first_then_those_that_happen() -> None:
    storage = Storage()
    first = storage.create(KIND, "default", "a", pod("a"))
    storage.update(KIND, "default", "a", pod("a", {"x": "y"}))
    watching = asyncio.create_task(seen(follow(storage, since=first.revision), 3))
    await begun(storage)
    storage.create(KIND, "default", "b", pod("b"))
    storage.create(KIND, "other", "c", pod("c"))
    storage.delete(KIND, "default", "a")
    assert await watching == ["MODIFIED a", "ADDED b", "DELETED a"]


async def test_initial_events_are_what_is_there_and_end_with_a_bookmark() -> None:
    storage = Storage()
    storage.create(KIND, "default", "b", pod("b"))
    storage.create(KIND, "default", "a", pod("a"))
    assert await seen(follow(storage, since=0, initial_events=True), 3) == ["ADDED a", "ADDED b", "BOOKMARK True"]


async def test_a_selector_sees_objects_come_and_go() -> None:
    storage = Storage()
    since = storage.revision
    storage.create(KIND, "default", "a", pod("a"))
    storage.update(KIND, "default", "a", pod("a", {"app": "web"}))
    storage.update(KIND, "default", "a", pod("a", {"app": "web", "more": "x"}))
    left = storage.update(KIND, "default", "a", pod("a", {"app": "other"}))
    storage.delete(KIND, "default", "a")
    found: list[Any] = []
    async for batch in follow(storage, since=since, keep=labelled, timeout=0.1):
        found += batch
    changes = [item for item in found if item[0] != "BOOKMARK"]
    assert [item[0] for item in changes] == ["ADDED", "MODIFIED", "DELETED"]
    gone = changes[-1][1]
    assert gone.object()["metadata"]["labels"] == {"app": "web", "more": "x"}, "what it was when it still matched"
    assert gone.object()["metadata"]["resourceVersion"] == str(left.revision)


async def test_a_watch_ends_when_its_time_is_up() -> None:
    async with asyncio.timeout(stretched(2)):
        assert await seen(follow(Storage(), since=1, timeout=0.1)) == []


async def test_a_bookmark_comes_before_the_end() -> None:
    assert await seen(follow(Storage(), since=1, timeout=2.2)) == ["BOOKMARK False"]


async def test_a_revision_that_is_forgotten_is_expired() -> None:
    storage = Storage()
    first = storage.create(KIND, "default", "a", pod("a"))
    for number in range(MOST_EVENTS + 1):
        storage.update(KIND, "default", "a", pod("a", {"n": str(number)}))
    with pytest.raises(Expired, match="too old resource version"):
        await seen(follow(storage, since=first.revision))


async def test_a_slow_reader_holds_nobody_up_and_is_expired() -> None:
    storage = Storage()
    storage.create(KIND, "default", "a", pod("a"))
    stream = follow(storage, since=1)
    await anext(stream)
    for number in range(2 * MOST_EVENTS):
        storage.update(KIND, "default", "a", pod("a", {"n": str(number)}))
    with pytest.raises(Expired):
        await anext(stream)
    assert not storage.shelf(KIND).waiting


async def test_closing_the_storage_ends_watches() -> None:
    storage = Storage()
    watching = asyncio.create_task(seen(follow(storage, since=1, timeout=60)))
    await begun(storage)
    await storage.close()
    async with asyncio.timeout(stretched(2)):
        assert await watching == []


async def test_many_watchers_each_see_every_change_in_order() -> None:
    storage = Storage()
    watching = [asyncio.create_task(seen(follow(storage, since=1), 200)) for _ in range(20)]
    await begun(storage, 20)
    for number in range(200):
        storage.create(KIND, "default", f"n{number:03}", pod(f"n{number:03}"))
        if number % 10 == 0:
            await asyncio.sleep(0)
    expected = [f"ADDED n{number:03}" for number in range(200)]
    assert all(found == expected for found in await asyncio.gather(*watching))

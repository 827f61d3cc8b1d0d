"""Objects have one order, one counter and a past."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketkube.cluster.storage import (
    Changed,
    Event,
    Exists,
    Expired,
    NotStored,
    Storage,
    StorageFailed,
)
from pocketkube.cluster.storage.history import MOST_EVENTS

KIND = "configmaps"


def config(name: str = "a", value: str = "1", namespace: str = "default") -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace, "uid": f"uid-{name}"}, "data": {"value": value}}


def put(storage: Storage, name: str, value: str = "1", namespace: str = "default") -> int:
    obj = config(name, value, namespace)
    if storage.get(KIND, namespace, name) is None:
        return storage.create(KIND, namespace, name, obj).revision
    return storage.update(KIND, namespace, name, obj).revision


def names(storage: Storage, **options: Any) -> list[str]:
    return [f"{entry.namespace}/{entry.name}" for entry in storage.list(KIND, **options).entries]


def test_a_write_has_the_next_revision_and_the_object_says_so() -> None:
    storage = Storage()
    before = storage.revision
    entry = storage.create(KIND, "default", "a", config())
    assert entry.revision == storage.revision == before + 1
    assert entry.object()["metadata"]["resourceVersion"] == str(entry.revision)


def test_what_is_equal_is_no_change_whatever_the_order_of_its_keys() -> None:
    storage = Storage()
    entry = storage.create(KIND, "default", "a", config())
    again = dict(reversed(config().items()))
    assert storage.update(KIND, "default", "a", again) is entry
    assert len(storage.since(KIND, 1)) == 1


def test_refusals_leave_everything_as_it_is() -> None:
    storage = Storage()
    entry = storage.create(KIND, "default", "a", config())
    with pytest.raises(Exists):
        storage.create(KIND, "default", "a", config(value="2"))
    with pytest.raises(Changed) as caught:
        storage.update(KIND, "default", "a", config(value="2"), expected=entry.revision + 5)
    assert caught.value.current is entry
    with pytest.raises(Changed):
        storage.delete(KIND, "default", "a", expected=1)
    with pytest.raises(NotStored):
        storage.update(KIND, "default", "b", config("b"))
    with pytest.raises(NotStored):
        storage.delete(KIND, "default", "b")
    assert storage.revision == entry.revision
    assert storage.get(KIND, "default", "a") is entry


def test_a_deletion_shows_what_was_there_last_at_a_revision_of_its_own() -> None:
    storage = Storage()
    entry = storage.create(KIND, "default", "a", config())
    gone = storage.delete(KIND, "default", "a", expected=entry.revision)
    assert gone.revision == entry.revision + 1
    assert gone.object()["data"] == {"value": "1"}
    assert storage.get(KIND, "default", "a") is None
    assert storage.since(KIND, entry.revision) == [Event("DELETED", gone, entry)]


def test_lists_are_ordered_as_etcd_orders_keys() -> None:
    storage = Storage()
    for namespace, name in (("a", "b"), ("a-b", "a"), ("a", "a"), ("a0", "a")):
        put(storage, name, namespace=namespace)
    assert names(storage) == ["a-b/a", "a/a", "a/b", "a0/a"]
    assert names(storage, namespace="a") == ["a/a", "a/b"]


def test_pages_go_on_where_they_ended() -> None:
    storage = Storage()
    for number in range(7):
        put(storage, f"n{number}")
    seen, after, remaining, revision = [], None, [], 0
    while True:
        page = storage.list(KIND, "default", limit=3, after=after, revision=revision)
        seen += [entry.name for entry in page.entries]
        remaining.append(page.remaining)
        after, revision = page.after, page.revision
        put(storage, "n9", value=str(len(seen)))
        if after is None:
            break
    assert seen == [f"n{number}" for number in range(7)]
    assert remaining == [4, 1, 0]


def test_a_revision_that_is_forgotten_is_expired() -> None:
    storage = Storage()
    first = put(storage, "a")
    for number in range(MOST_EVENTS + 1):
        put(storage, "a", value=str(number))
    with pytest.raises(Expired, match=rf"too old resource version: {first} \(\d+\)"):
        storage.list(KIND, revision=first)
    with pytest.raises(Expired):
        storage.since(KIND, first)
    assert storage.list("secrets", revision=first).revision == first, "other kinds have a history of their own"


CHANGES = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(["put", "delete"]), st.integers(0, 2)), max_size=25
)


@given(CHANGES)
def test_every_past_revision_can_be_listed_as_it_was(changes: list[tuple[str, str, int]]) -> None:
    storage = Storage()
    states = {storage.revision: names(storage)}
    bodies = {storage.revision: [entry.body for entry in storage.list(KIND).entries]}
    for name, what, value in changes:
        if what == "put":
            put(storage, name, str(value))
        elif storage.get(KIND, "default", name):
            storage.delete(KIND, "default", name)
        states[storage.revision] = names(storage)
        bodies[storage.revision] = [entry.body for entry in storage.list(KIND).entries]
    for revision, expected in states.items():
        assert names(storage, revision=revision) == expected
        assert [entry.body for entry in storage.list(KIND, revision=revision).entries] == bodies[revision]


def test_subscribers_hear_of_every_change_until_they_leave() -> None:
    storage = Storage()
    heard: list[str] = []
    leave = storage.subscribe(lambda kind, event: heard.append(f"{kind} {event.type}"))
    put(storage, "a")
    put(storage, "a", "2")
    leave()
    put(storage, "a", "3")
    assert heard == ["configmaps ADDED", "configmaps MODIFIED"]


class TestKept:
    async def test_what_was_durable_is_there_again_and_later_revisions_are_larger(self, tmp_path: Path) -> None:
        storage = await Storage.open(tmp_path / "data")
        put(storage, "a")
        put(storage, "a", "2")
        put(storage, "b")
        storage.delete(KIND, "default", "b")
        await storage.durable()
        body = storage.get(KIND, "default", "a")
        revision = storage.revision
        await storage.close()
        again = await Storage.open(tmp_path / "data")
        assert again.get(KIND, "default", "a") == body
        assert names(again) == ["default/a"]
        assert again.revision > revision
        with pytest.raises(Expired):
            again.since(KIND, revision)
        await again.close()

    async def test_closing_writes_what_is_left(self, tmp_path: Path) -> None:
        storage = await Storage.open(tmp_path)
        for number in range(500):
            put(storage, f"n{number}")
        await storage.close()
        again = await Storage.open(tmp_path)
        assert again.count(KIND) == 500
        await again.close()

    async def test_many_writers_share_a_transaction(self, tmp_path: Path) -> None:
        storage = await Storage.open(tmp_path)

        async def write(number: int) -> None:
            put(storage, f"n{number}")
            await storage.durable()

        await asyncio.gather(*(write(number) for number in range(200)))
        await storage.close()
        again = await Storage.open(tmp_path)
        assert again.count(KIND) == 200
        await again.close()

    async def test_a_second_process_is_refused(self, tmp_path: Path) -> None:
        storage = await Storage.open(tmp_path)
        with pytest.raises(StorageFailed, match=r"objects\.sqlite: another process uses it"):
            await Storage.open(tmp_path)
        await storage.close()

    async def test_a_broken_file_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "objects.sqlite").write_bytes(b"no database" * 1000)
        with pytest.raises(StorageFailed, match=r"objects\.sqlite: file is not a database"):
            await Storage.open(tmp_path)

    async def test_a_file_of_another_version_is_refused(self, tmp_path: Path) -> None:
        with sqlite3.connect(tmp_path / "objects.sqlite") as database:
            database.execute("PRAGMA user_version = 99")
        database.close()
        with pytest.raises(StorageFailed, match="format 99"):
            await Storage.open(tmp_path)

    async def test_a_disk_that_fails_is_reported_for_this_write_and_every_later_one(self, tmp_path: Path) -> None:
        storage = await Storage.open(tmp_path)
        put(storage, "a")
        await storage.durable()
        journal = storage._journal
        assert journal is not None
        await journal._run(journal._connection().execute, "PRAGMA max_page_count = 1")
        put(storage, "b", "x" * 100_000)
        for _ in range(2):
            with pytest.raises(StorageFailed, match="disk is full"):
                await storage.durable()
        await storage.close()
        again = await Storage.open(tmp_path)
        assert names(again) == ["default/a"]
        await again.close()

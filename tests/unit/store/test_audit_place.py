"""Where the trail lies, and what becomes of one that lies where earlier releases had it."""

import asyncio
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trueup.model.audit import Action, AuditRecord
from trueup.store.audit import Filter, Trail, query
from trueup.store.audit.place import settle

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def entry(application: str) -> AuditRecord:
    return AuditRecord(at="2026-01-02T03:04:05.000000Z", action=Action.APPLIED, application=application)


async def written(path: Path, *applications: str) -> None:
    trail = Trail(path, lambda: NOW)
    await trail.write(*map(entry, applications))
    await trail.close()


def told(path: Path) -> list[str]:
    return [each.application for each in query(path, Filter())]


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    old, new = tmp_path / "data" / "audit.db", tmp_path / "state" / "audit.db"
    old.parent.mkdir()
    new.parent.mkdir()
    return old, new


async def test_an_older_trail_moves_and_goes_on_in_its_new_place(places: tuple[Path, Path]) -> None:
    old, new = places
    await written(old, "a")
    settle(old, new, ours=True)
    await written(new, "b")
    assert told(new) == ["a", "b"]
    assert told(old) == ["a", "b"], "who looks in the old place is led to the new one"
    assert [each.id for each in query(new, Filter())] == [1, 2]
    assert new.stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in old.parent.iterdir()) == ["audit.db"]


async def test_what_a_killed_engine_left_in_the_log_of_its_database_moves_too(places: tuple[Path, Path]) -> None:
    old, new = places
    await written(old, "a")
    database = sqlite3.connect(old)
    database.execute("PRAGMA wal_autocheckpoint=0")
    database.execute("INSERT INTO entries SELECT 2, at, action, 'b', object, actor, revision, body FROM entries")
    database.commit()
    assert old.with_name("audit.db-wal").stat().st_size
    settle(old, new, ours=True)
    database.close()
    with sqlite3.connect(new) as moved:
        assert moved.execute("SELECT application FROM entries").fetchall() == [("a",), ("b",)]
    moved.close()


@pytest.mark.parametrize(
    ("ours", "there"),
    [
        pytest.param(False, False, id="a trail that may be of a cluster that is gone is not taken over"),
        pytest.param(True, True, id="a trail that is there is not replaced"),
    ],
)
async def test_an_older_trail_stays(places: tuple[Path, Path], ours: bool, there: bool) -> None:
    old, new = places
    await written(old, "a")
    if there:
        await written(new, "b")
    settle(old, new, ours=ours)
    assert told(old) == ["a"]
    assert new.exists() == there
    if there:
        assert told(new) == ["b"]


async def test_a_damaged_trail_stays_where_it_is(places: tuple[Path, Path]) -> None:
    old, new = places
    old.write_bytes(b"no database at all" * 1000)
    settle(old, new, ours=True)
    assert old.read_bytes().startswith(b"no database")
    assert not new.exists()
    assert list(new.parent.iterdir()) == []


async def test_a_data_folder_that_served_another_cluster_is_led_to_this_one(places: tuple[Path, Path]) -> None:
    old, new = places
    old.symlink_to(new.parent / "another.db")
    settle(old, new, ours=True)
    assert old.readlink() == new


async def test_two_engines_of_one_machine_write_one_trail_without_a_gap(tmp_path: Path) -> None:
    trails = [Trail(tmp_path / "audit.db", lambda: NOW) for _ in range(2)]
    given = await asyncio.gather(*(trails[number % 2].write(entry(str(number)), entry("x")) for number in range(40)))
    for trail in trails:
        await trail.close()
    assert sorted(each for ids in given for each in ids) == list(range(1, 81))
    assert [each.id for each in query(tmp_path / "audit.db", Filter())] == list(range(1, 81))


async def test_a_trail_is_opened_while_another_engine_of_the_machine_makes_it(tmp_path: Path) -> None:
    path = tmp_path / "audit.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writing = asyncio.create_task(written(path, "a"))
    await asyncio.sleep(0.2)
    assert not writing.done()
    other.rollback()
    other.close()
    await writing
    assert told(path) == ["a"]

"""The audit trail: append-only, safe before anybody is told, readable while it is written."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubegrammar.time import format_exact_time
from trueup.model.audit import Action, Actor, AuditRecord, FieldChange, Why
from trueup.model.errors import TrueupError
from trueup.store.audit import Filter, Trail, query
from trueup.store.audit.stats import facts_of
from trueup.store.audit.story import story
from trueup.store.audit.trail import AuditFailed

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def entry(action: Action = Action.APPLIED, *, after: float = 0, **fields: object) -> AuditRecord:
    at = format_exact_time(NOW + timedelta(seconds=after))
    return msgspec.structs.replace(AuditRecord(at=at, action=action, application="argocd/web"), **fields)


async def kept(path: Path, *entries: AuditRecord) -> list[AuditRecord]:
    trail = Trail(path, lambda: NOW)
    await trail.write(*entries)
    await trail.close()
    return list(query(path, Filter()))


async def test_entries_come_back_as_they_were_in_their_order(tmp_path: Path) -> None:
    written = [
        entry(Action.COMMIT, by=Actor("Ada <a@x>", "author", "SHA256:k"), why=Why.PUSH, revision="a" * 40),
        entry(
            Action.HEALED,
            object="apps/Deployment/web/web",
            changes=(FieldChange("spec.replicas", "5", "2"),),
            links=(1,),
        ),
    ]
    found = await kept(tmp_path / "a.db", *written)
    assert [msgspec.structs.replace(each, id=0) for each in found] == written
    assert [each.id for each in found] == [1, 2]


async def test_ids_go_on_after_a_restart(tmp_path: Path) -> None:
    await kept(tmp_path / "a.db", entry(), entry())
    assert [each.id for each in await kept(tmp_path / "a.db", entry())] == [1, 2, 3]


async def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    await kept(tmp_path / "a.db", entry())
    assert (tmp_path / "a.db").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "statement", ["UPDATE entries SET actor = 'me'", "DELETE FROM entries", "DELETE FROM entries WHERE id = 1"]
)
async def test_nothing_is_changed_or_removed(tmp_path: Path, statement: str) -> None:
    await kept(tmp_path / "a.db", entry(), entry())
    database = sqlite3.connect(tmp_path / "a.db")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        database.execute(statement)
    database.close()


async def test_what_is_older_than_the_retention_goes(tmp_path: Path) -> None:
    now = NOW
    trail = Trail(tmp_path / "a.db", lambda: now, retention=timedelta(days=1))
    await trail.write(entry(), entry(after=80_000))
    now = NOW + timedelta(days=1, hours=1)
    await trail.write(entry(after=90_000))
    await trail.close()
    assert [each.id for each in query(tmp_path / "a.db", Filter())] == [2, 3]


async def test_a_damaged_file_is_kept_aside_and_a_new_one_begun(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"no database at all" * 1000)
    assert len(await kept(tmp_path / "a.db", entry())) == 1
    assert len(list(tmp_path.glob("a.db.damaged-*"))) == 1


async def test_a_file_of_an_older_release_goes_on(tmp_path: Path) -> None:
    await kept(tmp_path / "a.db", entry())
    database = sqlite3.connect(tmp_path / "a.db")
    database.executescript("DROP TABLE intents; PRAGMA user_version=1;")
    database.close()
    trail = Trail(tmp_path / "a.db", lambda: NOW)
    await trail.intend("argocd/web", [entry()])
    assert [each.action for each in await trail.intended("argocd/web")] == [Action.APPLIED]
    assert await trail.write(entry(), settles="argocd/web") == [2]
    assert await trail.intended("argocd/web") == []
    await trail.close()


async def test_a_file_of_a_newer_release_is_left_alone(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "a.db")
    database.execute("PRAGMA user_version=99")
    database.close()
    trail = Trail(tmp_path / "a.db", lambda: NOW)
    with pytest.raises((AuditFailed, TrueupError), match="newer release"):
        await trail.write(entry())
    await trail.close()


async def test_a_folder_that_cannot_be_written_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    trail = Trail(tmp_path / "file" / "a.db", lambda: NOW)
    with pytest.raises(AuditFailed, match="--state"):
        await trail.write(entry())
    await trail.close()


async def test_readers_see_whole_batches_while_it_is_written(tmp_path: Path) -> None:
    trail = Trail(tmp_path / "a.db", lambda: NOW)
    await trail.write(entry())
    writing = [asyncio.create_task(trail.write(*[entry()] * 10)) for _ in range(50)]
    while not all(task.done() for task in writing):
        found = await asyncio.to_thread(lambda: list(query(tmp_path / "a.db", Filter())))
        assert (len(found) - 1) % 10 == 0
        await asyncio.sleep(0)
    assert sorted(number for task in writing for number in task.result()) == list(range(2, 502))
    await trail.close()


def test_without_a_trail_the_reader_is_told_where_one_comes_from(tmp_path: Path) -> None:
    with pytest.raises(TrueupError, match="trueup server"):
        list(query(tmp_path / "none.db", Filter()))


WRITER = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from trueup.model.audit import Action, AuditRecord
from trueup.store.audit import Trail

async def main():
    trail = Trail(Path(sys.argv[1]), lambda: datetime.now(UTC))
    async def one(name):
        number = 0
        while True:
            number += 1
            at = "2026-01-02T03:04:05Z"
            (given,) = await trail.write(AuditRecord(at=at, action=Action.APPLIED, message=f"{name} {number}"))
            print(given, name, number, flush=True)
    await asyncio.gather(*(one(name) for name in "abcd"))

asyncio.run(main())
"""


@pytest.mark.parametrize("lines", [1, 50, 400])
def test_what_was_acknowledged_survives_a_kill(tmp_path: Path, lines: int) -> None:
    path = tmp_path / "a.db"
    with subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        told = [process.stdout.readline() for _ in range(lines)]
        os.kill(process.pid, signal.SIGKILL)
        told += process.stdout.read().splitlines()
    found = {each.id: each.message for each in query(path, Filter())}
    for line in told:
        if line.count(" ") == 2:
            given, name, number = line.split()
            assert found[int(given)] == f"{name} {number}"
    assert sorted(found) == list(range(1, len(found) + 1))


NAMES = st.sampled_from(["argocd/web", "argocd/api", "other/web"])
ENTRIES = st.lists(
    st.builds(
        lambda app, action, after, by, obj, revision: msgspec.structs.replace(
            entry(action, after=after), application=app, by=Actor(by), object=obj, revision=revision
        ),
        NAMES,
        st.sampled_from(list(Action)),
        st.integers(0, 100),
        st.sampled_from(["Ada", "kubectl", ""]),
        st.sampled_from(["", "apps/Deployment/a/web", "/Service/a/web"]),
        st.sampled_from(["", "abc123", "abd456"]),
    ),
    max_size=20,
)
FILTERS = st.builds(
    Filter,
    application=st.one_of(st.just(""), NAMES),
    object=st.sampled_from(["", "web", "apps/*/a/web", "Service"]),
    since=st.sampled_from(["", format_exact_time(NOW + timedelta(seconds=30))]),
    until=st.sampled_from(["", format_exact_time(NOW + timedelta(seconds=60))]),
    by=st.sampled_from(["", "ada", "KUBE"]),
    revision=st.sampled_from(["", "ab", "abc"]),
    action=st.sampled_from(["", "applied", "healed"]),
    limit=st.integers(0, 5),
)


@settings(max_examples=60, deadline=None)
@given(entries=ENTRIES, wanted=FILTERS)
def test_a_query_is_a_filter_over_everything(
    tmp_path_factory: pytest.TempPathFactory, entries: list[AuditRecord], wanted: Filter
) -> None:
    path = tmp_path_factory.mktemp("audit") / "a.db"
    asyncio.run(kept(path, entry(application="x/y"), *entries))
    everything = list(query(path, Filter()))
    expected = [each for each in everything if wanted.takes(each)]
    expected = expected[-wanted.limit :] if wanted.limit else expected
    assert list(query(path, wanted)) == expected


def test_facts_of_deployments() -> None:
    entries = [
        entry(Action.COMMIT, revision="a", committed_at="2026-01-02T03:04:00Z"),
        entry(Action.FINISHED, after=4.321099, revision="a", result="Succeeded", message="Progressing"),
        entry(Action.HEALTH, after=4.321099, result="Healthy"),
        entry(Action.COMMIT, after=60, revision="b", committed_at="2026-01-02T03:05:00Z"),
        entry(Action.FINISHED, after=61, revision="b", result="Succeeded", message="Progressing"),
        entry(Action.HEALTH, after=70, result="Degraded"),
        entry(Action.FINISHED, after=100, revision="c", result="Succeeded", message="Progressing"),
        entry(Action.HEALTH, after=110, result="Healthy"),
        entry(Action.FINISHED, after=200, revision="c", result="Succeeded", message="Healthy"),
        entry(Action.HEALED, after=201),
    ]
    each, everything = facts_of(entries)
    facts = each["argocd/web"]
    assert (facts.deployments, facts.failed, facts.healed) == (3, 1, 1)
    assert facts.lead_median == pytest.approx(10.0)
    assert facts.restore_median == pytest.approx(40.0)
    assert facts.failure_rate == pytest.approx(1 / 3)
    assert everything == facts


def test_a_story_says_who_did_what_and_what_undid_it() -> None:
    entries = [
        entry(Action.COMMIT, id=1, by=Actor("Ada <a@x>"), revision="0123456789", message="Three", why=Why.PUSH),
        entry(Action.STARTED, id=2, revision="0123456789", why=Why.AUTOMATED, by=Actor("trueup")),
        entry(Action.APPLIED, id=3, object="apps/Deployment/web/web", message="configured", result="Synced"),
        entry(Action.FINISHED, id=4, revision="0123456789", result="Succeeded", message="Healthy"),
        entry(
            Action.DRIFTED,
            id=5,
            after=10,
            object="apps/Deployment/web/web",
            by=Actor("kubectl-scale"),
            changes=(FieldChange("spec.replicas", "2", "5"),),
        ),
        entry(
            Action.HEALED,
            id=6,
            object="apps/Deployment/web/web",
            changes=(FieldChange("spec.replicas", "5", "2"),),
            links=(5,),
        ),
        entry(Action.HEALTH, id=7, result="Degraded", message="no image"),
    ]
    assert [line.text for line in story(entries)] == [
        "Ada <a@x> committed 01234567 “Three” (seen by push)",
        "sync to 01234567 started (automated, by trueup)",
        "Deployment web configured",
        "synced to 01234567",
        "Deployment web was changed by kubectl-scale: spec.replicas 2 → 5",
        "Deployment web put back: spec.replicas 5 → 2 (undoes the change of 03:04:15)",
        "Degraded: no image",
    ]

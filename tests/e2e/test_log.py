"""The engine's log: JSON lines for operations, refusals, retries and changes of verdict; one id for each pass."""

import sys
from collections.abc import Callable
from typing import Any

import msgspec
from tests.conftest import on_embedded
from tests.e2e.estate import EngineProcess, Estate
from tests.e2e.manifests import config, job
from tests.support.patience import looks

Line = dict[str, Any]


async def logged(engine: EngineProcess, holds: Callable[[list[Line]], object]) -> list[Line]:
    """Wait until the log is so; every line of it is JSON."""
    lines: list[Line] = []
    async for _ in looks():
        text = engine.log.read_text(errors="replace")
        lines = [msgspec.json.decode(line) for line in text[: text.rfind("\n") + 1].splitlines()]
        if holds(lines):
            return lines
    raise AssertionError(engine.tail())


def of(lines: list[Line], application: str, event: str) -> list[Line]:
    return [
        line for line in lines if line.get("application", "").endswith(f"/{application}") and line["event"] == event
    ]


@on_embedded
async def test_an_operation_can_be_followed_by_its_fields(estate: Estate) -> None:
    revision = await estate.given({"app/a.yaml": config("a"), "app/b.yaml": config("b")})
    await estate.app("app")
    await estate.settled(revision)

    def told(found: list[Line]) -> bool:
        """A line may follow the write it tells of, so the last of each kind is waited for."""
        verdicts = [line["after"] for line in of(found, estate.name, "sync changed")]
        return verdicts[-1:] == ["Synced"] and all(
            of(found, estate.name, event) for event in ("health changed", "operation finished")
        )

    lines = await logged(estate.engine, told)
    (seen,) = of(lines, estate.name, "commit seen")
    (started,) = of(lines, estate.name, "operation started")
    (progressed,) = of(lines, estate.name, "operation progressed")
    (finished,) = of(lines, estate.name, "operation finished")
    assert seen["revision"] == started["revision"] == finished["revision"] == revision
    assert started["why"] == "automated" and finished["result"] == "Succeeded"
    assert progressed["applied"] == 3 and progressed["operation"] == started["operation"]
    assert started["reconcile"] == progressed["reconcile"]
    changes = [(line["before"], line["after"]) for line in of(lines, estate.name, "sync changed")]
    assert all(before != after for before, after in changes), "a line for a change alone"
    assert all(line["level"] in ("info", "warning") and line["timestamp"].endswith("Z") for line in lines)
    await estate.settled(await estate.commit({"app/a.yaml": config("a", "other")}))
    later = await logged(estate.engine, lambda found: len(of(found, estate.name, "operation finished")) == 2)
    passes = [line["reconcile"] for line in later if line.get("application", "").endswith(f"/{estate.name}")]
    assert all(len(each) == 8 for each in passes) and len(set(passes)) > 1, "an id for each pass"
    if sys.platform == "linux":
        assert any(line["event"] == "worker processes are isolated" and "Landlock" in line["by"] for line in lines)


@on_embedded
async def test_drift_its_heal_and_the_changes_of_verdict_are_lines(estate: Estate) -> None:
    await estate.given({"app/a.yaml": config("a")})
    await estate.app("app")
    await estate.settled()
    await estate.change("ConfigMap", "a", {"data": {"colour": "drifted"}})
    lines = await logged(estate.engine, lambda found: len(of(found, estate.name, "operation finished")) == 2)
    (drift,) = of(lines, estate.name, "drift seen")
    assert drift["object"] == f"/ConfigMap/{estate.name}/a"
    assert drift["fields"] == ["data.colour"] and drift["by"] == "kubectl-edit"
    assert of(lines, estate.name, "operation started")[1]["why"] == "self-heal"
    assert of(lines, estate.name, "operation progressed")[1]["healed"] == 1
    assert "drifted" not in [line.get("message") for line in lines], "values are the trail's"


@on_embedded
async def test_refusals_and_retries_are_lines_and_hold_no_credential(estate: Estate) -> None:
    await estate.given({"app/j.yaml": job("j"), "app/a.yaml": "apiVersion: v1\nkind: Nonsense\nmetadata: {name: x}\n"})
    backoff = {"duration": "1s", "maxDuration": "1s"}
    await estate.app("app", policy={"retry": {"limit": 1, "backoff": backoff}})
    lines = await logged(estate.engine, lambda found: of(found, estate.name, "operation finished"))
    (retried,) = of(lines, estate.name, "operation retried")
    assert retried["level"] == "warning" and retried["attempt"] == 1
    (finished,) = of(lines, estate.name, "operation finished")
    assert finished["level"] == "warning" and finished["result"] == "Failed"
    canary = "hunter2canary"
    url = f"https://ada:{canary}@127.0.0.1:9/nowhere.git"
    await estate.app("app", name=f"{estate.name}-private", repoURL=url)
    lines = await logged(estate.engine, lambda found: of(found, f"{estate.name}-private", "condition"))
    (condition,) = of(lines, f"{estate.name}-private", "condition")[:1]
    assert condition["type"] == "ComparisonError" and "127.0.0.1:9" in condition["message"]
    assert canary not in estate.engine.log.read_text(errors="replace")

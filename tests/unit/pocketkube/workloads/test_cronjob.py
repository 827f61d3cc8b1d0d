"""Jobs by a schedule: which moment is due, what runs beside each other, what is kept."""

from typing import Any

import pytest
from tests.unit.pocketkube.workloads.objects import BEFORE, NOW, owned, status_of, told, workload

from pocketkube.workloads import Object
from pocketkube.workloads.cronjob import SCHEDULED_AT, decide

TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": {"template": {}}}
DUE = "create Job web-29455384"
"""Named by the minutes since 1970, of 03:04."""


def cron(status: dict[str, Any] | None = None, **spec: Any) -> Object:
    filled = {"schedule": "* * * * *", "jobTemplate": TEMPLATE, "selector": None, "template": None, **spec}
    return workload("CronJob", filled, status=status)


def job(name: str, outcome: str = "", start: str = BEFORE, of: Object | None = None) -> Object:
    made = workload("Job", {}, name=name, uid=f"uid-{name}")
    made["status"] = {"startTime": start}
    if outcome:
        made["status"] |= {"conditions": [{"type": outcome, "status": "True"}], "completionTime": start}
    return owned(made, of or cron())


RAN = [job(f"j{number}", "Complete", f"2026-01-02T03:0{number}:00Z") for number in range(4)]
FELL = [job(f"f{number}", "Failed", f"2026-01-02T03:0{number}:00Z") for number in range(2)]
NOT_YET = {"lastScheduleTime": "2026-01-02T03:04:00Z"}
STEPS: dict[str, tuple[Object, list[Object], list[str]]] = {
    "the latest moment that came counts, however many were missed": (cron(), [], [DUE]),
    "once for each moment": (cron(NOT_YET), [], []),
    "not while suspended": (cron(suspend=True), [], []),
    "not by a schedule that nobody can read": (cron(schedule="now and then"), [], []),
    "not in a time zone that nobody knows": (cron(timeZone="Moon/North"), [], []),
    "not too late": (cron(schedule="1 3 * * *", startingDeadlineSeconds=60), [], []),
    "beside one that runs": (cron(), [job("a")], [DUE]),
    "not beside it where that is forbidden": (cron(concurrencyPolicy="Forbid"), [job("a")], []),
    "in its place where that is asked": (cron(concurrencyPolicy="Replace"), [job("a")], ["delete Job a", DUE]),
    "three successes are kept": (cron(NOT_YET), RAN, ["delete Job j0"]),
    "one failure is kept": (cron(NOT_YET), FELL, ["delete Job f0"]),
    "as many as it says": (cron(NOT_YET, successfulJobsHistoryLimit=0), RAN[:2], ["delete Job j0", "delete Job j1"]),
}


@pytest.mark.parametrize("rule", STEPS)
def test_steps(rule: str) -> None:
    owner, jobs, expected = STEPS[rule]
    assert told(decide(owner, jobs, NOW)) == expected


ZONES = {"Europe/Berlin": "2026-01-02T04:04:00+01:00", "": "2026-01-02T03:04:00Z"}


@pytest.mark.parametrize("zone", ZONES)
def test_a_job_says_which_moment_it_is_for(zone: str) -> None:
    made = decide(cron(timeZone=zone or None), [], NOW).writes[0].object  # type: ignore[union-attr]
    assert made["metadata"]["annotations"] == {SCHEDULED_AT: ZONES[zone]}
    assert made["metadata"]["labels"] == {"a": "b"} and made["spec"] == TEMPLATE["spec"]


def test_what_runs_and_what_succeeded_last_is_told() -> None:
    status = status_of(decide(cron(NOT_YET), [job("a"), *RAN[:2]], NOW))
    assert [entry["name"] for entry in status["active"]] == ["a"]
    assert status["lastSuccessfulTime"] == "2026-01-02T03:01:00Z"


def test_the_next_moment_is_waited_for() -> None:
    assert decide(cron(), [], NOW).again == pytest.approx(55.1)

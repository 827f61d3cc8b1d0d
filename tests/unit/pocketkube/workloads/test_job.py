"""Pods that run to completion: how many there are, when it is enough, and when it is too much."""

from typing import Any

import pytest
from tests.unit.pocketkube.workloads.objects import (
    BEFORE,
    MOMENT,
    NOW,
    TEMPLATE,
    condition,
    owned,
    pod,
    status_of,
    told,
    workload,
)

from pocketkube.workloads import Object
from pocketkube.workloads.job import INDEX, decide


def job(status: dict[str, Any] | None = None, **spec: Any) -> Object:
    return workload("Job", spec, status=status)


def ended(name: str, phase: str, at: str = BEFORE, index: str = "") -> Object:
    state: dict[str, Any] = {"containerStatuses": [{"state": {"terminated": {"finishedAt": at}}}]}
    return pod(name, phase, annotations={INDEX: index} if index else {}, **state)


INDEXED: dict[str, Any] = {"completionMode": "Indexed", "completions": 4, "parallelism": 2}
ONE = ["create Pod web-"]
STEPS: dict[str, tuple[dict[str, Any], list[Object], list[str]]] = {
    "a Pod at a time where nothing is said": ({}, [], ONE),
    "as many at a time as it says": ({"parallelism": 3, "completions": 5}, [pod("a")], ONE * 2),
    "no more than are left to do": ({"parallelism": 3, "completions": 2}, [ended("a", "Succeeded")], ONE),
    "too many are stopped, those first that do not run": (
        {"parallelism": 1, "completions": 3},
        [pod("a"), pod("b", "Pending")],
        ["delete Pod b"],
    ),
    "after a success without a count none is made": ({"parallelism": 2}, [ended("a", "Succeeded"), pod("b")], []),
    "a failed one is replaced when the pause is over": ({"completions": 1}, [ended("a", "Failed")], ONE),
    "and not before": ({"completions": 1}, [ended("a", "Failed", MOMENT)], []),
    "a suspended one runs nothing": ({"suspend": True}, [pod("a")], ["delete Pod a"]),
    "every number once": (
        INDEXED,
        [ended("a", "Succeeded", index="0"), pod("b", annotations={INDEX: "1"})],
        ["create Pod web-2-"],
    ),
    "another controller's is left alone": ({"managedBy": "example.com/other"}, [], []),
    "enough, and all have ended": ({"completions": 1}, [ended("a", "Succeeded")], []),
    "too many failures end those that run": ({"backoffLimit": 0}, [ended("a", "Failed"), pod("b")], ["delete Pod b"]),
}


@pytest.mark.parametrize("rule", STEPS)
def test_steps(rule: str) -> None:
    spec, pods, expected = STEPS[rule]
    running = job(**spec)
    assert told(decide(running, [owned(one, running) for one in pods], NOW)) == expected


RESTARTING = {**TEMPLATE, "spec": {**TEMPLATE["spec"], "restartPolicy": "OnFailure"}}
VERDICTS: dict[str, tuple[Object, list[Object], dict[str, tuple[str, str] | None]]] = {
    "it is complete when enough have succeeded": (
        job(completions=1),
        [ended("a", "Succeeded")],
        {"SuccessCriteriaMet": ("True", "CompletionsReached"), "Complete": ("True", "CompletionsReached")},
    ),
    "it has failed beyond its limit, but is not over while a Pod runs": (
        job(backoffLimit=0),
        [ended("a", "Failed"), pod("b")],
        {"FailureTarget": ("True", "BackoffLimitExceeded"), "Failed": None},
    ),
    "it is over when the last Pod is": (
        job(backoffLimit=0),
        [ended("a", "Failed")],
        {"FailureTarget": ("True", "BackoffLimitExceeded"), "Failed": ("True", "BackoffLimitExceeded")},
    ),
    "restarts in place count too": (
        job(backoffLimit=2, template=RESTARTING),
        [pod("a", containerStatuses=[{"restartCount": 2}])],
        {"FailureTarget": ("True", "BackoffLimitExceeded")},
    ),
    "its time is up": (
        job({"startTime": BEFORE}, activeDeadlineSeconds=60),
        [],
        {"Failed": ("True", "DeadlineExceeded")},
    ),
    "a suspended one says so": (job(suspend=True), [], {"Suspended": ("True", "JobSuspended")}),
    "one that goes on says so": (
        job({"conditions": [{"type": "Suspended", "status": "True", "reason": "JobSuspended"}]}),
        [],
        {"Suspended": ("False", "JobResumed")},
    ),
}


@pytest.mark.parametrize("rule", VERDICTS)
def test_verdicts(rule: str) -> None:
    running, pods, expected = VERDICTS[rule]
    status = status_of(decide(running, [owned(one, running) for one in pods], NOW))
    assert {type_: condition(status, type_) for type_ in expected} == expected


WAITS: dict[str, tuple[Object, list[Object], float | None]] = {
    "nothing to wait for": (job(), [pod("a")], None),
    "for its deadline": (job({"startTime": BEFORE}, activeDeadlineSeconds=300), [pod("a")], 55),
    "for the pause after a failure": (job(), [ended("a", "Failed", "2026-01-02T03:04:04.5Z")], 0.5),
    "longer after each failure": (
        job(),
        [ended("a", "Failed", "2026-01-02T03:04:04Z"), ended("b", "Failed", "2026-01-02T03:04:04Z")],
        1,
    ),
}


@pytest.mark.parametrize("rule", WAITS)
def test_waits(rule: str) -> None:
    running, pods, expected = WAITS[rule]
    assert decide(running, [owned(one, running) for one in pods], NOW).again == expected


def test_counts_never_go_back_though_pods_are_deleted() -> None:
    running = job({"failed": 2, "succeeded": 1, "startTime": BEFORE}, completions=3, parallelism=1)
    status = status_of(decide(running, [owned(pod("a"), running)], NOW))
    assert "failed" not in status and "succeeded" not in status and status["active"] == 1


def test_a_numbered_pod_knows_its_number() -> None:
    made = decide(job(**INDEXED), [], NOW).writes[0].object  # type: ignore[union-attr]
    assert made["metadata"]["annotations"][INDEX] == "0" and made["spec"]["hostname"] == "web-0"
    assert made["spec"]["containers"][0]["env"][0]["name"] == "JOB_COMPLETION_INDEX"


OVER = {"conditions": [{"type": "Complete", "status": "True", "lastTransitionTime": BEFORE}]}
EXPIRY: dict[str, tuple[int | None, list[str], float | None]] = {
    "it stays where nothing is said": (None, [], None),
    "it stays for its time": (300, [], 55),
    "then it goes, its Pods before it": (60, ["delete Job web in the foreground"], None),
}


@pytest.mark.parametrize("rule", EXPIRY)
def test_one_that_is_over(rule: str) -> None:
    seconds, expected, again = EXPIRY[rule]
    decision = decide(job(OVER, ttlSecondsAfterFinished=seconds), [], NOW)
    assert (told(decision), decision.again) == (expected, again)

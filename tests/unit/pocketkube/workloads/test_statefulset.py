"""Numbered Pods: in which order they come, go and are replaced."""

from typing import Any

import pytest
from tests.unit.pocketkube.workloads.objects import MOMENT, NOW, TEMPLATE, owned, pod, status_of, told, workload

from pocketkube.workloads import Create, Object
from pocketkube.workloads.statefulset import REVISION_LABEL, decide


def stateful(**spec: Any) -> Object:
    return workload("StatefulSet", {"replicas": 3, **spec})


def revision_of(owner: Object, number: int = 1) -> Object:
    """The revision that the controller makes of the present template."""
    (made,) = [
        write.object
        for write in decide(owner, [], NOW).writes
        if isinstance(write, Create) and write.object["kind"] == "ControllerRevision"
    ]
    return {**made, "metadata": {**made["metadata"], "uid": made["metadata"]["name"]}, "revision": number}


BEFORE = {**TEMPLATE, "spec": {"containers": [{"name": "c", "image": "web:0"}]}}
OLD = {REVISION_LABEL: str(revision_of(stateful(template=BEFORE))["metadata"]["name"])}
NEW = {REVISION_LABEL: str(revision_of(stateful())["metadata"]["name"])}


def pods(*parts: str) -> list[Object]:
    """``0`` is a Pod of the present template that is ready, ``0?`` one that is not, ``0-`` an old one, ``0!`` one that
    has ended, ``0x`` one that leaves."""
    marks: dict[str, dict[str, Any]] = {
        "?": {"ready": False},
        "-": {"labels": OLD},
        "!": {"phase": "Failed"},
        "x": {"leaving": True},
    }
    made = []
    for part in parts:
        options: dict[str, Any] = {"labels": NEW}
        for mark in part[1:]:
            options |= marks[mark]
        made.append(pod(f"web-{part[0]}", **options))
    return made


PARALLEL: dict[str, Any] = {"podManagementPolicy": "Parallel"}
CLAIMS: dict[str, Any] = {
    "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"resources": {}}}],
    "replicas": 1,
}
STEPS: dict[str, tuple[dict[str, Any], list[Object], list[str]]] = {
    "one after the other": ({}, [], ["create Pod web-0"]),
    "the next waits until the one before is ready": ({}, pods("0?"), []),
    "then it comes": ({}, pods("0"), ["create Pod web-1"]),
    "one in the middle that is missing comes before all": ({}, pods("0", "2"), ["create Pod web-1"]),
    "all at once where that is asked": (PARALLEL, pods("1"), ["create Pod web-0", "create Pod web-2"]),
    "from the first number that it says": ({"ordinals": {"start": 5}}, [], ["create Pod web-5"]),
    "one that has ended is replaced": ({}, pods("0!"), ["delete Pod web-0"]),
    "one that leaves is waited for": ({}, pods("0x", "1"), []),
    "with its claim": (CLAIMS, [], ["create PersistentVolumeClaim data-web-0", "create Pod web-0"]),
    "beyond the size the highest goes": ({"replicas": 1}, pods("0", "1", "2"), ["delete Pod web-2"]),
    "one at a time": ({"replicas": 1}, pods("0", "1", "2x"), []),
    "none while one below it is unwell": ({"replicas": 1}, pods("0", "1?", "2?"), []),
    "all at once beyond the size": (
        {"replicas": 1, **PARALLEL},
        pods("0", "1", "2"),
        ["delete Pod web-2", "delete Pod web-1"],
    ),
    "an old one is replaced from above": ({}, pods("0-", "1-", "2-"), ["delete Pod web-2"]),
    "one after the other, each when the last is ready": ({}, pods("0-", "1-", "2?"), []),
    "and on": ({}, pods("0-", "1-", "2"), ["delete Pod web-1"]),
    "not below the partition": (
        {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}},
        pods("0-", "1-", "2"),
        [],
    ),
    "as many at a time as it says": (
        {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}}},
        pods("0-", "1-", "2-"),
        ["delete Pod web-2", "delete Pod web-1"],
    ),
    "not where people replace them": ({"updateStrategy": {"type": "OnDelete"}}, pods("0-", "1-", "2-"), []),
}


@pytest.mark.parametrize("rule", STEPS)
def test_steps(rule: str) -> None:
    spec, present, expected = STEPS[rule]
    owner = stateful(**spec)
    old = revision_of(stateful(template=BEFORE))
    owner["status"] = {"currentRevision": old["metadata"]["name"]}
    related = [old, revision_of(owner, 2), *present]
    assert told(decide(owner, [owned(one, owner) for one in related], NOW)) == expected


def test_below_the_partition_one_comes_back_as_it_was() -> None:
    owner = stateful(updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 2}})
    old = revision_of(stateful(template=BEFORE))
    owner["status"] = {"currentRevision": old["metadata"]["name"]}
    decision = decide(owner, [owned(one, owner) for one in (old, revision_of(owner, 2), *pods("0-"))], NOW)
    (made,) = [write.object for write in decision.writes if isinstance(write, Create)]
    assert (made["metadata"]["name"], made["spec"]["containers"][0]["image"]) == ("web-1", "web:0")


def test_a_completed_update_is_the_present_revision() -> None:
    owner = stateful()
    old = revision_of(stateful(template=BEFORE))
    owner["status"] = {"currentRevision": old["metadata"]["name"]}
    related = [old, revision_of(owner, 2), *pods("0", "1", "2")]
    status = status_of(decide(owner, [owned(one, owner) for one in related], NOW))
    assert status["currentRevision"] == status["updateRevision"] == NEW[REVISION_LABEL]
    assert (status["readyReplicas"], status["currentReplicas"], status["updatedReplicas"]) == (3, 3, 3)


def test_one_that_was_ready_for_too_short_is_waited_for() -> None:
    owner = stateful(minReadySeconds=10)
    related = [revision_of(owner), pod("web-0", labels=NEW, since=MOMENT)]
    decision = decide(owner, [owned(one, owner) for one in related], NOW)
    assert (told(decision), decision.again) == ([], 10)


def test_one_that_is_deleted_makes_and_deletes_nothing() -> None:
    owner = stateful()
    leaving = {**owner, "metadata": {**owner["metadata"], "deletionTimestamp": MOMENT}}
    assert told(decide(leaving, [owned(one, owner) for one in (revision_of(owner), *pods("0!"))], NOW)) == []

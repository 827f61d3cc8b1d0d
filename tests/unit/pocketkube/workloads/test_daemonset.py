"""A Pod on the one node: when it is made, when it is replaced, what is counted."""

from typing import Any

import pytest
from tests.unit.pocketkube.workloads.objects import LABELS, MOMENT, NOW, TEMPLATE, owned, pod, status_of, told, workload

from pocketkube.workloads import Create, Object
from pocketkube.workloads.daemonset import REVISION_LABEL, TOLERATIONS, decide


def daemon(**spec: Any) -> Object:
    return workload("DaemonSet", spec)


def revision_of(owner: Object) -> Object:
    """The revision that the controller makes of the present template."""
    (made,) = [
        write.object
        for write in decide(owner, [], NOW).writes
        if isinstance(write, Create) and write.object["kind"] == "ControllerRevision"
    ]
    return {**made, "metadata": {**made["metadata"], "uid": "uid-revision"}}


NEW = {REVISION_LABEL: str(revision_of(daemon())["metadata"]["labels"][REVISION_LABEL])}
OLD = {REVISION_LABEL: "old"}
ELSEWHERE: dict[str, Any] = {"template": {**TEMPLATE, "spec": {**TEMPLATE["spec"], "nodeSelector": {"disk": "ssd"}}}}
SURGE: dict[str, Any] = {"updateStrategy": {"rollingUpdate": {"maxSurge": 1}}}
STEPS: dict[str, tuple[dict[str, Any], list[Object], list[str]]] = {
    "one is made": ({}, [], ["create Pod web-"]),
    "one is enough": ({}, [pod("a", labels=NEW), pod("b", labels=NEW)], ["delete Pod b"]),
    "one that has ended goes": ({}, [pod("a", "Failed", labels=NEW)], ["delete Pod a"]),
    "one that leaves is waited for no longer": ({}, [pod("a", labels=NEW, leaving=True)], ["create Pod web-"]),
    "an old one goes first": ({}, [pod("a", labels=OLD)], ["delete Pod a"]),
    "it stays where people replace it": ({"updateStrategy": {"type": "OnDelete"}}, [pod("a", labels=OLD)], []),
    "with a surge the new one comes first": (SURGE, [pod("a", labels=OLD)], ["create Pod web-"]),
    "and has to be ready": (SURGE, [pod("a", labels=OLD), pod("b", labels=NEW, ready=False)], []),
    "then the old one goes": (SURGE, [pod("a", labels=OLD), pod("b", labels=NEW)], ["delete Pod a"]),
    "an old one that is not ready goes at once": (
        SURGE,
        [pod("a", labels=OLD, ready=False), pod("b", labels=NEW, ready=False)],
        ["delete Pod a"],
    ),
}


@pytest.mark.parametrize("rule", STEPS)
def test_steps(rule: str) -> None:
    spec, pods, expected = STEPS[rule]
    owner = daemon(**spec)
    assert told(decide(owner, [owned(one, owner) for one in (revision_of(owner), *pods)], NOW)) == expected


def test_a_node_that_does_not_fit_has_none() -> None:
    owner = daemon(**ELSEWHERE)
    decision = decide(owner, [owned(one, owner) for one in (revision_of(owner), pod("a"))], NOW)
    assert told(decision) == ["delete Pod a"]
    assert status_of(decision)["desiredNumberScheduled"] == 0 and status_of(decision)["numberMisscheduled"] == 1


def test_a_daemons_pod_bears_what_befalls_its_node() -> None:
    owner = daemon()
    (made,) = [
        write.object
        for write in decide(owner, [owned(revision_of(owner), owner)], NOW).writes
        if isinstance(write, Create)
    ]
    assert made["spec"]["tolerations"] == TOLERATIONS and made["metadata"]["labels"] == {**LABELS, **NEW}


def test_what_is_counted() -> None:
    owner = daemon()
    status = status_of(decide(owner, [owned(one, owner) for one in (revision_of(owner), pod("a", labels=NEW))], NOW))
    assert (status["numberReady"], status["numberAvailable"], status["updatedNumberScheduled"]) == (1, 1, 1)
    assert "numberUnavailable" not in status


def test_one_that_was_ready_for_too_short_is_waited_for() -> None:
    owner = daemon(minReadySeconds=10)
    young = pod("a", labels=NEW, since=MOMENT)
    decision = decide(owner, [owned(one, owner) for one in (revision_of(owner), young)], NOW)
    assert decision.again == 10 and status_of(decision)["numberUnavailable"] == 1


def test_history_beyond_its_limit_goes() -> None:
    owner = daemon(revisionHistoryLimit=1)
    present = {**revision_of(owner), "revision": 9}
    past = [
        {
            **present,
            "metadata": {**present["metadata"], "name": f"web-{number}", "labels": LABELS},
            "revision": number,
            "data": {"spec": {"template": {"spec": {"number": number}}}},
        }
        for number in range(1, 4)
    ]
    assert told(decide(owner, [owned(one, owner) for one in (present, *past, pod("a", labels=NEW))], NOW)) == [
        "delete ControllerRevision web-1",
        "delete ControllerRevision web-2",
    ]

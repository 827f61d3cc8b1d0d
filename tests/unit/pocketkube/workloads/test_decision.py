"""What of a status is written, and when to look again."""

from typing import Any

import pytest
from tests.unit.pocketkube.workloads.objects import workload

from pocketkube.workloads import PatchObject
from pocketkube.workloads.decision import decided, earliest, status_patch

PATCHES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any] | None]] = {
    # status on record, wanted, the patch
    "nothing where all is so": ({"replicas": 1}, {"replicas": 1}, None),
    "what differs, and that alone": ({"replicas": 1, "ready": 1}, {"replicas": 2, "ready": 1}, {"replicas": 2}),
    "what is absent and wanted so": ({}, {"replicas": None, "conditions": [], "selector": ""}, None),
    "what is there and unwanted": ({"replicas": 1}, {"replicas": None}, {"replicas": None}),
    "zero is not absent": ({}, {"ready": 0}, {"ready": 0}),
    "an empty object is not absent": ({}, {"pods": {}}, {"pods": {}}),
    "what others wrote stays": ({"others": 1}, {}, None),
}


@pytest.mark.parametrize("rule", PATCHES)
def test_status(rule: str) -> None:
    recorded, wanted, expected = PATCHES[rule]
    patch = status_patch(workload("Job", {}, status=recorded), wanted)
    assert (patch.body["status"] if patch else None) == expected


def test_an_annotation_is_written_with_the_status_where_it_differs() -> None:
    noted = workload("Deployment", {}, annotations={"a": "1"})
    assert status_patch(noted, {}, {"a": "1"}) is None
    assert status_patch(noted, {}, {"a": "2"}) == PatchObject(
        noted, {"metadata": {"annotations": {"a": "2"}}}, "status"
    )


def test_the_earliest_moment_counts() -> None:
    assert earliest(None, 3.0, 2.0) == 2.0
    assert earliest(None) is None
    assert decided([None], 1.0).writes == ()

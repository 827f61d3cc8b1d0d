"""Fields nobody knows are found wherever they stand, and told in few words."""

from typing import Any

import pytest

from trueup.model.application import ApplicationSpec, Operation
from trueup.model.project import ProjectSpec
from trueup.policy.unbuilt import CONDITION, Unbuilt, messages, unknown_fields

UNKNOWN: dict[str, tuple[Any, Any, list[str]]] = {
    "none": ({"source": {"repoURL": "x", "helm": {"valueFiles": ["a"]}}}, ApplicationSpec, []),
    "at the top": ({"sorce": {}}, ApplicationSpec, ["spec.sorce"]),
    "in a block": (
        {"syncPolicy": {"automated": {"selfheal": True}}},
        ApplicationSpec,
        ["spec.syncPolicy.automated.selfheal"],
    ),
    "in a list": ({"sources": [{}, {"ksonnet": {}}]}, ApplicationSpec, ["spec.sources[1].ksonnet"]),
    "several": ({"a": 1, "destination": {"b": 1}}, ApplicationSpec, ["spec.a", "spec.destination.b"]),
    "free values are nobody's": ({"source": {"helm": {"valuesObject": {"a": {"b": 1}}}}}, ApplicationSpec, []),
    "labels are names of one's own": (
        {"syncPolicy": {"managedNamespaceMetadata": {"labels": {"a": "b"}}}},
        ApplicationSpec,
        [],
    ),
    "a null block": ({"syncPolicy": None}, ApplicationSpec, []),
    "in an operation": ({"sync": {"revison": "a"}}, Operation, ["spec.sync.revison"]),
    "in a project": (
        {"syncWindows": [{"kind": "deny", "timezone": "x"}]},
        ProjectSpec,
        ["spec.syncWindows[0].timezone"],
    ),
    "of the wrong type": ({"sources": "x", "destination": []}, ApplicationSpec, []),
    "nothing at all": (None, ApplicationSpec, []),
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_unknown_fields(what: str) -> None:
    raw, type_, places = UNKNOWN[what]
    assert unknown_fields(raw, type_, "spec") == places


def test_conditions_are_few_and_say_what_follows() -> None:
    found = [Unbuilt(field=f"spec.{number:02}", reason="is not known") for number in range(30)]
    told = messages(found)
    assert len(told) == 21
    assert told[0] == (
        CONDITION,
        "spec.00: is not known; automated sync and self-heal are off for this application",
    )
    assert told[-1] == (CONDITION, "and 10 fields more")

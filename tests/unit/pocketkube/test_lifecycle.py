"""The stage files do what their examples show; the notation means what it says.

An example of stages is an object and its next transition; one of a controller is an object with what is related to it,
and the writes that are decided.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kubegrammar.yaml import load
from pocketkube.errors import ClusterError
from pocketkube.player.lifecycle import FOLDER, beside, covers, fill, matches, next_status, read_lifecycles
from pocketkube.player.objects import Kind, group_of
from pocketkube.workloads import DECISIONS, Create, DeleteObject, PatchObject, Write

GOLDEN = Path(__file__).parents[2] / "golden" / "stages"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = datetime(2026, 1, 2, 4, 0, 0, tzinfo=UTC)
INPUTS = sorted(GOLDEN.glob("*/*.input.yaml"))
OF_STAGES = [path for path in INPUTS if not path.read_bytes().startswith((b"object:", b"#"))]


def transition(live: dict[str, Any], now: datetime = NOW) -> dict[str, Any]:
    """The next transition of an object as an expected file has it: empty when the object is where it goes."""
    lifecycle = read_lifecycles()[Kind(group_of(live["apiVersion"]), live["kind"])]
    found = next_status(lifecycle, live, now)
    return msgspec.to_builtins(found) if found else {}


def decision(example: dict[str, Any]) -> dict[str, Any]:
    """What a controller decides, as an expected file has it."""
    live = example["object"]
    controller = read_lifecycles()[Kind(group_of(live["apiVersion"]), live["kind"])].controller
    assert controller
    found = DECISIONS[controller.decides](live, example.get("related") or [], NOW)
    described: dict[str, Any] = {"writes": [describe(write) for write in found.writes]}
    return described | ({"again": round(found.again, 1)} if found.again is not None else {})


def describe(write: Write) -> dict[str, Any]:
    match write:
        case Create(object=made):
            return {"create": made}
        case PatchObject(target=target, body=body, subresource=subresource):
            on = f"{name_of(target)}/{subresource}" if subresource else name_of(target)
            return {"patch": on, "body": body}
        case DeleteObject(target=target, propagation=propagation):
            return {"delete": name_of(target), "propagation": propagation}


def name_of(obj: dict[str, Any]) -> str:
    return f"{obj['kind']} {obj['metadata']['name']}"


def case_name(path: Path) -> str:
    return f"{path.parent.name}/{path.name.removesuffix('.input.yaml')}"


@pytest.mark.parametrize("path", INPUTS, ids=case_name)
def test_example(path: Path) -> None:
    example = load(path.read_bytes(), path.name)
    expected = path.with_name(path.name.replace(".input.", ".expected."))
    found = decision(example) if "object" in example else transition(example)
    assert found == (load(expected.read_bytes(), expected.name) or {})


@pytest.mark.parametrize("path", OF_STAGES, ids=case_name)
def test_a_status_that_was_given_is_not_given_again(path: Path) -> None:
    """Only a stage on the way, such as a task that begins, leads to another; each ends, and no stage comes twice."""
    live = load(path.read_bytes(), path.name)
    seen: list[str] = []
    while found := transition(live, LATER):
        seen.append(found["stage"])
        live["status"] = {**live.get("status", {}), **found["status"]}
    assert len(seen) == len(set(seen))


def test_every_stage_file_has_examples() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} == {path.parent.name for path in INPUTS}


MATCHES: dict[str, tuple[Any, Any, bool]] = {
    "an empty pattern matches everything": ({}, {"a": 1}, True),
    "a mapping matches one that has more": ({"a": 1}, {"a": 1, "b": 2}, True),
    "a mapping wants each of its keys": ({"a": 1, "b": 2}, {"a": 1}, False),
    "a mapping does not match what is no mapping": ({"a": 1}, "a", False),
    "a list matches any of its entries": (["x", "y"], "y", True),
    "a list matches nothing else": (["x", "y"], "z", False),
    "absent matches what is missing": ({"a": "$absent"}, {}, True),
    "absent matches what is empty": ({"a": "$absent"}, {"a": ""}, True),
    "absent reaches through what is missing": ({"a": {"b": "$absent"}}, {}, True),
    "absent does not match a value": ({"a": "$absent"}, {"a": "x"}, False),
    "zero is a value": ({"a": "$present"}, {"a": 0}, True),
    "present does not match what is missing": ({"a": "$present"}, {}, False),
}


@pytest.mark.parametrize(("pattern", "value", "expected"), MATCHES.values(), ids=MATCHES.keys())
def test_matches(pattern: Any, value: Any, expected: bool) -> None:
    assert matches(pattern, value) is expected


COVERS: dict[str, tuple[Any, Any, bool]] = {
    "more than wanted is fine": ({"a": 1, "b": 2}, {"a": 1}, True),
    "another value is not": ({"a": 2}, {"a": 1}, False),
    "empty text is what the server leaves out": ({}, {"a": ""}, True),
    "an empty list is what the server leaves out": ({}, {"a": []}, True),
    "false counts": ({}, {"a": False}, False),
    "a list has the same length": ({"a": [1, 2]}, {"a": [1]}, False),
    "entries of a list are covered one by one": ({"a": [{"b": 1, "c": 2}]}, {"a": [{"b": 1}]}, True),
    "any time is a time": ({"at": "2026-01-01T00:00:00Z"}, {"at": "$now"}, True),
    "a time that is missing is wanted": ({}, {"at": "$now"}, False),
}


@pytest.mark.parametrize(("value", "wanted", "expected"), COVERS.values(), ids=COVERS.keys())
def test_covers(value: Any, wanted: Any, expected: bool) -> None:
    assert covers(value, wanted) is expected


LIVE = {"metadata": {"uid": "1"}, "spec": {"replicas": 0, "ports": [{"port": 80}, {"port": 443}]}}
FILLS: dict[str, tuple[Any, Any]] = {
    "plain values stay": ({"a": [1, "x", True]}, {"a": [1, "x", True]}),
    "the time is put in": ("$now", "T"),
    "a value of the object is put in, zero too": ({"n": "$object.spec.replicas"}, {"n": 0}),
    "a key whose value is missing is left out": ({"n": "$object.spec.other"}, {}),
    "each entry of a list makes one": ({"$each": "spec.ports", "$item": {"p": "$item.port"}}, [{"p": 80}, {"p": 443}]),
    "a missing list makes none": ({"$each": "spec.none", "$item": {}}, []),
}


@pytest.mark.parametrize(("template", "expected"), FILLS.values(), ids=FILLS.keys())
def test_fill(template: Any, expected: Any) -> None:
    assert fill(template, LIVE, "T") == expected


def test_an_address_is_in_its_network_and_stays() -> None:
    first, second = (fill("$address 10.0.0.0/30", LIVE, "T") for _ in range(2))
    assert first == second
    assert first in ("10.0.0.1", "10.0.0.2")


def test_beside_a_program_nobody_stands_in_for_it() -> None:
    everything = read_lifecycles()
    left = beside(everything, "kube-controller-manager")
    assert {kind.kind for kind in set(everything) - set(left)} == {
        "CronJob",
        "DaemonSet",
        "Deployment",
        "Job",
        "PodDisruptionBudget",
        "ReplicaSet",
        "StatefulSet",
    }
    service = Kind("", "Service")
    assert everything[service].controller and left[service].controller is None
    assert left[service].stages == everything[service].stages
    assert left[Kind("autoscaling", "HorizontalPodAutoscaler")].controller


BAD_FILES: dict[str, tuple[str, str]] = {
    "a misspelt key": ("kind: Pod\ngroup: ''\nstages: []\ndelayAnotation: x\n", "delayAnotation"),
    "a stage without a pattern": ("kind: Pod\ngroup: ''\nstages: [{name: x}]\n", "when"),
    "a decision nobody makes": ("kind: Pod\ngroup: ''\ncontroller: {decides: x, relates: []}\n", "nothing decides"),
    "a relation nobody knows": (
        "kind: Pod\ngroup: ''\ncontroller: {decides: job, relates: [{kind: Pod, by: chance}]}\n",
        "chance",
    ),
    "no YAML": ("kind: [", "pod.yaml"),
}


@pytest.mark.parametrize(("text", "named"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_bad_stage_file_is_named(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "pod.yaml").write_text(text)
    with pytest.raises(ClusterError, match=named) as caught:
        read_lifecycles(tmp_path)
    assert "pod.yaml" in str(caught.value)

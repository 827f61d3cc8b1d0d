"""Which tracking marks are believed."""

import msgspec
import pytest

from trueup.model.resource import ResourceKey
from trueup.model.status import Status
from trueup.policy.marks import unrecorded, unrecorded_message

A, B = ResourceKey("", "ConfigMap", "ns", "a"), ResourceKey("", "ConfigMap", "ns", "b")
LINE = {"kind": "ConfigMap", "namespace": "ns", "name": "a"}


def operation(status: str) -> dict[str, object]:
    line = {**LINE, "version": "v1", "status": status}
    result = {"resources": [line], "revision": "r"}
    return {"operation": {}, "phase": "Succeeded", "startedAt": "2026-01-01T00:00:00Z", "syncResult": result}


OTHER = {"resources": [{"kind": "Secret", "namespace": "ns", "name": "a"}]}
STATUSES = {
    "the last comparison names it": ({"resources": [LINE]}, {B}),
    "the last operation has written it": ({**OTHER, "operationState": operation("Synced")}, {B}),
    "the last operation has left it": ({**OTHER, "operationState": operation("PruneSkipped")}, {B}),
    "the last operation has pruned it": ({**OTHER, "operationState": operation("Pruned")}, {A, B}),
    "another kind is no record": (OTHER, {A, B}),
    "an application without a record believes marks": ({}, set()),
    "one that is empty by now does not": (
        {"history": [{"id": 1, "deployedAt": "2026-01-01T00:00:00Z", "revision": "r"}]},
        {A, B},
    ),
}


@pytest.mark.parametrize("rule", STATUSES)
def test_what_an_application_has_deployed_is_its_own(rule: str) -> None:
    status, strange = STATUSES[rule]
    assert unrecorded(msgspec.convert(status, Status), {A, B}) == strange


def test_who_reads_the_warning_knows_the_object_and_it_stays_short() -> None:
    many = [ResourceKey("", "ConfigMap", "ns", str(number)) for number in range(1000)]
    assert unrecorded_message([]) == ""
    assert unrecorded_message([B, A]).startswith("ConfigMap ns/a, ConfigMap ns/b: the tracking annotation names this")
    assert "and 995 more" in unrecorded_message(many) and len(unrecorded_message(many)) < 500

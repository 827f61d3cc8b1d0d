"""Which fields hold what their types do not take, and what is said of them."""

import copy
from typing import Any

import pytest

from trueup.model.manifest import Manifest
from trueup.offline.misfit import misfits
from trueup.render.output import manifest_of

POD = {"containers": [{"name": "a"}, {"name": "b", "resources": {"limits": {"memory": "12 Gb", "cpu": "1"}}}]}
CASES: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "nothing": ("Secret", {"data": {"a": "YQ=="}}, []),
    "base64 of a Secret": ("Secret", {"data": {"a": "not base64!!", "b": "YQ=="}}, ["data.a"]),
    "two of them": ("Secret", {"data": {"a": "!", "b": "YQ==", "c": "?"}}, ["data.a", "data.c"]),
    "a key with a point": ("Secret", {"data": {"tls.crt": "!"}}, ["data[tls.crt]"]),
    "base64 of a ConfigMap": ("ConfigMap", {"binaryData": {"a": "!"}}, ["binaryData.a"]),
    "a quantity": ("Pod", {"spec": POD}, ["spec.containers[1].resources.limits.memory"]),
    "a size": ("PersistentVolumeClaim", {"spec": {"resources": {"requests": {"storage": "ten"}}}},
               ["spec.resources.requests.storage"]),
    "what the server tells itself": ("Pod", {"spec": {"containers": "a"}}, []),
    "a kind that nobody knows": ("Nonsense", {"data": {"a": "!"}}, []),
}  # fmt: skip


def made(kind: str, fields: dict[str, Any]) -> Manifest:
    return manifest_of(
        {"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"}, **copy.deepcopy(fields)}, "a.yaml:1"
    )


@pytest.mark.parametrize("case", CASES)
def test_the_field_is_named(case: str) -> None:
    kind, fields, places = CASES[case]
    assert [found.field for found in misfits(made(kind, fields))] == places


def test_a_value_of_a_secret_is_not_told() -> None:
    [found] = misfits(made("Secret", {"data": {"a": "hunter2hunter2!"}}))
    assert "hunter2" not in found.message + found.hint
    assert "base64" in found.message
    assert "stringData" in found.hint

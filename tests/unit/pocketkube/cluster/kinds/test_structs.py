"""Go structs: what decodes, what is left out, what is always written."""

from typing import Any

import pytest

from pocketkube.cluster.kinds.scalars import Mismatch
from pocketkube.cluster.kinds.structs import Struct, struct_of


def struct(name: str) -> Struct:
    found = struct_of(name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        pytest.param(
            "core/v1.ConfigMap",
            {"data": {"a": 1}},
            "json: cannot unmarshal number into Go struct field ConfigMap.data of type string",
            id="a value of a map is named by its map",
        ),
        pytest.param(
            "core/v1.Pod",
            {"spec": {"volumes": [{"configMap": {"name": 1}}]}},
            "json: cannot unmarshal number into Go struct field"
            " ConfigMapVolumeSource.spec.volumes.VolumeSource.configMap.LocalObjectReference.name of type string",
            id="embedded structs are part of the path",
        ),
        pytest.param(
            "apps/v1.Deployment",
            {"spec": {"replicas": 2**31}},
            "json: cannot unmarshal number 2147483648 into Go struct field DeploymentSpec.spec.replicas of type int32",
            id="a number has its bits",
        ),
        pytest.param(
            "apps/v1.Deployment",
            {"spec": {"replicas": True}},
            "json: cannot unmarshal bool into Go struct field DeploymentSpec.spec.replicas of type int32",
            id="a truth is no number",
        ),
        pytest.param(
            "apps/v1.Deployment",
            [],
            "json: cannot unmarshal array into Go value of type v1.Deployment",
            id="the object itself is a struct",
        ),
        pytest.param(
            "core/v1.Secret", {"data": {"a": "a"}}, "illegal base64 data at input byte 0", id="bytes are base64"
        ),
    ],
)
def test_wrong_types_are_refused_as_go_does(kind: str, given: Any, message: str) -> None:
    with pytest.raises(Mismatch) as refused:
        struct(kind).check(given)
    assert refused.value.message() == message


@pytest.mark.parametrize(
    ("kind", "given", "stored"),
    [
        pytest.param(
            "core/v1.ConfigMap",
            {"data": {}, "binaryData": None, "immutable": False},
            {"immutable": False, "metadata": {}},
            id="an empty map and a null go, a false behind a pointer stays",
        ),
        pytest.param("core/v1.ConfigMap", {"spec": {}}, {"metadata": {}}, id="an unknown field goes"),
        pytest.param("rbac/v1.Role", {}, {"metadata": {}, "rules": None}, id="a list without omitempty stays"),
        pytest.param(
            "core/v1.ConfigMap",
            {"metadata": {"labels": {}, "finalizers": [], "creationTimestamp": None}},
            {"metadata": {}},
            id="empty metadata goes",
        ),
        pytest.param(
            "core/v1.ConfigMap",
            {"data": {"a": None}},
            {"data": {"a": ""}, "metadata": {}},
            id="a null in a map is empty",
        ),
        pytest.param(
            "core/v1.ResourceQuota",
            {"spec": {"hard": {"cpu": "1000m", "memory": "1024Mi", "x": "0.0001"}}},
            {"spec": {"hard": {"cpu": "1", "memory": "1Gi", "x": "1m"}}, "metadata": {}, "status": {}},
            id="quantities are canonical and no finer than a thousandth",
        ),
        pytest.param(
            "core/v1.Secret",
            {"data": {"a": "YWJj\nZGVm"}, "type": "x"},
            {"data": {"a": "YWJjZGVm"}, "type": "x", "metadata": {}},
            id="base64 loses its line breaks",
        ),
        pytest.param(
            "coordination/v1.Lease",
            {"spec": {"renewTime": "2026-01-01T02:00:00.000001+02:00"}},
            {"spec": {"renewTime": "2026-01-01T00:00:00.000001Z"}, "metadata": {}},
            id="times are in UTC",
        ),
    ],
)
def test_the_stored_form(kind: str, given: dict[str, Any], stored: dict[str, Any]) -> None:
    struct(kind).check(given)
    assert struct(kind).stored(given) == stored

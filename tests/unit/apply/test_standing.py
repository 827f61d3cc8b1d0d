"""What an apply that was refused may take over, and what it never may."""

from typing import Any

import pytest

from pocketkube.cluster.catalog import type_of
from trueup.apply.standing import in_the_way
from trueup.kube.errors import Cause, Invalid

SERVICE = type_of("v1", "Service")
DEPLOYMENT = type_of("apps/v1", "Deployment")
HTTP = {"name": "http", "port": 80, "targetPort": 8080}
EDITED = {"name": "http", "port": 81, "protocol": "TCP", "targetPort": 8080}


def refusal(*fields: str) -> Invalid:
    return Invalid("x", code=422, causes=[Cause("FieldValueDuplicate", "Duplicate value", field) for field in fields])


def entry(manager: str, operation: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields}


def port_of(number: int, protocol: str = "TCP") -> dict[str, Any]:
    return {"f:spec": {"f:ports": {f'k:{{"port":{number},"protocol":"{protocol}"}}': {".": {}, "f:port": {}}}}}


def service(*ports: dict[str, Any], managers: list[dict[str, Any]]) -> dict[str, Any]:
    return {"metadata": {"managedFields": managers}, "spec": {"ports": list(ports)}}


BY_EDIT = [entry("kubectl-edit", "Update", port_of(81))]
OTHER = {"name": "other", "port": 90, "protocol": "TCP", "targetPort": 9000}
Case = tuple[list[dict[str, Any]], dict[str, Any], tuple[str, ...], list[dict[str, Any]]]
PORTS: dict[str, Case] = {
    "a port whose number somebody changed": (
        [HTTP],
        service(EDITED, managers=BY_EDIT),
        ("spec.ports[1].name",),
        [EDITED],
    ),
    "one without a name": (
        [{"port": 80}],
        service({"port": 81, "protocol": "TCP"}, managers=BY_EDIT),
        ("spec.ports[0].name",),
        [{"port": 81, "protocol": "TCP"}],
    ),
    "one whose protocol somebody changed": (
        [HTTP],
        service({**HTTP, "protocol": "UDP"}, managers=[entry("kubectl-patch", "Update", port_of(80, "UDP"))]),
        ("spec.ports[1].name",),
        [{**HTTP, "protocol": "UDP"}],
    ),
    "an addition of people beside it stays": (
        [HTTP],
        service(
            EDITED,
            OTHER,
            managers=[*BY_EDIT, entry("kubectl-edit", "Update", port_of(90))],
        ),
        ("spec.ports[1].name",),
        [EDITED],
    ),
    "a port that a controller added is no edit": (
        [HTTP],
        service(EDITED, managers=[entry("mesh-operator", "Update", port_of(81))]),
        ("spec.ports[1].name",),
        [],
    ),
    "nor is one that a controller owns as well": (
        [HTTP],
        service(EDITED, managers=[*BY_EDIT, entry("mesh-operator", "Update", port_of(81))]),
        ("spec.ports[1].name",),
        [],
    ),
    "nor what somebody applied": (
        [HTTP],
        service(EDITED, managers=[entry("kubectl", "Apply", port_of(81))]),
        ("spec.ports[1].name",),
        [],
    ),
    "nothing is missing": (
        [{**HTTP, "port": 81}],
        service(EDITED, managers=BY_EDIT),
        ("spec.ports[0].name",),
        [],
    ),
    "the refusal is about something else": ([HTTP], service(EDITED, managers=BY_EDIT), ("spec.selector",), []),
    "the refusal names nothing": ([HTTP], service(EDITED, managers=BY_EDIT), (), []),
}


@pytest.mark.parametrize(("wanted", "live", "fields", "expected"), PORTS.values(), ids=PORTS.keys())
def test_ports_of_a_service(
    wanted: list[dict[str, Any]], live: dict[str, Any], fields: tuple[str, ...], expected: list[dict[str, Any]]
) -> None:
    found = in_the_way({"spec": {"ports": wanted}}, live, SERVICE, refusal(*fields)).ours
    assert (found or {"spec": {"ports": []}}) == {"spec": {"ports": expected}}


def test_what_is_of_a_controller_is_named_to_people() -> None:
    live = service(EDITED, managers=[entry("mesh-operator", "Update", port_of(81))])
    found = in_the_way({"spec": {"ports": [HTTP]}}, live, SERVICE, refusal("spec.ports[1].name"))
    assert found.hint.startswith("spec.ports[port=81,protocol=TCP] is of mesh-operator: ")


def test_a_port_of_a_container() -> None:
    def pods(port: int) -> dict[str, Any]:
        ports = [{"name": "http", "containerPort": port, "protocol": "TCP"}]
        return {"spec": {"template": {"spec": {"containers": [{"name": "c", "ports": ports}]}}}}

    fields: dict[str, Any] = {"k:" + '{"containerPort":81,"protocol":"TCP"}': {".": {}}}
    owner = {"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"c"}': {"f:ports": fields}}}}}}
    live = {**pods(81), "metadata": {"managedFields": [entry("kubectl-edit", "Update", owner)]}}
    blamed = refusal("spec.template.spec.containers[0].ports[1].name")
    assert in_the_way(pods(80), live, DEPLOYMENT, blamed).ours == pods(81)


MEMBER: dict[str, Any] = {"f:spec": {"f:updateStrategy": {"f:rollingUpdate": {"f:partition": {}}}}}
MEMBERS: dict[str, tuple[list[dict[str, Any]], bool]] = {
    "a member filled in by default goes": ([], True),
    "one that somebody set goes": ([entry("kubectl-edit", "Update", MEMBER)], True),
    "one that a controller set stays": ([entry("operator", "Update", MEMBER)], False),
}


@pytest.mark.parametrize(("managers", "goes"), MEMBERS.values(), ids=MEMBERS.keys())
def test_the_member_of_a_union(managers: list[dict[str, Any]], goes: bool) -> None:
    member = {"spec": {"updateStrategy": {"rollingUpdate": {"partition": 0}}}}
    live = {"metadata": {"managedFields": managers}, **member}
    wanted = {"spec": {"updateStrategy": {"type": "OnDelete"}}}
    blamed = refusal("spec.updateStrategy.rollingUpdate")
    found = in_the_way(wanted, live, type_of("apps/v1", "StatefulSet"), blamed).ours
    assert found == (member if goes else None)

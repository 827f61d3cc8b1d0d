"""The addresses behind a Service."""

from typing import Any

import pytest
from tests.unit.pocketkube.workloads.objects import LABELS, MOMENT, NOW, pod, told, workload

from pocketkube.workloads import Create, Object, PatchObject
from pocketkube.workloads.endpoints import HEADLESS, MOST_ENDPOINTS, decide

PORT = {"name": "http", "port": 80, "targetPort": 8080}


def service(**spec: Any) -> Object:
    return workload("Service", {"selector": LABELS, "template": None, "ports": [PORT], **spec})


def at(name: str, address: str = "10.0.0.1", **options: Any) -> Object:
    return pod(name, podIP=address, **options)


def made(of: Object, *pods: Object) -> dict[str, list[Object]]:
    """What is made, by kind."""
    found: dict[str, list[Object]] = {}
    for write in decide(of, pods, NOW).writes:
        assert isinstance(write, Create)
        found.setdefault(write.object["kind"], []).append(write.object)
    return found


def shown(of: Object, *pods: Object) -> tuple[list[str], list[str]]:
    """Names of Pods whose addresses are told, and of those that are not ready."""
    subsets = made(of, *pods)["Endpoints"][0]["subsets"]

    def names(key: str) -> list[str]:
        return [one["targetRef"]["name"] for subset in subsets for one in subset.get(key, ())]

    return names("addresses"), names("notReadyAddresses")


SHOWN: dict[str, tuple[Object, list[Object], tuple[list[str], list[str]]]] = {
    "a Pod that is ready": (service(), [at("a")], (["a"], [])),
    "one that is not": (service(), [at("a", ready=False)], ([], ["a"])),
    "one that is not, where that is no matter": (
        service(publishNotReadyAddresses=True),
        [at("a", ready=False)],
        (["a"], []),
    ),
    "none that leaves": (service(), [at("a", leaving=True), at("b")], (["b"], [])),
    "none that has ended": (service(), [at("a", phase="Succeeded"), at("b")], (["b"], [])),
    "none without an address": (service(), [pod("a"), at("b")], (["b"], [])),
    "none with other labels": (service(), [at("a", labels={"app": "db"}), at("b")], (["b"], [])),
}


@pytest.mark.parametrize("rule", SHOWN)
def test_shown(rule: str) -> None:
    of, pods, expected = SHOWN[rule]
    assert shown(of, *pods) == expected


NOTHING = {
    "without a selector": service(selector=None),
    "of a name elsewhere": service(type="ExternalName"),
    "of one that is deleted": {**service(), "metadata": {**service()["metadata"], "deletionTimestamp": MOMENT}},
}


@pytest.mark.parametrize("rule", NOTHING)
def test_nothing_is_made(rule: str) -> None:
    assert told(decide(NOTHING[rule], [at("a")], NOW)) == []


def test_a_slice_says_of_each_pod_how_it_is() -> None:
    (found,) = made(service(), at("a"), at("b", leaving=True), at("c", ready=False))["EndpointSlice"]
    assert {one["targetRef"]["name"]: tuple(one["conditions"].values()) for one in found["endpoints"]} == {
        # ready, serving, terminating
        "a": (True, True, False),
        "b": (False, True, True),
        "c": (False, False, False),
    }


def test_a_slice_holds_so_many_and_no_more() -> None:
    slices = made(service(), *(at(f"p{number:03}") for number in range(MOST_ENDPOINTS + 1)))["EndpointSlice"]
    assert [len(one["endpoints"]) for one in slices] == [MOST_ENDPOINTS, 1]
    assert len({one["metadata"]["name"] for one in slices}) == 2


def test_a_named_port_may_have_another_number_in_each_pod() -> None:
    def offering(name: str, number: int) -> Object:
        return at(name, spec={"containers": [{"ports": [{"name": "web", "containerPort": number}]}]})

    named = service(ports=[{**PORT, "targetPort": "web"}])
    slices = made(named, offering("a", 1), offering("b", 2), offering("c", 1), at("none"))["EndpointSlice"]
    assert [
        ([port["port"] for port in one["ports"]], [pod["targetRef"]["name"] for pod in one["endpoints"]])
        for one in slices
    ] == [([], ["none"]), ([1], ["a", "c"]), ([2], ["b"])]


def test_a_pod_of_its_domain_has_its_name_there() -> None:
    named = at("a", spec={"hostname": "web-0", "subdomain": "web"})
    found = made(service(clusterIP="None"), named)
    assert found["EndpointSlice"][0]["endpoints"][0]["hostname"] == "web-0"
    assert found["Endpoints"][0]["subsets"][0]["addresses"][0]["hostname"] == "web-0"
    assert found["Endpoints"][0]["metadata"]["labels"][HEADLESS] == ""


def test_what_is_as_it_should_be_is_left_alone_and_what_is_not_is_patched() -> None:
    known = [one for kind in made(service(), at("a")).values() for one in kind]
    assert told(decide(service(), [at("a"), *known], NOW)) == []
    writes = decide(service(), [at("a"), at("b", "10.0.0.2"), *known], NOW).writes
    assert [set(write.body) for write in writes if isinstance(write, PatchObject)] == [{"endpoints"}, {"subsets"}]


def test_a_slice_that_is_no_longer_needed_goes() -> None:
    many = [at(f"p{number:03}") for number in range(MOST_ENDPOINTS + 1)]
    known = made(service(), *many)["EndpointSlice"]
    writes = told(decide(service(), [*many[:MOST_ENDPOINTS], *known], NOW))
    assert f"delete EndpointSlice {known[1]['metadata']['name']}" in writes

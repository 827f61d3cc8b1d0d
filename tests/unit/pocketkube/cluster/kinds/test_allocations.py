"""Addresses and ports of Services."""

from random import Random
from typing import Any

import pytest

from pocketkube.cluster.failure import Failure
from pocketkube.cluster.kinds.allocations import NODE_PORTS, Allocations


def service(name: str = "s", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"type": "ClusterIP", "ports": [{"port": 80}]} | spec}


def given(allocations: Allocations, **spec: Any) -> dict[str, Any]:
    made = service(**spec)
    allocations.give(None, made)
    allocations.take(made)
    return made


def test_no_two_services_share_an_address_or_a_port() -> None:
    allocations = Allocations(Random(1))
    made = [given(allocations, type="NodePort") for _ in range(300)]
    assert len({item["spec"]["clusterIP"] for item in made}) == 300
    assert len({item["spec"]["ports"][0]["nodePort"] for item in made}) == 300


def test_a_taken_address_is_refused_until_it_is_released() -> None:
    allocations = Allocations(Random(1))
    first = given(allocations, clusterIP="10.96.0.10", clusterIPs=["10.96.0.10"])
    with pytest.raises(Failure, match="provided IP is already allocated"):
        given(allocations, clusterIP="10.96.0.10", clusterIPs=["10.96.0.10"])
    allocations.release(first)
    assert given(allocations, clusterIP="10.96.0.10", clusterIPs=["10.96.0.10"])["spec"]["clusterIP"] == "10.96.0.10"


def test_a_taken_node_port_is_refused() -> None:
    allocations = Allocations(Random(1))
    given(allocations, type="NodePort", ports=[{"port": 80, "nodePort": 30080}])
    with pytest.raises(Failure, match="provided port is already allocated"):
        given(allocations, type="NodePort", ports=[{"port": 80, "nodePort": 30080}])


def test_the_same_port_by_two_protocols_shares_a_node_port() -> None:
    ports = [{"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]
    made = given(Allocations(Random(1)), type="NodePort", ports=ports)
    assert made["spec"]["ports"][0]["nodePort"] == made["spec"]["ports"][1]["nodePort"]


def test_a_used_up_range_is_an_error_of_the_server() -> None:
    allocations = Allocations(Random(1))
    for port in NODE_PORTS:
        allocations.take(service(type="NodePort", ports=[{"port": 80, "nodePort": port}]))
    with pytest.raises(Failure, match="range is full"):
        given(allocations, type="NodePort")

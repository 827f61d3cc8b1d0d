"""With the type of a kind more is settled without the server, and nothing wrong is."""

from typing import Any

import pytest

from kubegrammar.merge import apply, compile_type
from trueup.diff import is_settled
from trueup.model.annotations import FIELD_MANAGER

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "size": {"type": "integer"},
                "ports": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["port", "protocol"],
                    "items": {
                        "type": "object",
                        "properties": {
                            "port": {"type": "integer"},
                            "protocol": {"type": "string", "default": "TCP"},
                            "name": {"type": "string"},
                        },
                    },
                },
                "hosts": {"type": "array", "items": {"type": "string"}},
                "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
            },
        }
    },
}
TYPE = compile_type(SCHEMA, {})


class Versions:
    def type_of(self, api_version: str) -> Any:
        return TYPE

    def serves(self, api_version: str) -> bool:
        return True

    def convert(self, obj: dict[str, Any], api_version: str) -> dict[str, Any]:
        return obj


def widget(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "a"}, "spec": spec}


def applied(obj: dict[str, Any]) -> dict[str, Any]:
    """As the server stores what we applied; protocols are filled in."""
    stored = apply(None, obj, Versions(), manager=FIELD_MANAGER, force=True, now="2026-01-01T00:00:00Z")
    for port in stored["spec"].get("ports", ()):
        port.setdefault("protocol", "TCP")
    return stored


SETTLED = {
    "two ports told apart by a default": widget(ports=[{"port": 80}, {"port": 80, "protocol": "UDP"}]),
    "an atomic list": widget(hosts=["a", "b"]),
    "a set": widget(tags=["a", "b"]),
    "a scalar": widget(size=3),
    "nothing": widget(),
}


@pytest.mark.parametrize("obj", SETTLED.values(), ids=SETTLED.keys())
def test_what_was_applied_is_settled(obj: dict[str, Any]) -> None:
    assert is_settled(obj, applied(obj), TYPE)


CHANGED = {
    "a scalar": (widget(size=3), {"size": 4}),
    "an atomic list": (widget(hosts=["a", "b"]), {"hosts": ["b", "a"]}),
    "an item that is gone": (widget(tags=["a", "b"]), {"tags": ["a"]}),
    "a port of another protocol": (widget(ports=[{"port": 80}]), {"ports": [{"port": 80, "protocol": "UDP"}]}),
    "a field of an item": (
        widget(ports=[{"port": 80, "name": "x"}]),
        {"ports": [{"port": 80, "name": "y", "protocol": "TCP"}]},
    ),
}


@pytest.mark.parametrize(("obj", "live"), CHANGED.values(), ids=CHANGED.keys())
def test_what_somebody_changed_is_not(obj: dict[str, Any], live: dict[str, Any]) -> None:
    stored = applied(obj)
    stored["spec"].update(live)
    assert not is_settled(obj, stored, TYPE)


def test_a_field_that_is_no_longer_declared_is_not() -> None:
    assert not is_settled(widget(size=3), applied(widget(size=3, tags=["a"])), TYPE)


def test_a_field_that_others_add_is_no_matter() -> None:
    stored = applied(widget(size=3))
    stored["spec"]["hosts"] = ["theirs"]
    assert is_settled(widget(size=3), stored, TYPE)


def test_an_item_without_a_key_is_for_the_server() -> None:
    obj = widget(ports=[{"name": "x"}])
    stored = applied(widget(ports=[{"port": 80}]))
    assert not is_settled(obj, stored, TYPE)

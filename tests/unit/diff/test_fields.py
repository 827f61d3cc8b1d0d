"""What a server-side apply would refuse, by the schema alone (cluster-truths 1)."""

from typing import Any

import pytest

from trueup.diff import duplicate_keys, undeclared_fields

PORTS = {
    "type": "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["containerPort", "protocol"],
    "items": {
        "properties": {"containerPort": {"type": "integer"}, "protocol": {"type": "string", "default": "TCP"}},
    },
}
COMPONENTS: dict[str, Any] = {
    "meta": {
        "properties": {
            "name": {},
            "labels": {"additionalProperties": {"type": "string"}},
            "finalizers": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
        }
    },
    "container": {
        "properties": {"name": {}, "image": {}, "ports": PORTS, "port": {"x-kubernetes-int-or-string": True}}
    },
    "self": {"properties": {"child": {"$ref": "#/components/schemas/self"}, "n": {}}},
    "loop": {"$ref": "#/components/schemas/loop"},
}
SCHEMA: dict[str, Any] = {
    "properties": {
        "apiVersion": {},
        "kind": {},
        "metadata": {"default": {}, "allOf": [{"$ref": "#/components/schemas/meta"}]},
        "spec": {
            "properties": {
                "containers": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    "items": {"default": {}, "allOf": [{"$ref": "#/components/schemas/container"}]},
                },
                "free": {"type": "object"},
                "kept": {
                    "x-kubernetes-preserve-unknown-fields": True,
                    "properties": {"known": {"properties": {"a": {}}}},
                },
                "raw": {"x-kubernetes-embedded-resource": True, "properties": {"spec": {}}},
                "self": {"$ref": "#/components/schemas/self"},
                "loop": {"$ref": "#/components/schemas/loop"},
                "limits": {"additionalProperties": {"properties": {"max": {}}}},
            }
        },
    }
}


def spec(**fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "X", "metadata": {"name": "x"}, "spec": fields}


UNDECLARED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nothing": (spec(containers=[{"name": "a", "image": "b", "port": "http"}]), []),
    "at the top": ({**spec(), "status": {}}, ["status"]),
    "behind a reference": (spec(containers=[{"name": "a"}, {"name": "b", "imge": "c"}]), ["spec.containers[1].imge"]),
    "behind allOf": ({**spec(), "metadata": {"nam": "x"}}, ["metadata.nam"]),
    "any key of a map": ({**spec(), "metadata": {"labels": {"any": "x"}}}, []),
    "in the values of a map": (spec(limits={"cpu": {"max": 1, "mx": 2}}), ["spec.limits.cpu.mx"]),
    "anything in a free-form object": (spec(free={"a": {"b": 1}}), []),
    "anything where unknown fields are preserved": (spec(kept={"x": {"y": 1}}), []),
    "what is declared in there is still checked": (spec(kept={"known": {"a": 1, "b": 2}}), ["spec.kept.known.b"]),
    "an embedded object has its own type": (
        spec(raw={"apiVersion": "v1", "kind": "Y", "metadata": {}, "spec": {}}),
        [],
    ),
    "an embedded object has no other fields": (spec(raw={"sepc": {}}), ["spec.raw.sepc"]),
    "a schema of itself": (spec(self={"child": {"child": {"m": 1}}}), ["spec.self.child.child.m"]),
    "a reference to nothing but itself": (spec(loop={"a": 1}), []),
    "several at once": (spec(a=1, b=2), ["spec.a", "spec.b"]),
}


@pytest.mark.parametrize("rule", UNDECLARED)
def test_undeclared_fields(rule: str) -> None:
    obj, expected = UNDECLARED[rule]
    assert undeclared_fields(obj, SCHEMA, COMPONENTS) == expected


def ports(*entries: dict[str, Any]) -> dict[str, Any]:
    return spec(containers=[{"name": "a", "ports": list(entries)}])


DUPLICATES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "none": (ports({"containerPort": 80}, {"containerPort": 81}), []),
    "one name twice": (spec(containers=[{"name": "a"}, {"name": "a"}]), ["spec.containers: name=a"]),
    "a key left to its default": (
        ports({"containerPort": 80}, {"containerPort": 80, "protocol": "TCP"}),
        ["spec.containers[0].ports: containerPort=80,protocol=TCP"],
    ),
    "one port by two protocols": (ports({"containerPort": 53}, {"containerPort": 53, "protocol": "UDP"}), []),
    "a value twice in a set": ({**spec(), "metadata": {"finalizers": ["a", "b", "a"]}}, ["metadata.finalizers: a"]),
    "a number and its text are two": (
        ports({"containerPort": 80}, {"containerPort": "80"}),
        ["spec.containers[0].ports: containerPort=80,protocol=TCP"],
    ),
}


@pytest.mark.parametrize("rule", DUPLICATES)
def test_duplicate_keys(rule: str) -> None:
    obj, expected = DUPLICATES[rule]
    assert duplicate_keys(obj, SCHEMA, COMPONENTS) == expected

"""Protocol buffers become what the JSON body would have been, or a refusal."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketkube.cluster.catalog import decode_protobuf
from pocketkube.cluster.failure import Failure

MAGIC = b"k8s\x00"


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def text(field: int, value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(data)) + data


def envelope(api_version: str, kind: str, body: bytes) -> bytes:
    return MAGIC + text(1, text(1, api_version) + text(2, kind)) + text(2, body)


METADATA = text(1, text(1, "a") + text(3, "default"))
CASES: dict[str, tuple[bytes, dict[str, Any]]] = {
    "texts and maps": (
        envelope("v1", "ConfigMap", METADATA + text(2, text(1, "x") + text(2, "1"))),
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "a", "namespace": "default"},
            "data": {"x": "1"},
        },
    ),
    "bytes": (
        envelope("v1", "Secret", METADATA + text(2, text(1, "x") + text(2, b"\xff\x00"))),
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "a", "namespace": "default"},
            "data": {"x": "/wA="},
        },
    ),
    "numbers, a negative one too": (
        envelope("apps/v1", "Deployment", text(2, number(1, -3) + number(5, 7))),
        {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": -3, "minReadySeconds": 7}},
    ),
    "a number or a text": (
        envelope("v1", "Service", text(2, text(1, number(3, 80) + text(4, number(1, 1) + text(3, "http"))))),
        {"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"port": 80, "targetPort": "http"}]}},
    ),
    "a quantity": (
        envelope("v1", "ResourceQuota", text(2, text(1, text(1, "pods") + text(2, text(1, "10"))))),
        {"apiVersion": "v1", "kind": "ResourceQuota", "spec": {"hard": {"pods": "10"}}},
    ),
    "an inlined message": (
        envelope("v1", "Pod", text(2, text(1, text(1, "tmp") + text(2, text(2, b""))))),
        {"apiVersion": "v1", "kind": "Pod", "spec": {"volumes": [{"name": "tmp", "emptyDir": {}}]}},
    ),
    "a moment": (
        envelope("v1", "Namespace", text(1, text(8, number(1, 1_767_225_600)))),
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"}},
    ),
    "a moment that never was": (
        envelope("v1", "Namespace", text(1, text(8, b""))),
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {}},
    ),
    "a field that is not known": (
        envelope("v1", "ConfigMap", METADATA + text(99, "x")),
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "default"}},
    ),
    "options of another group's version": (
        envelope("apps/v1", "DeleteOptions", text(4, "Background")),
        {"apiVersion": "apps/v1", "kind": "DeleteOptions", "propagationPolicy": "Background"},
    ),
}


@pytest.mark.parametrize(("body", "obj"), CASES.values(), ids=CASES.keys())
def test_decoding(body: bytes, obj: dict[str, Any]) -> None:
    assert decode_protobuf(body) == obj


REFUSED = {
    "no envelope": (b"{}", "expected prefix"),
    "an unknown kind": (envelope("v9", "Nothing", b""), 'no kind "Nothing"'),
    "a message that ends early": (envelope("v1", "ConfigMap", b"\x0a\x05a"), "unexpected EOF"),
    "a text that is none": (envelope("v1", "ConfigMap", text(1, text(1, b"\xff"))), "invalid UTF-8"),
    "a wire type that is none": (envelope("v1", "ConfigMap", b"\x0f"), "illegal wireType"),
    "a number for a message": (envelope("v1", "ConfigMap", number(1, 5)), "wrong wireType"),
}


@pytest.mark.parametrize(("body", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals(body: bytes, words: str) -> None:
    with pytest.raises(Failure, match=words) as caught:
        decode_protobuf(body)
    assert caught.value.code == 400


@given(st.sampled_from(["Pod", "Deployment", "CustomResourceDefinition", "Event"]), st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(kind: str, body: bytes) -> None:
    version = {"Deployment": "apps/v1", "CustomResourceDefinition": "apiextensions.k8s.io/v1"}.get(kind, "v1")
    try:
        assert decode_protobuf(envelope(version, kind, body))["kind"] == kind
    except Failure as failure:
        assert failure.code == 400


def test_deep_nesting_is_refused() -> None:
    schema = b""
    for _ in range(300):
        schema = text(28, schema)
    version = text(5, text(1, "v1") + text(4, text(1, schema)))
    body = envelope("apiextensions.k8s.io/v1", "CustomResourceDefinition", text(2, text(1, "g") + text(7, version[2:])))
    try:
        decode_protobuf(body)
    except Failure as failure:
        assert failure.code == 400

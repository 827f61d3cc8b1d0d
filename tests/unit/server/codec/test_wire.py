"""Messages to bytes and back, by the description."""

from typing import Any

import pytest
from google.protobuf import descriptor_pb2
from hypothesis import given
from hypothesis import strategies as st
from tests.support.messages import messages

from trueup.server.codec.accept import accept, put
from trueup.server.codec.descriptors import message_class
from trueup.server.codec.wire import decode, encode
from trueup.server.description.read import description
from trueup.server.errors import Code, Fault

V1ALPHA1 = "github.com.argoproj.argo_cd.v3.pkg.apis.application.v1alpha1."
META = "k8s.io.apimachinery.pkg.apis.meta.v1."


@given(st.sampled_from(sorted(description().messages)).flatmap(lambda name: st.tuples(st.just(name), messages(name))))
def test_a_message_survives_its_bytes(example: tuple[str, Any]) -> None:
    name, value = example
    assert decode(name, encode(name, value)) == value


@given(st.sampled_from(sorted(description().messages)).flatmap(lambda name: st.tuples(st.just(name), messages(name))))
def test_what_is_of_the_description_is_accepted_as_it_is(example: tuple[str, Any]) -> None:
    name, value = example
    if not isinstance(value, dict):
        return
    assert encode(name, accept(name, _written(value))) == encode(name, value)


def _written(value: Any) -> Any:
    """As JSON carries it: bytes are base64."""
    import base64

    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {key: _written(each) for key, each in value.items()}
    return [_written(each) for each in value] if isinstance(value, list) else value


@given(st.sampled_from(sorted(description().messages)), st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_fault_of_the_client(name: str, body: bytes) -> None:
    try:
        decode(name, body)
    except Fault as fault:
        assert fault.code is Code.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("name", "json", "proto"),
    [
        pytest.param(
            "ApplicationCondition",
            {"type": "a", "lastTransitionTime": "2026-01-31T12:00:00Z"},
            {"type": "a", "lastTransitionTime": {"seconds": 1769860800}},
            id="a time is seconds since 1970",
        ),
        pytest.param(
            "KustomizeReplica",
            {"name": "web", "count": "50%"},
            {"name": "web", "count": {"type": 1, "strVal": "50%"}},
            id="a text where a number may be has type 1",
        ),
        pytest.param(
            "KustomizeReplica",
            {"name": "web", "count": 3},
            {"name": "web", "count": {"type": 0, "intVal": 3}},
            id="a number where a text may be has type 0",
        ),
        pytest.param(
            "ResourceNode",
            {"kind": "Pod", "name": "web", "resourceVersion": "3"},
            {"resourceRef": {"kind": "Pod", "name": "web"}, "resourceVersion": "3"},
            id="the reference of a node is its own fields in JSON",
        ),
        pytest.param(
            "ApplicationSourcePluginParameter",
            {"name": "a", "map": {"k": "v"}, "array": ["x"]},
            {"name": "a", "map": {"map": {"k": "v"}}, "array": {"array": ["x"]}},
            id="a parameter's map is wrapped on the wire alone",
        ),
        pytest.param(
            "SyncStrategyHook",
            {"force": True},
            {"syncStrategyApply": {"force": True}},
            id="a hook's strategy has the fields of apply",
        ),
        pytest.param(
            "OverrideIgnoreDiff",
            {"jsonPointers": ["/spec"]},
            {"jSONPointers": ["/spec"]},
            id="JSON pointers have another name on the wire",
        ),
    ],
)
def test_forms_of_json(name: str, json: Any, proto: Any) -> None:
    whole = V1ALPHA1 + name
    written = message_class(whole).FromString(encode(whole, json))
    assert written == message_class(whole)(**proto)
    assert decode(whole, written.SerializeToString()) == json


@pytest.mark.parametrize(
    ("name", "proto", "json"),
    [
        pytest.param(
            V1ALPHA1 + "ApplicationDestination",
            {"server": "", "namespace": "web", "name": ""},
            {"namespace": "web"},
            id="Go writes empty texts of Kubernetes' types: they are absent",
        ),
        pytest.param(
            V1ALPHA1 + "SyncPolicyAutomated",
            {"prune": False, "enabled": False},
            {"prune": False, "enabled": False},
            id="what Go points to is there, empty or not",
        ),
        pytest.param(
            "application.ApplicationDeleteRequest",
            {"name": "web", "cascade": False},
            {"name": "web", "cascade": False},
            id="a request says false",
        ),
        pytest.param(
            META + "ObjectMeta",
            {"name": "web", "creationTimestamp": {}},
            {"name": "web"},
            id="the zero of Go's times is none",
        ),
    ],
)
def test_what_is_empty(name: str, proto: Any, json: Any) -> None:
    assert decode(name, message_class(name)(**proto).SerializeToString()) == json


def test_what_is_required_is_written() -> None:
    body = encode("application.LogEntry", {"content": "line"})
    assert {each.name for each, _ in message_class("application.LogEntry").FromString(body).ListFields()} == {
        "content",
        "timeStamp",
        "last",
        "timeStampStr",
        "podName",
    }


def test_bytes_of_another_kind_are_refused() -> None:
    other = descriptor_pb2.FileDescriptorProto(name="x" * 40).SerializeToString()
    with pytest.raises(Fault, match="bytes cannot be read"):
        decode("application.ApplicationQuery", other[:-3])
    with pytest.raises(Fault, match="bytes cannot be read"):
        decode("application.ApplicationQuery", b"\x0a\x02\xff\xfe")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"name": 3}, "name has to be a text"),
        ({"prune": "yes"}, "prune has to be true or false"),
        ({"resources": {}}, "resources has to be a list"),
        ({"resources": [3]}, r"resources\[0\] has to be an object"),
        ({"retryStrategy": {"limit": 1.5}}, "retryStrategy.limit has to be a whole number"),
        ({"retryStrategy": {"limit": 1 << 63}}, "retryStrategy.limit has to be a whole number of 64 bits"),
        ([], "the body has to be an object"),
    ],
)
def test_a_body_of_other_types_is_refused_by_its_place(body: Any, error: str) -> None:
    with pytest.raises(Fault, match=error):
        accept("application.ApplicationSyncRequest", body)


def test_what_is_unknown_or_null_is_left_out() -> None:
    assert accept("application.ApplicationSyncRequest", {"name": "a", "made": "up", "revision": None}) == {"name": "a"}


def test_a_query_writes_fields() -> None:
    found: dict[str, Any] = {}
    name = "application.ApplicationPodLogsQuery"
    for path, values in {
        "name": ["web"],
        "tailLines": ["10"],
        "follow": ["true"],
        "sinceTime": ["2026-01-31T12:00:00Z"],
        "made.up": ["x"],
    }.items():
        put(name, found, path, values)
    assert found == {"name": "web", "tailLines": 10, "follow": True, "sinceTime": "2026-01-31T12:00:00Z"}
    projects: dict[str, Any] = {}
    put("application.ApplicationQuery", projects, "projects", ["a", "b"])
    put("application.ApplicationUpdateRequest", projects, "application.metadata.name", ["web"])
    assert projects == {"projects": ["a", "b"], "application": {"metadata": {"name": "web"}}}


@pytest.mark.parametrize(("path", "value"), [("tailLines", "١٠"), ("tailLines", "1e3"), ("follow", "yes")])
def test_a_query_of_other_types_is_refused(path: str, value: str) -> None:
    with pytest.raises(Fault, match=path):
        put("application.ApplicationPodLogsQuery", {}, path, [value])

"""What is remembered of an apply: kubectl's annotation, digests of Secrets, our record of ownership."""

import base64
from typing import Any

import msgspec
import pytest
from tests.support.plans import live_of, manifest

from trueup.apply.memory import ANNOTATIONS_LIMIT, memories, with_memory
from trueup.model.annotations import LAST_APPLIED
from trueup.model.live import LiveObject

VALUE = base64.b64encode(b"hunter22").decode()


def live(content: dict[str, Any], kind: str = "ConfigMap") -> LiveObject:
    annotations = content.get("metadata", {}).get("annotations", {})
    version = content.get("apiVersion", "v1")
    found = live_of(manifest(kind, "a"), version=7, body=msgspec.json.encode(content), annotations=annotations)
    return msgspec.structs.replace(found, api_version=version)


def memory_of(wanted: dict[str, Any]) -> str:
    text: str = wanted["metadata"]["annotations"][LAST_APPLIED]
    return text


def secret(**data: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": data}


def test_an_apply_is_remembered_as_kubectl_writes_it_and_does_not_hold_itself() -> None:
    once, fits = with_memory({"kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "v"}}, None, secret=False)
    assert fits
    assert memory_of(once) == '{"data":{"k":"v"},"kind":"ConfigMap","metadata":{"annotations":{},"name":"a"}}\n'
    assert with_memory(once, None, secret=False) == (once, True)


def test_a_secret_is_remembered_by_its_keys_and_by_digests_that_nobody_can_compare() -> None:
    memory = memory_of(with_memory(secret(password=VALUE), None, secret=True)[0])
    assert msgspec.json.decode(memory)["data"].keys() == {"password"}
    digest = base64.b64decode(msgspec.json.decode(memory)["data"]["password"]).decode()
    for plain in (VALUE, "hunter22"):
        assert plain not in memory
        assert plain not in digest
    other = memory_of(with_memory(secret(password=VALUE), None, secret=True)[0])
    assert memory != other, "two Secrets of one value do not show it"


def test_the_digest_of_a_short_value_depends_on_the_others() -> None:
    first, _ = with_memory(secret(pin="MQ==", key=VALUE), None, secret=True)
    there = live({**first}, "Secret")
    second, _ = with_memory(secret(pin="MQ==", key="b3RoZXI="), there, secret=True)
    one, two = (msgspec.json.decode(memory_of(each))["data"]["pin"] for each in (first, second))
    assert one != two


def test_the_same_in_another_spelling_is_left_as_it_is() -> None:
    kubectls = '{"data":{"k":"a\\u003cb"},"kind":"ConfigMap","metadata":{"annotations":{},"name":"a"}}\n'
    there = live({"metadata": {"annotations": {LAST_APPLIED: kubectls}}})
    wanted = {"kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "a<b"}}
    assert memory_of(with_memory(wanted, there, secret=False)[0]) == kubectls


def test_an_unchanged_secret_is_remembered_in_the_same_words() -> None:
    once, _ = with_memory(secret(password=VALUE), None, secret=True)
    again, _ = with_memory(secret(password=VALUE), live(once, "Secret"), secret=True)
    assert memory_of(once) == memory_of(again)


@pytest.mark.parametrize("field", ["data", "stringData"])
def test_what_another_tool_left_of_a_secret_in_plain_is_read_and_replaced(field: str) -> None:
    plain = {"metadata": {"name": "a", "annotations": {}}, field: {"password": "hunter22", "old": "x"}}
    annotated = {LAST_APPLIED: msgspec.json.encode(plain).decode()}
    there = live({**secret(password=VALUE, old="eA=="), "metadata": {"annotations": annotated}}, "Secret")
    assert {"password", "old"} in [known.get("data", {}).keys() for known in memories(there, secret=True)]
    assert "hunter22" not in memory_of(with_memory(secret(password=VALUE), there, secret=True)[0])


@pytest.mark.parametrize("text", ["{broken", "[]", "null", '{"metadata": 1}', "[" * 5000], ids=repr)
def test_a_memory_that_cannot_be_read_deletes_nothing(text: str) -> None:
    there = live({"metadata": {"annotations": {LAST_APPLIED: text}}, "data": {"a": "1"}})
    assert all("data" not in known for known in memories(there, secret=False))


def test_what_only_a_server_says_is_not_remembered_as_applied() -> None:
    kubectls = {"metadata": {"creationTimestamp": None, "resourceVersion": "4", "uid": "u"}, "status": {}, "data": {}}
    there = live({"metadata": {"annotations": {LAST_APPLIED: msgspec.json.encode(kubectls).decode()}}})
    assert {"metadata": {}, "data": {}} in memories(there, secret=False)


def test_without_an_annotation_our_server_side_apply_is_the_memory() -> None:
    fields = {"f:data": {"f:a": {}}, "f:spec": {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}}}}}
    entry = {"manager": "argocd-controller", "operation": "Apply", "apiVersion": "v1", "fieldsV1": fields}
    port = {"port": 80, "protocol": "TCP", "name": "http"}
    found = live(
        {
            "apiVersion": "v1",
            "metadata": {"managedFields": [entry, {**entry, "manager": "other", "fieldsV1": {"f:data": {"f:b": {}}}}]},
            "data": {"a": "1", "b": "2"},
            "spec": {"ports": [port]},
        }
    )
    known = {"data": {"a": "1"}, "spec": {"ports": [{"port": 80, "protocol": "TCP"}]}}
    assert memories(found, secret=False)[-1] == known


def test_long_texts_are_remembered_by_digest_where_the_whole_has_no_room() -> None:
    wanted = {"metadata": {"name": "a"}, "data": {"big": "x" * ANNOTATIONS_LIMIT, "small": "y"}}
    remembering, fits = with_memory(wanted, None, secret=False)
    assert fits
    memory = msgspec.json.decode(memory_of(remembering))
    assert (memory["data"].keys(), memory["data"]["small"]) == ({"big", "small"}, "y")
    assert len(memory_of(remembering)) < 1000


def test_what_has_no_room_at_all_is_applied_without_a_memory() -> None:
    wanted = {"metadata": {"name": "a"}, "data": {f"key-{index}": "v" for index in range(30_000)}}
    remembering, fits = with_memory(wanted, None, secret=False)
    assert not fits
    assert remembering["metadata"]["annotations"] == {}
    others = {"other": "x" * (ANNOTATIONS_LIMIT - 20)}
    found = live({"metadata": {"annotations": others}})
    assert not with_memory({"metadata": {"name": "a"}}, found, secret=False)[1], "annotations of others count"


def test_of_an_object_that_we_never_applied_nothing_is_known() -> None:
    known = memories(live({"apiVersion": "v1", "metadata": {"name": "a"}, "data": {"a": "1"}}), secret=False)
    assert all(part.keys() <= {"metadata"} for part in known)

"""The description is Argo CD's API, word for word and number for number."""

import hashlib
import json
from collections import Counter

import pytest

from trueup.server.description.read import description, read
from trueup.server.description.values import Description, FieldOf

FACTS = "99fd3caf90a35b08fdf98fc330e79a9780511803ac9f04abbd55160b15de4c57"
"""SHA-256 of the services and messages of Argo CD 3.6 as canonical JSON, extracted from its descriptors."""


def _field(message: str, field: FieldOf) -> tuple[list[object], dict[str, object]]:
    """A field as protobuf has it, and the messages that it is made of there: the entries of a map."""
    if field.label != "map":
        return [field.number, field.name, field.type, "" if field.label == "pointer" else field.label], {}
    entry = f"{message}.{field.name[0].upper()}{field.name[1:]}Entry"
    fields = [[1, "key", "string", ""], [2, "value", field.type, ""]]
    return [field.number, field.name, entry, "repeated"], {entry: {"fields": fields, "map": True}}


def _facts(described: Description) -> dict[str, object]:
    messages: dict[str, object] = {}
    for name, message in described.messages.items():
        read_fields = [_field(name, each) for each in message.fields]
        messages[name] = {"fields": [each for each, _ in read_fields]}
        for _, entries in read_fields:
            messages.update(entries)
    services = {
        name: [
            {"method": each.name, "request": each.request, "response": each.response}
            | ({"stream": True} if each.streams else {})
            | {"http": [{"verb": one.verb, "path": one.path} | _body(one.body) for one in each.bindings]}
            for each in methods
        ]
        for name, methods in described.services.items()
    }
    return {"services": services, "messages": messages}


def _of_argo_cd(facts: object) -> dict[str, object]:
    """Without what is Trueup's own."""
    assert isinstance(facts, dict)
    return {name: each for name, each in facts.items() if not name.startswith("trueup.")}


def _body(body: str) -> dict[str, str]:
    return {"body": body} if body else {}


def test_services_and_messages_are_those_of_argo_cd() -> None:
    facts = {what: _of_argo_cd(each) for what, each in _facts(description()).items()}
    assert (len(facts["services"]), len(facts["messages"])) == (14, 387)
    written = json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()
    assert hashlib.sha256(written).hexdigest() == FACTS


def test_each_number_and_each_key_of_a_message_is_one_fields() -> None:
    for message in description().messages.values():
        for of in ("number", "name", "json"):
            counted = Counter(getattr(each, of) for each in message.fields if not each.inline or of != "json")
            assert not [each for each, count in counted.items() if count > 1], message.name


def test_what_is_inline_shares_no_key_with_its_surroundings() -> None:
    messages = description().messages
    for message in messages.values():
        keys = Counter(each.json for each in message.fields if not each.inline)
        for field in message.fields:
            if field.inline:
                keys.update(each.json for each in messages[field.type].fields)
        assert max(keys.values(), default=1) == 1, message.name


def test_paths_name_fields_of_the_request() -> None:
    messages = description().messages
    for method in description().methods():
        for binding in method.bindings:
            for part in binding.path.split("/"):
                message = messages[method.request]
                if part.startswith("{"):
                    for name in part.strip("{}").partition("=")[0].split("."):
                        field = message.field(name)
                        assert field is not None, (method.path, part)
                        message = messages.get(field.type, message)
            if binding.body not in ("", "*"):
                assert messages[method.request].field(binding.body), method.path


@pytest.mark.parametrize(
    "text",
    ["package a\nmessage B\n  1 c Unknown\n", "package a\nservice S\n  Get A > B\n"],
    ids=["a field of no type is an error", "a method of no message is an error"],
)
def test_errors_of_the_text_are_errors(text: str) -> None:
    with pytest.raises(ValueError, match="is no message"):
        read([text])

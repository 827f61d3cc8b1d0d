"""Messages as JSON has them, to the bytes of protobuf and back."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.message import DecodeError, Message

from trueup.server.codec.descriptors import message_class
from trueup.server.codec.forms import FORMS
from trueup.server.codec.plan import ZEROS, plan
from trueup.server.description.values import FieldOf
from trueup.server.errors import Code, Fault

Json = dict[str, Any]


def encode(message: str, value: Json) -> bytes:
    """The bytes of a message. Keys that it does not have are left out; what it has to have is written, empty or not.

    Args:
        message: its full name.
        value: as JSON has it, and of the types that the description says.

    Raises:
        ValueError: a value is none of its type: a fault of ours.
    """
    try:
        body: bytes = _message(message, value).SerializeToString()
        return body
    except (TypeError, AttributeError) as error:
        raise ValueError(f"{message}: {error}") from error


def decode(message: str, body: bytes) -> Json:
    """A message as JSON has it. What is unknown is left out.

    Raises:
        Fault: the bytes are none of this message.
    """
    try:
        read: Json = _json(message, message_class(message).FromString(body))
        return read
    except (DecodeError, ValueError, RecursionError) as error:
        raise Fault(Code.INVALID_ARGUMENT, f"the request is no {message}: its bytes cannot be read") from error


def _message(name: str, value: Json) -> Message:
    return message_class(name)(**_fields(name, value))


def _fields(name: str, value: Any) -> Json:
    form = FORMS.get(name)
    if form is not None:
        return form.read(value)
    found: Json = {}
    for field in plan(name).fields:
        if field.inline:
            inner = _fields(field.type, value)
            if inner:
                found[field.name] = message_class(field.type)(**inner)
            continue
        given = value.get(field.json)
        if given is None:
            if field.label == "required":
                found[field.name] = ZEROS[field.type] if field.scalar else _nothing(field.type)
        elif field.label == "repeated":
            found[field.name] = list(given) if field.scalar else [_message(field.type, each) for each in given]
        elif field.label == "map":
            found[field.name] = (
                dict(given) if field.scalar else {key: _message(field.type, each) for key, each in given.items()}
            )
        else:
            found[field.name] = given if field.scalar else _message(field.type, given)
    return found


def _nothing(name: str) -> Message:
    """A message that says nothing, but for what it has to."""
    return message_class(name)() if name in FORMS else _message(name, {})


def _json(name: str, message: Message) -> Any:
    form = FORMS.get(name)
    if form is not None:
        return form.write({each.name: value for each, value in message.ListFields()})
    known, found = plan(name), {}
    present = {each.name: value for each, value in message.ListFields()}
    for field in known.fields:
        if field.name not in present:
            continue
        value = present[field.name]
        if field.type == "string" and not _texts(value):
            raise ValueError(f"{field.name} is no UTF-8")
        if field.inline:
            found.update(_json(field.type, value))
        elif field.label == "repeated":
            found[field.json] = list(value) if field.scalar else [_json(field.type, each) for each in value]
        elif field.label == "map":
            found[field.json] = {
                key: value[key] if field.scalar else _json(field.type, value[key]) for key in sorted(value)
            }
        elif not (known.dropping and _says_nothing(field, value)):
            read = value if field.scalar else _json(field.type, value)
            if read is not None:
                found[field.json] = read
    return found


def _texts(value: Any) -> bool:
    """Whether these are texts: what is no UTF-8 is left as bytes."""
    if isinstance(value, str | bytes):
        return isinstance(value, str)
    return all(isinstance(each, str) for each in (value.values() if isinstance(value, Mapping) else value))


def _says_nothing(field: FieldOf, value: Any) -> bool:
    return field.scalar and field.label == "" and value == ZEROS[field.type]

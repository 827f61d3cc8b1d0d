"""Classes of protobuf for the messages of the description, made when the first is asked for."""

from functools import cache

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

from trueup.server.description.read import description
from trueup.server.description.values import FieldOf, MessageOf

_Proto = descriptor_pb2.FieldDescriptorProto
_TYPES = {
    "string": _Proto.TYPE_STRING,
    "bool": _Proto.TYPE_BOOL,
    "int32": _Proto.TYPE_INT32,
    "int64": _Proto.TYPE_INT64,
    "bytes": _Proto.TYPE_BYTES,
}


@cache
def message_class(name: str) -> type[Message]:
    """The class of a message by its full name."""
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(_flat(name)))


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    file = descriptor_pb2.FileDescriptorProto(name="api.proto", syntax="proto2")
    for message in description().messages.values():
        _add(file, message)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


def _flat(name: str) -> str:
    """One file has one package, and names are not on the wire."""
    return name.replace(".", "_")


def _add(file: descriptor_pb2.FileDescriptorProto, message: MessageOf) -> None:
    made = file.message_type.add(name=_flat(message.name))
    for field in message.fields:
        repeated = field.label in ("repeated", "map")
        added = made.field.add(
            name=field.name,
            number=field.number,
            # What is required is looked after by the codec: bytes that lack it are no error of their form.
            label=_Proto.LABEL_REPEATED if repeated else _Proto.LABEL_OPTIONAL,
        )
        if field.label == "map":
            entry = made.nested_type.add(name=f"{field.name[0].upper()}{field.name[1:]}Entry")
            entry.options.map_entry = True
            entry.field.add(name="key", number=1, label=_Proto.LABEL_OPTIONAL, type=_Proto.TYPE_STRING)
            _typed(entry.field.add(name="value", number=2, label=_Proto.LABEL_OPTIONAL), field)
            added.type, added.type_name = _Proto.TYPE_MESSAGE, f".{made.name}.{entry.name}"
        else:
            _typed(added, field)


def _typed(proto: descriptor_pb2.FieldDescriptorProto, field: FieldOf) -> None:
    if field.scalar:
        proto.type = _TYPES[field.type]
    else:
        proto.type, proto.type_name = _Proto.TYPE_MESSAGE, f".{_flat(field.type)}"

"""What both directions go by: the fields of a message as JSON has them, with those that are inline in their place."""

from collections.abc import Mapping
from functools import cache

import msgspec

from trueup.server.description.read import description
from trueup.server.description.values import FieldOf

_DROPPING = ("github.com.argoproj.", "k8s.io.")
"""Packages whose Go types write each field on the wire, empty or not, and leave the empty ones out of JSON."""
ZEROS = {"string": "", "bool": False, "int32": 0, "int64": 0, "bytes": b""}


class Plan(msgspec.Struct, frozen=True):
    """The fields of a message.

    Attributes:
        fields: in the order of the description.
        by_json: those that JSON writes by a key of its own.
        inline: those whose fields JSON has in their place.
        dropping: whether what is empty is left out of JSON.
    """

    fields: tuple[FieldOf, ...]
    by_json: Mapping[str, FieldOf]
    inline: tuple[FieldOf, ...]
    dropping: bool


@cache
def plan(message: str) -> Plan:
    """For a message by its full name."""
    fields = description().messages[message].fields
    return Plan(
        fields,
        {each.json: each for each in fields if not each.inline},
        tuple(each for each in fields if each.inline),
        message.startswith(_DROPPING),
    )

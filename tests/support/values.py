"""Random values of the types that YAML is read into."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import hypothesis.strategies as st
import msgspec
from msgspec import inspect

from kubegrammar.time import format_time
from trueup.model.fields import Fields

Overrides = Mapping[tuple[type[Fields], str], st.SearchStrategy[Any]]

_TIME = re.compile(r"_(at|time|timestamp)$")
TEXTS = st.sampled_from(["", "a", "b/c", "1", "0x1", "null", "ä\n\t☃", "x" * 300]) | st.text(max_size=8)
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC)).map(format_time)
NUMBERS = st.integers(-(2**63), 2**63 - 1)
PLAIN = st.none() | st.booleans() | NUMBERS | TEXTS
ANYTHING = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2))


def values_of(type_: type[Fields], overrides: Overrides | None = None) -> st.SearchStrategy[Any]:
    """Values of a type: each field at its default or anything that its type allows; ``overrides`` say otherwise."""
    info = inspect.type_info(type_)
    assert isinstance(info, inspect.StructType)
    parts = {}
    for field, known in zip(msgspec.structs.fields(type_), info.fields, strict=True):
        strategy = (overrides or {}).get((type_, field.name))
        if strategy is None:
            strategy = _value(known.type, field.name, overrides)
            if not known.required:
                default = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
                # A part that is always there is made of its own fields.
                strategy = strategy if isinstance(default, msgspec.Struct) else st.just(default) | strategy
        parts[field.name] = strategy
    return st.builds(type_, **parts)


def _value(info: inspect.Type, name: str, overrides: Overrides | None) -> st.SearchStrategy[Any]:
    match info:
        case inspect.UnionType(types=types):
            return st.one_of([_value(each, name, overrides) for each in types])
        case inspect.NoneType():
            return st.none()
        case inspect.StructType(cls=cls) if issubclass(cls, Fields):
            return values_of(cls, overrides)
        case inspect.EnumType(cls=enum):
            return st.sampled_from(list(enum))
        case inspect.ListType(item_type=item):
            return st.lists(_value(item, name, overrides), max_size=2)
        case inspect.DictType(value_type=value):
            return st.dictionaries(TEXTS, _value(value, name, overrides), max_size=2)
        case inspect.AnyType():
            return ANYTHING
        case inspect.StrType():
            return TIMES if _TIME.search(name) else TEXTS
        case inspect.IntType():
            return NUMBERS
        case inspect.BoolType():
            return st.booleans()
    raise TypeError(f"no values of {info}")

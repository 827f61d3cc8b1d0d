"""Random messages of the API, by its description, as JSON has them."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from kubegrammar.time import format_exact_time, format_time
from trueup.server.codec.plan import ZEROS, plan
from trueup.server.description.values import FieldOf

_TIMES = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))
_TEXTS = st.text(st.characters(codec="utf-8"), max_size=6)
_JSON = st.recursive(
    st.booleans() | st.integers(-(1 << 53), 1 << 53) | _TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TEXTS, inner, max_size=2),
    max_leaves=3,
)
_SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "string": _TEXTS,
    "bool": st.booleans(),
    "int32": st.integers(-(1 << 31), (1 << 31) - 1),
    "int64": st.integers(-(1 << 63), (1 << 63) - 1),
    "bytes": st.binary(max_size=6),
}
_FORMS: dict[str, st.SearchStrategy[Any]] = {
    # The first second of 1970 is written as nothing, as Go's zero is.
    "Time": _TIMES.map(format_time).filter(lambda text: text != "1970-01-01T00:00:00Z"),
    "MicroTime": _TIMES.map(format_exact_time).filter(lambda text: not text.startswith("1970-01-01T00:00:00")),
    "FieldsV1": _JSON,
    "RawExtension": _JSON,
    "JSON": _JSON,
    "IntOrString": _TEXTS | _SCALARS["int32"],
}


def messages(name: str, depth: int = 3) -> st.SearchStrategy[Any]:
    """A message by its full name; nothing is in it that would be absent on the way."""
    form = _FORMS.get(name.rpartition(".")[2])
    if form is not None:
        return form
    return st.deferred(lambda: _fields(name, depth))


@st.composite
def _fields(draw: st.DrawFn, name: str, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    known = plan(name)
    chosen = draw(st.sets(st.integers(0, max(len(known.fields) - 1, 0)), max_size=4))
    for number, field in enumerate(known.fields):
        if field.inline:
            found.update(draw(messages(field.type, depth - 1)) if number in chosen and depth else {})
        elif number in chosen or field.label == "required":
            value = draw(_values(field, depth)) if depth or field.scalar else None
            if value is not None and not (known.dropping and field.label == "" and _empty(field, value)):
                found[field.json] = value
    if "required" in {each.label for each in known.fields}:
        for field in known.fields:
            if field.label == "required" and field.json not in found:
                found[field.json] = draw(_least(field))
    return found


def _least(field: FieldOf) -> st.SearchStrategy[Any]:
    return st.just(ZEROS[field.type]) if field.scalar else messages(field.type, 1)


def _values(field: FieldOf, depth: int) -> st.SearchStrategy[Any]:
    one = _SCALARS[field.type] if field.scalar else messages(field.type, depth - 1)
    if field.label == "repeated":
        return st.lists(one, min_size=1, max_size=2)
    if field.label == "map":
        return st.dictionaries(_TEXTS, one, min_size=1, max_size=2)
    return one


def _empty(field: FieldOf, value: Any) -> bool:
    return field.scalar and value == ZEROS[field.type]

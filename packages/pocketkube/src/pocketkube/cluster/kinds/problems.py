"""Fields that are wrong, in the words of apimachinery's ``util/validation/field``."""

import json
from collections.abc import Iterable
from typing import Any

from pocketkube.cluster.failure import FieldCause

IMMUTABLE = "field is immutable"


class Problems(list[FieldCause]):
    """What is wrong with one object, in the order it was found. Fields are paths such as ``spec.ports[0].port``.

    Attributes:
        declared: what Kubernetes finds by the markers on its types. It is reported after all the rest.
    """

    def __init__(self) -> None:
        super().__init__()
        self.declared: list[FieldCause] = []

    def all(self) -> list[FieldCause]:
        """Everything once."""
        return list(dict.fromkeys([*self, *self.declared]))

    def declared_required(self, field: str) -> None:
        self.declared.append(FieldCause("FieldValueRequired", "Required value", field))

    def declared_invalid(self, field: str, value: Any, detail: str) -> None:
        self.declared.append(FieldCause("FieldValueInvalid", f"Invalid value: {shown(value)}: {detail}", field))

    def required(self, field: str, detail: str = "") -> None:
        self._add("FieldValueRequired", "Required value", field, detail)

    def invalid(self, field: str, value: Any, detail: str = "") -> None:
        self._add("FieldValueInvalid", f"Invalid value: {shown(value)}", field, detail)

    def unsupported(self, field: str, value: Any, choices: Iterable[str]) -> None:
        """``choices`` in the order to name them."""
        detail = f"supported values: {', '.join(map(shown, choices))}"
        self._add("FieldValueNotSupported", f"Unsupported value: {shown(value)}", field, detail)

    def forbidden(self, field: str, detail: str) -> None:
        self._add("FieldValueForbidden", "Forbidden", field, detail)

    def duplicate(self, field: str, value: Any) -> None:
        self._add("FieldValueDuplicate", f"Duplicate value: {shown(value)}", field)

    def missing(self, field: str, value: Any) -> None:
        self._add("FieldValueNotFound", f"Not found: {shown(value)}", field)

    def too_long(self, field: str, limit: int, unit: str = "bytes") -> None:
        self._add("FieldValueTooLong", "Too long", field, f"may not be more than {limit} {unit}")

    def too_many(self, field: str, count: int, limit: int) -> None:
        detail = f"must have at most {limit} item{'s' * (limit != 1)}"
        self._add("FieldValueTooMany", f"Too many: {count}", field, detail)

    def each(self, field: str, value: Any, details: Iterable[str]) -> None:
        """One problem for each detail, as the checks of names give them."""
        for detail in details:
            self.invalid(field, value, detail)

    def not_negative(self, field: str, value: Any) -> None:
        if isinstance(value, int) and value < 0:
            self.invalid(field, value, "must be greater than or equal to 0")

    def immutable(self, field: str, old: Any, new: Any) -> None:
        """Absent and empty are the same."""
        if (old or None) != (new or None):
            self.invalid(field, new, IMMUTABLE)

    def declared_immutable(self, field: str, old: Any, new: Any) -> None:
        """The marker's check does not show the value."""
        if (old or None) != (new or None):
            self.declared_invalid(field, None, IMMUTABLE)

    def one_of(self, field: str, value: Any, choices: Iterable[str], *, required: bool = True) -> None:
        """An enumerated text; choices are named in their order. Where it may be absent, it may not be empty."""
        if required and not value:
            self.required(field)
        elif value is not None and value not in choices:
            self.unsupported(field, value, choices)

    def _add(self, reason: str, message: str, field: str, detail: str = "") -> None:
        self.append(FieldCause(reason, f"{message}: {detail}" if detail else message, field))


def shown(value: Any) -> str:
    """A value as messages print it: Go's ``%q`` for texts, compact JSON for the rest."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    if not isinstance(value, str):
        text = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return text

"""Values without fields, as Go's decoder takes them and its encoder writes them."""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal
from functools import partial
from typing import Any, Final

from kubegrammar.quantity import canonical_quantity, parse_quantity

_INTEGERS: Final = {"int32": 31, "int64": 63, "int": 63, "uint32": 32, "byte": 8}
_MILLI: Final = Decimal("0.001")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_FORMAT: Final = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
_LAYOUT: Final = "2006-01-02T15:04:05Z07:00"
_MICRO_LAYOUT: Final = "2006-01-02T15:04:05.000000Z07:00"
_SECONDS: Final = len("2006-01-02T15:04:05")
_SIX_DIGITS: Final = re.compile(r".{19}\.[0-9]{6}(?![0-9])")


class Mismatch(Exception):
    """A value that its Go type does not take.

    Attributes:
        value: what JSON has: ``string``, ``number 1.5``; "" where ``text`` says all.
        go_type: ``int32``, ``v1.PodSpec``.
        text: an error of a type that decodes itself.
        struct: the innermost struct around the value.
        fields: names from the root to the value.
    """

    def __init__(self, value: str, go_type: str, text: str = "") -> None:
        super().__init__(value)
        self.value, self.go_type, self.text = value, go_type, text
        self.struct = ""
        self.fields: list[str] = []

    def message(self) -> str:
        """The text of ``UnmarshalTypeError`` in Go's encoding/json."""
        if self.text:
            return self.text
        where = f"Go struct field {self.struct}.{'.'.join(reversed(self.fields))}" if self.struct else "Go value"
        return f"json: cannot unmarshal {self.value} into {where} of type {self.go_type}"


class GoType:
    """A Go type.

    Attributes:
        name: as reflection shows it: ``[]v1.Container``.
        plain: a value that passed ``check`` is stored as it came.
        falsy: omitempty leaves out a value that Python takes for false.
    """

    plain = False
    falsy = True

    def __init__(self, name: str) -> None:
        self.name = name

    def check(self, value: Any) -> None:
        """Refuses what the decoder would refuse. Null is never passed.

        Raises:
            Mismatch: ``value`` is of a wrong type.
        """

    def stored(self, value: Any) -> Any:
        """The value as the encoder writes it, changed in place where it is a container."""
        return value

    def zero(self) -> Any:
        """What the encoder writes where nothing was given; None is null."""
        return None


def named(value: Any, with_number: bool = False) -> str:
    """What errors call a JSON value."""
    match value:
        case bool():
            return "bool"
        case str():
            return "string"
        case dict():
            return "object"
        case list():
            return "array"
        case _:
            return f"number {value}" if with_number else "number"


class String(GoType):
    plain = True

    def check(self, value: Any) -> None:
        if not isinstance(value, str):
            raise Mismatch(named(value), self.name)

    def zero(self) -> Any:
        return ""


class Boolean(GoType):
    plain = True

    def check(self, value: Any) -> None:
        if not isinstance(value, bool):
            raise Mismatch(named(value), self.name)

    def zero(self) -> Any:
        return False


class Integer(GoType):
    plain = True

    def __init__(self, name: str, base: str) -> None:
        super().__init__(name)
        self.lowest = 0 if base in ("uint32", "byte") else -(2 ** _INTEGERS[base])
        self.highest = 2 ** _INTEGERS[base] - 1

    def check(self, value: Any) -> None:
        if type(value) is not int or not self.lowest <= value <= self.highest:
            raise Mismatch(named(value, with_number=True), self.name)

    def zero(self) -> Any:
        return 0


class Float(GoType):
    plain = True

    def check(self, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Mismatch(named(value), self.name)

    def zero(self) -> Any:
        return 0


class Bytes(GoType):
    """``[]byte``: base64, written in its one standard form."""

    def check(self, value: Any) -> None:
        if not isinstance(value, str):
            raise Mismatch(named(value), self.name)
        text = value.replace("\n", "").replace("\r", "")
        match = _BASE64.match(text)
        end = match.end() if match else 0
        if end < len(text) or len(text) % 4:
            at = end if end < len(text) else len(text) // 4 * 4
            raise Mismatch("", "", f"illegal base64 data at input byte {at}")

    def stored(self, value: Any) -> Any:
        try:
            return base64.b64encode(base64.b64decode(value)).decode()
        except (binascii.Error, ValueError):
            return value


class IntOrString(GoType):
    plain = True
    falsy = False

    def check(self, value: Any) -> None:
        if isinstance(value, str):
            return
        if type(value) is not int or not -(2**31) <= value < 2**31:
            raise Mismatch(named(value, with_number=True), "int32")

    def zero(self) -> Any:
        return 0


class Quantity(GoType):
    """A resource quantity in its canonical form.

    Args:
        milli: what is finer than a thousandth is rounded up, as in a ``ResourceList``.
    """

    falsy = False

    def __init__(self, name: str, milli: bool = False) -> None:
        super().__init__(name)
        self.milli = milli

    def check(self, value: Any) -> None:
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            try:
                parse_quantity(value.strip() if isinstance(value, str) else value)
            except ValueError:
                pass
            else:
                return
        text = str(value).strip()
        if re.fullmatch(r"[+-]?[0-9]+(\.[0-9]*)?[eEinumkKMGTP]+", text):
            raise Mismatch("", "", "unable to parse quantity's suffix")
        raise Mismatch("", "", _FORMAT)

    def stored(self, value: Any) -> Any:
        quantity = value.strip() if isinstance(value, str) else value
        try:
            if self.milli and (exact := parse_quantity(quantity)) % _MILLI:
                quantity = f"{int((exact / _MILLI).to_integral_value(ROUND_CEILING))}m"
            return canonical_quantity(quantity)
        except (ValueError, ArithmeticError):
            return value

    def zero(self) -> Any:
        return "0"


class Time(GoType):
    """An instant in UTC, in whole seconds or, as ``MicroTime``, with six digits."""

    falsy = False

    def __init__(self, name: str, micro: bool) -> None:
        super().__init__(name)
        self.micro = micro

    def check(self, value: Any) -> None:
        if not isinstance(value, str):
            raise Mismatch(named(value), "string")
        layout = _MICRO_LAYOUT if self.micro else _LAYOUT
        if self.parse(value) is None:
            raise Mismatch("", "", f'parsing time "{value}" as "{layout}": cannot parse "{value}" as "2006"')
        if self.micro and not _SIX_DIGITS.match(value):
            rest = value[_SECONDS:]
            raise Mismatch("", "", f'parsing time "{value}" as "{layout}": cannot parse "{rest}" as ".000000"')

    def stored(self, value: Any) -> Any:
        instant = self.parse(value)
        if instant is None:
            return None
        text = instant.astimezone(UTC).isoformat(timespec="microseconds" if self.micro else "seconds")
        return text.replace("+00:00", "Z")

    @staticmethod
    def parse(value: str) -> datetime | None:
        if "T" not in value:
            return None
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            return None
        return instant if instant.tzinfo else None


class Anything(GoType):
    """``RawExtension`` and the like: any JSON."""

    plain = True
    falsy = False


_INTEGER_TYPES: Final[dict[str, Callable[[str], GoType]]] = {base: partial(Integer, base=base) for base in _INTEGERS}
SCALARS: Final[dict[str, Callable[[str], GoType]]] = {
    **_INTEGER_TYPES,
    "string": String,
    "bool": Boolean,
    "float64": Float,
    "float32": Float,
    "intstr.IntOrString": IntOrString,
    "resource.Quantity": Quantity,
    "meta/v1.Time": partial(Time, micro=False),
    "meta/v1.MicroTime": partial(Time, micro=True),
    "types.UID": String,
    "types.NodeName": String,
}

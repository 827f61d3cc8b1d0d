"""Kubernetes' resource quantities: ``100m``, ``1.5Gi``, ``2e3``."""

from decimal import Decimal
from typing import Final

from msgspec import Struct

from kubegrammar import pattern

_QUANTITY: Final = pattern.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?((?:[numkMGTPE]|[KMGTPE]i)?|[eE]([+-]?[0-9]+))")
_POWERS_OF_TEN: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_POWERS_OF_TWO: Final = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_TEN_SUFFIXES: Final = {power: suffix for suffix, power in _POWERS_OF_TEN.items()}
_TWO_SUFFIXES: Final = {power: suffix for suffix, power in _POWERS_OF_TWO.items()} | {0: ""}
_KI: Final = 1024
_NANO: Final = -9
_LARGEST_BINARY: Final = 2**63 - 1
_LARGEST_EXPONENT: Final = 1000
"""Kubernetes would fill its memory with the zeros of a larger one."""
_LONGEST_TEXT: Final = 1000
_INT64_DIGITS: Final = 18


class _Parsed(Struct, frozen=True):
    """``coefficient * 10**exponent``, exact.

    Attributes:
        style: the family of suffixes: "binary", "decimal" or "exponent".
        kept: the text itself where Kubernetes stores it as it came, else empty.
    """

    coefficient: int
    exponent: int
    style: str
    kept: str


def parse_quantity(quantity: str | int | float) -> Decimal:
    """The value of a quantity, rounded away from zero to whole nanos as Kubernetes rounds it.

    Raises:
        ValueError: no quantity; the message names the text. So is a suffix or a sign without a digit, which Kubernetes
            takes for 0 now and then.
    """
    parsed = _parse(quantity)
    digits = tuple(map(int, str(abs(parsed.coefficient))))
    return Decimal((int(parsed.coefficient < 0), digits, parsed.exponent))


def canonical_quantity(quantity: str | int | float) -> str:
    """A quantity as Kubernetes stores it: no fraction, the largest suffix that keeps it whole, in the same family.

    Source: ``Quantity`` of k8s.io/apimachinery/pkg/api/resource, which keeps a text that has no fraction to remove and
    no zeros to fold even where it is not in that form (``1.500``, ``+5``).

    Raises:
        ValueError: no quantity; the message names the text.
    """
    parsed = _parse(quantity)
    if parsed.kept:
        return parsed.kept
    if not parsed.coefficient:
        return "0"
    if parsed.style == "binary":
        whole, fraction = divmod(parsed.coefficient, 10**-parsed.exponent)
        # Below one Ki, and where a fraction would be lost, Kubernetes changes to decimal suffixes.
        if not fraction and abs(whole) >= _KI:
            return _binary(whole)
    coefficient, exponent = parsed.coefficient, parsed.exponent
    while coefficient % 10 == 0:
        coefficient, exponent = coefficient // 10, exponent + 1
    coefficient, exponent = coefficient * 10 ** (exponent % 3), exponent - exponent % 3
    if parsed.style == "exponent":
        return f"{coefficient}e{exponent}" if exponent else str(coefficient)
    # Beyond E there is no suffix, and Kubernetes drops the zeros: it stores 1000E as 1.
    return f"{coefficient}{_TEN_SUFFIXES.get(exponent, '')}"


def _parse(quantity: str | int | float) -> _Parsed:
    text = quantity if isinstance(quantity, str) else repr(quantity)
    match = _QUANTITY.fullmatch(text) if text and len(text) <= _LONGEST_TEXT else None
    if match is None or isinstance(quantity, bool) or not (match[2] or match[3]):
        raise ValueError(f'invalid quantity "{text[:80]}"')
    sign, whole, fraction, suffix, power = match[1], match[2].lstrip("0") or "0", match[3] or "", match[4], match[5]
    digits = whole + fraction
    value = int(sign + digits)
    if suffix in _POWERS_OF_TWO:
        shift = _POWERS_OF_TWO[suffix]
        # The room that is left in 64 bits, as Kubernetes estimates it before it takes the short way.
        short = not fraction and 14 - len(whole) - shift * 3 // 10 >= 0
        if short:
            return _Parsed(value << shift, 0, "binary", text if value % 8 else "")
        return _bounded_binary(value << shift, -len(fraction))
    if power is not None and abs(int(power)) > _LARGEST_EXPONENT:
        raise ValueError(f'quantity "{text[:80]}" is out of range')
    style, exponent = ("decimal", _POWERS_OF_TEN[suffix]) if power is None else ("exponent", int(power))
    exponent -= len(fraction)
    if len(digits) > _INT64_DIGITS or exponent < _NANO:
        return _Parsed(*_rounded(value, exponent), style, "")
    as_it_came = exponent % 3 == 0 and not digits.endswith("000") and digits[0] != "0"
    return _Parsed(value, exponent, style, text if as_it_came else "")


def _bounded_binary(coefficient: int, exponent: int) -> _Parsed:
    coefficient, exponent = _rounded(coefficient, exponent)
    unit = 10**-exponent
    if abs(coefficient) > _LARGEST_BINARY * unit:
        coefficient, exponent = _LARGEST_BINARY if coefficient > 0 else -_LARGEST_BINARY, 0
    return _Parsed(coefficient, exponent, "decimal" if 0 < abs(coefficient) < unit else "binary", "")


def _rounded(coefficient: int, exponent: int) -> tuple[int, int]:
    """The same value in nanos or coarser; what lies between two nanos goes to the one further from zero."""
    if exponent >= _NANO:
        return coefficient, exponent
    size = -(-abs(coefficient) // 10 ** (_NANO - exponent))
    return size if coefficient > 0 else -size, _NANO


def _binary(whole: int) -> str:
    shift = 0
    while whole % _KI == 0:
        whole, shift = whole // _KI, shift + 10
    return f"{whole}{_TWO_SUFFIXES[shift]}"

"""The string formats that are checked (``pkg/apiserver/validation/formats.go``, kube-openapi's ``strfmt``)."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import date
from email.utils import parseaddr
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Final
from urllib.parse import urlsplit

_NAME: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_UNITS: Final = "ns|us|µs|μs|ms|s|m|h"
_DURATION: Final = re.compile(rf"[+-]?(?:0|(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:{_UNITS}))+)")
_SPOKEN_DURATION: Final = re.compile(
    r"\s*[0-9]+\s*(?:ns|nanos?|nanoseconds?|us|µs|micros?|microseconds?|ms|millis?|milliseconds?|s|secs?|seconds?"
    r"|m|mins?|minutes?|h|hs|hours?|hrs?|d|days?|w|weeks?)\s*",
    re.IGNORECASE,
)
_DATE_TIME: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[tT]([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]+)?([zZ]|[+-][0-9]{2}:?[0-9]{2})"
)
_HOST: Final = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)*\.?")
_CARD: Final = re.compile(
    r"(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}"
    r"|(?:2131|1800|35[0-9]{3})[0-9]{11})"
)
_RGB: Final = re.compile(
    r"rgb\(\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,\s*"
    r"(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*\)"
)


def _whole(pattern: str, flags: int = 0) -> Callable[[str], bool]:
    compiled = re.compile(pattern, flags | re.ASCII)
    return lambda text: compiled.fullmatch(text) is not None


def _uuid(third: str = "[0-9a-f]{4}", fourth: str = "[0-9a-f]{4}") -> Callable[[str], bool]:
    return _whole(f"[0-9a-f]{{8}}-?[0-9a-f]{{4}}-?{third}-?{fourth}-?[0-9a-f]{{12}}", re.IGNORECASE)


def _parses(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _is_uri(text: str) -> bool:
    """What Go's ``url.ParseRequestURI`` takes: absolute, or a path from the root."""
    if not text or any(ord(char) < 0x20 or char == "\x7f" for char in text):
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    if re.search(r"%(?![0-9a-fA-F]{2})", text) or " " in parts.netloc:
        return False
    return bool(parts.scheme) or text.startswith("/")


def _is_email(text: str) -> bool:
    name, address = parseaddr(text)
    local, at, domain = address.rpartition("@")
    return bool(at and local and domain) and (text == address or bool(name) or text == f"<{address}>")


def _is_host(text: str) -> bool:
    return len(text) <= 255 and _HOST.fullmatch(text) is not None and all(len(part) <= 63 for part in text.split("."))


def _is_cidr(text: str) -> bool:
    return "/" in text and text.rpartition("/")[2].isdigit() and _parses(partial(ip_network, strict=False), text)


def _is_mac(text: str) -> bool:
    octets = re.split("[:-]", text)
    pairs = len(octets) in (6, 8, 20) and all(re.fullmatch("[0-9a-fA-F]{2}", octet) for octet in octets)
    return bool(pairs or re.fullmatch(r"[0-9a-fA-F]{4}(\.[0-9a-fA-F]{4}){2}(\.[0-9a-fA-F]{4})?", text))


def _is_base64(text: str) -> bool:
    if not text:
        return False
    try:
        base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _is_isbn10(text: str) -> bool:
    digits = re.sub("[ -]", "", text)
    if not re.fullmatch("[0-9]{9}[0-9X]", digits):
        return False
    return sum((index + 1) * (10 if digit == "X" else int(digit)) for index, digit in enumerate(digits)) % 11 == 0


def _is_isbn13(text: str) -> bool:
    digits = re.sub("[ -]", "", text)
    if not re.fullmatch("[0-9]{13}", digits):
        return False
    return sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(digits)) % 10 == 0


def _is_card(text: str) -> bool:
    digits = re.sub("[^0-9]+", "", text)
    if _CARD.fullmatch(digits) is None:
        return False
    doubled = [int(digit) * (2 if index % 2 else 1) for index, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def is_date_time(text: str) -> bool:
    """RFC 3339, and what ``strfmt`` takes besides."""
    found = _DATE_TIME.fullmatch(text)
    if found is None or not _parses(date.fromisoformat, found[1]):
        return False
    return int(found[2]) < 24 and int(found[3]) < 60 and int(found[4]) < 60


def is_duration(text: str) -> bool:
    """Go's ``time.ParseDuration``, and words such as ``3 days``."""
    return _DURATION.fullmatch(text) is not None or _SPOKEN_DURATION.fullmatch(text) is not None


_CHECKS: Final[Mapping[str, Callable[[str], bool]]] = {
    "bsonobjectid": _whole("[0-9a-fA-F]{24}"),
    "uri": _is_uri,
    "email": _is_email,
    "hostname": _is_host,
    "ipv4": partial(_parses, IPv4Address),
    "ipv6": partial(_parses, IPv6Address),
    "cidr": _is_cidr,
    "mac": _is_mac,
    "uuid": _uuid(),
    "uuid3": _uuid(third="3[0-9a-f]{3}"),
    "uuid4": _uuid(third="4[0-9a-f]{3}", fourth="[89ab][0-9a-f]{3}"),
    "uuid5": _uuid(third="5[0-9a-f]{3}", fourth="[89ab][0-9a-f]{3}"),
    "isbn": lambda text: _is_isbn10(text) or _is_isbn13(text),
    "isbn10": _is_isbn10,
    "isbn13": _is_isbn13,
    "creditcard": _is_card,
    "ssn": _whole("[0-9]{3}[- ]?[0-9]{2}[- ]?[0-9]{4}"),
    "hexcolor": _whole("#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})"),
    "rgbcolor": lambda text: _RGB.fullmatch(text) is not None,
    "byte": _is_base64,
    "password": lambda text: True,
    "date": lambda text: len(text) == 10 and _parses(date.fromisoformat, text),
    "duration": is_duration,
    "datetime": is_date_time,
    "k8sshortname": lambda text: len(text) <= 63 and re.fullmatch(_NAME, text) is not None,
    "k8slongname": lambda text: len(text) <= 253 and re.fullmatch(rf"{_NAME}(\.{_NAME})*", text) is not None,
}
_OF_NUMBERS: Final = {"integer": ("int32", "int64"), "number": ("float", "double")}


def is_known(name: str, kind: str) -> bool:
    """Whether the format of a type (one name, or "") is one that is checked; others are ignored, with a warning."""
    if kind in ("", "string"):
        return name.replace("-", "") in _CHECKS
    return name in _OF_NUMBERS.get(kind, ())


def check_of(name: str) -> Callable[[str], bool] | None:
    """The check of strings of a format."""
    return _CHECKS.get(name.replace("-", ""))

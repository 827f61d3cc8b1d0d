"""The functions that expressions may call and the CEL library lacks: strings, lists, sets, URLs, quantities, …

Values of Kubernetes' own types travel through the library as maps of one key: ``{"@quantity": "1Gi"}``. The rules are
those of ``k8s.io/apiserver/pkg/cel/library`` and cel-go's ``ext``.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import pairwise
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import cel

from kubegrammar.quantity import canonical_quantity, parse_quantity
from pocketkube.cluster import names
from pocketkube.cluster.custom import formats
from pocketkube.cluster.custom.patterns import matches, translated
from pocketkube.cluster.custom.problems import number

LONGEST: Final = 1_000_000
"""Characters or items of what a function makes."""
_SEMVER: Final = re.compile(
    r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?", re.ASCII
)
_NESTED_REPETITION: Final = re.compile(r"[)*+}?][*+{]")
_LONGEST_SEARCHED: Final = 1_000


class Refusal(ValueError):
    """A function does not take what it is given; the message is the function's own."""


def _optional(target: Any, key: Any) -> Any:
    if isinstance(target, cel.OptionalValue):
        if not target.has_value():
            return target
        target = target.value()
    try:
        if isinstance(target, list) and key < 0:
            return cel.OptionalValue.none()
        return cel.OptionalValue.of(target[key])
    except (KeyError, IndexError):
        return cel.OptionalValue.none()


def _items(optional: cel.OptionalValue) -> list[Any]:
    return [optional.value()] if optional.has_value() else []


def _first(items: list[Any]) -> cel.OptionalValue:
    return cel.OptionalValue.of(items[0]) if items else cel.OptionalValue.none()


def _last(items: list[Any]) -> cel.OptionalValue:
    return cel.OptionalValue.of(items[-1]) if items else cel.OptionalValue.none()


def _flat_first(items: list[Any]) -> Any:
    return items[0] if items else cel.OptionalValue.none()


def _compact(items: list[Any], optional: list[int]) -> list[Any]:
    kept = []
    for index, item in enumerate(items):
        kept += _items(item) if index in optional else [item]
    return kept


def _compact_map(entries: list[list[Any]], optional: list[int]) -> dict[Any, Any]:
    kept = {}
    for index, (key, value) in enumerate(entries):
        for present in _items(value) if index in optional else [value]:
            kept[key] = present
    return kept


def _pairs(target: Any) -> list[list[Any]]:
    pairs = target.items() if isinstance(target, dict) else enumerate(target)
    return [[key, value] for key, value in pairs]


def _size(value: Any) -> int:
    if not isinstance(value, str | bytes | list | dict):
        raise Refusal("no such overload: size")
    return len(value)


def _string(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return number(value)
        case dict() if len(value) == 1:
            return str(next(iter(value.values())))
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case timedelta():
            return f"{number(value.total_seconds())}s"
        case bytes():
            return value.decode()
    return str(value)


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "True", "TRUE", "t", "1"):
        return True
    if value in ("false", "False", "FALSE", "f", "0"):
        return False
    raise Refusal("type conversion error from 'string' to 'bool'")


def _char_at(text: str, index: int) -> str:
    if not 0 <= index <= len(text):
        raise Refusal(f"index out of range: {index}")
    return text[index : index + 1]


def _index_of(target: Any, wanted: Any, start: int = 0) -> int:
    if isinstance(target, str):
        if not 0 <= start <= len(target):
            raise Refusal(f"index out of range: {start}")
        return target.find(wanted, start)
    return next((index for index, item in enumerate(target) if item == wanted), -1)


def _last_index_of(target: Any, wanted: Any, end: int | None = None) -> int:
    if isinstance(target, str):
        if end is None:
            return target.rfind(wanted)
        if not 0 <= end <= len(target):
            raise Refusal(f"index out of range: {end}")
        return target.rfind(wanted, 0, end + len(wanted))
    return next((len(target) - 1 - index for index, item in enumerate(reversed(target)) if item == wanted), -1)


def _replace(text: str, old: str, new: str, count: int = -1) -> str:
    found = text.count(old) if count < 0 else min(count, text.count(old))
    if len(text) + found * len(new) > LONGEST:
        raise Refusal("operation cancelled: actual cost limit exceeded")
    return text.replace(old, new, count)


def _split(text: str, separator: str, count: int = -1) -> list[str]:
    if count == 0:
        return []
    if not separator:
        parts = list(text)
        return parts if count < 0 or len(parts) <= count else [*parts[: count - 1], "".join(parts[count - 1 :])]
    return text.split(separator) if count < 0 else text.split(separator, count - 1)


def _substring(text: str, start: int, end: int | None = None) -> str:
    last = len(text) if end is None else end
    if not 0 <= start <= len(text) or not 0 <= last <= len(text):
        raise Refusal(f"index out of range: {start if not 0 <= start <= len(text) else last}")
    if start > last:
        raise Refusal(f"invalid substring range. start: {start}, end: {last}")
    return text[start:last]


def _lower(text: str) -> str:
    return "".join(char.lower() if char.isascii() else char for char in text)


def _upper(text: str) -> str:
    return "".join(char.upper() if char.isascii() else char for char in text)


def _find_all(text: str, pattern: str, count: int = -1) -> list[str]:
    # The library has no search, and Python's engine may backtrack for ever: simple patterns and short texts only.
    if _NESTED_REPETITION.search(pattern) or len(text) > _LONGEST_SEARCHED:
        raise Refusal("operation cancelled: actual cost limit exceeded")
    matches(pattern, "")
    python = translated(pattern).replace("(?-u:\\b)", r"(?a:\b)").replace("(?-u:\\B)", r"(?a:\B)")
    found = [match[0] for match in re.finditer(python, text)]
    return found if count < 0 else found[:count]


def _find(text: str, pattern: str) -> str:
    return next(iter(_find_all(text, pattern)), "")


def _format(text: str, args: list[Any]) -> str:
    rest = iter(args)

    def one(found: "re.Match[str]") -> str:
        if found[0] == "%%":
            return "%"
        try:
            value = next(rest)
        except StopIteration:
            raise Refusal(f"index {len(args)} out of range") from None
        return _clause(value, found[1], found[2])

    made = re.sub(r"%%|%(?:\.([0-9]{1,3}))?([sdfebxXo])", one, text)
    if len(made) > LONGEST:
        raise Refusal("operation cancelled: actual cost limit exceeded")
    return made


def _clause(value: Any, precision: str | None, clause: str) -> str:
    if clause == "s":
        if isinstance(value, list):
            return f"[{', '.join(_clause(item, None, 's') for item in value)}]"
        if isinstance(value, dict):
            inside = ", ".join(f"{key}: {_clause(item, None, 's')}" for key, item in sorted(value.items()))
            return f"{{{inside}}}"
        return "null" if value is None else _string(value)
    if not isinstance(value, int | float | bool):
        raise Refusal(f"no such overload: format %{clause}")
    if clause in "fe":
        return f"{float(value):.{precision or 6}{clause}}"
    return format(int(value), clause)


def _join(items: Iterable[str], separator: str = "") -> str:
    return separator.join(items)


def _is_sorted(items: list[Any]) -> bool:
    return all(one <= other for one, other in pairwise(items))


def _sum(items: list[Any]) -> Any:
    if items and isinstance(items[0], timedelta):
        return sum(items, timedelta())
    return sum(items)


def _least(items: list[Any]) -> Any:
    if not items:
        raise Refusal("min called on empty list")
    return min(items)


def _most(items: list[Any]) -> Any:
    if not items:
        raise Refusal("max called on empty list")
    return max(items)


def _slice(items: list[Any], start: int, end: int) -> list[Any]:
    if start < 0 or end < 0:
        raise Refusal(f"cannot slice({start}, {end}), negative indexes not supported")
    if start > end:
        raise Refusal(f"cannot slice({start}, {end}), start index must be less than or equal to end index")
    if end > len(items):
        raise Refusal(f"cannot slice({start}, {end}), list is length {len(items)}")
    return items[start:end]


def _flatten(items: list[Any], depth: int = 1) -> list[Any]:
    if depth < 0:
        raise Refusal("level must be non-negative")
    for _ in range(min(depth, 20)):
        items = [inner for item in items for inner in (item if isinstance(item, list) else [item])]
    return items


def _distinct(items: list[Any]) -> list[Any]:
    kept: list[Any] = []
    seen: set[str] = set()
    for item in items:
        key = f"{type(item).__name__}:{item!r}"
        if key not in seen:
            seen.add(key)
            kept.append(item)
    return kept


def _range(count: int) -> list[int]:
    if count > LONGEST:
        raise Refusal("operation cancelled: actual cost limit exceeded")
    return list(range(count))


def _contains_all(items: list[Any], wanted: list[Any]) -> bool:
    return all(item in items for item in wanted)


def _url(text: str) -> dict[str, str]:
    if not _is_url(text):
        raise Refusal(f"URL parse error during conversion from string: {text}")
    return {"@url": text}


def _is_url(text: str) -> bool:
    holds = formats.check_of("uri")
    return bool(holds and holds(text))


def _quantity(text: str) -> dict[str, str]:
    try:
        return {"@quantity": canonical_quantity(text)}
    except ValueError:
        raise Refusal(f"quantities must match the regular expression of quantities: {text}") from None


def _is_quantity(text: str) -> bool:
    try:
        parse_quantity(text)
    except ValueError:
        return False
    return True


def _amount(value: Any) -> Any:
    return parse_quantity(value["@quantity"] if isinstance(value, dict) else value)


def _compare_quantities(one: Any, other: Any) -> int:
    left, right = _amount(one), _amount(other)
    return int(left > right) - int(left < right)


def _calculated(one: Any, other: Any, sign: int) -> dict[str, str]:
    made = _amount(one) + sign * _amount(other)
    return _quantity(format(made.normalize(), "f"))


def _as_integer(value: Any) -> int:
    amount = _amount(value)
    if amount != int(amount):
        raise Refusal("cannot convert value to integer")
    return int(amount)


def _address(text: str) -> IPv4Address | IPv6Address:
    try:
        found = ip_address(text)
    except ValueError:
        raise Refusal(f"IP Address '{text}' parse error during conversion from string") from None
    if "%" in text:
        raise Refusal(f"IP address {text!r} with zone value is not allowed")
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        raise Refusal("IPv4-mapped IPv6 address is not allowed")
    return found


def _ip(value: Any) -> dict[str, str]:
    if isinstance(value, dict):
        return {"@ip": value["@cidr"].partition("/")[0]}
    return {"@ip": str(_address(value))}


def _of_ip(read: Callable[[Any], Any], value: dict[str, str]) -> Any:
    return read(_address(value["@ip"]))


def _network(value: Any) -> IPv4Network | IPv6Network:
    text = value["@cidr"] if isinstance(value, dict) else value
    try:
        if "/" not in text:
            raise ValueError
        return ip_network(text, strict=False)
    except ValueError:
        raise Refusal(f"network address parse error during conversion from string: {text}") from None


def _cidr(text: str) -> dict[str, str]:
    _network(text)
    return {"@cidr": text}


def _contains_ip(network: Any, address: Any) -> bool:
    return _address(address["@ip"] if isinstance(address, dict) else address) in _network(network)


def _contains_cidr(network: Any, other: Any) -> bool:
    outer, inner = _network(network), _network(other)
    return outer.version == inner.version and inner.subnet_of(outer)  # type: ignore[arg-type]  # the versions are equal


def _version(value: Any, normalise: bool = False) -> tuple[Any, ...]:
    text = value["@semver"] if isinstance(value, dict) else value
    if normalise:
        text = text.removeprefix("v")
        core, dash, rest = text.partition("-")
        parts = [part.lstrip("0") or "0" for part in core.split(".")]
        text = ".".join([*parts, "0", "0"][:3]) + dash + rest
    found = _SEMVER.fullmatch(text)
    if found is None:
        raise Refusal(f"invalid semantic version: {text}")
    before = tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in (found[4] or "").split(".") if part
    )
    return int(found[1]), int(found[2]), int(found[3]), not before, before


def _semver(text: str, normalise: bool = False) -> dict[str, str]:
    major, minor, patch, released, before = _version(text, normalise)
    rest = "" if released else "-" + ".".join(str(name or digits) for _, digits, name in before)
    return {"@semver": f"{major}.{minor}.{patch}{rest}"}


def _compare_versions(one: Any, other: Any) -> int:
    left, right = _version(one), _version(other)
    return (left > right) - (left < right)


def _holds(make: Callable[..., Any], *args: Any) -> bool:
    try:
        make(*args)
    except Refusal:
        return False
    return True


_FORMATS: Final[Mapping[str, Callable[[str], list[str]]]] = {
    "dns1123Label": names.label,
    "dns1123Subdomain": names.subdomain,
    "dns1035Label": names.service_label,
    "qualifiedName": names.label_key,
    "dns1123LabelPrefix": lambda text: names.label(text[:-1] if text.endswith("-") else text),
    "dns1123SubdomainPrefix": lambda text: names.subdomain(text[:-1] if text.endswith("-") else text),
    "dns1035LabelPrefix": lambda text: names.service_label(text[:-1] if text.endswith("-") else text),
    "labelValue": names.label_value,
    "uri": lambda text: _by_format("uri", text, "invalid URI"),
    "uuid": lambda text: _by_format("uuid", text, "does not match the UUID format"),
    "byte": lambda text: _by_format("byte", text, "invalid base64"),
    "date": lambda text: _by_format("date", text, "invalid date"),
    "datetime": lambda text: _by_format("datetime", text, "invalid datetime"),
}


def _by_format(name: str, text: str, words: str) -> list[str]:
    holds = formats.check_of(name)
    return [] if holds and holds(text) else [words]


def _named_format(name: str) -> cel.OptionalValue:
    return cel.OptionalValue.of({"@format": name}) if name in _FORMATS else cel.OptionalValue.none()


def _validate(form: dict[str, str], text: str) -> cel.OptionalValue:
    wrong = _FORMATS[form["@format"]](text)
    return cel.OptionalValue.of(wrong) if wrong else cel.OptionalValue.none()


def _form(name: str) -> dict[str, str]:
    return {"@format": name}


FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "optional": _optional,
    "items": _items,
    "first": _first,
    "last": _last,
    "flatFirst": _flat_first,
    "compact": _compact,
    "compactMap": _compact_map,
    "pairs": _pairs,
    "map": dict,
    "size": _size,
    "string": _string,
    "bool": _bool,
    "matches": lambda text, pattern: matches(pattern, text),
    "charAt": _char_at,
    "indexOf": _index_of,
    "lastIndexOf": _last_index_of,
    "lowerAscii": _lower,
    "upperAscii": _upper,
    "replace": _replace,
    "split": _split,
    "substring": _substring,
    "trim": lambda text: text.strip(),
    "format": _format,
    "find": _find,
    "findAll": _find_all,
    "strings_quote": lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"',
    "join": _join,
    "isSorted": _is_sorted,
    "sum": _sum,
    "min": _least,
    "max": _most,
    "includes": lambda items, item: item in items,
    "slice": _slice,
    "flatten": _flatten,
    "distinct": _distinct,
    "reverse": lambda items: items[::-1],
    "sort": sorted,
    "lists_range": _range,
    "sets_contains": _contains_all,
    "sets_equivalent": lambda one, other: _contains_all(one, other) and _contains_all(other, one),
    "sets_intersects": lambda one, other: any(item in other for item in one),
    "url": _url,
    "isURL": _is_url,
    "getScheme": lambda url: urlsplit(url["@url"]).scheme,
    "getHost": lambda url: urlsplit(url["@url"]).netloc.rpartition("@")[2],
    "getHostname": lambda url: urlsplit(url["@url"]).hostname or "",
    "getPort": lambda url: str(urlsplit(url["@url"]).port or ""),
    "getEscapedPath": lambda url: urlsplit(url["@url"]).path,
    "getQuery": lambda url: parse_qs(urlsplit(url["@url"]).query, keep_blank_values=True),
    "quantity": _quantity,
    "isQuantity": _is_quantity,
    "isInteger": lambda value: _holds(_as_integer, value),
    "asInteger": _as_integer,
    "asApproximateFloat": lambda value: float(_amount(value)),
    "sign": lambda value: _compare_quantities(value, 0),
    "add": partial(_calculated, sign=1),
    "sub": partial(_calculated, sign=-1),
    "ip": _ip,
    "isIP": partial(_holds, _address),
    "ip_isCanonical": lambda text: str(_address(text)) == text,
    "family": partial(_of_ip, lambda address: address.version),
    "isUnspecified": partial(_of_ip, lambda address: address.is_unspecified),
    "isLoopback": partial(_of_ip, lambda address: address.is_loopback),
    "isLinkLocalMulticast": partial(
        _of_ip, lambda address: address in ip_network("224.0.0.0/24" if address.version == 4 else "ff02::/16")
    ),
    "isLinkLocalUnicast": partial(_of_ip, lambda address: address.is_link_local),
    "isGlobalUnicast": partial(
        _of_ip,
        lambda address: (
            not (address.is_unspecified or address.is_loopback or address.is_multicast or address.is_link_local)
        ),
    ),
    "cidr": _cidr,
    "isCIDR": partial(_holds, _network),
    "containsIP": _contains_ip,
    "containsCIDR": _contains_cidr,
    "masked": lambda network: {"@cidr": str(_network(network))},
    "prefixLength": lambda network: _network(network).prefixlen,
    "semver": _semver,
    "isSemver": partial(_holds, _version),
    "major": lambda version: _version(version)[0],
    "minor": lambda version: _version(version)[1],
    "patch": lambda version: _version(version)[2],
    "compareTo": lambda one, other: (_compare_versions if "@semver" in one else _compare_quantities)(one, other),
    "isGreaterThan": lambda one, other: (
        (_compare_versions if "@semver" in one else _compare_quantities)(one, other) > 0
    ),
    "isLessThan": lambda one, other: (_compare_versions if "@semver" in one else _compare_quantities)(one, other) < 0,
    "format_named": _named_format,
    "validate": _validate,
    **{f"format_{name}": partial(_form, name) for name in _FORMATS},
}

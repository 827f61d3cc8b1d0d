"""The functions that expressions may call and the CEL library lacks: strings, lists, sets, URLs, quantities, …

Values of Kubernetes' own types travel through the library as maps of one key: ``{"@quantity": "1Gi"}``. The rules are
those of ``k8s.io/apiserver/pkg/cel/library`` and cel-go's ``ext``.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from ipaddress import ip_network
from itertools import pairwise
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from kubegrammar.quantity import canonical_quantity, parse_quantity
from pocketkube.cluster import names
from pocketkube.cluster.custom import formats
from pocketkube.cluster.custom.expressions import addresses, strings
from pocketkube.cluster.custom.expressions.refusal import LONGEST, FunctionRefusal
from pocketkube.cluster.custom.library import cel
from pocketkube.cluster.custom.patterns import matches


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
        raise FunctionRefusal("no such overload: size")
    return len(value)


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "True", "TRUE", "t", "1"):
        return True
    if value in ("false", "False", "FALSE", "f", "0"):
        return False
    raise FunctionRefusal("type conversion error from 'string' to 'bool'")


def _is_sorted(items: list[Any]) -> bool:
    return all(one <= other for one, other in pairwise(items))


def _sum(items: list[Any]) -> Any:
    if items and isinstance(items[0], timedelta):
        return sum(items, timedelta())
    return sum(items)


def _least(items: list[Any]) -> Any:
    if not items:
        raise FunctionRefusal("min called on empty list")
    return min(items)


def _most(items: list[Any]) -> Any:
    if not items:
        raise FunctionRefusal("max called on empty list")
    return max(items)


def _slice(items: list[Any], start: int, end: int) -> list[Any]:
    if start < 0 or end < 0:
        raise FunctionRefusal(f"cannot slice({start}, {end}), negative indexes not supported")
    if start > end:
        raise FunctionRefusal(f"cannot slice({start}, {end}), start index must be less than or equal to end index")
    if end > len(items):
        raise FunctionRefusal(f"cannot slice({start}, {end}), list is length {len(items)}")
    return items[start:end]


def _flatten(items: list[Any], depth: int = 1) -> list[Any]:
    if depth < 0:
        raise FunctionRefusal("level must be non-negative")
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
        raise FunctionRefusal("operation cancelled: actual cost limit exceeded")
    return list(range(count))


def _contains_all(items: list[Any], wanted: list[Any]) -> bool:
    return all(item in items for item in wanted)


def _url(text: str) -> dict[str, str]:
    if not _is_url(text):
        raise FunctionRefusal(f"URL parse error during conversion from string: {text}")
    return {"@url": text}


def _is_url(text: str) -> bool:
    holds = formats.check_of("uri")
    return bool(holds and holds(text))


def _quantity(text: str) -> dict[str, str]:
    try:
        return {"@quantity": canonical_quantity(text)}
    except ValueError:
        raise FunctionRefusal(f"quantities must match the regular expression of quantities: {text}") from None


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


def _compare(one: Any, other: Any) -> int:
    """Versions or quantities."""
    return addresses.compare_versions(one, other) if "@semver" in one else _compare_quantities(one, other)


def _calculated(one: Any, other: Any, sign: int) -> dict[str, str]:
    made = _amount(one) + sign * _amount(other)
    return _quantity(format(made.normalize(), "f"))


def _as_integer(value: Any) -> int:
    amount = _amount(value)
    if amount != int(amount):
        raise FunctionRefusal("cannot convert value to integer")
    return int(amount)


def _holds(make: Callable[..., Any], *args: Any) -> bool:
    try:
        make(*args)
    except FunctionRefusal:
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
    "string": strings.string_of,
    "bool": _bool,
    "matches": lambda text, pattern: matches(pattern, text),
    "charAt": strings.char_at,
    "indexOf": strings.index_of,
    "lastIndexOf": strings.last_index_of,
    "lowerAscii": strings.lowered,
    "upperAscii": strings.uppered,
    "replace": strings.replaced,
    "split": strings.split_by,
    "substring": strings.substring,
    "trim": lambda text: text.strip(),
    "format": strings.formatted,
    "find": strings.found_first,
    "findAll": strings.find_all,
    "strings_quote": lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"',
    "join": strings.joined,
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
    "ip": addresses.ip_of,
    "isIP": partial(_holds, addresses.address_of),
    "ip_isCanonical": lambda text: str(addresses.address_of(text)) == text,
    "family": partial(addresses.of_ip, lambda address: address.version),
    "isUnspecified": partial(addresses.of_ip, lambda address: address.is_unspecified),
    "isLoopback": partial(addresses.of_ip, lambda address: address.is_loopback),
    "isLinkLocalMulticast": partial(
        addresses.of_ip, lambda address: address in ip_network("224.0.0.0/24" if address.version == 4 else "ff02::/16")
    ),
    "isLinkLocalUnicast": partial(addresses.of_ip, lambda address: address.is_link_local),
    "isGlobalUnicast": partial(
        addresses.of_ip,
        lambda address: (
            not (address.is_unspecified or address.is_loopback or address.is_multicast or address.is_link_local)
        ),
    ),
    "cidr": addresses.cidr_of,
    "isCIDR": partial(_holds, addresses.network_of),
    "containsIP": addresses.contains_ip,
    "containsCIDR": addresses.contains_cidr,
    "masked": lambda network: {"@cidr": str(addresses.network_of(network))},
    "prefixLength": lambda network: addresses.network_of(network).prefixlen,
    "semver": addresses.semver_of,
    "isSemver": partial(_holds, addresses.version_of),
    "major": lambda version: addresses.version_of(version)[0],
    "minor": lambda version: addresses.version_of(version)[1],
    "patch": lambda version: addresses.version_of(version)[2],
    "compareTo": _compare,
    "isGreaterThan": lambda one, other: _compare(one, other) > 0,
    "isLessThan": lambda one, other: _compare(one, other) < 0,
    "format_named": _named_format,
    "validate": _validate,
    **{f"format_{name}": partial(_form, name) for name in _FORMATS},
}

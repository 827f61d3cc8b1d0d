"""The forms of names. Every check gives the list of what is wrong (apimachinery ``util/validation``)."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final

_LABEL: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN: Final = rf"{_LABEL}(\.{_LABEL})*"
_QUALIFIED: Final = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_TEXT: Final = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with"
    " an alphanumeric character"
)
_SUBDOMAIN_TEXT: Final = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and"
    " end with an alphanumeric character"
)
_SERVICE_TEXT: Final = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character,"
    " and end with an alphanumeric character"
)
_WILDCARD_TEXT: Final = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of"
    " lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character"
)
_KEY_TEXT: Final = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
)
_VALUE_TEXT: Final = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and"
    " end with an alphanumeric character"
)
_CONFIG_TEXT: Final = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
_ENVIRONMENT_TEXT: Final = (
    "a valid environment variable name must consist only of printable ASCII characters other than '='"
)
_HEADER_TEXT: Final = "a valid HTTP header must consist of alphanumeric characters or '-'"


def _regex(text: str, pattern: str, *examples: str) -> str:
    quoted = ",  or ".join(f"'{example}'" for example in examples)
    return f"{text} (e.g. {quoted}, regex used for validation is '{pattern}')"


def _too_long(limit: int, unit: str = "characters") -> str:
    return f"must be no more than {limit} {unit}"


def label(name: str) -> list[str]:
    """RFC 1123 label."""
    errors = [_too_long(63)] if len(name.encode()) > 63 else []
    if not re.fullmatch(_LABEL, name):
        if re.fullmatch(_SUBDOMAIN, name):
            errors.append("must not contain dots")
        else:
            errors.append(_regex(_LABEL_TEXT, _LABEL, "my-name", "123-abc"))
    return errors


def subdomain(name: str, unit: str = "characters") -> list[str]:
    """RFC 1123 subdomain. ``unit`` is what messages count in."""
    errors = [_too_long(253, unit)] if len(name.encode()) > 253 else []
    if not re.fullmatch(_SUBDOMAIN, name):
        errors.append(_regex(_SUBDOMAIN_TEXT, _SUBDOMAIN, "example.com"))
    return errors


def service_label(name: str) -> list[str]:
    """RFC 1035 label, the name of a Service."""
    errors = [_too_long(63)] if len(name.encode()) > 63 else []
    if not re.fullmatch("[a-z]([-a-z0-9]*[a-z0-9])?", name):
        errors.append(_regex(_SERVICE_TEXT, "[a-z]([-a-z0-9]*[a-z0-9])?", "my-name", "abc-123"))
    return errors


def wildcard_subdomain(name: str) -> list[str]:
    errors = [_too_long(253)] if len(name.encode()) > 253 else []
    if not re.fullmatch(rf"\*\.{_SUBDOMAIN}", name):
        errors.append(_regex(_WILDCARD_TEXT, rf"\*\.{_SUBDOMAIN}", "*.example.com"))
    return errors


def label_key(name: str) -> list[str]:
    """A qualified name: ``[prefix/]name``."""
    prefix, slash, rest = name.partition("/")
    part = rest if slash else prefix
    errors: list[str] = []
    if slash:
        if not prefix:
            errors.append("prefix part must be non-empty")
        else:
            errors.extend(f"prefix part {text}" for text in subdomain(prefix, "bytes"))
        if "/" in rest:
            text = _regex(_KEY_TEXT, _QUALIFIED, "MyName", "my.name", "123-abc")
            return [
                f"a valid label key {text} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            ]
    if not part:
        errors.append("name part must be non-empty")
    elif len(part.encode()) > 63:
        errors.append(f"name part {_too_long(63, 'bytes')}")
    if not re.fullmatch(_QUALIFIED, part):
        errors.append(f"name part {_regex(_KEY_TEXT, _QUALIFIED, 'MyName', 'my.name', '123-abc')}")
    return errors


def label_value(value: str) -> list[str]:
    errors = [_too_long(63, "bytes")] if len(value.encode()) > 63 else []
    if not re.fullmatch(f"({_QUALIFIED})?", value):
        errors.append(_regex(_VALUE_TEXT, f"({_QUALIFIED})?", "MyValue", "my_value", "12345"))
    return errors


def config_key(key: str) -> list[str]:
    """A key of a ConfigMap or a Secret."""
    errors = [_too_long(253)] if len(key.encode()) > 253 else []
    if not re.fullmatch("[-._a-zA-Z0-9]+", key):
        errors.append(_regex(_CONFIG_TEXT, "[-._a-zA-Z0-9]+", "key.name", "KEY_NAME", "key-name"))
    if key in (".", ".."):
        errors.append(f"must not be '{key}'")
    elif key.startswith(".."):
        errors.append("must not start with '..'")
    return errors


def environment_name(name: str) -> list[str]:
    if not name:
        return ["environment variable name must be non-empty"]
    return [] if all(" " <= char <= "~" and char != "=" for char in name) else [_ENVIRONMENT_TEXT]


def port_name(name: str) -> list[str]:
    """An IANA service name."""
    errors = [_too_long(15)] if len(name) > 15 else []
    if not re.fullmatch("[-a-z0-9]+", name):
        errors.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", name):
        errors.append("must contain at least one letter (a-z)")
    if "--" in name:
        errors.append("must not contain consecutive hyphens")
    if name.startswith("-") or name.endswith("-"):
        errors.append("must not begin or end with a hyphen")
    return errors


def port_number(port: Any) -> list[str]:
    return [] if isinstance(port, int) and 0 < port < 65536 else ["must be between 1 and 65535, inclusive"]


def port(value: Any) -> list[str]:
    """A number, or the name of a container's port."""
    return port_name(value) if isinstance(value, str) else port_number(value)


def percent(text: str) -> list[str]:
    if re.fullmatch("[0-9]+%", text):
        return []
    words = "a valid percent string must be a numeric string followed by an ending '%'"
    return [_regex(words, "[0-9]+%", "1%", "93%")]


def header_name(name: str) -> list[str]:
    return [] if re.fullmatch("[-A-Za-z0-9]+", name) else [_regex(_HEADER_TEXT, "[-A-Za-z0-9]+", "X-Header-Name")]


def path_segment(name: str) -> list[str]:
    """What cannot be one part of a URL's path."""
    if name in (".", ".."):
        return [f"may not be '{name}'"]
    return [f"may not contain '{char}'" for char in "/%" if char in name]


def subdomain_bytes(name: str) -> list[str]:
    """RFC 1123 subdomain, of kinds whose rules are declared and count bytes."""
    return subdomain(name, "bytes")


def address_name(name: str) -> list[str]:
    """The name of an IPAddress: the address in its one usual form."""
    found = address(name)
    if found is None:
        return ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]
    return [] if str(found) == name else [f'must be in canonical form ("{found}")']


def anything(name: str) -> list[str]:
    """No form of its own: what a path can hold is looked at of every kind."""
    return []


def address(text: str) -> IPv4Address | IPv6Address | None:
    """The address, or None where it is none."""
    try:
        return ip_address(text)
    except ValueError:
        return None

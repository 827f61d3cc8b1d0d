"""Options of requests, with the checks of apimachinery ``apis/meta/v1/validation``."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from pocketkube.cluster.api.request import ApiRequest
from pocketkube.cluster.failure import Failure, invalid
from pocketkube.cluster.kinds.problems import Problems

META: Final = "meta.k8s.io"
_MANAGER_LENGTH: Final = 128
_VALIDATIONS: Final = ("", "Ignore", "Strict", "Warn")
_POLICIES: Final = ("Foreground", "Background", "Orphan")


class WriteOptions(msgspec.Struct, frozen=True):
    """Of create, update and patch.

    Attributes:
        validation: ``Ignore``, ``Warn`` or ``Strict``.
    """

    dry_run: bool = False
    manager: str = ""
    validation: str = "Warn"
    force: bool = False


class DeleteOptions(msgspec.Struct, kw_only=True):
    """Of delete; ``None`` is "not given"."""

    dry_run: bool = False
    propagation: str | None = None
    orphan: bool | None = None
    grace: int | None = None
    uid: str | None = None
    revision: str | None = None


def write_options(request: ApiRequest, kind: str, *, apply: bool = False) -> WriteOptions:
    """``kind`` names the options in refusals: CreateOptions, UpdateOptions, PatchOptions.

    Raises:
        Failure: Invalid where an option is wrong, BadRequest where it cannot be read.
    """
    if not request.query and not apply:
        return WriteOptions(manager=agent(request))
    given = request.first("fieldManager")
    dry_run, validation = request.every("dryRun"), request.first("fieldValidation")
    problems = Problems()
    if kind == "PatchOptions":
        force = _boolean(request, "force")
        if apply and not given:
            problems.required("fieldManager", "is required for apply patch")
        if not apply and force is not None:
            problems.forbidden("force", "may not be specified for non-apply patch")
    else:
        force = None
    _check_manager(given, problems)
    _check_dry_run(dry_run, problems)
    if validation not in _VALIDATIONS:
        problems.unsupported("fieldValidation", validation, _VALIDATIONS)
    if problems:
        raise invalid(kind, META, "", problems)
    return WriteOptions(bool(dry_run), given or agent(request), validation or "Warn", bool(force))


def agent(request: ApiRequest) -> str:
    """The field manager that a User-Agent stands for: what comes before the first slash."""
    name = request.headers.get("user-agent", "").split("/", 1)[0]
    if name.isascii() and name.isprintable() and len(name) <= _MANAGER_LENGTH:
        return name
    kept = ""
    for char in name:
        if char.isprintable():
            if len((kept + char).encode()) > _MANAGER_LENGTH:
                break
            kept += char
    return kept


def delete_options(request: ApiRequest, body: Any) -> DeleteOptions:
    """From the body where there is one, else from the query.

    Args:
        body: decoded; None where there is none.

    Raises:
        Failure: Invalid or BadRequest.
    """
    if body is None:
        dry_run = request.every("dryRun")
        given: dict[str, Any] = {
            "propagationPolicy": request.first("propagationPolicy") or None,
            "orphanDependents": _boolean(request, "orphanDependents"),
            "gracePeriodSeconds": integer(request, "gracePeriodSeconds"),
        }
    else:
        given = _checked_body(body)
        dry_run = given.get("dryRun") or []
    preconditions = given.get("preconditions") or {}
    options = DeleteOptions(
        dry_run=bool(dry_run),
        propagation=given.get("propagationPolicy"),
        orphan=given.get("orphanDependents"),
        grace=given.get("gracePeriodSeconds"),
        uid=preconditions.get("uid"),
        revision=preconditions.get("resourceVersion"),
    )
    problems = Problems()
    policy = options.propagation
    if policy is not None and options.orphan is not None:
        problems.invalid("propagationPolicy", policy, "orphanDependents and deletionPropagation cannot be both set")
    if policy is not None and policy not in _POLICIES:
        problems.unsupported("propagationPolicy", policy, (*_POLICIES, "nil"))
    _check_dry_run(dry_run, problems)
    if problems:
        raise invalid("DeleteOptions", META, "", problems)
    return options


_BODY_TYPES: Final[dict[str, tuple[type, str]]] = {
    "propagationPolicy": (str, "v1.DeletionPropagation"),
    "orphanDependents": (bool, "bool"),
    "gracePeriodSeconds": (int, "int64"),
    "preconditions": (dict, "v1.Preconditions"),
    "dryRun": (list, "[]string"),
}


def _checked_body(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise Failure("BadRequest", "couldn't get version/kind; json parse error: the options are no object")
    for name, (wanted, shown) in _BODY_TYPES.items():
        value = body.get(name)
        if value is not None and (not isinstance(value, wanted) or (wanted is int and isinstance(value, bool))):
            raise _mismatch(value, name, shown)
    preconditions = body.get("preconditions") or {}
    for name in ("uid", "resourceVersion"):
        value = preconditions.get(name)
        if value is not None and not isinstance(value, str):
            raise _mismatch(value, f"preconditions.{name}", "string")
    if not all(isinstance(item, str) for item in body.get("dryRun") or ()):
        raise _mismatch(0, "dryRun", "string")
    return body


def _mismatch(value: Any, name: str, shown: str) -> Failure:
    names = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    text = f"json: cannot unmarshal {names[type(value)]} into Go struct field DeleteOptions.{name} of type {shown}"
    return Failure("BadRequest", text)


def integer(request: ApiRequest, name: str) -> int | None:
    """An integer parameter; None where it is not given.

    Raises:
        Failure: BadRequest, it is no 64-bit integer.
    """
    text = request.first(name)
    if not text:
        return None
    try:
        number = int(text) if text.isascii() and "_" not in text and not text.isspace() else None
    except ValueError:
        number = None
    if number is None:
        raise Failure("BadRequest", f'strconv.ParseInt: parsing "{text}": invalid syntax')
    if not -(2**63) <= number < 2**63:
        raise Failure("BadRequest", f'strconv.ParseInt: parsing "{text}": value out of range')
    return number


def flag(request: ApiRequest, name: str) -> bool | None:
    """A boolean as apimachinery's ``runtime/converter.go`` reads it: only ``false`` and ``0`` are false."""
    if not request.has(name):
        return None
    return request.first(name).lower() not in ("false", "0")


def _boolean(request: ApiRequest, name: str) -> bool | None:
    return flag(request, name) if request.query else None


def _check_manager(manager: str, problems: Problems) -> None:
    if len(manager.encode()) > _MANAGER_LENGTH:
        problems.too_long("fieldManager", _MANAGER_LENGTH)
    for position, char in enumerate(manager):
        if not char.isprintable():
            shown = f"'{char}'" if char.isprintable() else ""
            text = f"invalid character U+{ord(char):04X}{f' {shown}' if shown else ''} (at position {position})"
            problems.invalid("fieldManager", manager, text)


def _check_dry_run(values: Sequence[str], problems: Problems) -> None:
    if any(value != "All" for value in values):
        problems.unsupported("dryRun", list(values), ("All",))

"""How what is told spells fields, and who changed them."""

from typing import Any

import msgspec

from trueup import diff, policy
from trueup.controllers.telling.entries import ENGINE
from trueup.diff.change import ABSENT
from trueup.diff.literal import NO_LITERALS, Literals
from trueup.diff.ownership import owners
from trueup.model.annotations import FIELD_MANAGER
from trueup.model.audit import Actor, FieldChange
from trueup.model.live import LiveObject
from trueup.model.status import OperationState
from trueup.sources.commit import CommitInfo

MOST_CHANGES = 20
LONGEST_VALUE = 4096
"""Characters of a value that are kept in memory; the trail keeps fewer, once secrets are masked in them."""


def field_changes(
    before: dict[str, Any], after: dict[str, Any], lent: Literals = NO_LITERALS
) -> tuple[FieldChange, ...]:
    """The differing fields of two objects as text, values of Secrets masked, lent ones wherever they stand."""
    found = diff.differences(before, after, lent)[:MOST_CHANGES]
    return tuple(FieldChange(change.path, _text(change.before), _text(change.after)) for change in found)


class _Metadata(msgspec.Struct, rename="camel"):
    managed_fields: list[dict[str, Any]] | None = None


class _Managed(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


def managed_fields(live: LiveObject) -> list[dict[str, Any]]:
    """Who has written which fields of an object; the rest of it is not decoded."""
    return msgspec.json.decode(live.body, type=_Managed).metadata.managed_fields or []


def last_manager(live: LiveObject) -> str:
    """Who wrote an object last, other than us: the field manager's name, which is all that the API server keeps."""
    others = [e for e in managed_fields(live) if e.get("manager") != FIELD_MANAGER and e.get("subresource") != "status"]
    latest = max(others, key=lambda entry: entry.get("time") or "", default=None)
    return str(latest.get("manager") or "") if latest else ""


def written_by(live: LiveObject, *path: str) -> str:
    """The field manager that the API server has on record for a field of an object; "unknown" for none."""
    return next(iter(owners(live, *path)), "unknown")


def asked_by(state: OperationState) -> Actor:
    """Who asked for an operation. What an operation says of that is a claim, but where this engine has begun it."""
    by, manager = state.operation.initiated_by, policy.writer_of(state.operation)
    if by.automated and not manager:
        return ENGINE
    return Actor(name=by.username or ("automated" if by.automated else ""), kind="user", manager=manager)


def author_of(info: CommitInfo | None) -> Actor:
    """Who says to have made a commit, and what its signature proves."""
    if info is None:
        return Actor()
    return Actor(name=info.author, kind="author", signer=info.signer, verified=info.verified)


def _text(value: Any) -> str:
    if value is ABSENT:
        return ""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"

"""A comparison without the server, for pairs it refused to judge."""

from typing import Any

from kubegrammar.quantity import parse_quantity
from trueup.diff.change import ABSENT, FieldDifference, changes_between


def declared_changes(desired: dict[str, Any], live: dict[str, Any]) -> list[FieldDifference]:
    """The fields that ``desired`` declares and ``live`` has otherwise; what it does not declare may be anything.

    Null, absent, ``[]`` and ``{}`` are one, and so are two spellings of a quantity (cluster-truths 9).
    """
    changes = changes_between(_declared_part(desired, live), _without_empty(desired))
    return [change for change in changes if not _same(change)]


def _declared_part(desired: Any, live: Any) -> Any:
    """The part of ``live`` at the places ``desired`` speaks of."""
    if isinstance(desired, dict) and isinstance(live, dict):
        return {
            name: _declared_part(value, live[name])
            for name, value in desired.items()
            if name in live and value not in (None, [], {})
        }
    if isinstance(desired, list) and isinstance(live, list):
        named = {item["name"]: item for item in live if isinstance(item, dict) and isinstance(item.get("name"), str)}
        if all(isinstance(item, dict) and item.get("name") in named for item in desired):
            return [_declared_part(item, named[item["name"]]) for item in desired]
        return [_declared_part(desired[i] if i < len(desired) else None, item) for i, item in enumerate(live)]
    return live


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_empty(item) for name, item in value.items() if item not in (None, [], {})}
    return [_without_empty(item) for item in value] if isinstance(value, list) else value


def _same(change: FieldDifference) -> bool:
    if change.before is ABSENT or change.after is ABSENT:
        return False
    try:
        return parse_quantity(change.before) == parse_quantity(change.after)
    except (ValueError, TypeError):
        return False

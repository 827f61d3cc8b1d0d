"""Which pairs only the server can judge."""

from collections.abc import Container
from typing import Any

from trueup.diff.normalise import comparable
from trueup.diff.ownership import applied_fields, holds
from trueup.diff.pairing import Pair, Pairs
from trueup.model.resource import ResourceKey


def suspects(pairs: Pairs, forbidden: Container[ResourceKey] = ()) -> list[Pair]:
    """The pairs that need a dry run.

    Not asked are objects that are not live (they are missing), prune candidates, objects the project forbids, and
    those that carry proof of being equal (:func:`is_settled`).
    """
    return [
        pair
        for pair in pairs.pairs
        if pair.target is not None
        and pair.live is not None
        and pair.key not in forbidden
        and not is_settled(pair.target.object(), pair.live.object())
    ]


def is_settled(desired: dict[str, Any], live: dict[str, Any]) -> bool:
    """Whether a server-side apply of ``desired`` over ``live`` is certain to change nothing: nobody touched the
    fields we applied, we applied what is declared and no more, and all have their declared value.

    False means "not certain", never "different".
    """
    fields = applied_fields(live, str(desired.get("apiVersion", "")))
    return fields is not None and holds(comparable(desired), live, fields)

"""Which pairs only the server can judge."""

from collections.abc import Callable, Container
from typing import Any

from kubegrammar.merge import Type, is_unchanged
from trueup.diff.normalise import comparable
from trueup.diff.ownership import applied_fields, holds
from trueup.diff.pairing import Pair, Pairs
from trueup.model.annotations import FIELD_MANAGER
from trueup.model.resource import ResourceKey

TypeOf = Callable[[str, str], Type | None]
"""The type of an apiVersion and kind; None where the cluster published none."""


def suspects(
    pairs: Pairs,
    forbidden: Container[ResourceKey] = (),
    type_of: TypeOf = lambda _version, _kind: None,
    otherwise: Container[ResourceKey] = (),
) -> list[Pair]:
    """The pairs that need a dry run.

    Args:
        otherwise: objects that are not written by server-side apply, of which ownership proves nothing.

    Not asked are objects that are not live (they are missing), prune candidates, objects the project forbids, and
    those that carry proof of being equal (:func:`is_settled`).
    """
    doubtful: list[Pair] = []
    for pair in pairs.compared:
        if pair.target is None or pair.live is None or pair.key in forbidden:
            continue
        type_ = type_of(pair.target.api_version, pair.key.kind)
        if pair.key in otherwise or not is_settled(pair.target.object(), pair.live.object(), type_):
            doubtful.append(pair)
    return doubtful


def is_settled(desired: dict[str, Any], live: dict[str, Any], type_: Type | None = None) -> bool:
    """Whether a server-side apply of ``desired`` over ``live`` is certain to change nothing: nobody touched the
    fields we applied, we applied what is declared and no more, and all have their declared value.

    False means "not certain", never "different".

    Args:
        type_: of the kind. With it the merge itself is done here, as the server would; without it what the record of
            ownership tells of lists must do.
    """
    fields = applied_fields(live, str(desired.get("apiVersion", "")))
    if fields is None:
        return False
    if holds(comparable(desired), live, fields):
        return True
    if type_ is None:
        return False
    try:
        return is_unchanged(live, desired, type_, FIELD_MANAGER)
    except ValueError:
        # An item of a list has no key: for the server to refuse.
        return False

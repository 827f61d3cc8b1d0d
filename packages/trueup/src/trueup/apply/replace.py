"""``Replace=true``: the manifest takes the place of the object (``kubectl replace``)."""

from typing import Any

import msgspec

from kubegrammar.merge import Type, identities
from kubegrammar.merge.fieldset import union
from kubegrammar.merge.typed import kind_of, member_type
from trueup.apply.ownership import client_side, is_ours
from trueup.apply.sanitise import sanitised
from trueup.apply.sending import Sending
from trueup.diff.normalise import comparable
from trueup.diff.ownership import Fields, nodes_of
from trueup.kube.errors import Conflict, Invalid
from trueup.model.live import LiveObject

Object = dict[str, Any]

ATTEMPTS = 8
"""A Deployment that rolls out is written by its controller many times a second."""
_KEPT = ("finalizers", "ownerReferences")
"""Of metadata: what a controller has still to do with the object, and whose it is. No manifest means to drop them."""


async def replace(sending: Sending, wanted: Object, before: LiveObject | None) -> tuple[LiveObject | None, LiveObject]:
    """Creates the object, or puts the manifest in its place.

    What the server does not let go (a Job's selector, the volume of a claim) is carried over from the live object where
    Git does not declare it and we never set it. A dry run tells apart what is drift: what Git declares and what we set
    once and Git no longer declares. The rest (replicas of an autoscaler, a Deployment's revision) goes with the next
    replace and comes back; to replace on its account would never end.

    Returns:
        The object before, None where it was created, and after.

    Raises:
        ApiError: the server refused.
    """
    if before is None:
        created, new = await sending.created_or_found(wanted)
        if new:
            return None, created
        before = created
    for attempt in range(ATTEMPTS):
        try:
            after = await _put(sending, wanted, before)
        except Conflict:
            if attempt + 1 == ATTEMPTS:
                raise
            before = await sending.read()
        else:
            return before, await _drift(sending, wanted, before, after) if sending.dry_run else after
    raise AssertionError("the last attempt returns or raises")


async def _put(sending: Sending, wanted: Object, before: LiveObject) -> LiveObject:
    there = comparable(before.object())
    kept = {name: there["metadata"][name] for name in _KEPT if name in there["metadata"]}
    metadata = {**kept, **wanted["metadata"], "resourceVersion": before.resource_version}
    body = {**wanted, "metadata": metadata}
    try:
        return await sending.replace(body)
    except Invalid as error:
        refusal = error
    type_ = (await sending.merging()).type
    # What admission added when we created the object (the volumes of a Pod) counts as ours, and cannot go either.
    for ours in (_ours(before), {}):
        whole = spared(body, there, wanted, ours, type_)
        whole["metadata"]["resourceVersion"] = before.resource_version
        if whole == body:
            break
        try:
            return await sending.replace(whole)
        except Invalid as error:
            refusal = error
    raise refusal


async def _drift(sending: Sending, wanted: Object, before: LiveObject, after: LiveObject) -> LiveObject:
    """The answer with what is no drift as it is live."""
    type_ = (await sending.merging()).type
    left = spared(sanitised(after.object()), sanitised(before.object()), wanted, _ours(before), type_)
    return msgspec.structs.replace(after, body=msgspec.json.encode(left))


def _ours(live: LiveObject) -> Fields:
    """The fields that we set, whichever way."""
    fields: Fields = {}
    for entry in (live.object().get("metadata") or {}).get("managedFields") or []:
        if is_ours(entry) or client_side(entry):
            fields = union(fields, entry.get("fieldsV1") or {})
    return fields


def spared(after: Object, live: Object, wanted: Object, ours: Fields, type_: Type) -> Object:
    """``after`` with everything as in ``live`` that is neither declared (``wanted``) nor ``ours``."""
    result: Object = {}
    for name in [*live, *(name for name in after if name not in live)]:
        declared, node = wanted.get(name), ours.get(f"f:{name}")
        if declared is None and node is None:
            if name in live:
                result[name] = live[name]
            continue
        value = _spared(after.get(name), live.get(name), declared, node or {}, member_type(type_, name))
        if value is not None:
            result[name] = value
    return result


def _spared(after: Any, live: Any, declared: Any, ours: Fields, type_: Type) -> Any:
    deeper = declared is not None or any(name != "." for name in ours)
    if isinstance(live, dict) and isinstance(after, dict | None) and deeper:
        inner = kind_of(live, type_)[1]
        return spared(after or {}, live, declared if isinstance(declared, dict) else {}, ours, inner) or after
    if isinstance(live, list) and isinstance(after, list | None) and deeper:
        return _items(after or [], live, declared if isinstance(declared, list) else [], ours, kind_of(live, type_)[1])
    return after


def _items(after: list[Any], live: list[Any], declared: list[Any], ours: Fields, type_: Type) -> list[Any] | None:
    places = [identities(items, type_) for items in (after, live, declared)]
    if None in places:
        return after or None
    news, olds, wanteds = (
        dict(zip(known or (), items, strict=True)) for known, items in zip(places, (after, live, declared), strict=True)
    )
    element = type_.element or type_
    result: list[Any] = []
    nodes = dict(zip(olds, nodes_of(ours, list(olds.values())), strict=True))
    for identity, item in olds.items():
        node = nodes[identity]
        if identity in wanteds or node is not None:
            value = _spared(news.get(identity), item, wanteds.get(identity), node or {}, element)
            result += [value] if value is not None and identity in news else []
        else:
            result.append(item)
    result += [item for identity, item in news.items() if identity not in olds]
    common = [identity for identity in news if identity in olds]
    if common != [identity for identity in olds if identity in news]:
        rest = [item for identity, item in olds.items() if identity not in news and nodes[identity] is None]
        return [*after, *rest]
    return result or None

"""Client-side apply: kubectl's three-way merge, with our memory of what was applied last."""

from typing import Any

from kubegrammar.merge import Merging, Patch, three_way
from trueup.apply.memory import memories, with_memory
from trueup.apply.sending import Sending
from trueup.apply.standing import in_the_way
from trueup.kube.errors import BadRequest, Conflict, Invalid
from trueup.model.live import LiveObject

Object = dict[str, Any]

ATTEMPTS = 3
NO_ROOM = "too large for the record of what was applied: a field that leaves Git later may stay"


async def client_side_apply(
    sending: Sending, wanted: Object, before: LiveObject | None, *, secret: bool
) -> tuple[LiveObject | None, LiveObject]:
    """Creates the object, or merges it with what is there.

    Returns:
        The object before, None where it was created, and after.

    Raises:
        ApiError: the server refused.
    """
    if before is None:
        created, new = await sending.created_or_found(_remembering(sending, wanted, None, secret))
        if new:
            return None, created
        before = created
    for attempt in range(ATTEMPTS):
        try:
            known = memories(before, secret=secret)
            return before, await merged(sending, _remembering(sending, wanted, before, secret), before, known)
        except Conflict:
            # Only a patch that holds for one version of the object meets another.
            if attempt + 1 == ATTEMPTS:
                raise
            before = await sending.read()
    raise AssertionError("the last attempt returns or raises")


async def merged(
    sending: Sending, wanted: Object, live: LiveObject, known: list[Object], refusal: Invalid | None = None
) -> LiveObject:
    """Sends the three-way merge, if there is anything to send.

    A refusal of two items that cannot be there together is met by taking over the one that somebody made of ours.

    Args:
        known: what was applied last.
        refusal: of an earlier try.

    Raises:
        ApiError: the server refused.
    """
    merging = await sending.merging()
    if refusal is not None:
        known = [*known, *_taken_over(wanted, live, merging, refusal)]
    patch = _patch(known, wanted, live, merging)
    if not patch.body:
        return live
    try:
        return await sending.merge(patch, merging, live)
    except Invalid as error:
        more = _taken_over(wanted, live, merging, error)
        if not more or refusal is not None:
            raise
        return await sending.merge(_patch([*known, *more], wanted, live, merging), merging, live)


def _taken_over(wanted: Object, live: LiveObject, merging: Merging, refusal: Invalid) -> list[Object]:
    """What the refusal is about and may be taken over; it says itself what may not."""
    standing = in_the_way(wanted, live.object(), merging.type, refusal)
    refusal.hint = refusal.hint or standing.hint
    return [standing.ours] if standing.ours is not None else []


def _remembering(sending: Sending, wanted: Object, live: LiveObject | None, secret: bool) -> Object:
    remembering, fits = with_memory(wanted, live, secret=secret)
    if not fits:
        sending.warnings.append(NO_ROOM)
    return remembering


def _patch(known: list[Object], wanted: Object, live: LiveObject, merging: Merging) -> Patch:
    try:
        return three_way(known, wanted, live.object(), merging)
    except ValueError as error:
        raise BadRequest(f"{live.key}: {error}", code=400) from error

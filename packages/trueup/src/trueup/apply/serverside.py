"""Server-side apply, with what a real API server makes necessary around it (cluster-truths 1 to 3)."""

from typing import Any

import msgspec

from trueup.apply.clientside import merged
from trueup.apply.ownership import migration_patch
from trueup.apply.sending import Sending
from trueup.apply.takeover import after_takeover
from trueup.diff.normalise import comparable
from trueup.diff.ownership import last_applied
from trueup.kube.errors import ApiError, Conflict, Invalid, NotFound, Unreachable
from trueup.model.live import LiveObject

Object = dict[str, Any]

ATTEMPTS = 8


async def server_side_apply(
    sending: Sending, wanted: Object, before: LiveObject | None, *, migrate: bool
) -> LiveObject:
    """Applies; once more after a client-side merge where the server refuses what the apply alone would leave behind:
    a member of a union that nobody owns, a list item whose key somebody changed.

    Args:
        migrate: take over the fields of client-side managers.

    Raises:
        ApiError: the server refused.
    """
    if before is not None and migrate and not sending.dry_run and migration_patch(before) is not None:
        # What cannot be applied is merged client-side, and then its fields are where they belong.
        await sending.can_apply(wanted)
        before = await _migrated(sending, before)
    try:
        answer = await sending.apply(wanted)
    except Invalid as refusal:
        before = before or await _found(sending, refusal)
        answer = await _after_merge(sending, wanted, before, refusal, migrate=migrate)
    if sending.dry_run and before is not None and migrate:
        return await _taken_over(sending, answer, before, wanted)
    return answer


async def _found(sending: Sending, refusal: Invalid) -> LiveObject:
    """The object, which the cache may not have shown yet; without one, the refusal stands."""
    try:
        return await sending.read()
    except NotFound:
        raise refusal from None


async def _after_merge(
    sending: Sending, wanted: Object, before: LiveObject, refusal: Invalid, *, migrate: bool
) -> LiveObject:
    there = before.object()
    try:
        patched = await merged(sending, wanted, before, [last_applied(there)], refusal)
    except Unreachable:
        raise
    except ApiError:
        # The merge was a try; what the apply was told is what is wrong with the manifest.
        raise refusal from None
    if patched is before:
        raise refusal
    if sending.dry_run:
        # It stores nothing for a second apply to build on: the patched object is the answer.
        return patched
    if migrate:
        await _migrated(sending, patched)
    return await sending.apply(wanted)


async def _migrated(sending: Sending, before: LiveObject) -> LiveObject:
    """The object with client-side ownership moved to us; a lost race reads it again."""
    for _ in range(ATTEMPTS):
        patch = migration_patch(before)
        if patch is None:
            break
        try:
            return await sending.change_owners(patch)
        except (Conflict, Invalid):
            before = await sending.read()
    return before


async def _taken_over(sending: Sending, answer: LiveObject, before: LiveObject, wanted: Object) -> LiveObject:
    """The answer as it would be after a migration. Whoever creates an object owns its defaults as well; what is taken
    out of it the server fills in again."""
    body = after_takeover(answer, before, wanted)
    if body == answer.body:
        return answer
    stripped = msgspec.json.decode(body)
    if comparable(stripped) == comparable(before.object()):
        return before
    for _ in range(ATTEMPTS):
        try:
            return await sending.replace(stripped)
        except Conflict:
            stripped["metadata"]["resourceVersion"] = (await sending.read()).resource_version
        except Invalid:
            # It cannot be taken out: admission put it there in the name of whoever created the object.
            return answer
        except Unreachable:
            raise
        except ApiError:
            break
    return msgspec.structs.replace(answer, body=body)

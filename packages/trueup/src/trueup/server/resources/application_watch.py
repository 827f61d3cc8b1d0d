"""What changes of Applications, for those who follow them."""

from collections.abc import AsyncIterator, Callable

from trueup.model.live import LiveObject
from trueup.server.changes.log import Change, Changes
from trueup.server.request import Functions, Json, Request, StoredBody, Stream
from trueup.server.resources.applications import ApplicationReading, ApplicationReads, Choice


def application_watch(reads: ApplicationReads, changes: Changes) -> Functions:
    """Watch."""
    finding = ApplicationReading(reads)

    async def watch(request: Request) -> Stream:
        choice = Choice(request.message)
        begin = changes.place(request.resume) if request.resume else None
        # None before all that is stored was told: who is cut off in the middle of that begins anew.
        place = [begin]
        return Stream(followed(request, choice, place), lambda: "" if place[0] is None else changes.token(place[0]))

    async def followed(request: Request, choice: Choice, place: list[int | None]) -> AsyncIterator[Json]:
        def seen(live: LiveObject) -> bool:
            return any(finding.seen(request.caller, [live], choice))

        since = request.message.get("resourceVersion", "")
        version = int(since) if since.isascii() and since.isdecimal() and len(since) < 20 else 0
        number = place[0]
        if number is None:
            number = changes.number
            for live in reads.stored():
                if (not version or int(live.resource_version) > version) and seen(live):
                    yield {"type": "ADDED", "application": StoredBody(live.body)}
        while True:
            for change in await changes.after(number):
                number = place[0] = change.number
                event = event_of(change, seen)
                if event is not None:
                    yield event

    return {"ApplicationService.Watch": watch}


def event_of(change: Change, seen: Callable[[LiveObject], bool]) -> Json | None:
    """What a change is to somebody who sees some things alone."""
    before = change.before is not None and seen(change.before)
    if change.after is not None and seen(change.after):
        return {"type": "MODIFIED" if before else "ADDED", "application": StoredBody(change.after.body)}
    if before and change.before is not None:
        return {"type": "DELETED", "application": StoredBody(change.before.body)}
    return None

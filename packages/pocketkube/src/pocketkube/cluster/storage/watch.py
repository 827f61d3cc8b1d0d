"""Watches: a cursor in the history of a kind.

Nothing is queued for a watcher; one that is too slow finds its place forgotten.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final, Literal

from pocketkube.cluster.storage.entry import Event, StoredObject
from pocketkube.cluster.storage.storage import Storage

BOOKMARK_SECONDS: Final = 60.0
_BEFORE_END_SECONDS: Final = 2.0
_GRACE_SECONDS: Final = 0.05
"""Clients measure too, and find a watch of less than they asked for strange."""
_MOST_AT_ONCE: Final = 500

Change = tuple[Literal["ADDED", "MODIFIED", "DELETED"], StoredObject]
Bookmark = tuple[Literal["BOOKMARK"], int, bool]
"""The revision up to which everything was sent, and whether it ends the initial events."""


async def watch(
    storage: Storage,
    stored_as: str,
    namespace: str,
    *,
    keep: Callable[[StoredObject], bool],
    since: int,
    initial_events: bool = False,
    timeout: float,
) -> AsyncIterator[list[Change | Bookmark]]:
    """The changes of a kind from a revision on, in batches, until the time is up.

    Bookmarks come once a minute and shortly before the end, as the real server's do (apiserver ``cacheWatcher``).

    Args:
        namespace: empty for all.
        keep: what is watched; an object that comes to match is ADDED, one that ceases to is DELETED.
        since: ignored with ``initial_events``.
        initial_events: begin with everything there is, and a bookmark that says so.
        timeout: seconds.

    Raises:
        Expired: the revision is too old, or the reader too slow.
    """
    shelf = storage.shelf(stored_as)
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout + _GRACE_SECONDS
    if initial_events:
        page = storage.list(stored_as, namespace)
        since = page.revision
        yield [*(("ADDED", entry) for entry in page.entries if keep(entry)), ("BOOKMARK", since, True)]
    changed = asyncio.Event()
    shelf.waiting.add(changed)
    try:
        marking = _next_bookmark(loop.time(), end)
        while not shelf.closed:
            changed.clear()
            events = shelf.history.after(since, _MOST_AT_ONCE)
            since = events[-1].entry.revision if events else max(since, storage.revision)
            batch: list[Change | Bookmark] = []
            for event in events:
                change = _seen(event, namespace, keep)
                if change is not None:
                    batch.append(change)
            now = loop.time()
            if now >= marking and not events:
                batch.append(("BOOKMARK", since, False))
                marking = _next_bookmark(now, end)
            if batch:
                yield batch
            if now >= end:
                return
            if not events:
                await _either(changed, max(0.0, min(end, marking) - now))
    finally:
        shelf.waiting.discard(changed)


async def _either(changed: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await changed.wait()
    except TimeoutError:
        return


def _next_bookmark(now: float, end: float) -> float:
    before_end = end - _BEFORE_END_SECONDS
    regular = now + BOOKMARK_SECONDS
    return min(before_end, regular) if before_end > now else regular


def _seen(event: Event, namespace: str, keep: Callable[[StoredObject], bool]) -> Change | None:
    """A change as one sees it who looks at a part only."""
    entry, previous = event.entry, event.previous
    if namespace and entry.namespace != namespace:
        return None
    was = previous is not None and keep(previous)
    if event.type == "DELETED":
        return ("DELETED", entry) if was else None
    if keep(entry):
        return ("MODIFIED" if was else "ADDED", entry)
    return ("DELETED", previous.at(entry.revision)) if was and previous is not None else None

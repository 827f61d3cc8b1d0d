"""What an application went through, by the trail of an API server."""

import asyncio

import msgspec

from trueup.cli.servers.known import KnownServer
from trueup.cli.servers.session import Json, ServerSession, escaped
from trueup.cli.servers.shape import StrangeAnswer, rows
from trueup.store.audit.story import StoryLine


def timeline_of(server: KnownServer, name: str, since: str, limit: int) -> list[StoryLine]:
    """The lines of an application's story, oldest first.

    Args:
        name: ``[namespace/]name``.
        since: RFC 3339; empty for the beginning.
        limit: the newest so many; 0 for all.

    Raises:
        TrueupError: it may not be seen, the server has no such thing, or does not answer.
    """
    namespace, _, bare = name.rpartition("/")

    async def asked() -> Json:
        async with ServerSession(server) as session:
            query = {"appNamespace": namespace, "since": since, "limit": limit or None}
            return await session.get(f"/api/v1/trueup/applications/{escaped(bare)}/timeline", query)

    try:
        return msgspec.convert(rows(asyncio.run(asked()), "lines"), list[StoryLine])
    except msgspec.ValidationError as error:
        raise StrangeAnswer("lines", f"story ({error})") from error

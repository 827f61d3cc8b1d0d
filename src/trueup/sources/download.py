"""Files over HTTP that strangers name: bounded, asked without a credential, and of no address of this machine."""

from typing import Protocol

import aiohttp
from yarl import URL

from trueup.formats.redact import redact_url
from trueup.model.errors import RenderFailed, SourceUnavailable
from trueup.sources.outgoing import Outside, proxy_for, require_outside, session

MAX_BYTES = 8 * 1024 * 1024
"""Of one file."""
SECONDS = 30.0
"""For one file, redirects and all."""

_REDIRECTS = 5
_CHUNK = 64 * 1024
_MOVED = (301, 302, 303, 307, 308)
_NOT_NOW = (408, 425, 429)
_PLAIN = {"Accept-Encoding": "identity"}
"""A small answer that unpacks to a large one would be unpacked before it is measured."""


class Download(Protocol):
    """How files are fetched: :func:`downloading`."""

    async def __call__(self, url: str, limit: int = MAX_BYTES) -> bytes:
        """The content of a file of so many bytes at most."""
        ...


class NoSuchFile(RenderFailed):
    """The server answers, and has no such file for us."""


class TooLarge(RenderFailed):
    """A file has more bytes than it may."""


def downloading(*, guarded: bool, seconds: float = SECONDS) -> Download:
    """How files are fetched.

    Args:
        guarded: addresses of this machine, and of what answers to it alone, are not asked.
        seconds: for one file.
    """

    async def download(url: str, limit: int = MAX_BYTES) -> bytes:
        """The content of a file. Redirects are followed, for nothing but the request is shown; not from TLS to none.

        Raises:
            NoSuchFile: the server has none, or does not give it.
            TooLarge: it has more than ``limit`` bytes; what has come of it until then is dropped.
            RenderFailed: the URL is none.
            AddressRefused: the address is of this machine.
            SourceUnavailable: the server cannot be reached, or not now.
        """
        shown = redact_url(url)[:300]
        try:
            place = URL(url)
        except ValueError as error:
            raise RenderFailed(f"{shown} is no URL", hint="correct it") from error
        connector = aiohttp.TCPConnector(resolver=Outside()) if guarded else None
        try:
            timeout = aiohttp.ClientTimeout(total=seconds)
            async with session(connector=connector, timeout=timeout, auto_decompress=False) as client:
                return await _followed(client, place, shown, guarded=guarded, limit=limit)
        except TimeoutError as error:
            raise SourceUnavailable(f"{shown}: no whole answer within {seconds:g} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise SourceUnavailable(f"{shown} cannot be read: {type(error).__name__}: {error}"[:600]) from error

    return download


async def _followed(client: aiohttp.ClientSession, place: URL, shown: str, *, guarded: bool, limit: int) -> bytes:
    for _ in range(_REDIRECTS + 1):
        if place.scheme not in ("http", "https"):
            raise NoSuchFile(f"{shown}: its server leads to no address of HTTP", hint="name the file's own URL")
        if guarded:
            require_outside(place)
        async with client.get(place, proxy=proxy_for(place), allow_redirects=False, headers=_PLAIN) as answer:
            if answer.status in _MOVED and (target := answer.headers.get("Location")):
                moved = place.join(URL(target))
                if (place.scheme, moved.scheme) == ("https", "http"):
                    raise NoSuchFile(f"{shown}: its server leads away from TLS", hint="name the file's own URL")
                place = moved
                continue
            if answer.status >= 500 or answer.status in _NOT_NOW:
                raise SourceUnavailable(f"{shown}: its server answers {answer.status}")
            if not 200 <= answer.status < 300:
                raise NoSuchFile(
                    f"{shown}: its server answers {answer.status}",
                    hint="correct the URL; no credential is shown for a file",
                )
            return await _bounded(answer, shown, limit)
    raise NoSuchFile(f"{shown}: more than {_REDIRECTS} redirects", hint="name the file's own URL")


async def _bounded(answer: aiohttp.ClientResponse, shown: str, limit: int) -> bytes:
    if answer.headers.get("Content-Encoding", "identity").lower() not in ("", "identity"):
        raise NoSuchFile(
            f"{shown}: its server packs what was asked for as it is", hint="name a file that is not packed"
        )
    if (answer.content_length or 0) > limit:
        raise _too_large(shown, limit)
    content = bytearray()
    async for piece in answer.content.iter_chunked(_CHUNK):
        content += piece
        if len(content) > limit:
            raise _too_large(shown, limit)
    return bytes(content)


def _too_large(shown: str, limit: int) -> TooLarge:
    return TooLarge(
        f"{shown} has more than the {limit >> 20} MiB that a file elsewhere may have",
        hint="copy what is needed of it into the repository",
    )

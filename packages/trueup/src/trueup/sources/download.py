"""Files over HTTP that strangers name: bounded, and of no address of this machine."""

from typing import Any, Protocol

import aiohttp
import msgspec
from yarl import URL

from kubegrammar.redact import redact_url
from trueup.model.errors import InvalidSpec, RenderFailed, SourceUnavailable
from trueup.model.repository_url import RepositoryUrl, parse_repository_url
from trueup.sources.credential import Credential
from trueup.sources.outgoing import Outside, proxy_for, proxy_of, require_outside, session
from trueup.sources.tls import tls_of

MAX_BYTES = 8 * 1024 * 1024
"""Of one file."""
SECONDS = 30.0
"""For one file, redirects and all."""

_REDIRECTS = 5
_CHUNK = 64 * 1024
_MOVED = (301, 302, 303, 307, 308)
_SAME, _TAG = 304, 256
"""An answer that the file is the one that is known, and the characters that its name may have."""
_NOT_NOW = (408, 425, 429)
_PLAIN = {"Accept-Encoding": "identity"}
"""A small answer that unpacks to a large one would be unpacked before it is measured."""


class Home(msgspec.Struct, frozen=True):
    """A repository of files, and how it is asked.

    Attributes:
        url: what is of this repository lies below it, by whole segments.
        credential: shown to that alone.
        also: the only other origin that it is shown to, because somebody said so; empty for none.
    """

    url: RepositoryUrl
    credential: Credential
    also: str = ""

    def holds(self, place: URL) -> bool:
        """Whether a URL is of this repository, or where its credential is to go as well."""
        if self.also and str(place.origin()) == self.also:
            return True
        try:
            spelling = parse_repository_url(str(place.with_query(None).with_fragment(None))).spelling
        except InvalidSpec:
            return False
        return spelling == self.url.spelling or spelling.startswith(f"{self.url.spelling}/")


class Edition:
    """Which content of a file is known, and which one came.

    Attributes:
        tag: what its server calls it (``ETag``); empty where it does not.
        unchanged: it is the one that was known, and was not sent again.
    """

    def __init__(self, tag: str = "") -> None:
        self.tag, self.unchanged = tag, False


class Download(Protocol):
    """How files are fetched: :func:`downloading`."""

    async def __call__(
        self, url: str, limit: int = MAX_BYTES, home: Home | None = None, edition: Edition | None = None
    ) -> bytes:
        """The content of a file of so many bytes at most; none where it is the edition that is known."""
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

    async def download(
        url: str, limit: int = MAX_BYTES, home: Home | None = None, edition: Edition | None = None
    ) -> bytes:
        """The content of a file. Redirects are followed, not from TLS to none. A credential is shown to its own
        repository alone, and no more to who was led away and back.

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
                return await _followed(client, place, shown, home, edition or Edition(), guarded=guarded, limit=limit)
        except TimeoutError as error:
            raise SourceUnavailable(f"{shown}: no whole answer within {seconds:g} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise SourceUnavailable(f"{shown} cannot be read: {type(error).__name__}: {error}"[:600]) from error

    return download


async def _followed(
    client: aiohttp.ClientSession,
    place: URL,
    shown: str,
    home: Home | None,
    edition: Edition,
    *,
    guarded: bool,
    limit: int,
) -> bytes:
    for _ in range(_REDIRECTS + 1):
        if place.scheme not in ("http", "https"):
            raise NoSuchFile(f"{shown}: its server leads to no address of HTTP", hint="name the file's own URL")
        if guarded:
            require_outside(place)
        if home is not None and not home.holds(place):
            home = None
        if home is not None:
            # Who asks is in the credential, and would be there twice.
            place = place.with_user(None)
        asked = _asked(place, home.credential if home is not None else None)
        if edition.tag:
            asked["headers"] = {**asked["headers"], "If-None-Match": edition.tag}
        async with client.get(place, allow_redirects=False, **asked) as answer:
            if answer.status in _MOVED and (target := answer.headers.get("Location")):
                moved = place.join(URL(target))
                if (place.scheme, moved.scheme) == ("https", "http"):
                    raise NoSuchFile(f"{shown}: its server leads away from TLS", hint="name the file's own URL")
                place = moved
                continue
            if answer.status >= 500 or answer.status in _NOT_NOW:
                raise SourceUnavailable(f"{shown}: its server answers {answer.status}")
            if answer.status == _SAME and edition.tag:
                edition.unchanged = True
                return b""
            if not 200 <= answer.status < 300:
                raise NoSuchFile(
                    f"{shown}: its server answers {answer.status}",
                    hint=_refused(answer.status, home),
                )
            content = await _bounded(answer, shown, limit)
            tag = answer.headers.get("ETag", "")
            edition.tag = tag if len(tag) <= _TAG and tag.isascii() and tag.isprintable() else ""
            return content
    raise NoSuchFile(f"{shown}: more than {_REDIRECTS} redirects", hint="name the file's own URL")


def _refused(status: int, home: Home | None) -> str:
    if home is None or status not in (401, 403):
        return "correct the URL; no credential is shown for a file"
    if home.credential.authorization:
        return "correct the credential of the repository's Secret"
    return "correct the URL, or give the repository's credential in a repository Secret with type: helm"


def _asked(place: URL, credential: Credential | None) -> dict[str, Any]:
    """How a place is asked, with what is shown to it."""
    if credential is None:
        return {"proxy": proxy_for(place), "headers": _PLAIN}
    shown = {"Authorization": credential.authorization} if credential.authorization else {}
    return {
        "proxy": proxy_of(place, credential.proxy, credential.no_proxy),
        "headers": {**_PLAIN, **shown},
        "ssl": tls_of(credential) if place.scheme == "https" else True,
    }


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

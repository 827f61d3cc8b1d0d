"""Answers of a registry: read up to a limit, and what they say when it refuses."""

import email.utils
import time
from collections.abc import Mapping

import aiohttp
import msgspec
from yarl import URL

from kubegrammar import json, pattern
from trueup.model.errors import SourceUnavailable
from trueup.sources.registry.errors import AccessRefused

_PRINTABLE = pattern.compile(r"[^\x20-\x7e\x{a0}-\x{ffff}]+")

_LONGEST_URL = 8192


class RegistryAnswer(msgspec.Struct, frozen=True):
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: URL


def redirected(url: URL, location: str, registry: str) -> URL:
    """Where a redirect leads.

    Raises:
        SourceUnavailable: to where nobody may follow: without TLS, or with a user.
    """
    try:
        target = url.join(URL(location[:_LONGEST_URL], encoded=True))
        safe = target.scheme == "https" or (target.scheme == "http" and url.scheme == "http")
        if safe and target.host and target.user is None and target.password is None:
            return target
    except ValueError:
        pass
    raise SourceUnavailable(f"registry {registry}: it redirects to where nobody may follow")


def refused(registry: str, scope: str) -> AccessRefused:
    """The error of a registry that does not let us in."""
    name = scope.split(":")[1] if scope.count(":") >= 2 else ""
    return AccessRefused(
        f"registry {registry}: access to {name or 'it'} is refused",
        hint="give a pull secret that may read it: the annotation pull-secret, or registries.conf",
    )


def reason(body: bytes) -> str:
    """What the distribution API's errors say; nothing of a page in HTML."""
    try:
        first = json.received(body)["errors"][0]
        said = first.get("code") or first.get("message")
        return f" ({shown(said)})" if isinstance(said, str) else ""
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return ""


def shown(text: str) -> str:
    """A registry's words on one line, shortened."""
    return _PRINTABLE.sub(" ", text)[:200]


def retry_after(text: str) -> float:
    """Seconds of a ``Retry-After``, also where it is a date; 0 where it cannot be read."""
    if text.strip().isdecimal():
        return float(text.strip()[:6])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return 0.0


async def bounded(response: aiohttp.ClientResponse, limit: int, registry: str) -> bytes:
    """The body of an answer, of an error its beginning.

    Args:
        limit: bytes.

    Raises:
        SourceUnavailable: it is larger.
    """
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_chunked(64 * 1024):
        size += len(chunk)
        if size > limit:
            if response.status >= 400:
                break
            raise SourceUnavailable(f"registry {registry}: an answer is larger than {limit // 1024} KiB")
        chunks.append(chunk)
    return b"".join(chunks)

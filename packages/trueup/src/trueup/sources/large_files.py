"""Contents of Git LFS: asked for by its batch API, checked by digest and size, and kept beside the mirror.

A pointer names a digest, so a content is right or refused whoever gave it. The repository's credential goes to the
repository's own server; where that sends us elsewhere, what it says to show there is shown, and nothing of ours.
"""

import hashlib
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from kubegrammar.hidden import Hidden
from kubegrammar.redact import redact_url
from trueup.model.errors import InvalidSpec, RenderFailed, SourceUnavailable, TrueupError
from trueup.model.tree import MAX_FILE, MEBIBYTE
from trueup.render.large_files import LargeFile
from trueup.sources import large_store
from trueup.sources.credential import Credential
from trueup.sources.disk import on_disk
from trueup.sources.outgoing import Outside, proxy_for, proxy_of, require_outside, session
from trueup.sources.quota import Growth
from trueup.sources.tls import tls_of
from trueup.sources.url import Remote

SECONDS = 120.0
"""For one content, with the question where it is."""
_MEDIA = "application/vnd.git-lfs+json"
_ANSWER = 256 * 1024
_CHUNK = 256 * 1024
_REDIRECTS = 5
_MOVED = (301, 302, 303, 307, 308)
_HEADERS = 16
"""Headers that a server may have us show elsewhere."""
_RESERVED = frozenset({"host", "content-length", "transfer-encoding", "connection", "cookie", "accept-encoding"})


class _Action(msgspec.Struct, frozen=True):
    href: str
    header: dict[str, str] = {}


class _Actions(msgspec.Struct, frozen=True):
    download: _Action | None = None


class _Problem(msgspec.Struct, frozen=True):
    code: int = 0
    message: str = ""


class _Object(msgspec.Struct, frozen=True):
    oid: str = ""
    actions: _Actions | None = None
    error: _Problem | None = None


class _Batch(msgspec.Struct, frozen=True):
    objects: Sequence[_Object] = ()


class LargeFiles:
    """The contents of one repository.

    Args:
        repository: the bare repository of its mirror.
        growth: what the folder may take.
        guarded: addresses of this machine are not asked.
    """

    def __init__(self, remote: Remote, repository: Path, growth: Growth, *, guarded: bool) -> None:
        self._remote, self._repository, self._growth, self._guarded = remote, repository, growth, guarded

    async def bring(self, file: LargeFile, credential: Credential | None) -> None:
        """Have a content here.

        Raises:
            RenderFailed: it is too large, or its server has none of that digest.
            InvalidSpec: the repository is not of a kind that has any.
            SourceUnavailable: its server cannot be reached, or does not let us in.
        """
        if await on_disk(large_store.kept(self._repository, file).is_file):
            return
        shown = f"repository {self._remote.shown}: large file {file.oid[:12]}"
        if file.size > MAX_FILE:
            raise RenderFailed(
                f"{shown} has {file.size // MEBIBYTE} MiB, and a file may have {MAX_FILE // MEBIBYTE} MiB",
                hint="keep large files elsewhere, or exclude it",
            )
        if "https" not in self._remote.protocols:
            raise InvalidSpec(
                f"{shown}: Git LFS is read over HTTPS alone", hint="name the repository by its https:// URL"
            )
        if refusal := await on_disk(lambda: self._growth.refusal(self._growth.measure() + file.size)):
            raise RenderFailed(f"{shown}: {refusal}", hint="raise the quota, or exclude the file")
        hidden = Hidden(credential.confidential() if credential is not None else ())
        try:
            content = await self._content(file, credential, shown)
        except TrueupError as error:
            # A server may repeat what it was shown.
            raise type(error)(hidden.hide(error.message), hint=error.hint) from None
        except TimeoutError:
            raise SourceUnavailable(f"{shown}: not whole within {SECONDS:g} s") from None
        except (aiohttp.ClientError, OSError, ssl.SSLError, ValueError) as error:
            said = hidden.hide(f"{type(error).__name__}: {error}")
            raise SourceUnavailable(f"{shown} cannot be read: {said}"[:600]) from error
        if len(content) != file.size or hashlib.sha256(content).hexdigest() != file.oid:
            raise RenderFailed(
                f"{shown}: its server gave something else (another digest or size)",
                hint="push it anew: git lfs push --all",
            )
        await on_disk(large_store.keep, self._repository, file, content)
        await on_disk(self._growth.measure)

    async def _content(self, file: LargeFile, credential: Credential | None, shown: str) -> bytes:
        connector = aiohttp.TCPConnector(resolver=Outside()) if self._guarded else None
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        async with session(connector=connector, timeout=timeout, auto_decompress=False) as client:
            action = await self._asked(client, file, credential, shown)
            return await self._downloaded(client, action, file, credential, shown)

    async def _asked(
        self, client: aiohttp.ClientSession, file: LargeFile, credential: Credential | None, shown: str
    ) -> _Action:
        """Where the content is."""
        url = URL(f"{self._remote.address.removesuffix('.git')}.git/info/lfs/objects/batch")
        if self._guarded:
            require_outside(url)
        question = {
            "operation": "download",
            "transfers": ["basic"],
            "hash_algo": "sha256",
            "objects": [{"oid": file.oid, "size": file.size}],
        }
        options = self._shown(url, credential, {"Accept": _MEDIA, "Content-Type": _MEDIA})
        body = msgspec.json.encode(question)
        async with client.post(url, data=body, allow_redirects=False, **options) as answer:
            if answer.status in (401, 403):
                raise SourceUnavailable(f"{shown}: its server answers {answer.status}", hint="correct the Secret")
            if answer.status != 200:
                raise SourceUnavailable(
                    f"{shown}: its server answers {answer.status} to the question where it is",
                    hint="is Git LFS switched on there? else set enableLfs of the repository's Secret to false",
                )
            text = await _bounded(answer, _ANSWER)
        try:
            found = msgspec.json.decode(text, type=_Batch).objects
        except msgspec.DecodeError as error:
            raise SourceUnavailable(f"{shown}: its server's answer cannot be read") from error
        one = next((each for each in found if each.oid == file.oid), _Object())
        if one.error is not None:
            raise RenderFailed(
                f"{shown}: its server says {one.error.code} {one.error.message[:200]!r}",
                hint="push it: git lfs push --all",
            )
        if one.actions is None or one.actions.download is None:
            raise RenderFailed(f"{shown}: its server does not say where it is", hint="push it: git lfs push --all")
        return one.actions.download

    async def _downloaded(
        self,
        client: aiohttp.ClientSession,
        action: _Action,
        file: LargeFile,
        credential: Credential | None,
        shown: str,
    ) -> bytes:
        place, headers = URL(action.href), dict(list(action.header.items())[:_HEADERS])
        headers = {name: value for name, value in headers.items() if name.lower() not in _RESERVED}
        for _ in range(_REDIRECTS + 1):
            if place.scheme not in ("http", "https") or (self._remote.url.scheme, place.scheme) == ("https", "http"):
                raise SourceUnavailable(f"{shown}: its server leads to {redact_url(str(place))[:200]}, away from TLS")
            if self._guarded:
                require_outside(place)
            options = self._shown(place, credential, headers)
            async with client.get(place, allow_redirects=False, **options) as answer:
                if answer.status in _MOVED and (target := answer.headers.get("Location")):
                    moved = place.join(URL(target))
                    headers = headers if moved.origin() == place.origin() else {}
                    place = moved
                    continue
                if answer.status != 200:
                    raise SourceUnavailable(f"{shown}: {redact_url(str(place))[:200]} answers {answer.status}")
                return await _bounded(answer, file.size)
        raise SourceUnavailable(f"{shown}: more than {_REDIRECTS} redirects")

    def _shown(self, place: URL, credential: Credential | None, headers: Mapping[str, str]) -> dict[str, Any]:
        """How a place is asked. The repository's own server alone sees the credential, and not where it has said what
        to show instead."""
        given = {"Accept-Encoding": "identity", **headers}
        if credential is None or str(place.origin()) != self._remote.origin:
            return {"proxy": proxy_for(place), "headers": given}
        if credential.authorization and not any(name.lower() == "authorization" for name in headers):
            given["Authorization"] = credential.authorization
        return {
            "proxy": proxy_of(place, credential.proxy, credential.no_proxy),
            "headers": given,
            "ssl": tls_of(credential) if place.scheme == "https" else True,
        }


async def _bounded(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    content = bytearray()
    async for piece in answer.content.iter_chunked(_CHUNK):
        content += piece
        if len(content) > limit:
            raise RenderFailed(f"{redact_url(str(answer.url))[:200]} sends more than was said", hint="push it anew")
    return bytes(content)

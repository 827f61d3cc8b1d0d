"""Helm repositories over HTTP: an index, and the packed charts that it names."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import unquote

import msgspec
from yarl import URL

from kubegrammar import json
from kubegrammar.redact import redact_url
from trueup.memory.bounded import Memory
from trueup.model.errors import InvalidSpec, RenderFailed
from trueup.model.repository import RepositoryOf
from trueup.model.repository_url import HTTP, parse_repository_url
from trueup.model.tree import MEBIBYTE
from trueup.render.helm_index import MAX_INDEX, ChartOf, Found, Missing, index_url
from trueup.sources.credential import Credential
from trueup.sources.download import MAX_BYTES, Download, Edition, Home, TooLarge
from trueup.sources.identity.exchange import Exchange

_REMEMBERED, _ROOM, _ANSWER = 1024, 4 * MEBIBYTE, 1000
"""Answers that are kept, and bytes of all and of one."""

FindCharts = Callable[[bytes, Sequence[ChartOf]], Awaitable[Sequence[Found | Missing]]]
"""Reads the index of the repository of these charts, where strangers' text may be read."""
Lend = Callable[[RepositoryOf], Credential | None]
"""What is shown to a repository on behalf of a project."""


class HelmRepositories:
    """Asks them. What a repository's index or its server leads to elsewhere is asked without its credential.

    Args:
        download: fetches a file.
        find: reads an index.
        credential: none by default.
        exchange: exchanges identities of apps and accounts.
    """

    def __init__(
        self,
        download: Download,
        find: FindCharts,
        credential: Lend = lambda _: None,
        exchange: Exchange | None = None,
    ) -> None:
        self._exchange = exchange or Exchange()
        self._download, self._find, self._credential = download, find, credential
        self._read: Memory[tuple[str, tuple[ChartOf, ...]], tuple[Found | Missing, ...]] = Memory(
            entries=_REMEMBERED, size=_ROOM, weigh=lambda answers: _ANSWER * len(answers)
        )
        self._editions: Memory[RepositoryOf, tuple[str, str]] = Memory(entries=_REMEMBERED, size=_ROOM)

    async def look(self, repository: RepositoryOf) -> None:
        """See that a repository has an index, and gives it.

        Raises:
            TrueupError: it does not.
        """
        await self.find(repository, [ChartOf(repository.url, "")])

    async def find(
        self, repository: RepositoryOf, charts: Sequence[ChartOf], limit: int = MAX_INDEX
    ) -> dict[ChartOf, Found | Missing]:
        """Which archives some charts of one repository mean today.

        Args:
            limit: bytes of its index.

        Raises:
            InvalidSpec: its URL is none of a Helm repository.
            TrueupError: its index cannot be had, or is none.
        """
        home, asked = await self._home(repository), tuple(charts)
        known = self._editions.get(repository)
        if known is not None and (answers := self._read.get((known[1], asked))) is not None:
            edition = Edition(known[0])
        else:
            edition, answers = Edition(), None
        index = await self._index(repository, home, edition, limit)
        if answers is None or not edition.unchanged:
            digest = await asyncio.to_thread(json.digest, index)
            answers = await self._said(index, digest, asked)
            self._editions.put(repository, (edition.tag, digest))
        return dict(zip(charts, answers, strict=True))

    async def index(self, repository: RepositoryOf) -> bytes:
        """The index of a repository, as it is today.

        Raises:
            InvalidSpec: its URL is none of a Helm repository.
            TrueupError: it cannot be had.
        """
        return await self._index(repository, await self._home(repository), Edition())

    async def _index(self, repository: RepositoryOf, home: Home, edition: Edition, limit: int = MAX_INDEX) -> bytes:
        try:
            return await self._download(index_url(home.url.address), min(limit, MAX_INDEX), home, edition)
        except TooLarge as error:
            raise TooLarge(
                f"{redact_url(repository.url)[:300]}: repository index larger than the limit of {MAX_INDEX >> 20} MiB",
                hint="name a repository with a smaller index",
            ) from error

    async def _said(self, index: bytes, digest: str, charts: tuple[ChartOf, ...]) -> tuple[Found | Missing, ...]:
        """What an index says of charts. One that has not changed is not read again: a large one takes seconds."""
        question = (digest, charts)
        answers = self._read.get(question)
        if answers is None:
            answers = tuple(await self._find(index, charts))
            self._read.put(question, answers)
        return answers

    async def archive(
        self, repository: RepositoryOf, found: Found, limit: int = MAX_BYTES, *, passing: bool = False
    ) -> bytes:
        """A packed chart, which is what the index says.

        Args:
            passing: the credential goes to the host that the index names, too (``helm.passCredentials``); but never
                from TLS to none.

        Raises:
            RenderFailed: it is not.
            TrueupError: it cannot be had.
        """
        home, place = await self._home(repository), URL(found.url)
        if passing and place.scheme == home.url.scheme and place.host:
            home = msgspec.structs.replace(home, also=str(place.origin()))
        content = await self._download(found.url, limit, home)
        if found.digest and json.digest(content) != found.digest:
            raise RenderFailed(
                f"{redact_url(found.url)[:300]} is not what the repository's index says: it has another digest",
                hint="have the repository indexed anew, or set another version",
            )
        return content

    async def _home(self, repository: RepositoryOf) -> Home:
        url = parse_repository_url(repository.url)
        if url.scheme not in HTTP:
            raise InvalidSpec(
                f"{redact_url(repository.url)[:300]} is no Helm repository over HTTP", hint="write https://…"
            )
        credential = await self._exchange(self._credential(repository), url) or Credential()
        if url.userinfo and not credential.authorization:
            user, _, password = url.userinfo.partition(":")
            credential = msgspec.structs.replace(credential, username=unquote(user), password=unquote(password))
        return Home(url, credential)

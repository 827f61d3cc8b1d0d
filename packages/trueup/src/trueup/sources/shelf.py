"""Packed charts of one repository on the disk: what it said of them when it was last looked at, and they themselves.

The folder of a shelf holds the archives by their digests and ``record.json``, which names them. An archive is there
before the record says so, and goes after: whatever ends in between, the record is true.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from kubegrammar import json
from kubegrammar.redact import redact_url
from trueup.model.errors import RenderFailed, SourceUnavailable, TrueupError
from trueup.model.repository import RepositoryOf
from trueup.render.helm_index import CHART, ChartOf, Found, Missing
from trueup.sources.disk import on_disk
from trueup.sources.port import Pin, Turns, at_once
from trueup.sources.quota import Growth
from trueup.sources.registry.errors import AccessRefused
from trueup.sources.revision import UnknownRevision
from trueup.sources.shelved import Shelved, ShelvedChart

KEPT = 20
"""Archives that stay although nobody asks for their version any more: what a rollback wants is among them."""
SECONDS = 120.0
"""Of one look, for its archives: a server that is slow for each of many must not hold up those that are here."""
_RECORD = "record.json"
_ENDING = ".tgz"

Wish = tuple[str, str]
"""The name of a chart, and which version of it: exact, a range, or empty for the newest."""


class Wished(NamedTuple):
    """What one reader wants.

    Attributes:
        passing: it says that the credential goes wherever the repository has the chart (``helm.passCredentials``).
    """

    chart: str
    revision: str
    passing: bool = False


Check = Callable[[bytes, str, str], Awaitable[None]]
"""Raises RenderFailed for what is no archive of a form; it is read where strangers' archives may be."""


class Library(Protocol):
    """Where packed charts come from: :class:`trueup.sources.helm_repository.HelmRepositories`, or a registry."""

    async def look(self, repository: RepositoryOf) -> None:
        """See that it answers, and lets us in.

        Raises:
            TrueupError: it does not.
        """

    async def find(
        self, repository: RepositoryOf, charts: Sequence[ChartOf]
    ) -> Mapping[ChartOf, Found | Missing | AccessRefused]:
        """Which archives some charts of one repository mean today. A registry may let us in to some of them only.

        Raises:
            TrueupError: it cannot be asked.
        """

    async def archive(self, repository: RepositoryOf, found: Found, *, passing: bool = False) -> bytes:
        """A packed chart, whole.

        Args:
            passing: the credential goes wherever the repository has it.

        Raises:
            TrueupError: it cannot be had, or is another one than was found.
        """


class _Archive(msgspec.Struct, frozen=True):
    """An archive that lies here.

    Attributes:
        digest: of its bytes.
        form: what is in it.
        said: what the repository said of it: another text, another archive.
    """

    digest: str
    said: str
    form: str = CHART


class _Record(msgspec.Struct):
    """What is known of a repository.

    Attributes:
        answers: of each wish the version that it meant, by :func:`_name`.
        archives: those that lie here, by the same name of chart and version; the last one used is the last.
    """

    answers: dict[str, str] = {}
    archives: dict[str, _Archive] = {}


class Shelf:
    """One repository of charts. Made by :class:`trueup.sources.mirrors.Mirrors`.

    Args:
        repository: whose charts they are; on behalf of a project.
        wished: what its readers want now.
        name: the repository's identity.
        seconds: after which a look brings no further archive: the next one goes on.
    """

    def __init__(
        self,
        repository: RepositoryOf,
        folder: Path,
        library: Library,
        check: Check,
        growth: Growth,
        *,
        wished: Callable[[], Iterable[Wished]] = tuple,
        turns: Turns = at_once,
        name: str = "",
        seconds: float = SECONDS,
    ) -> None:
        self.seconds = seconds
        self.shown = redact_url(repository.url)[:300]
        self._repository, self._folder = repository, folder
        self._library, self._check, self._growth = library, check, growth
        self._wished, self._turns, self._name = wished, turns, name or repository.url
        self._turn = asyncio.Lock()
        self._known: _Record | None = None
        self._located: frozenset[Wish] = frozenset()
        self._answered: frozenset[Wish] = frozenset()
        self._problems: dict[Wish, TrueupError] = {}
        self._failure: TrueupError | None = None
        self._used_at = time.monotonic()

    def unused_for(self) -> float:
        """Seconds since somebody last asked the repository, or read a chart."""
        return 0.0 if self._turn.locked() else time.monotonic() - self._used_at

    def is_kept(self) -> bool:
        """Whether it was looked at before, by whichever engine."""
        return bool(self._record().answers)

    @property
    def lacking(self) -> TrueupError | None:
        """Why something that is wished for was not brought at the last look; None when all was."""
        return next((error for error in self._problems.values() if not isinstance(error, UnknownRevision)), None)

    async def update(self) -> bool:
        """Ask the repository what is wished for, bring what is new, and tell whether anything means another archive, or
        is not to be had.

        What cannot be brought keeps its former meaning, and is :attr:`lacking`.

        Raises:
            SourceUnavailable: the repository cannot be asked; all stays as it was.
        """
        async with self._turn:
            self._used_at = time.monotonic()
            wishes = self._now_wished() | self._located
            charts = {wish: ChartOf(self._repository.url, *wish) for wish in sorted(wishes)}
            moved = False

            async def look() -> bytes:
                nonlocal moved
                moved = await self._look(charts)
                return b""

            try:
                await self._turns(self._name, look)
            except OSError as error:
                self._failure = SourceUnavailable(
                    f"repository {self.shown}: its charts cannot be kept: {error.strerror or error}",
                    hint="look at the data folder (--data)",
                )
                raise self._failure from error
            except TrueupError as error:
                self._failure = error
                raise
            self._answered, self._failure = wishes, None
            return moved

    async def locate(self, chart: str, revision: str) -> None:
        """Have a version here that no reader wishes for, such as one of the past. It is asked for once.

        Raises:
            TrueupError: it is not to be had.
        """
        wish = (chart, revision)
        if _name(wish) in self._record().archives:
            return
        if wish not in self._located:
            self._located |= {wish}
            await self.update()
        self.pin(chart, revision)

    def answered(self, chart: str, revision: str) -> bool:
        """Whether the last look would have found it."""
        wish = (chart, revision)
        return wish in self._answered or wish not in self._now_wished() | self._located

    def problem(self, chart: str) -> TrueupError | None:
        """Why something new of a chart was not brought at the last look."""
        return next((error for (name, _), error in self._problems.items() if name == chart), None)

    def pin(self, chart: str, revision: str) -> Pin:
        """What a version means.

        Raises:
            UnknownRevision: it was not asked for yet, or there is none.
            TrueupError: it cannot be had.
        """
        wish, record = (chart, revision), self._record()
        version = record.answers.get(_name(wish)) or (revision if _name(wish) in record.archives else "")
        if version:
            return Pin(version, moves=version != revision)
        if problem := self._problems.get(wish, self._failure):
            raise problem
        raise UnknownRevision(f"{ChartOf(self._repository.url, *wish).shown} was not asked for yet")

    def tree(self, chart: str, version: str) -> ShelvedChart:
        """The files of a chart.

        Raises:
            SourceUnavailable: they are not here.
        """
        self._used_at = time.monotonic()
        of, archives, name = (
            ChartOf(self._repository.url, chart, version),
            self._record().archives,
            _name((chart, version)),
        )
        if (known := archives.pop(name, None)) is None:
            raise SourceUnavailable(f"{of.shown} is not here yet")
        archives[name] = known
        return ShelvedChart(Shelved(str(self._path(known.digest)), version, known.digest, of.shown, known.form))

    async def close(self) -> None:
        """Nothing goes on that nobody waits for."""

    def _now_wished(self) -> frozenset[Wish]:
        return frozenset((each.chart, each.revision) for each in self._wished())

    # --- a look ------------------------------------------------------------------------------------------------------

    async def _look(self, charts: Mapping[Wish, ChartOf]) -> bool:
        found = await self._library.find(self._repository, list(charts.values()))
        before = self._record()
        now = _Record(
            {name: version for wish in charts if (version := before.answers.get(name := _name(wish)))},
            dict(before.archives),
        )
        problems: dict[Wish, TrueupError] = {}
        passing = {each.chart for each in self._wished() if each.passing}
        began = time.monotonic()
        for wish, chart in charts.items():
            answer = found[chart]
            try:
                if isinstance(answer, AccessRefused):
                    raise answer
                if isinstance(answer, Missing):
                    now.answers.pop(_name(wish), None)
                    if _name(wish) in now.archives:
                        continue  # withdrawn, and here still
                    raise UnknownRevision(answer.message, hint=answer.hint)
                left = self.seconds - (time.monotonic() - began)
                await self._take(chart, answer, now, passing=chart.name in passing, in_time=left > 0)
                now.answers[_name(wish)] = answer.version
            except TrueupError as error:
                problems[wish] = error
        told = {wish: str(error) for wish, error in self._problems.items()}
        self._problems = problems
        self._located &= problems.keys()
        wanted = {_name((chart, now.answers.get(_name((chart, version)), version))) for chart, version in charts}
        await on_disk(self._keep, now, wanted)
        told_now = {wish: str(error) for wish, error in problems.items()}
        return now.answers != before.answers or _contents(now) != _contents(before) or told_now != told

    async def _take(self, chart: ChartOf, found: Found, now: _Record, *, passing: bool, in_time: bool) -> None:
        """Have an archive here, which what is known of it says already, or is told."""
        name, said = _name((chart.name, found.version)), found.digest or found.url
        known = now.archives.pop(name, None)
        if known is not None:
            now.archives[name] = known
            if known.said == said and await on_disk(self._path(known.digest).is_file):
                return
        if not in_time:
            raise SourceUnavailable(
                f"{chart.shown} is not fetched yet: those before it took more than {self.seconds:g} s"
            )
        try:
            content = await self._library.archive(self._repository, found, passing=passing)
            await self._check(content, chart.shown, found.form)
        except TrueupError as error:
            place = ChartOf(chart.repository, chart.name, found.version).shown
            raise type(error)(f"{place}: {error.message}", hint=error.hint, reason=error.reason) from None
        digest = await on_disk(json.digest, content)
        await on_disk(self._write, self._path(digest).name, content)
        if refusal := await on_disk(lambda: self._growth.refusal(self._growth.measure())):
            raise RenderFailed(f"{chart.shown}: {refusal}", hint="raise the quota, or remove applications")
        now.archives[name] = _Archive(digest, said, found.form)

    def _record(self) -> _Record:
        if self._known is None:
            self._known = _Record()
            with contextlib.suppress(OSError, msgspec.DecodeError):
                self._known = msgspec.json.decode((self._folder / _RECORD).read_bytes(), type=_Record)
        return self._known

    def _keep(self, record: _Record, wanted: set[str]) -> None:
        """Write what is known, without what nobody has wanted for long, and then remove that from the disk."""
        spare = [name for name in record.archives if name not in wanted]
        for name in spare[: max(0, len(spare) - KEPT)]:
            del record.archives[name]
        if record != self._known or not (self._folder / _RECORD).is_file():
            self._write(_RECORD, msgspec.json.encode(record))
        self._known = record
        named = {archive.digest + _ENDING for archive in record.archives.values()}
        for file in self._folder.glob(f"*{_ENDING}"):
            if file.name not in named:
                file.unlink(missing_ok=True)
        self._growth.measure()

    def _write(self, name: str, content: bytes) -> None:
        """A file that is whole as soon as it has its name."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self._folder / "lock").touch()
        fresh = self._folder / f"{name}.new"
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(self._folder / name)

    def _path(self, digest: str) -> Path:
        return self._folder / (digest + _ENDING)


class ChartOrigin:
    """One chart of a repository, as an :class:`trueup.sources.port.Origin`."""

    def __init__(self, shelf: Shelf, chart: str) -> None:
        self._shelf, self._chart = shelf, chart

    def pin(self, revision: str, tag_prefix: str = "") -> Pin:
        """The version that an exact one, a range or nothing means."""
        return self._shelf.pin(self._chart, revision)

    def answered(self, revision: str) -> bool:
        """Whether the last look would have found it."""
        return self._shelf.answered(self._chart, revision)

    async def locate(self, revision: str) -> None:
        """Have a version here that was not wished for."""
        await self._shelf.locate(self._chart, revision)

    def tree(self, revision: str) -> ShelvedChart:
        """The files of a version."""
        return self._shelf.tree(self._chart, revision)


def _name(wish: Wish) -> str:
    """Neither part has a line break."""
    return "\n".join(wish)


def _contents(record: _Record) -> dict[str, str]:
    """The archives that the answers lead to."""
    found = {}
    for name, version in record.answers.items():
        archive = record.archives.get(_name((name.partition("\n")[0], version)))
        found[name] = archive.digest if archive is not None else ""
    return found

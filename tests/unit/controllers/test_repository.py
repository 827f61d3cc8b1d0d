"""When repositories are looked at, and whom a look answers."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from trueup.controllers.cadence import LIVELY, LIVELY_LOOKS
from trueup.controllers.looks import PendingLooks
from trueup.controllers.repository import Repositories
from trueup.model.errors import InvalidSpec, SourceUnavailable, TooBusy, TrueupError
from trueup.model.repository import RepositoryOf
from trueup.model.share import Urgency
from trueup.policy.polling import QUICK
from trueup.runtime.outcome import Requeue
from trueup.store.settings import Settings

URL, APP = "https://git.example/shop.git", "argocd/shop"
QUIET = Settings(resync_seconds=120, resync_jitter_seconds=0)
UNPOLLED = Settings(resync_seconds=0)


class Server:
    """A Git server behind its mirror: what the next looks find, and whether they may end."""

    def __init__(self) -> None:
        self.moves: list[bool | BaseException] = []
        self.open = asyncio.Event()
        self.open.set()

    lacking: TrueupError | None = None

    def place(self, url: str) -> "Server":
        return self

    def identity(self, url: str) -> str:
        return url

    def is_kept(self) -> bool:
        return False

    async def update(self) -> bool:
        await self.open.wait()
        found = self.moves.pop(0) if self.moves else False
        if isinstance(found, BaseException):
            raise found
        return found


class Bench:
    def __init__(self, settings: Settings = QUIET) -> None:
        self.server = Server()
        self.woken: list[str] = []
        self.repositories = Repositories(
            cast(Any, self.server), users=lambda _: [APP], wake=self.woken.append, settings=lambda: settings
        )

    async def look(self) -> Requeue:
        return await self.repositories.reconcile(URL)


async def test_what_a_project_does_not_permit_is_not_asked_for() -> None:
    bench = Bench()
    repositories = Repositories(
        cast(Any, bench.server),
        users=lambda _: [],
        wake=bench.woken.append,
        settings=lambda: QUIET,
        may=lambda app, url: (app, url) == (APP, URL),
    )
    repositories.request("https://git.example/private", APP)
    repositories.request(URL, "argocd/other")
    assert not repositories.polls("https://git.example/private") and not repositories.polls(URL)
    repositories.request(URL, APP)
    assert repositories.polls(URL)


async def test_a_look_that_began_before_a_request_is_no_answer_to_it() -> None:
    bench = Bench()
    looks = PendingLooks(bench.repositories)
    bench.repositories.request(URL, "argocd/other")
    bench.server.open.clear()
    earlier = asyncio.create_task(bench.look())
    await asyncio.sleep(0)
    assert not looks.answered(APP, "refresh", [URL])
    bench.server.open.set()
    await earlier
    assert not looks.answered(APP, "refresh", [URL]), "it may have read the server before the push"
    await bench.look()
    assert looks.answered(APP, "refresh", [URL])
    assert not looks.answered(APP, "refresh, once more", [URL]), "another question"


@pytest.mark.parametrize("settings", [QUIET, UNPOLLED], ids=["polled", "unpolled"])
async def test_a_repository_that_moved_is_looked_at_again_soon_and_then_ever_more_seldom(settings: Settings) -> None:
    bench = Bench(settings)
    bench.repositories.request(URL, APP)
    await bench.look()
    bench.server.moves = [True]
    pauses = [(await bench.look()).seconds for _ in range(LIVELY_LOOKS + 2)]
    if not settings.resync_seconds:
        assert pauses == [*(LIVELY * 2.0**n for n in range(LIVELY_LOOKS)), None, None]
        return
    assert pauses[:2] == [LIVELY, 2 * LIVELY]
    assert all(QUICK <= (pause or 0) <= 2 * QUICK for pause in pauses[2:]), "people work"


async def test_a_repository_in_which_nothing_has_happened_is_looked_at_seldom_and_never_later_than_its_bound() -> None:
    for bound in (120.0, 30.0, 1.0):
        bench = Bench(Settings(resync_seconds=bound, resync_jitter_seconds=0))
        bench.repositories.request(URL, APP, Urgency.NEWS)
        assert (await bench.look()).seconds == min(QUICK, bound), "an engine has started: somebody is about to push"
        known = bench.repositories._known[URL]
        known.quiet, known.lively_at = LIVELY_LOOKS, known.lively_at - 1e6
        assert (await bench.look()).seconds == bound


@pytest.mark.parametrize("urgency", list(Urgency))
async def test_whoever_asks_brings_a_quiet_repository_back_to_quick_looks(urgency: Urgency) -> None:
    """A person, a new application, one whose source is another, a sync."""
    bench = Bench()
    bench.repositories.request(URL, APP)
    await bench.look()
    known = bench.repositories._known[URL]
    known.lively_at -= 1e6
    bench.repositories.request(URL, "argocd/new", urgency)
    await bench.look()
    known.quiet = LIVELY_LOOKS
    assert (await bench.look()).seconds == pytest.approx(QUICK, abs=2)


async def test_an_index_of_charts_is_never_asked_for_more_often_than_its_interval() -> None:
    bench, charts = Bench(), RepositoryOf("https://charts.example", "default", "shop")
    bench.repositories.request(charts, APP, Urgency.NEWS)
    await bench.repositories.reconcile(cast(str, charts))
    bench.repositories._known[cast(str, charts)].quiet = LIVELY_LOOKS
    assert (await bench.repositories.reconcile(cast(str, charts))).seconds == 120


async def test_a_host_that_is_asked_too_often_is_asked_less() -> None:
    bench = Bench()
    bench.repositories.request(URL, APP)
    await bench.look()
    bench.server.moves = [TooBusy("429"), TooBusy("429"), True]
    for _ in range(3):
        await bench.look()
    known = bench.repositories._known[URL]
    known.quiet = LIVELY_LOOKS
    assert (await bench.look()).seconds == pytest.approx(4 * QUICK, abs=1)


async def test_a_push_that_is_told_of_is_looked_at_and_wakes_nobody_by_itself() -> None:
    bench = Bench()
    bench.repositories.pushed(URL, "c0ffee")
    assert not bench.repositories.polls(URL), "nobody reads it"
    bench.repositories.request(URL, APP)
    await bench.look()
    bench.woken.clear()
    bench.repositories.pushed(URL, "c0ffee")
    assert bench.repositories.was_told(URL, "c0ffee") and not bench.repositories.was_told(URL, "other")
    assert bench.repositories.urgency(URL) is Urgency.NEWS
    assert (await bench.look()).seconds == LIVELY * 2, "it may be late at this copy of the server"
    assert bench.woken == []
    bench.server.moves = [True]
    await bench.look()
    assert bench.woken == [APP]


async def test_who_asked_is_answered_and_followed_by_one_more_look() -> None:
    bench = Bench()
    bench.repositories.request(URL, APP)
    assert (await bench.look()).seconds == QUICK, "an engine has started"
    bench.woken.clear()
    bench.repositories.request(URL, APP)
    assert (await bench.look()).seconds == LIVELY
    assert bench.woken == [APP]


FAILURES: dict[str, Callable[[], BaseException]] = {
    "a server that is away": lambda: SourceUnavailable("away"),
    "an address that is not allowed": lambda: InvalidSpec("no"),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("settings", [QUIET, UNPOLLED], ids=["polled", "unpolled"])
async def test_a_look_that_failed_answers_and_is_followed_by_others(failure: str, settings: Settings) -> None:
    bench = Bench(settings)
    bench.repositories.request(URL, APP)
    bench.server.moves = [FAILURES[failure](), FAILURES[failure](), False]
    again = await bench.look()
    assert again.seconds is not None and again.seconds <= 120
    assert bench.woken == [APP] and bench.repositories.error(URL) is not None
    await bench.look()
    assert bench.woken == [APP], "the same news wakes nobody twice"
    await bench.look()
    assert bench.woken == [APP, APP] and bench.repositories.error(URL) is None


async def test_who_waits_for_a_look_that_breaks_is_answered_by_the_next() -> None:
    bench = Bench()
    bench.repositories.request(URL, APP)
    bench.server.moves = [ZeroDivisionError("a fault of our own")]
    with pytest.raises(ZeroDivisionError):
        await bench.look()
    assert bench.woken == []
    await bench.look()
    assert bench.woken == [APP]


async def test_an_application_that_came_during_a_look_hears_of_what_it_found() -> None:
    bench = Bench()
    users = [APP]
    bench.repositories = Repositories(
        cast(Any, bench.server), users=lambda _: users, wake=bench.woken.append, settings=lambda: QUIET
    )
    bench.repositories.request(URL, APP)
    await bench.look()
    bench.woken.clear()
    bench.server.moves = [True]
    bench.server.open.clear()
    looking = asyncio.create_task(bench.look())
    await asyncio.sleep(0)
    users.append("argocd/new")
    bench.server.open.set()
    await looking
    assert bench.woken == ["argocd/new", APP]


async def test_a_repository_that_failed_is_left_alone_for_a_while_but_for_a_persons_wish() -> None:
    bench = Bench()
    looks = PendingLooks(bench.repositories)
    bench.repositories.request(URL, APP)
    bench.server.moves = [SourceUnavailable("silent")]
    await bench.look()
    assert bench.repositories.resting(URL)
    assert looks.answered("argocd/new", "", [URL], Urgency.NEWS), "its error is the answer to a new application"
    assert not looks.answered("argocd/asked", "refresh", [URL], Urgency.PERSON)
    await bench.look()
    assert not bench.repositories.resting(URL)
    assert looks.answered("argocd/asked", "refresh", [URL], Urgency.PERSON)


async def test_who_needs_a_repository_that_is_being_looked_at_waits_for_this_very_look() -> None:
    bench = Bench()
    bench.repositories.need(URL, APP)
    bench.server.open.clear()
    looking = asyncio.create_task(bench.look())
    await asyncio.sleep(0)
    bench.repositories.need(URL, "argocd/operation")
    bench.server.open.set()
    await looking
    assert bench.woken == ["argocd/operation", APP]
    assert bench.repositories.begun(URL) == bench.repositories.ended(URL) == 1


async def test_a_look_that_cost_a_wait_is_followed_by_one_that_long_at_the_earliest() -> None:
    bench = Bench(Settings(resync_seconds=1, resync_jitter_seconds=0))
    bench.repositories.request(URL, APP)
    known = bench.repositories._known[URL]
    known.failures = 3
    assert bench.repositories._cadence.after_failing(known, SourceUnavailable("refused"), 0.01) == 1
    assert bench.repositories._cadence.after_failing(known, SourceUnavailable("silent"), 30.0) == 120

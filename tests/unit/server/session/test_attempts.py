"""How often a password may be tried."""

import asyncio

import pytest
from tests.support.signing import House, Secrets

from trueup.model.errors import TrueupError
from trueup.server.errors import Fault
from trueup.server.session.attempts import MOST_PLACES, TryLimits
from trueup.store.accounts import SESSIONS_SECRET


async def wrong(house: House, name: str = "admin", peer: str = "") -> str:
    with pytest.raises(Fault) as caught:
        await house.sign_in.login(name, "wrong password", peer)
    return caught.value.message


async def right(house: House, peer: str = "") -> bool:
    try:
        return bool(await house.sign_in.login("admin", "right password", peer))
    except Fault as fault:
        assert fault.message == "Invalid username or password"
        return False


async def test_advisory_44_the_sixth_try_is_refused_whatever_the_password() -> None:
    house = House()
    for _ in range(5):
        assert await wrong(house) == "Invalid username or password"
    assert not await right(house)
    house.time.at += 301
    assert await right(house)


async def test_advisory_21_a_restart_lets_nobody_try_anew() -> None:
    house = House()
    for _ in range(5):
        await wrong(house)
    house.start()
    assert not await right(house)


async def test_advisory_21_names_that_are_none_push_nobody_out_and_are_not_kept() -> None:
    house = House()
    for _ in range(5):
        await wrong(house)
    before = house.secrets.writes
    await asyncio.gather(*(wrong(house, f"user{i}") for i in range(25)))
    assert not await right(house)
    house.start()
    assert not await right(house)
    assert house.secrets.writes == before
    assert len(house.secrets.data[SESSIONS_SECRET]["failures"]) < 100


async def test_advisory_20_many_tries_at_once_get_no_further() -> None:
    house = House()
    tries = [house.sign_in.login("admin", "wrong password") for _ in range(20)]
    found = await asyncio.gather(*tries, return_exceptions=True)
    assert all(isinstance(each, Fault) for each in found)
    assert not await right(house)
    assert house.secrets.writes == 5


async def test_who_tries_anothers_password_holds_himself_alone() -> None:
    house = House()
    for _ in range(5):
        await wrong(house, peer="192.0.2.66")
    for _ in range(2):
        assert not await right(house, "192.0.2.66")
        assert await right(house, "192.0.2.1")
        house.start()
    house.time.at += 301
    assert await right(house, "192.0.2.66")


@pytest.mark.parametrize(
    ("tries", "elsewhere", "held"),
    [
        ([f"192.0.2.{each}" for each in range(MOST_PLACES)], "198.51.100.1", True),
        ([f"192.0.2.{each}" for each in range(MOST_PLACES - 1)], "198.51.100.1", False),
        ([f"2001:db8::{each:x}" for each in range(MOST_PLACES)], "198.51.100.1", False),
        (["2001:db8::1"] * 5, "2001:db8::2", True),
        (["::ffff:192.0.2.1"] * 5, "192.0.2.1", True),
        (["no address"] * 5, "no address", True),
    ],
    ids=["many places", "not so many", "one network", "a neighbour in it", "two spellings", "what is none"],
)
async def test_an_account_that_is_tried_from_many_places_is_held(tries: list[str], elsewhere: str, held: bool) -> None:
    house = House()
    for peer in tries:
        await wrong(house, peer=peer)
    assert await right(house, elsewhere) is not held
    house.start()
    assert await right(house, elsewhere) is not held
    house.time.at += 301
    assert await right(house, elsewhere)


async def test_a_good_password_ends_the_count() -> None:
    house = House()
    for _ in range(3):
        for _ in range(4):
            await wrong(house)
        assert await right(house)
    assert "failures" not in house.secrets.data[SESSIONS_SECRET]


async def test_who_is_held_is_not_counted_further() -> None:
    house = House()
    for _ in range(12):
        await wrong(house)
    assert house.secrets.writes == 5


@pytest.mark.parametrize(("limits", "tries"), [(TryLimits(failures=1), 1), (TryLimits(failures=3, window=0), 3)])
async def test_limits_are_those_of_the_settings(limits: TryLimits, tries: int) -> None:
    house = House(limits=limits)
    for _ in range(tries):
        assert await right(house)
        await wrong(house)
        await right(house) if tries > 1 else None
    for _ in range(tries):
        await wrong(house)
    assert not await right(house)
    house.time.at += 10_000
    assert await right(house) is bool(limits.window)


async def test_what_cannot_be_put_on_record_counts_all_the_same() -> None:
    house = House()
    house.secrets.fault = TrueupError("no")
    for _ in range(5):
        await wrong(house)
    assert not await right(house)


async def test_a_record_that_cannot_be_read_holds_nobody() -> None:
    secrets = House().secrets
    secrets.data[SESSIONS_SECRET] = {"failures": "{", "revoked": "[]"}
    assert await right(House(secrets=secrets))


async def test_other_replicas_count_too() -> None:
    one = House()
    two = House(secrets=one.secrets)
    for house in (one, two, one, two, one):
        await wrong(house)
    assert not await right(one)
    assert not await right(two)
    assert isinstance(one.secrets, Secrets)

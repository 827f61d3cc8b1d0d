"""The player's cluster from within."""

import logging

import pytest
from tests.unit.pocketkube.cluster.api.served import CONFIG_MAPS, PODS, Served

from pocketkube.player.inside import Inside
from pocketkube.player.objects import FollowedObjects, Kind, SeenObject

POD = Kind("", "Pod")


def pod(name: str) -> dict[str, object]:
    return {"metadata": {"name": name}, "spec": {"containers": [{"name": "main", "image": "main"}]}}


async def test_what_was_there_and_what_comes_is_told() -> None:
    served = await Served.start()
    await served.make(PODS, pod("first"))
    objects, told = FollowedObjects(), list[tuple[str, str]]()

    def note(old: SeenObject | None, new: SeenObject | None) -> None:
        if old is None or new is None:
            told.append((old.key.name if old else "", new.key.name if new else ""))

    objects.subscribe(note)
    inside = Inside(served.api, served.storage)
    assert [*await inside.follow([POD], objects)] == [POD]
    await served.make(PODS, pod("second"))
    await served.make(CONFIG_MAPS, {"metadata": {"name": "other"}})
    await served.ask("DELETE", f"{PODS}/first?gracePeriodSeconds=0")
    await inside.close()
    await served.make(PODS, pod("third"))
    assert told == [("", "first"), ("", "second"), ("first", "")]


async def test_a_player_that_stumbles_takes_no_write_with_it(caplog: pytest.LogCaptureFixture) -> None:
    served = await Served.start()
    objects = FollowedObjects()

    def stumble(_: SeenObject | None, __: SeenObject | None) -> None:
        raise TypeError("an odd object")

    objects.subscribe(stumble)
    await Inside(served.api, served.storage).follow([POD], objects)
    with caplog.at_level(logging.ERROR):
        await served.make(PODS, pod("odd"))
    assert (await served.ask("GET", f"{PODS}/odd")).code == 200
    assert "pods default/odd: not played" in caplog.text

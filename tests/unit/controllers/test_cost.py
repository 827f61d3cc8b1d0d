"""What applications cost that nothing has happened to: work is counted, not time."""

import asyncio
from typing import Any

import pytest
from tests.support.plans import manifest
from tests.support.world import CONTROL, World, application

from trueup.controllers.ports import LONGEST_REST, REST_OF_EACH, SHORTEST_REST
from trueup.store import applications, write

OTHER = "b" * 40


def fleet(number: int) -> tuple[World, list[str]]:
    """So many applications that have been synced, and to which nothing has happened since."""
    world = World(manifest("ConfigMap", "web"))
    keys = [f"{CONTROL}/web-{each:04}" for each in range(number)]
    for key in keys:
        body = application()
        body["metadata"]["name"] = key.partition("/")[2]
        world.server.put(body)
    asyncio.run(world.run(1))
    for _ in range(2):
        # What the last of them has changed is everybody's in this world.
        for key in keys:
            world.change(key)
        asyncio.run(world.run(1))
    return world, keys


class Counted:
    """Calls of functions of a module, by name."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.calls: dict[str, int] = {}

    def count(self, owner: Any, name: str) -> None:
        """Count the calls of one from now on."""
        known = getattr(owner, name)

        def counting(*args: Any, **kwargs: Any) -> Any:
            self.calls[name] = self.calls.get(name, 0) + 1
            return known(*args, **kwargs)

        self._monkeypatch.setattr(owner, name, counting)


def work_of_a_commit(number: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """What one of so many applications costs that a commit leaves alone: calls of what is dear."""
    world, keys = fleet(number)
    world.server.patches.clear()
    world.seeing.asked = 0
    counted = Counted(monkeypatch)
    counted.count(applications, "decode")
    counted.count(write, "_apart")
    counted.count(type(world.applications), "names")
    counted.count(type(world.server), "of_kind")
    counted.count(type(world.seeing), "made_of")
    for key in keys:
        world.commit(OTHER, key=key)
    asyncio.run(world.run(1))
    assert world.seeing.asked == 0
    assert len(world.server.patches) == number
    monkeypatch.undo()
    return {name: calls / number for name, calls in counted.calls.items()}


def test_a_commit_costs_each_application_the_same_in_a_fleet_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = (work_of_a_commit(number, monkeypatch) for number in (5, 40))
    assert many == few
    assert few == {"made_of": 1, "_apart": 2}, "no list of all, and nothing read that has not changed"


def test_a_commit_that_is_asked_about_twice_is_looked_into_once(monkeypatch: pytest.MonkeyPatch) -> None:
    world, (key,) = fleet(1)
    counted = Counted(monkeypatch)
    counted.count(type(world.seeing), "made_of")
    world.seeing.revision = OTHER
    assert world.reconciler.leaves_alone(key)
    world.commit(OTHER, key=key)
    asyncio.run(world.run(1))
    assert counted.calls == {"made_of": 1}
    # The next one may be made of other files.
    world.seeing.folder = "folder 2"
    world.seeing.revision = "c" * 40
    assert not world.reconciler.leaves_alone(key)


@pytest.mark.parametrize(
    ("number", "seconds"), [(1, 120.0), (600, 120.0), (3000, 3000 * REST_OF_EACH), (10**6, LONGEST_REST)]
)
def test_what_nothing_wakes_is_looked_at_less_often_in_a_large_fleet(
    number: int, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    monkeypatch.setattr(type(world.applications), "decoded", number)
    found = world.reconciler.ports.rest()
    assert found == seconds
    assert SHORTEST_REST <= found <= LONGEST_REST


def test_the_applications_that_have_been_looked_at_are_counted() -> None:
    world, keys = fleet(3)
    assert world.applications.decoded == 3
    del world.server.objects[next(key for key in world.server.objects if key.name == "web-0000")]
    assert world.applications.get(keys[0]) is None
    assert world.applications.decoded == 2

"""What all applications have to do with is known at the cost of one look at each, and one at each that changes."""

from collections.abc import Iterator

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from trueup.store.linked import Linked


class App(msgspec.Struct, frozen=True):
    key: str
    things: tuple[str, ...]


KEYS = st.sampled_from("abcd")
THINGS = st.lists(st.sampled_from("xyz"), max_size=3).map(tuple)


@given(st.dictionaries(KEYS, THINGS), st.lists(st.tuples(KEYS, THINGS | st.none()), max_size=8), st.integers(0, 8))
def test_it_says_what_a_look_at_all_of_them_would_say(
    first: dict[str, tuple[str, ...]], changes: list[tuple[str, tuple[str, ...] | None]], asked: int
) -> None:
    apps = {key: App(key, things) for key, things in first.items()}
    linked = Linked[App, str](lambda app: app.things, lambda: list(apps.values()))
    for number, (key, things) in enumerate(changes):
        if number == asked:
            linked.all()
        if things is None:
            apps.pop(key, None)
        else:
            apps[key] = App(key, things)
        linked.changed(key, apps.get(key))
    expected = {thing: {app.key for app in apps.values() if thing in app.things} for thing in "xyz"}
    assert linked.all() == {thing: keys for thing, keys in expected.items() if keys}
    assert all(linked.with_(thing) == sorted(keys) for thing, keys in expected.items())


def test_a_change_of_one_costs_a_look_at_one() -> None:
    looks: list[str] = []
    apps = [App(f"a{number}", ("x",)) for number in range(100)]

    def of(app: App) -> Iterator[str]:
        looks.append(app.key)
        yield from app.things

    linked = Linked[App, str](of, lambda: apps)
    for app in apps:
        linked.all()
        linked.changed(app.key, app)
    assert len(looks) == 2 * len(apps)

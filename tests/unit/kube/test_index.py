"""Lists, events and our own writes meet in the index: which of them is believed."""

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.kube.index import Index
from trueup.kube.room import Room
from trueup.model.live import LiveObject, Node, Owner, Seen, Shown
from trueup.model.resource import GroupKind, ResourceKey

KIND = GroupKind("", "ConfigMap")


def seen(version: int | str, name: str = "x", uid: str = "u1", app: str = "shop", owner: str = "") -> LiveObject:
    return LiveObject(
        key=ResourceKey("", "ConfigMap", "a", name),
        api_version="v1",
        uid=uid,
        resource_version=str(version),
        body=b"{}",
        labels={"app": app},
        owners=(Owner(uid=owner),) if owner else (),
    )


X = seen(0).key


def fresh() -> Index:
    return Index(lambda found: found.labels.get("app") or None)


def listed(*objects: LiveObject, version: int | str = 10) -> Index:
    index = fresh()
    index.replaced(KIND, objects, str(version))
    return index


Rule = tuple[Callable[[Index], object], str | None]

ORDER: dict[str, Rule] = {
    "a later event wins": (lambda i: i.appeared(seen(11)), "11"),
    "a write's response wins at once": (lambda i: i.written(seen(11)), "11"),
    "an event of before our write loses": (lambda i: (i.written(seen(12)), i.appeared(seen(11))), "12"),
    "the event of our own write changes nothing": (lambda i: (i.written(seen(12)), i.appeared(seen(12))), "12"),
    "a slow response loses to a later event": (lambda i: (i.appeared(seen(12)), i.written(seen(11))), "12"),
    "a deletion removes": (lambda i: i.disappeared(seen(12)), None),
    "a deletion older than what is stored loses": (lambda i: (i.written(seen(13)), i.disappeared(seen(12))), "13"),
    "the deletion of a predecessor leaves its successor": (
        lambda i: (i.written(seen(13, uid="u2")), i.disappeared(seen(12))),
        "13",
    ),
    "a slow response does not bring back what was deleted": (
        lambda i: (i.disappeared(seen(12)), i.written(seen(11))),
        None,
    ),
    "what is created after a deletion is there": (
        lambda i: (i.disappeared(seen(12)), i.written(seen(13, uid="u2"))),
        "13",
    ),
    "what the server says is gone is gone": (lambda i: i.removed(X, "u1"), None),
    "events still under way do not bring back what is gone": (
        lambda i: (i.removed(X, "u1"), i.appeared(seen(11))),
        None,
    ),
    "the news that a predecessor is gone leaves its successor": (
        lambda i: (i.appeared(seen(11, uid="u2")), i.removed(X, "u1")),
        "11",
    ),
    "a list without the object removes it": (lambda i: i.replaced(KIND, (), "20"), None),
    "a list older than our write keeps the written object": (
        lambda i: (i.written(seen(25)), i.replaced(KIND, (), "20")),
        "25",
    ),
    "a list with an older state keeps the newer": (
        lambda i: (i.written(seen(25)), i.replaced(KIND, (seen(15),), "20")),
        "25",
    ),
    "a list from the past counts alone: the storage was restored": (
        lambda i: (i.appeared(seen(25)), i.replaced(KIND, (seen(5),), "6")),
        "5",
    ),
    "a list from the past removes what it lacks": (lambda i: (i.appeared(seen(25)), i.replaced(KIND, (), "6")), None),
    "without numbers the last to arrive wins": (lambda i: i.appeared(seen("abc")), "abc"),
    "without numbers a deletion removes": (lambda i: (i.appeared(seen("abc")), i.disappeared(seen("xyz"))), None),
}


@pytest.mark.parametrize(("act", "version"), ORDER.values(), ids=ORDER.keys())
def test_which_version_stays(act: Callable[[Index], object], version: str | None) -> None:
    index = listed(seen(5))
    act(index)
    found = index.get(X)
    assert (found.resource_version if found else None) == version


def test_a_change_is_told_with_before_and_after() -> None:
    index = listed(seen(5))
    before = index.get(X)
    after = seen(11)
    assert index.appeared(after) == [(before, after)]
    assert index.appeared(after) == []
    assert index.disappeared(seen(12)) == [(after, None)]


def test_an_equal_list_tells_nothing_and_keeps_the_objects() -> None:
    index = listed(seen(5))
    kept = index.get(X)
    assert index.replaced(KIND, (seen(5),), "30") == []
    assert index.get(X) is kept


def test_an_object_is_found_by_group_and_by_owner_and_moves_between_them() -> None:
    index = listed(seen(5, owner="r1"))
    assert list(index.group("shop")) == [X]
    assert [found.key for found in index.children("r1")] == [X]
    index.appeared(seen(11, app="blog", owner="r2"))
    assert (index.group("shop"), index.children("r1")) == ({}, [])
    assert list(index.group("blog")) == [X]
    assert [found.key for found in index.children("r2")] == [X]


def test_a_group_handed_out_does_not_change_afterwards() -> None:
    index = listed(seen(5))
    group = index.group("shop")
    index.disappeared(seen(12))
    assert list(group) == [X]


def test_a_list_of_one_kind_leaves_the_others() -> None:
    index = listed(seen(5))
    index.replaced(GroupKind("", "Secret"), (), "20")
    assert index.get(X) is not None


STEP = st.tuples(
    st.sampled_from(["appeared", "written", "disappeared", "removed", "listed"]),
    st.integers(min_value=1, max_value=40),
    st.sampled_from(["x", "y"]),
    st.sampled_from(["u1", "u2"]),
    st.sampled_from(["shop", "blog", ""]),
    st.sampled_from(["", "r1", "r2"]),
)


@given(st.lists(STEP, max_size=30))
def test_changes_told_rebuild_the_view_and_every_index_agrees(steps: list[tuple[str, int, str, str, str, str]]) -> None:
    index = fresh()
    view: dict[ResourceKey, Seen] = {}
    for action, version, name, uid, app, owner in steps:
        found = seen(version, name, uid, app, owner)
        match action:
            case "appeared":
                changes = index.appeared(found)
            case "written":
                changes = index.written(found)
            case "disappeared":
                changes = index.disappeared(found)
            case "removed":
                changes = index.removed(found.key, uid)
            case _:
                changes = index.replaced(KIND, (found,), str(version))
        for old, new in changes:
            key = (old or new or found).key
            assert view.get(key) is old
            if new is None:
                del view[key]
            else:
                view[key] = new
    assert {found.key: found for found in index.of_kind(KIND)} == view
    for group in ("shop", "blog"):
        mine = {
            key: found for key, found in view.items() if isinstance(found, LiveObject) and found.labels["app"] == group
        }
        assert index.group(group) == mine
    for uid in ("r1", "r2"):
        expected = [found for found in view.values() if uid in [owner.uid for owner in found.owners]]
        assert sorted(map(repr, index.children(uid))) == sorted(map(repr, expected))


def test_with_a_watch_for_each_namespace_one_says_nothing_of_the_other() -> None:
    def at(namespace: str, version: int) -> LiveObject:
        found = seen(version)
        return msgspec.structs.replace(found, key=ResourceKey("", KIND.kind, namespace, "x"), uid=f"{namespace}-uid")

    index = Index(lambda _: None, by_namespace=True)
    index.replaced(KIND, (at("a", 5),), "10", "a")
    index.replaced(KIND, (at("b", 5),), "90", "b")
    assert len(index.of_kind(KIND)) == 2
    index.replaced(KIND, (), "20", "a")
    assert [found.key.namespace for found in index.of_kind(KIND)] == ["b"]
    assert index.written(at("a", 50)) != [], "that the watch of b has got further says nothing of a"
    index.replaced(KIND, (), "96", "b")
    assert index.written(at("b", 50)) == []


def sparing(room: Room | None = None) -> Index:
    """Keeps the bodies of what has an app, and of what was asked for."""
    return Index(
        lambda found: found.labels.get("app") or None,
        room=room,
        keep=lambda _: False,
        brief=lambda _: Shown(revision="7"),
    )


def kept(index: Index) -> str:
    """What is kept of X, and at which version."""
    found = index.get(X)
    return f"{type(found).__name__} {found.resource_version}" if found else "nothing"


KEPT: dict[str, tuple[Callable[[Index], object], str]] = {
    "of a managed object, its body": (lambda i: i.appeared(seen(11)), "LiveObject 11"),
    "of any other, a node": (lambda i: i.appeared(seen(11, app="")), "Node 11"),
    "of one that loses its mark, a node": (lambda i: (i.appeared(seen(11)), i.appeared(seen(12, app=""))), "Node 12"),
    "of one that gets a mark, its body": (
        lambda i: (i.appeared(seen(11, app="")), i.appeared(seen(12))),
        "LiveObject 12",
    ),
    "of one asked for before it came, its body": (
        lambda i: (i.ask(X), i.appeared(seen(11, app=""))),
        "LiveObject 11",
    ),
    "of one asked for, its body once it is read": (
        lambda i: (i.appeared(seen(11, app="")), i.ask(X), i.completed(seen(11, app=""))),
        "LiveObject 11",
    ),
    "a body that was read late loses to an event": (
        lambda i: (i.appeared(seen(11, app="")), i.ask(X), i.appeared(seen(12, app="")), i.completed(seen(11, app=""))),
        "LiveObject 12",
    ),
    "a body that comes after the end brings nothing back": (
        lambda i: (i.appeared(seen(11, app="")), i.ask(X), i.disappeared(seen(12, app="")), i.completed(seen(11))),
        "nothing",
    ),
    "a list that says the same leaves a body": (
        lambda i: (i.ask(X), i.appeared(seen(11, app="")), i.replaced(KIND, (seen(11, app=""),), "20")),
        "LiveObject 11",
    ),
    "the response to a write of another's object is a node": (lambda i: i.written(seen(11, app="")), "Node 11"),
}


@pytest.mark.parametrize("rule", KEPT)
def test_bodies_are_kept_of_what_is_managed_or_asked_for(rule: str) -> None:
    index = sparing()
    do, expected = KEPT[rule]
    do(index)
    assert kept(index) == expected


def test_a_node_says_whose_it_is_and_what_a_tree_shows_and_takes_no_room_for_its_body() -> None:
    room = Room()
    index = sparing(room)
    body = b'{"data":"%s"}' % (b"x" * 1_000_000)
    index.appeared(msgspec.structs.replace(seen(11, app="", owner="r1"), body=body))
    (child,) = index.children("r1")
    assert isinstance(child, Node)
    assert (child.uid, child.shown.revision, index.ask(X)) == ("u1", "7", child)
    assert room.used < 10_000
    index.disappeared(seen(12, app="", owner="r1"))
    assert (room.used, index.children("r1"), index.group("shop")) == (0, [], {})


def test_what_was_asked_for_long_ago_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trueup.kube.index.ASKED", 2)
    index = sparing()
    for name in ("x", "y", "z"):
        index.ask(seen(0, name).key)
    index.appeared(seen(11, app=""))
    assert kept(index) == "Node 11"


@given(
    st.lists(
        st.tuples(st.sampled_from(["appeared", "written", "disappeared", "listed"]), st.integers(1, 40)), max_size=20
    ),
    st.sets(st.integers(0, 20)),
)
def test_that_bodies_are_not_kept_changes_neither_what_is_there_nor_whose_it_is(
    steps: list[tuple[str, int]], asked: set[int]
) -> None:
    whole, spare = fresh(), sparing()
    for at, (action, version) in enumerate(steps):
        # One version of an object is one content.
        found = seen(version, "x", f"u{version // 20}", "shop" if version % 3 else "", "r1" if version % 2 else "r2")
        if at in asked:
            spare.ask(X)
        for index in (whole, spare):
            match action:
                case "appeared":
                    index.appeared(found)
                case "written":
                    index.written(found)
                case "disappeared":
                    index.disappeared(found)
                case _:
                    index.replaced(KIND, (found,), str(version))
    there, spared = (
        [(found.uid, found.resource_version, found.owners) for found in index.of_kind(KIND)] for index in (whole, spare)
    )
    assert there == spared
    assert whole.group("shop") == spare.group("shop")
    assert len(whole.children("r1")) == len(spare.children("r1"))

"""What the player knows of a cluster's objects."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from pocketkube.player.objects import FollowedObjects, Key, Kind, SeenObject, kind_of, seen

POD = Kind("", "Pod")


def pod(name: str = "a", version: int = 1, uid: str = "u", owner: str = "", **metadata: Any) -> SeenObject:
    owners = [{"uid": owner, "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "controller": True}]
    facts = {"name": name, "namespace": "n", "uid": uid, "resourceVersion": str(version), **metadata}
    if owner:
        facts["ownerReferences"] = owners
    return seen(POD, msgspec.json.encode({"apiVersion": "v1", "kind": "Pod", "metadata": facts}))


def told_of() -> tuple[FollowedObjects, list[tuple[int, int]]]:
    """Objects, and what they tell: the versions before and after, 0 for nothing."""
    objects, told = FollowedObjects(), list[tuple[int, int]]()
    objects.subscribe(lambda old, new: told.append((old.version if old else 0, new.version if new else 0)))
    return objects, told


def test_an_older_version_says_nothing() -> None:
    objects, told = told_of()
    for version in (2, 1, 2, 3):
        objects.put(pod(version=version))
    assert told == [(0, 2), (2, 3)]


def test_an_answer_that_comes_after_the_end_does_not_bring_an_object_back() -> None:
    objects, told = told_of()
    objects.put(pod(version=1))
    objects.drop(pod().key, "u")
    objects.put(pod(version=2))
    assert told == [(0, 1), (1, 0)]
    assert objects.of_kind(POD) == []


def test_a_namesake_stays_when_its_forerunner_is_told_to_have_gone() -> None:
    objects, _ = told_of()
    objects.put(pod(uid="second", version=5))
    objects.drop(pod().key, "first")
    assert [each.uid for each in objects.of_kind(POD)] == ["second"]


def test_what_a_list_does_not_have_has_gone() -> None:
    objects, told = told_of()
    objects.put(pod("a", uid="1"))
    objects.put(pod("b", uid="2"))
    objects.replace(POD, [pod("b", uid="2", version=4), pod("c", uid="3", version=3)])
    assert sorted(each.key.name for each in objects.of_kind(POD)) == ["b", "c"]
    assert told[2:] == [(1, 0), (1, 4), (0, 3)]


def test_a_status_or_a_scale_is_no_version_of_the_object() -> None:
    objects, told = told_of()
    objects.answered(POD, {"kind": "Status", "apiVersion": "v1", "metadata": {}})
    objects.answered(POD, {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {"uid": "u"}})
    assert told == []


def test_a_kind_is_the_same_in_every_version() -> None:
    assert kind_of("apps/v1", "Deployment") == kind_of("apps/v1beta1", "Deployment") == Kind("apps", "Deployment")
    assert kind_of("v1", "Pod") == POD


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["", "o1", "o2"]), st.booleans()), max_size=20))
def test_children_are_those_that_name_the_owner_now(steps: list[tuple[str, str, bool]]) -> None:
    objects = FollowedObjects()
    for version, (name, owner, put) in enumerate(steps, 1):
        known = objects.get(Key(POD, "n", name))
        if put:
            objects.put(pod(name, version, known.uid if known else f"{name}{version}", owner))
        elif known:
            objects.drop(known.key, known.uid)
    for owner in ("o1", "o2"):
        expected = {each.key for each in objects.of_kind(POD) if owner in [one.uid for one in each.owners]}
        assert {each.key for each in objects.children(owner)} == expected

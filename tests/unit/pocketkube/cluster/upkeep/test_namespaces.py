"""What a namespace that is being emptied says of itself."""

from pocketkube.cluster.upkeep.namespaces import FINE, HELD, REMAINING, with_conditions


def test_all_conditions_are_there_from_the_start() -> None:
    conditions = with_conditions([], {}, "now")
    assert [condition["type"] for condition in conditions] == list(FINE)
    assert {condition["status"] for condition in conditions} == {"False"}


def test_what_remains_is_said_and_only_what_changed_has_a_new_time() -> None:
    before = with_conditions([], {}, "then")
    after = with_conditions(before, {REMAINING: ("SomeResourcesRemain", "pods. has 1 resource instances")}, "now")
    times = {condition["type"]: condition["lastTransitionTime"] for condition in after}
    assert times == {type_: "now" if type_ == REMAINING else "then" for type_ in FINE}


def test_another_count_keeps_the_time() -> None:
    before = with_conditions([], {HELD: ("SomeFinalizersRemain", "x in 2 resource instances")}, "then")
    after = with_conditions(before, {HELD: ("SomeFinalizersRemain", "x in 1 resource instances")}, "now")
    held = next(condition for condition in after if condition["type"] == HELD)
    assert (held["message"], held["lastTransitionTime"]) == ("x in 1 resource instances", "then")


def test_conditions_of_others_stay() -> None:
    other = {"type": "Ours", "status": "True"}
    assert with_conditions([other], {}, "now")[0] == other

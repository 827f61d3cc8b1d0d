"""Laws of client-side apply, on the schema of Pods."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kubegrammar.merge import Merging, strategic_merge, three_way
from pocketkube.cluster.catalog import type_of

POD = Merging(type_of("v1", "Pod"), strategic=True)

NAMES = st.sampled_from("abcde")
VARIABLES = st.lists(st.builds(lambda name, value: {"name": name, "value": value}, NAMES, NAMES), max_size=4)
DISTINCT = st.lists(
    st.builds(lambda name, value: {"name": name, "value": value}, NAMES, NAMES),
    max_size=4,
    unique_by=lambda item: item["name"],
)


def containers(variables: Any) -> Any:
    made = st.builds(lambda name, image, env: {"name": name, "image": image, "env": env}, NAMES, NAMES, variables)
    return st.lists(made, min_size=1, max_size=3, unique_by=lambda item: item["name"])


def pod(items: list[Any], labels: dict[str, str]) -> dict[str, Any]:
    return {"metadata": {"labels": labels}, "spec": {"containers": items}}


PODS = st.builds(pod, containers(VARIABLES), st.dictionaries(NAMES, NAMES, max_size=3))
UNIQUE = st.builds(pod, containers(DISTINCT), st.dictionaries(NAMES, NAMES, max_size=3))


def applied(last: dict[str, Any], wanted: dict[str, Any], live: dict[str, Any]) -> dict[str, Any]:
    return strategic_merge(live, three_way([last], wanted, live, POD).body, POD.type)


def variables(obj: dict[str, Any]) -> dict[tuple[str, str], list[str]]:
    """The values by container and name."""
    found: dict[tuple[str, str], list[str]] = {}
    for container in obj["spec"]["containers"]:
        for one in container.get("env") or ():
            found.setdefault((container["name"], one["name"]), []).append(one["value"])
    return found


@given(PODS, PODS, PODS)
def test_an_apply_changes_nothing_the_second_time(
    last: dict[str, Any], wanted: dict[str, Any], live: dict[str, Any]
) -> None:
    once = applied(last, wanted, live)
    assert applied(wanted, wanted, once) == once


@given(PODS, PODS, PODS)
def test_everything_declared_is_there_in_its_order(
    last: dict[str, Any], wanted: dict[str, Any], live: dict[str, Any]
) -> None:
    after = applied(last, wanted, live)
    declared, there = variables(wanted), variables(after)
    assert all(there[name] == values for name, values in declared.items() if name not in variables(live))
    order = [one["name"] for one in wanted["spec"]["containers"]]
    assert [one["name"] for one in after["spec"]["containers"] if one["name"] in order] == order
    assert after["metadata"]["labels"].items() >= wanted["metadata"]["labels"].items()


@given(UNIQUE, UNIQUE, UNIQUE)
def test_what_was_never_ours_stays_and_what_was_and_is_not_declared_goes(
    last: dict[str, Any], wanted: dict[str, Any], live: dict[str, Any]
) -> None:
    after = variables(applied(last, wanted, live))
    ours, declared = variables(last), variables(wanted)
    of_others = {name for name in variables(live) if name not in ours and name not in declared}
    gone = {container["name"] for container in last["spec"]["containers"]}
    gone -= {container["name"] for container in wanted["spec"]["containers"]}
    assert {name for name in of_others if name[0] not in gone} <= after.keys()
    assert not [name for name in ours if name not in declared and name in after]

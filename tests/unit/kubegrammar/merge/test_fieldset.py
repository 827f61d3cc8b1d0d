"""Sets of field paths: the algebra of sets holds, whether a path is a leaf or has others below it."""

from hypothesis import given
from hypothesis import strategies as st

from kubegrammar.merge.fieldset import FieldSet, difference, intersection, paths, union

NAMES = st.sampled_from(["f:a", "f:b", 'k:{"name":"x"}', 'v:"y"'])
PATHS = st.frozensets(st.lists(NAMES, min_size=1, max_size=3).map(tuple), max_size=6)


def made(members: frozenset[tuple[str, ...]]) -> FieldSet:
    """The set of these paths, one by one."""
    found: FieldSet = {}
    for path in members:
        one: FieldSet = {}
        for element in reversed(path):
            one = {element: one}
        found = union(found, one)
    return found


def shown(fields: FieldSet) -> set[str]:
    found = list(paths(fields))
    assert len(found) == len(set(found)), "a path is in a set once"
    return set(found)


@given(PATHS)
def test_a_set_has_the_paths_that_were_put_into_it(members: frozenset[tuple[str, ...]]) -> None:
    assert len(shown(made(members))) == len(members)


@given(PATHS, PATHS)
def test_union_difference_and_intersection_are_those_of_sets(
    left: frozenset[tuple[str, ...]], right: frozenset[tuple[str, ...]]
) -> None:
    ours, theirs = made(left), made(right)
    assert shown(union(ours, theirs)) == shown(made(left | right))
    assert shown(difference(ours, theirs)) == shown(made(left - right))
    assert shown(intersection(ours, theirs)) == shown(made(left & right))

"""Fair shares: no project waits for more than a turn of each other one, whatever those want and how urgently."""

from hypothesis import given
from hypothesis import strategies as st

from trueup.model.share import Share, Urgency
from trueup.runtime.line import Line

WISHES = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from("rst"), st.sampled_from(list(Urgency))), min_size=1, max_size=40
)


@given(WISHES, WISHES, st.sampled_from(list(Urgency)))
def test_a_project_with_one_wish_is_served_after_at_most_a_few_of_each_other(
    before: list[tuple[str, str, Urgency]], after: list[tuple[str, str, Urgency]], urgency: Urgency
) -> None:
    line: Line[str] = Line()
    for project, repository, wanted in before:
        line.put(Share(project, repository, wanted), project)
    line.put(Share("mine", "m", urgency), "mine")
    served: dict[str, int] = {}
    for project, repository, wanted in after:
        line.put(Share(project, repository, wanted), project)
    while taken := line.take():
        if taken[1] == "mine":
            break
        served[taken[1]] = served.get(taken[1], 0) + 1
    # What is served is under way still: nobody has a second piece before everybody has a first, but for a person's.
    assert all(count <= 2 for count in served.values())


@given(WISHES, st.lists(st.integers(0, 39), max_size=40))
def test_what_is_put_is_taken_once_or_removed_and_nothing_is_left(
    wishes: list[tuple[str, str, Urgency]], removed: list[int]
) -> None:
    line: Line[int] = Line()
    shares = [Share(*wish) for wish in wishes]
    for number, share in enumerate(shares):
        line.put(share, number)
    gone = {number for number in removed if number < len(shares)}
    for number in gone:
        line.remove(shares[number], number)
    taken = []
    while found := line.take():
        assert found[0] == shares[found[1]]
        taken.append(found)
    assert sorted(number for _, number in taken) == sorted(set(range(len(shares))) - gone)
    assert len(line) == 0
    for share, _ in taken:
        line.release(share)
    assert all(line.held(project) == 0 for project in "abc")

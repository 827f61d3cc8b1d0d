"""How tests are shared among workers."""

import pytest
from tests.support.sharing import SECOND_CLUSTER, Shares, unit_of

DURATIONS = {
    "tests/labs/test_labs.py::test_long": 90.0,
    "tests/labs/test_labs.py::test_other": 1.0,
    "tests/unit/a/test_a.py::test_short": 0.5,
    "tests/e2e/test_faults.py::test_long[spare]": 90.0,
}


@pytest.mark.parametrize(
    ("test", "unit"),
    [
        ("tests/unit/a/test_a.py::test_short[embedded]", "tests/unit/a/test_a.py@"),
        ("tests/labs/test_labs.py::test_long", "tests/labs/test_labs.py::test_long"),
        ("tests/labs/test_labs.py::test_other", "tests/labs/test_labs.py@"),
        ("tests/e2e/test_faults.py::test_long[spare]", "tests/e2e/test_faults.py@spare"),
        ("tests/labs/test_labs.py::test_new", "tests/labs/test_labs.py::test_new"),
        ("tests/e2e/test_sync.py::test_x[embedded]", "tests/e2e/test_sync.py@embedded"),
        ("tests/cluster/test_apply.py::test_x[kubernetes-a case]", "tests/cluster/test_apply.py@kubernetes"),
        ("tests/e2e/test_sync.py::test_x[not embedded at all]", "tests/e2e/test_sync.py@"),
        ("tests/conformance/test_verbs.py::test_x[get]", "tests/conformance/test_verbs.py@both"),
    ],
)
def test_tests_of_a_module_and_a_cluster_stay_together_and_a_long_one_is_alone(test: str, unit: str) -> None:
    assert unit_of(test, DURATIONS) == unit


class TestAWorkerTakes:
    def test_the_longest_first(self) -> None:
        assert Shares().choose("a", {"x@": 1, "y@": 3, "z@": 2}) == "y@"

    def test_the_cluster_with_most_work_before_shorter_modules(self) -> None:
        waiting = {"x@": 5, "m@embedded": 4, "n@embedded": 3}
        assert Shares().choose("a", waiting) == "m@embedded"

    def test_what_is_left_of_its_cluster_before_anything_longer(self) -> None:
        shares = Shares()
        assert shares.choose("a", {"m@embedded": 9, "n@embedded": 1, "x@": 8}) == "m@embedded"
        assert shares.choose("a", {"n@embedded": 1, "x@": 8, "k@kubernetes": 50}) == "n@embedded"

    def test_another_cluster_than_the_other_worker_has(self) -> None:
        shares = Shares()
        shares.choose("a", {"m@embedded": 90, "k@kubernetes": 50})
        assert shares.choose("b", {"n@embedded": 80, "k@kubernetes": 50}) == "k@kubernetes"

    def test_work_of_another_worker_s_cluster_where_that_pays(self) -> None:
        shares = Shares()
        shares.choose("a", {"m@embedded": 90})
        assert shares.choose("b", {"n@embedded": SECOND_CLUSTER, "x@": 1}) == "x@"
        assert shares.choose("b", {"n@embedded": SECOND_CLUSTER - 1}) is None
        assert shares.choose("b", {"n@embedded": SECOND_CLUSTER}) == "n@embedded"

    def test_over_what_a_worker_that_ended_has_left(self) -> None:
        shares = Shares()
        shares.choose("a", {"m@embedded": 9})
        shares.leave("a")
        assert shares.choose("b", {"n@embedded": 1}) == "n@embedded"

"""What ``make test`` runs, and what ``make test-everywhere`` runs after it: each test in one, laws in both.

``make test`` tries every rule once. Repeated is: a test that runs on both clusters, on the one where less is at stake;
and what is marked :data:`everywhere` where it is written, because it repeats at length what others try (the parades of
kubectl, every verb on every kind, a soak, a fuzzer's minute, every page pasted), or because it waits long for what a
clock decides (a lease that runs out, a server that is silent) or weighs memory. A law is tried on some of its examples,
and then on all of them. ``.ci/run`` runs both, so that nothing is left out.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pytest
from _pytest.mark import ParameterSet
from hypothesis import settings
from hypothesis.internal.detection import is_hypothesis_test

ONCE, AGAIN = "once", "again"
TIERS = (ONCE, AGAIN)

everywhere = pytest.mark.everywhere
"""Marks a test, or by ``pytestmark`` a module, that ``make test`` leaves to ``make test-everywhere``."""


def rows(table: Mapping[str, Any], *once: str) -> list[ParameterSet]:
    """Parameters by their ids, of which ``make test`` tries a few.

    For tables whose rows all go the same way through a cluster, when each has a unit test of its own for what is told.

    Args:
        table: the parameters of a test, a tuple where there are several.
        once: the ids that ``make test`` tries; ``make test-everywhere`` tries the others.
    """
    assert table.keys() >= {*once}, f"not in the table: {set(once) - table.keys()}"
    return [
        pytest.param(*(row if isinstance(row, tuple) else (row,)), id=name, marks=() if name in once else everywhere)
        for name, row in table.items()
    ]


LAWS = "tests/laws/"
SOME, LEAST = 3, 10
"""``make test`` tries one of so many examples of a law, and no fewer than that."""

EMBEDDED_AT_STAKE = frozenset(
    {
        # What is read, and what is said of it: no server has a say in it.
        "tests/cluster/test_doctor.py",
        "tests/e2e/test_audit.py",
        "tests/e2e/test_bad_input.py",
        "tests/e2e/test_canary.py",
        "tests/e2e/test_clusters.py",
        "tests/e2e/test_credentials.py",
        "tests/e2e/test_examples.py",
        "tests/e2e/test_ignored.py",
        "tests/e2e/test_images.py",
        "tests/e2e/test_memory.py",
        "tests/e2e/test_operations.py",
        "tests/e2e/test_pipelines.py",
        "tests/e2e/test_real_repository.py",
        "tests/e2e/test_rewritten_history.py",
        # What a proxy before the server makes wrong.
        "tests/cluster/test_kube_faults.py",
        # The real one that tests share has these definitions anyway.
        "tests/e2e/test_argocd_definitions.py",
        # What the embedded cluster itself has to do as the real one does.
        "tests/cluster/test_helm.py",
        "tests/cluster/test_operator.py",
        "tests/cluster/test_simulator.py",
        "tests/cluster/test_workloads.py",
    }
)
"""Modules whose tests of both clusters ``make test`` runs on the embedded one. Elsewhere it is the real API server: it
has the last word on writes, conflicts, admission, ownership and definitions."""

_CLUSTER = re.compile(r"(?<=[\[-])(kubernetes|embedded)(?=[\]-])")


def tier_of(test: str, tests: Collection[str], marked: bool) -> str:
    """``once`` or ``again``.

    Args:
        test: its id.
        tests: the ids of all that were collected.
        marked: it is marked ``everywhere``.
    """
    if marked:
        return AGAIN
    found = _CLUSTER.search(test)
    if found is None:
        return ONCE
    at_stake = "embedded" if test.partition("::")[0] in EMBEDDED_AT_STAKE else "kubernetes"
    other = "kubernetes" if found[1] == "embedded" else "embedded"
    twin = f"{test[: found.start()]}{other}{test[found.end() :]}"
    return AGAIN if found[1] != at_stake and twin in tests else ONCE


def is_law(item: pytest.Item) -> bool:
    """Whether it is tried on examples that hypothesis makes. Those of one unit alone are no laws: they are quick."""
    return item.nodeid.startswith(LAWS) and is_hypothesis_test(getattr(item, "obj", None))


def divide(items: list[pytest.Item]) -> dict[str, list[pytest.Item]]:
    """Tests by tier, each in its order."""
    tests = {item.nodeid for item in items}
    divided: dict[str, list[pytest.Item]] = {tier: [] for tier in TIERS}
    for item in items:
        marked = item.get_closest_marker("everywhere") is not None
        tier = tier_of(item.nodeid, tests, marked)
        for each in TIERS if tier == ONCE and is_law(item) else (tier,):
            divided[each].append(item)
    return divided


def try_some(items: Iterable[pytest.Item]) -> None:
    """Let the laws among these try some of their examples."""
    laws = {id(law): law for item in items if is_law(item) and (law := getattr(item, "obj", None))}
    for law in laws.values():
        whole = law._hypothesis_internal_use_settings
        law._hypothesis_internal_use_settings = settings(whole, max_examples=some(whole.max_examples))


def some(examples: int) -> int:
    """How many of a law's examples ``make test`` tries."""
    return min(examples, max(LEAST, examples // SOME))

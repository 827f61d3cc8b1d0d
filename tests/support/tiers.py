"""What ``make test`` runs, and what ``make test-everywhere`` runs after it. Each test is in one of the two.

``make test`` tries every rule once. Repeated is: a test that runs on both clusters, on the one where less is at stake;
and what is marked :data:`everywhere` where it is written, because it repeats at length what others try (the parades of
kubectl, every verb on every kind, a soak, a fuzzer's minute, every page pasted). ``.ci/run`` runs both, so that nothing
is left out.
"""

import re
from collections.abc import Collection

import pytest

ONCE, AGAIN = "once", "again"
TIERS = (ONCE, AGAIN)

everywhere = pytest.mark.everywhere
"""Marks a test, or by ``pytestmark`` a module, that ``make test`` leaves to ``make test-everywhere``."""

EMBEDDED_AT_STAKE = frozenset(
    {
        # What is read, and what is said of it: no server has a say in it.
        "tests/cluster/test_doctor.py",
        "tests/e2e/test_audit.py",
        "tests/e2e/test_bad_input.py",
        "tests/e2e/test_canary.py",
        "tests/e2e/test_credentials.py",
        "tests/e2e/test_examples.py",
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


def divide(items: list[pytest.Item]) -> dict[str, list[pytest.Item]]:
    """Tests by tier, each in its order."""
    tests = {item.nodeid for item in items}
    divided: dict[str, list[pytest.Item]] = {tier: [] for tier in TIERS}
    for item in items:
        marked = item.get_closest_marker("everywhere") is not None
        divided[tier_of(item.nodeid, tests, marked)].append(item)
    return divided

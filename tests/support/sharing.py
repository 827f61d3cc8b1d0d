"""How the workers of a run share its tests: the longest work begins first, and a worker keeps its cluster.

Clusters cost seconds to start and live as long as a worker's tests ask for the same one. So tests are handed out by
module and cluster: a worker goes on with its cluster while there is work for it, then takes what is longest of the
clusters nobody has begun and the modules that need none, and helps another worker with a second cluster of the same
kind only where that pays. Lengths are those of ``durations.json``, which ``UPDATE_DURATIONS=1 make test`` writes anew.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

DURATIONS = Path(__file__).parent / "durations.json"
SHORT = 0.3
"""Seconds: other tests that are shorter are not in the file."""
GUESSES = {"tests/e2e/": 4.0, "tests/labs/test_guides.py": 30.0, "tests/labs/test_labs.py": 30.0, "tests/cluster/": 0.5}
"""Seconds of tests that nobody has measured, by folder or module; all that were measured are in the file."""
USUAL = 0.03
"""Seconds of what is not in the file elsewhere."""
LONG = 10.0
"""Seconds from which a test that needs no cluster is handed out by itself."""
SECOND_CLUSTER = 30.0
"""Seconds of waiting work for which another cluster of a kind is started."""
CLUSTERS = re.compile(r"(?:\[|-)(kubernetes|embedded|spare)(?:-|\])")


def read_durations() -> dict[str, float]:
    """Seconds by test, of those worth noting."""
    found: dict[str, float] = json.loads(DURATIONS.read_text())
    return found


def seconds_of(test: str, durations: Mapping[str, float]) -> float:
    """How long a test takes, as measured or guessed."""
    guess = next((seconds for folder, seconds in GUESSES.items() if test.startswith(folder)), USUAL)
    return durations.get(test, guess)


def cluster_of(test: str) -> str:
    """The shared cluster that a test needs, by its id; empty without one."""
    if test.startswith("tests/conformance/"):
        return "both"
    found = CLUSTERS.search(test) if test.startswith(("tests/cluster/", "tests/e2e/")) else None
    return found[1] if found else ""


def unit_of(test: str, durations: Mapping[str, float]) -> str:
    """What is handed out together with a test: its module on its cluster; a long test that needs none is alone."""
    cluster = cluster_of(test)
    if not cluster and seconds_of(test, durations) >= LONG:
        return test
    return f"{test.partition('::')[0]}@{cluster}"


class Shares:
    """Which unit a worker gets next. Workers are named by anything hashable."""

    def __init__(self) -> None:
        self._clusters: dict[object, str] = {}

    def choose(self, worker: object, waiting: Mapping[str, float]) -> str | None:
        """The unit that a worker should begin, None when what waits is better left to the others.

        Args:
            waiting: seconds by unit.
        """
        by_cluster: dict[str, dict[str, float]] = defaultdict(dict)
        for unit, seconds in waiting.items():
            by_cluster[unit.partition("@")[2]][unit] = seconds
        free = by_cluster.pop("", {})
        cluster = self._clusters.get(worker, "")
        if cluster not in by_cluster:
            unowned = {name: sum(by_cluster[name].values()) for name in by_cluster.keys() - self._clusters.values()}
            cluster, longest = longest_of(unowned)
            unit, seconds = longest_of(free)
            if unit and seconds >= longest:
                return unit
        if not cluster:
            owned = {name: sum(units.values()) for name, units in by_cluster.items()}
            cluster, longest = longest_of(owned)
            if longest < SECOND_CLUSTER:
                return None
        self._clusters[worker] = cluster
        return longest_of(by_cluster[cluster])[0]

    def leave(self, worker: object) -> None:
        """A worker has ended, and its cluster with it."""
        self._clusters.pop(worker, None)


def longest_of(seconds: Mapping[str, float]) -> tuple[str, float]:
    """The longest, and its length; the first by name among equals."""
    return max(sorted(seconds.items()), key=lambda item: item[1], default=("", 0.0))


class SharedByLength(LoadScopeScheduling):
    """pytest-xdist's scheduler by groups, with :class:`Shares` choosing the group."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        self._durations = read_durations()
        self._lengths: dict[str, float] = {}
        self._shares = Shares()

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid, self._durations)

    def _seconds(self, tests: Iterable[str]) -> float:
        # Asked of all that waits, each time that a worker gets something.
        return sum(self._lengths.get(test) or self._measured(test) for test in tests)

    def _measured(self, test: str) -> float:
        return self._lengths.setdefault(test, seconds_of(test, self._durations))

    def _assign_work_unit(self, node: WorkerController) -> None:
        waiting = {
            unit: self._seconds(test for test, done in tests.items() if not done)
            for unit, tests in self.workqueue.items()
        }
        unit = self._shares.choose(node, waiting)
        if unit is None:
            node.shutdown()
            return
        self.workqueue.move_to_end(unit, last=False)
        super()._assign_work_unit(node)

    def _reschedule(self, node: WorkerController) -> None:
        # One that takes another's place has to collect the tests first.
        if node not in self.registered_collections:
            return
        # A worker begins a test when it knows the one after it: it gets more when one is left, no earlier.
        if self.workqueue and self._pending_of(self.assigned_work[node]) > 1:
            return
        super()._reschedule(node)

    def remove_node(self, node: WorkerController) -> str | None:
        """A worker has ended: others take what it has left, but for the test that ended it."""
        self._shares.leave(node)
        workload = self.assigned_work.pop(node)
        crashed = next((test for tests in workload.values() for test, done in tests.items() if not done), None)
        for unit, tests in workload.items():
            if crashed in tests:
                tests[crashed] = True
            if not all(tests.values()):
                self.workqueue[unit] = tests
        for other in self.nodes:
            self._reschedule(other)
        return crashed


class Recorder:
    """Writes the lengths of a run's tests down."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[report.nodeid] += report.duration

    def pytest_sessionfinish(self) -> None:
        noted = {
            test: round(seconds, 1)
            for test, seconds in sorted(self._seconds.items())
            if seconds >= SHORT or test.startswith(tuple(GUESSES))
        }
        DURATIONS.write_text(json.dumps({**read_durations(), **noted}, indent=0, ensure_ascii=False) + "\n")

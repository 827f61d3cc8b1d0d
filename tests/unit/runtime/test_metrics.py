"""Numbers as Prometheus reads them: each line is one, whatever the names, and nobody's names make them endless."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.runtime import metrics as module
from trueup.runtime.metrics import LONGEST_LABEL, Family, Metrics, series

COUNTED = Family("counted_total", "counter", "What is counted.", ("of",))
PLAIN = Family("plain_total", "counter", "Without labels.")
TIMED = Family("timed_seconds", "histogram", "What takes time.", ("of",), (1.0, 5.0))
SHORT = Family("short_seconds", "histogram", "Without labels.", (), (1.0,))
GAUGE = Family("gauge", "gauge", "What is asked.", ("of", "and"))


def samples(text: bytes) -> dict[str, str]:
    lines = [line for line in text.decode().split("\n") if line and not line.startswith("#")]
    return dict(line.rsplit(" ", 1) for line in lines)


def test_counters_histograms_and_gauges_are_written() -> None:
    metrics = Metrics()
    for _ in range(3):
        metrics.count(COUNTED, ("a",))
    metrics.count(PLAIN, by=2.5)
    for seconds in (0.5, 1.0, 3.0, 60.0):
        metrics.observe(TIMED, seconds, ("a",))
        metrics.observe(SHORT, seconds)
    metrics.ask(lambda: [(GAUGE, series(GAUGE, [(("x", "y"), 1), (("x", "z"), 0.25)]))])
    text = metrics.text()
    assert samples(text) == {
        'counted_total{of="a"}': "3",
        "plain_total": "2.5",
        'timed_seconds_bucket{of="a",le="1"}': "2",
        'timed_seconds_bucket{of="a",le="5"}': "3",
        'timed_seconds_bucket{of="a",le="+Inf"}': "4",
        'timed_seconds_sum{of="a"}': "64.5",
        'timed_seconds_count{of="a"}': "4",
        'short_seconds_bucket{le="1"}': "2",
        'short_seconds_bucket{le="+Inf"}': "4",
        "short_seconds_sum": "64.5",
        "short_seconds_count": "4",
        'gauge{of="x",and="y"}': "1",
        'gauge{of="x",and="z"}': "0.25",
        "trueup_metrics_left_out_total": "0",
    }
    assert b"# HELP counted_total What is counted.\n# TYPE counted_total counter\n" in text


@given(st.lists(st.text(max_size=40), min_size=1, max_size=8))
def test_whatever_a_name_holds_a_sample_is_one_line(names: list[str]) -> None:
    metrics = Metrics()
    for name in names:
        metrics.count(COUNTED, (name,))
    lines = metrics.text().decode().split("\n")
    kept = [line for line in lines if line.startswith("counted_total{")]
    assert len(kept) == len(set(names))
    assert all(line.endswith('"} 1') or line[-1].isdigit() for line in kept)


def test_a_long_name_is_cut() -> None:
    metrics = Metrics()
    metrics.count(COUNTED, ("x" * 100_000,))
    assert len(metrics.text()) < 3 * LONGEST_LABEL


def test_names_without_end_are_counted_as_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SERIES", 10)
    metrics = Metrics()
    for number in range(25):
        metrics.count(COUNTED, (str(number),))
        metrics.observe(TIMED, 1.0, (str(number),))
    found = samples(metrics.text())
    assert len([each for each in found if each.startswith("counted_total")]) == 10
    assert found["trueup_metrics_left_out_total"] == "30"
    metrics.count(COUNTED, ("3",))
    assert samples(metrics.text())['counted_total{of="3"}'] == "2", "who is known is counted on"


def test_what_is_gone_is_forgotten() -> None:
    metrics = Metrics()
    metrics.count(COUNTED, ("a",))
    metrics.count(COUNTED, ("b",))
    metrics.observe(TIMED, 1.0, ("a",))
    metrics.forget(lambda family, values: values == ("a",))
    assert [each for each in samples(metrics.text()) if "{" in each] == ['counted_total{of="b"}']

"""How an error becomes what happens next."""

import pytest

import trueup.engine
from trueup.kube.errors import ApiError, Unreachable
from trueup.model.errors import InvalidSpec, RenderFailed, SourceUnavailable, Stalled, TrueupError, Waiting
from trueup.runtime.outcome import LONGEST_RETRY, STALLED_RETRY, Requeue, Severity, backoff, outcome_of

ENGINE = trueup.engine.Engine
"""Imported for the errors that its parts define."""
SPREAD = (0.75, 1.25)

OUTSIDE = ("trueup.cli", "trueup.demo", "trueup.offline", "trueup.workshop", "tests")
"""Of the packages, those whose errors no pass meets."""


def _kinds(base: type[TrueupError]) -> set[type[TrueupError]]:
    """A type of errors and all below it that an engine may raise, whatever else a run has imported."""
    below = {each for kind in base.__subclasses__() for each in _kinds(kind)}
    return {base} | {each for each in below if not each.__module__.startswith(OUTSIDE)}


def _made(kind: type[Exception]) -> Exception:
    """One of a type, with what every error has; what else a type is made of is its own affair."""
    error = kind.__new__(kind)
    if isinstance(error, TrueupError):
        TrueupError.__init__(error, "x")
    if isinstance(error, Waiting):
        error.after = 1.0
    return error


KINDS = sorted(_kinds(TrueupError), key=lambda kind: (kind.__module__, kind.__name__))


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(Stalled("no"), id="a stalled key waits for an edit"),
        pytest.param(InvalidSpec("no"), id="a specification that cannot be worked on waits for an edit"),
        pytest.param(RenderFailed("no"), id="a source that cannot be rendered waits for a commit"),
    ],
)
@pytest.mark.parametrize("failures", [1, 500])
def test_what_only_an_edit_can_help_is_tried_again_once_in_a_while(error: TrueupError, failures: int) -> None:
    outcome = outcome_of(error, failures)
    assert (outcome.requeue, outcome.severity) == (Requeue.after(STALLED_RETRY), Severity.WARNING)


@pytest.mark.parametrize("kind", [*KINDS, KeyError, MemoryError, RecursionError, OSError])
def test_no_error_of_any_kind_takes_a_key_out_of_the_work(kind: type[Exception]) -> None:
    error = _made(kind)
    seconds = outcome_of(error, 1).requeue.seconds
    assert seconds is not None and seconds < 600


def test_what_time_will_help_waits_for_just_that_time_and_warns_nobody() -> None:
    outcome = outcome_of(Waiting("soon", after=7.5), 9)
    assert (outcome.requeue, outcome.severity) == (Requeue.after(7.5), Severity.NORMAL)


@pytest.mark.parametrize(
    ("error", "failures", "seconds"),
    [
        pytest.param(SourceUnavailable("x"), 1, 1.0, id="the first try again comes after a second"),
        pytest.param(SourceUnavailable("x"), 4, 8.0, id="each failure doubles the wait"),
        pytest.param(
            SourceUnavailable("x"), 500, LONGEST_RETRY, id="the wait has a limit, after any number of failures"
        ),
        pytest.param(ApiError("x"), 20, LONGEST_RETRY, id="a refusal backs off like any error"),
        pytest.param(Unreachable("x"), 20, 5.0, id="a cluster that is back is noticed within seconds"),
        pytest.param(ValueError("x"), 3, 4.0, id="a fault of our own backs off too"),
    ],
)
def test_backoff(error: Exception, failures: int, seconds: float) -> None:
    requeue = outcome_of(error, failures).requeue
    assert requeue.seconds is not None
    assert SPREAD[0] * seconds <= requeue.seconds <= SPREAD[1] * seconds


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        pytest.param(InvalidSpec("x"), "InvalidSpecError", id="the type's own word"),
        pytest.param(Stalled("x", reason="Forbidden"), "Forbidden", id="the word that the error was given"),
        pytest.param(KeyError("x"), "InternalError", id="a fault of our own is called so"),
    ],
)
def test_the_reason_of_an_outcome_is_the_error_s(error: Exception, reason: str) -> None:
    assert outcome_of(error, 1).reason == reason


def test_waits_are_spread_so_that_keys_that_failed_together_do_not_return_together() -> None:
    assert len({backoff(3) for _ in range(20)}) > 1


def test_a_wait_is_never_negative() -> None:
    assert Requeue.after(-3.0) == Requeue(0.0)

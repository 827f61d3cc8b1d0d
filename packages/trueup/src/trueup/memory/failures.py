"""What failed, remembered for a while: the same is not tried again on each pass. Losing it costs one more try."""

from collections import OrderedDict
from collections.abc import Callable, Hashable

import msgspec

from trueup.model.errors import TrueupError

CAPACITY = 4096


class Patience(msgspec.Struct, frozen=True):
    """Seconds until the next try: after the first failure, doubled by each further one, up to the longest."""

    first: float = 10.0
    longest: float = 300.0


class _Failure(msgspec.Struct):
    error: TrueupError
    times: int
    until: float


class Failures:
    """Errors by what they are about; the oldest go first where there are too many.

    Args:
        now: a monotonic clock.
        chance: from 0 to below 1, evenly: what fails together is not tried again together.
    """

    def __init__(self, now: Callable[[], float], chance: Callable[[], float], capacity: int = CAPACITY) -> None:
        self._now, self._chance, self._capacity = now, chance, capacity
        self._known: OrderedDict[Hashable, _Failure] = OrderedDict()

    def standing(self, key: Hashable) -> TrueupError | None:
        """The error of the last try, while it is too early for another."""
        known = self._known.get(key)
        return known.error.with_traceback(None) if known and known.until > self._now() else None

    def failed(self, key: Hashable, error: TrueupError, patience: Patience) -> float:
        """A try failed; seconds until the next one is due, spread by a quarter."""
        known = self._known.pop(key, None)
        times = known.times + 1 if known else 1
        seconds = min(patience.longest, patience.first * 2.0 ** min(times - 1, 20))
        seconds *= 1.0 - self._chance() / 4
        kept = type(error)(error.message, hint=error.hint, reason=error.reason)  # without the frames it came through
        self._known[key] = _Failure(kept, times, self._now() + seconds)
        while len(self._known) > self._capacity:
            self._known.popitem(last=False)
        return seconds

    def forget(self, key: Hashable) -> None:
        """It succeeded, or somebody wants it tried at once."""
        self._known.pop(key, None)

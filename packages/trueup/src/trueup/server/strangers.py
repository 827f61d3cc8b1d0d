"""What strangers are refused, on record within a share: whoever reaches the port must not be able to fill a disk."""

from typing import Final

SHARE: Final = 60
"""Refusals of strangers that are put on record one by one in a minute."""
_MINUTE: Final = 60.0


class StrangersShare:
    """Counts refusals of callers who are nobody, by a clock that its users read."""

    def __init__(self, share: int = SHARE) -> None:
        self._share = share
        self._minute = -1
        self._told = 0
        self._left_out = 0

    def next(self, now: float) -> int | None:
        """Whether one more refusal goes on record.

        Args:
            now: seconds of a clock that is never set back.

        Returns:
            How many were left out before it, or None where it is left out itself.
        """
        minute = int(now // _MINUTE)
        if minute != self._minute:
            self._minute, self._told = minute, 0
        if self._told >= self._share:
            self._left_out += 1
            return None
        self._told += 1
        before, self._left_out = self._left_out, 0
        return before

"""Exit codes, Argo CD's: scripts rely on them."""

import sys
from typing import NoReturn

from trueup.cli.screen import say

DIFFERS = 1
"""``app diff`` found a difference."""
FAILED = 20
"""Any other error."""
INTERRUPTED = 130


def fail(message: str, *, hint: str = "", code: int = FAILED) -> NoReturn:
    """One line of what is wrong, one of what to do, and the exit."""
    say(f"error: {message}", err=True, fg="red", bold=False)
    if hint:
        say(f"  hint: {hint}", err=True)
    sys.exit(code)

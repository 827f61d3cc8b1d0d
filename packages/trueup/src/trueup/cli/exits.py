"""Exit codes, Argo CD's: scripts rely on them."""

import sys
from typing import NoReturn

from trueup.cli.screen import say

DIFFERS = 1
"""``app diff`` found a difference."""
FAILED = 20
"""Any other error."""


def fail(message: str, *, hint: str = "", code: int = FAILED) -> NoReturn:
    """What is wrong, what to do, and the exit. What a tool says in several lines stays so, below its first one."""
    say(f"error: {message}", err=True, fg="red", bold=False, further="  ")
    if hint:
        say(f"  hint: {hint}", err=True, further="    ")
    sys.exit(code)

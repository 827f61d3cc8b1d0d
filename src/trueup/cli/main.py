"""Entry point of ``trueup``: small, so that Ctrl-C while the command is loaded is no traceback."""

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    # Not loaded: what comes before the first line of main() cannot be interrupted in silence.
    from types import FrameType
    from typing import NoReturn

INTERRUPTED = 130


def main() -> "NoReturn":
    """Load the command and run it; until it runs, an interrupt ends the process without a word."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Where the shell has it ignored (a job in the background), it stays so.
        signal.signal(signal.SIGINT, _leave)
    from trueup.cli.root import run

    run(listen=listen)


def listen() -> None:
    """From here on an interrupt is a KeyboardInterrupt, which the command answers."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave(_: int, __: "FrameType | None") -> None:
    # Not SystemExit: half of a module may be loaded, and there is nothing to be cleaned up.
    os._exit(INTERRUPTED)

"""Entry point of ``trueup``: small, so that Ctrl-C while the command is loaded is no traceback."""

import atexit
import gc
import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    # Not loaded: what comes before the first line of main() cannot be interrupted in silence.
    from types import FrameType
    from typing import NoReturn

INTERRUPTED = 130
_LOADED = 100_000
"""Objects that a command may make before the garbage collector looks for what could go: they are what it loads, and
stay until its end."""
_YOUNG = 10_000
"""The same for what makes more than that, and so lives longer."""


def main() -> "NoReturn":
    """Load the command and run it; until it runs, an interrupt ends the process without a word.

    For the process alone that is started for it: at its end nothing is taken apart, which takes a quarter of the time
    of a command that asks one question.
    """
    code: int | str | None = 1
    _stand()

    def leave() -> None:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except (OSError, ValueError):
            if not code:
                return  # the interpreter says so, and ends with its own code
        if code is None or isinstance(code, int):
            os._exit(code or 0)

    # The first that is registered is the last that is called: whatever has something to end has ended it.
    atexit.register(leave)
    gc.set_threshold(_LOADED)
    gc.callbacks.append(_last)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Where the shell has it ignored (a job in the background), it stays so.
        signal.signal(signal.SIGINT, _leave)
    try:
        from trueup.cli.root import run

        run(listen=listen)
    except SystemExit as end:
        code = end.code
        raise


def listen() -> None:
    """From here on an interrupt is a KeyboardInterrupt, which the command answers."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _stand() -> None:
    """Streams that the shell has closed (``>&-``) are there again: nothing else may get their numbers. What is printed
    to a closed one cannot be written, which is an error; what is said beside it goes nowhere."""
    for number, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # takes the lowest number that is free, which is this one
    if sys.stdin is None:
        sys.stdin = os.fdopen(0)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w")


def _last(_: str, __: "dict[str, int]") -> None:
    gc.callbacks.remove(_last)
    gc.set_threshold(_YOUNG)


def _leave(_: int, __: "FrameType | None") -> None:
    # Not SystemExit: half of a module may be loaded, and there is nothing to be cleaned up.
    os._exit(INTERRUPTED)

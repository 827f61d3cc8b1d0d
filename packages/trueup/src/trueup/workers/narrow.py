"""A narrower wall around one tool: a static program needs none of what Python may read.

Landlock is a matter of threads, and its layers add up: a thread of its own gives up all but the tool and its inputs,
starts the tool, and ends. Neither a fork that runs Python nor another program in between is needed.
"""

import subprocess
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from trueup.workers import landlock

Outcome = subprocess.CompletedProcess[bytes]

_T = TypeVar("_T")


def run_narrowed(
    program: Path, arguments: Sequence[str], otherwise: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> Outcome:
    """Run a static program that may read ``folder`` and itself, and write nothing.

    Args:
        program: depends on no library and no other program.
        arguments: those of the program where the kernel keeps it to the folder.
        otherwise: those of the program where nothing does.
        folder: where it is started.

    Raises:
        OSError: it cannot be started.
    """

    def run(kept: bool) -> Outcome:
        return subprocess.run(
            [str(program), *(arguments if kept else otherwise)],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )

    return _narrowed(program, (folder,), run)


def start_narrowed(program: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a static program that may read itself alone, and write nothing; it is spoken to by its input and output.

    Raises:
        OSError: it cannot be started.
    """

    def start(_: bool) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [str(program)],
            cwd="/",
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    return _narrowed(program, (), start)


def _narrowed(program: Path, reads: Iterable[Path], start: Callable[[bool], _T]) -> _T:
    """What comes of a start in a thread that has given up all else; it is told whether the kernel keeps it."""
    made: list[_T] = []
    raised: list[Exception] = []

    def work() -> None:
        try:
            made.append(start(bool(grants.enforce([]))))
        except Exception as error:
            raised.append(error)

    with landlock.Grants() as grants:
        grants.add(program, landlock.RUN)
        for each in reads:
            grants.add(each, landlock.READ)
        grants.add(Path("/dev/null"), landlock.READ_WRITE)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    if raised:
        raise raised[0]
    return made[0]

"""A narrower wall around one tool: a static program needs none of what Python may read.

Landlock is a matter of threads, and its layers add up: a thread of its own gives up all but the tool and its inputs,
starts the tool, and ends. Neither a fork that runs Python nor another program in between is needed.
"""

import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from trueup.workers import landlock

Outcome = subprocess.CompletedProcess[bytes]


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
    made: list[Outcome] = []
    raised: list[Exception] = []

    def run() -> None:
        try:
            command = [str(program), *(arguments if grants.enforce([]) else otherwise)]
            made.append(
                subprocess.run(
                    command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
                )
            )
        except Exception as error:
            raised.append(error)

    with landlock.Grants() as grants:
        grants.add(program, landlock.RUN)
        grants.add(folder, landlock.READ)
        grants.add(Path("/dev/null"), landlock.READ_WRITE)
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    if raised:
        raise raised[0]
    return made[0]

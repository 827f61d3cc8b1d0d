"""What every child does: shut itself in, say so, then answer frame by frame. Started by ``childprocess`` alone."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

import msgspec

from trueup.workers.frame import HEADER, READY
from trueup.workers.wall import enclose

_PR_SET_PDEATHSIG = 1


def serve(handle: Callable[[bytes], bytes], *, executes: Iterable[Path] = (), silent: bool = False) -> None:
    """Serve tasks from standard input until it ends, behind a wall (:mod:`trueup.workers.wall`).

    What ``handle`` needs is imported by now, or is part of Python, its packages or this one. It has the current folder
    to write, those of the command line to read, no environment, no socket.

    Args:
        handle: makes an answer of a task.
        executes: programs it starts.
        silent: what is printed is thrown away: it quotes secrets.
    """
    parent, *reads = sys.argv[1:]
    _die_with(int(parent))
    os.environ.clear()
    answers = _answers_channel()
    if silent:
        _silence()
    isolation = enclose(Path.cwd(), reads=map(Path, reads), executes=executes)
    # A change of rights forgets it.
    _die_with(int(parent))
    answers.write(READY)
    _write(answers, msgspec.json.encode(isolation))
    tasks = sys.stdin.buffer
    while header := tasks.read(HEADER.size):
        (length,) = HEADER.unpack(header)
        _write(answers, handle(tasks.read(length)))


def _write(answers: BinaryIO, body: bytes) -> None:
    answers.write(HEADER.pack(len(body)))
    answers.write(body)
    answers.flush()


def _die_with(parent: int) -> None:
    """End as soon as the process that started this one does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(0)


def _answers_channel() -> BinaryIO:
    """Standard output, kept for answers alone: whatever else prints goes to the errors."""
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return channel


def _silence() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)

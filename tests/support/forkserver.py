"""Has imported what ``trueup`` needs, and forks for each command: the other end of :mod:`tests.support.commands`.

``python -P forkserver.py FD``, where FD is a socket on which commands come, each with its standard input, output and
errors and a socket for what becomes of it. Nothing is open and no thread runs when it forks, so that a child is as one
that has just been started, but for half a second of imports. When the socket ends, the commands end with it.
"""

import atexit
import ctypes
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import sys
import threading
import time
import types
from contextlib import suppress
from io import BufferedReader, BufferedWriter, FileIO, TextIOWrapper
from pathlib import Path
from typing import Any

import trueup
from trueup.cli.main import main

MOST = 1 << 18
"""Bytes of a command with its environment."""
LATER = ("trueup.__main__", "trueup.workers.")
"""What a command does not import: what runs strangers' charts and expressions starts threads as it is loaded."""
PR_SET_PDEATHSIG = 1


def load() -> None:
    """Import all that commands import."""
    for module in pkgutil.walk_packages(trueup.__path__, "trueup."):
        if not module.name.startswith(LATER):
            importlib.import_module(module.name)
    assert len([*Path("/proc/self/task").iterdir()]) == 1, "what is imported has started a thread: no fork is safe"
    gc.collect()
    gc.freeze()


def serve(control: socket.socket) -> "tuple[dict[str, Any], list[int]] | None":
    """Fork for what comes, and tell how it ended.

    Returns:
        In a child, the command and its descriptors; None here, at the end.
    """
    running: dict[int, tuple[int, socket.socket]] = {}
    poll = select.poll()
    poll.register(control, select.POLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == control.fileno():
                body, descriptors, _, _ = socket.recv_fds(control, MOST, 4)
                if not body:
                    for ending in running:
                        signal.pidfd_send_signal(ending, signal.SIGKILL)
                    return None
                pid = os.fork()
                if pid == 0:
                    return json.loads(body), descriptors
                for each in descriptors[:3]:
                    os.close(each)
                watched = os.pidfd_open(pid)
                running[watched] = pid, socket.socket(fileno=descriptors[3])
                poll.register(watched, select.POLLIN)
            else:
                pid, answers = running.pop(descriptor)
                poll.unregister(descriptor)
                os.close(descriptor)
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                with suppress(OSError), answers:
                    answers.send(b"%d\n" % code)


def become(command: "dict[str, Any]", descriptors: list[int], parent: int) -> None:
    """Make this process what the system would have made it for the command; say so, or the error that there was."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)
    answers = socket.socket(fileno=descriptors[3])
    for standard, given in enumerate(descriptors[:3]):
        os.dup2(given, standard)
    if command["session"]:
        os.setsid()
    try:
        os.chdir(command["folder"])
    except OSError as error:
        answers.send(b"error %d\n" % (error.errno or 0))
        os._exit(1)
    socket.send_fds(answers, [b"pid %d\n" % os.getpid()], [os.pidfd_open(os.getpid())])
    answers.detach()
    for each in [*Path("/proc/self/fd").iterdir()]:
        if int(each.name) > 2:
            with suppress(OSError):
                os.close(int(each.name))
    os.environ.clear()
    os.environ.update(command["environment"])
    time.tzset()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.stdin, sys.stdout = stream(0, "r", "surrogateescape"), stream(1, "w", "surrogateescape")
    sys.stderr = stream(2, "w", "backslashreplace")
    sys.argv = command["words"]
    # Who asks how the program is called looks at the module that was started.
    sys.modules["__main__"] = types.ModuleType("__main__")


def end(code: int) -> None:
    """End as Python does, but for taking its modules apart: that would copy the memory of all of them, which takes
    longer than most commands."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            if not stream.closed:
                stream.flush()
        except OSError:
            code = 120 if stream is sys.stdout else code
    os._exit(code)


def stream(descriptor: int, mode: str, errors: str) -> TextIOWrapper:
    """A standard stream, as Python makes it in the locale ``C``."""
    file = FileIO(descriptor, mode, closefd=False)
    made = TextIOWrapper(BufferedReader(file) if mode == "r" else BufferedWriter(file), encoding="utf-8", errors=errors)
    made.reconfigure(line_buffering=descriptor == 2 or made.isatty())
    return made


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    load()
    this, me = os.getpid(), sys.modules["__main__"]
    given = serve(socket.socket(fileno=int(sys.argv[1])))
    if given is not None:
        become(*given, this)
        try:
            main()
        except SystemExit as ended:
            if isinstance(ended.code, str):
                raise
            end(ended.code or 0)

"""A process that evaluates jq expressions. Started by :mod:`trueup.workers.jq` alone.

An expression can do here what it likes: the environment is empty, nothing can be read or written by jq, and processor
time and memory end.
"""

import functools
import os
import signal
import sys

import jaq
import msgspec

from trueup.workers.frame import HEADER, READY
from trueup.workers.jq import MOST_PATHS, JqAnswer, JqFault, JqPaths, JqTask
from trueup.workers.worker import answers_channel, die_with

# A step by a number that is none (nan, infinite) leads nowhere, and is not JSON.
# jaq lacks some of jq's names; and what ends its process or reads from it is no part of a path.
_PRELUDE = """
def env: {};
def halt: error("halt"); def halt(f): error("halt");
def halt_error: error("halt"); def halt_error(f): error("halt");
def input: error("input"); def inputs: error("inputs");
def trueup_number: type != "number" or (. > -1e15 and . < 1e15);
def trueup_leads: all(.[]; trueup_number and (type != "object" or all(.[]; trueup_number)));
def IN(s): any(s == .; .); def IN(src; s): any(src == s; .);
"""
_SHOWN = 200


class _Unreadable(Exception):
    """An expression that does not compile."""


@functools.lru_cache(maxsize=512)
def compiled(expression: str) -> jaq.Filter:
    """The filter that names an expression's paths. The line break ends a comment.

    Raises:
        _Unreadable: it is no expression; the message says where.
    """
    try:
        # Alone first: brackets that close ours and open others are no expression.
        jaq.compile(f"{_PRELUDE}{expression}\n")
        return jaq.compile(f"{_PRELUDE}[limit({MOST_PATHS + 1}; path({expression}\n) | select(trueup_leads))]")
    except jaq.JaqError as error:
        raise _Unreadable(_reason(error)) from None


def evaluate(task: JqTask) -> JqAnswer:
    """The answer to one task."""
    try:
        found = compiled(task.expression).text(task.document, text=True)
    except _Unreadable as error:
        return JqFault(f"does not compile: {error}")
    except jaq.JaqError:
        # jq's del() of such an expression fails over this document, and the document stays as it is. What it says
        # quotes the document, which may be a Secret.
        return JqPaths()
    paths = msgspec.json.decode(found, type=tuple[tuple[object, ...], ...])
    if len(paths) > MOST_PATHS:
        return JqFault(f"names more than {MOST_PATHS:,} fields")
    return JqPaths(paths)


def _reason(error: Exception) -> str:
    """The first line of a report that draws boxes around the place."""
    lines = [line.strip() for line in str(error).splitlines()]
    return lines[0].removeprefix("Error: ")[:_SHOWN] if lines else "no jq"


def _silence() -> None:
    """jq's ``debug`` prints the document, and what is printed as errors lies on a disk."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def main() -> None:
    """Serve tasks until the input ends. Processor time beyond a task's ends the process."""
    die_with(int(sys.argv[1]))
    os.environ.clear()
    answers = answers_channel()
    _silence()
    tasks = sys.stdin.buffer
    answers.write(READY)
    answers.flush()
    decoder = msgspec.msgpack.Decoder(JqTask)
    while header := tasks.read(HEADER.size):
        (length,) = HEADER.unpack(header)
        task = decoder.decode(tasks.read(length))
        signal.setitimer(signal.ITIMER_PROF, task.seconds)
        try:
            answer = evaluate(task)
        except MemoryError:
            answer = JqFault("jq needed more memory than it may use")
        signal.setitimer(signal.ITIMER_PROF, 0)
        body = msgspec.json.encode(answer)
        answers.write(HEADER.pack(len(body)) + body)
        answers.flush()


if __name__ == "__main__":
    main()

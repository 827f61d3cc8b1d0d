"""A process that evaluates jq expressions. Started by :mod:`trueup.workers.jq` alone.

An expression can do here what it likes: the environment is empty, nothing can be read or written by jq, and processor
time and memory end.
"""

import functools
import signal

import jaq
import msgspec

from trueup.workers.jq import MOST_PATHS, JqAnswer, JqFault, JqPaths, JqTask
from trueup.workers.worker import serve

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
_tasks = msgspec.msgpack.Decoder(JqTask)


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


def handle(body: bytes) -> bytes:
    """The answer to one task, packed. Processor time beyond the task's ends the process."""
    task = _tasks.decode(body)
    signal.setitimer(signal.ITIMER_PROF, task.seconds)
    try:
        answer = evaluate(task)
    except MemoryError:
        answer = JqFault("jq needed more memory than it may use")
    signal.setitimer(signal.ITIMER_PROF, 0)
    return msgspec.json.encode(answer)


def main() -> None:
    """Serve tasks until the input ends. jq's ``debug`` prints the document, and what is printed lies on a disk."""
    serve(handle, silent=True)


if __name__ == "__main__":
    main()

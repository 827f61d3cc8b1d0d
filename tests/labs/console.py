"""Runs the ``console`` blocks of a guide in one shell, and holds what is printed against what the guide says.

``$`` begins a command, ``>`` goes on with it; the rest is its output. ``…`` stands for any text in a line, a line of it
alone for any lines. Columns may be any number of spaces apart.
"""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec

SECONDS = 120.0
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PASSWORDS = re.compile(r"(://)[^/\s:]+:[^@\s]+@")


class Command(msgspec.Struct, frozen=True):
    """A command of a guide.

    Attributes:
        expected: lines of its output.
    """

    line: int
    text: str
    expected: tuple[str, ...]


def commands(guide: Path) -> Iterator[Command]:
    """The commands of a guide, in their order."""
    text = guide.read_text()
    for block in _BLOCK.finditer(text):
        first = text.count("\n", 0, block.start(1)) + 1
        found: list[tuple[int, list[str], list[str]]] = []
        for number, line in enumerate(block[1].splitlines(), first):
            if line.startswith("$ "):
                found.append((number, [line[2:]], []))
            elif line.startswith("> ") and not found[-1][2]:
                found[-1][1].append(line[2:])
            else:
                found[-1][2].append(line)
        for number, lines, expected in found:
            yield Command(number, "\n".join(lines), tuple(expected))


class Shell:
    """One bash, in which commands follow each other."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder, self._environment = folder, environment
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> "Shell":
        self._process = await asyncio.create_subprocess_exec(
            *("bash", "--norc", "--noprofile"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=self._folder,
            env=dict(self._environment),
            start_new_session=True,
        )
        await self.run("set -m")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process and self._process.stdin
        self._process.stdin.write(b"\nkill %1 2>/dev/null; exit\n")
        try:
            await asyncio.wait_for(self._process.wait(), 20)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def run(self, command: str) -> tuple[int, str]:
        """Run a command; its status and what it printed."""
        assert self._process and self._process.stdin and self._process.stdout
        end = f"end-{secrets.token_hex(8)}"
        self._process.stdin.write(f"{command}\n__status=$?; echo; echo {end} $__status\n".encode())
        await self._process.stdin.drain()
        lines: list[str] = []
        async with asyncio.timeout(SECONDS):
            while True:
                line = (await self._process.stdout.readline()).decode(errors="replace")
                if not line:
                    raise AssertionError("the shell has ended: " + "".join(lines))
                if line.startswith(end):
                    return int(line.split()[1]), "".join(lines).removesuffix("\n")
                lines.append(line)


NOTHING: Mapping[str, Callable[[], Awaitable[str]]] = MappingProxyType({})


async def follow(guide: Path, shell: Shell, after: Mapping[str, Callable[[], Awaitable[str]]] = NOTHING) -> None:
    """Run every command of a guide.

    Args:
        after: gives a further command, which is run after each command that begins with its key.

    Raises:
        AssertionError: a command fails, or prints something else; names the guide's line.
    """
    for command in commands(guide):
        status, output = await shell.run(command.text)
        where = f"{guide.name}:{command.line}: $ {command.text}"
        assert status == 0, f"{where}\nended with status {status}:\n{output}"
        shown = _PASSWORDS.sub(r"\1", output)
        assert matches(command.expected, shown.splitlines()), (
            f"{where}\nprinted:\n{shown}\n\nthe guide says:\n" + "\n".join(command.expected)
        )
        for start, more in after.items():
            if command.text.startswith(start):
                status, output = await shell.run(await more())
                assert status == 0, output


def matches(expected: tuple[str, ...], lines: list[str]) -> bool:
    """Whether lines are as expected; without any expectation, whatever they are not looked at."""
    if not expected:
        return not [line for line in lines if line.strip()] or all(re.match(r"\[\d+\]", line) for line in lines if line)
    pattern = "".join(r"(?:.*\n)*?" if line.strip() == "…" else _line(line) + r"\n" for line in expected)
    text = "".join(f"{line.rstrip()}\n" for line in lines)
    return re.fullmatch(pattern + r"\s*", text) is not None


def _line(line: str) -> str:
    parts = [re.sub(r"(?:\\ ){2,}", r"[ ]{2,}", re.escape(part)) for part in line.split("…")]
    return ".*".join(parts)

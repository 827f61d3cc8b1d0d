"""Pastes the ``bash`` blocks of a page into one shell, and holds what is printed against what the page says.

A ``text`` block is what the ``bash`` block before it prints. ``…`` stands for any text in a line, a line of it alone
for any lines. Columns may be any number of spaces apart. ``sh`` blocks are for a cluster that no test has: nobody runs
them.
"""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec
from tests.support.patience import stretched

SECONDS = 120.0
_BLOCK = re.compile(r"^```(bash|sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PASSWORDS = re.compile(r"(://)[^/\s:]+:[^@\s]+@")
_HERE = re.compile(r"<<-?\s*(['\"]?)(\w+)\1")


class Block(msgspec.Struct, frozen=True):
    """What is pasted at once.

    Attributes:
        run: a test pastes it (``bash``).
        expected: lines that it prints; None where the page does not say.
    """

    line: int
    text: str
    run: bool
    expected: tuple[str, ...] | None = None

    @property
    def commands(self) -> Iterator[str]:
        """The commands in it, each with its further lines and here-document."""
        lines: list[str] = []
        end = ""
        for line in self.text.splitlines():
            lines.append(line)
            if end:
                end = "" if line == end else end
            elif here := _HERE.search(line):
                end = here[2]
            if not end and not line.endswith("\\"):
                yield "\n".join(lines)
                lines = []
        assert not lines, f"line {self.line}: a command has no end: {lines[0]}"


def blocks(page: Path) -> list[Block]:
    """The blocks of commands of a page, in their order."""
    text = page.read_text()
    found: list[Block] = []
    end = 0
    for match in _BLOCK.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        if match[1] != "text":
            found.append(Block(line, match[2], match[1] == "bash"))
        elif found and found[-1].run and not text[end : match.start()].strip():
            found[-1] = msgspec.structs.replace(found[-1], expected=tuple(match[2].splitlines()))
        end = match.end()
    return found


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
            await asyncio.wait_for(self._process.wait(), stretched(20))
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        # What still runs in the background may hold the other end.
        self._process.stdin.close()

    async def run(self, command: str) -> tuple[int, str]:
        """Run a command; its status and what it printed."""
        assert self._process and self._process.stdin and self._process.stdout
        end = f"end-{secrets.token_hex(8)}"
        self._process.stdin.write(f"{command}\n__status=$?; echo; echo {end} $__status\n".encode())
        await self._process.stdin.drain()
        lines: list[str] = []
        async with asyncio.timeout(stretched(SECONDS)):
            while True:
                line = (await self._process.stdout.readline()).decode(errors="replace")
                if not line:
                    raise AssertionError("the shell has ended: " + "".join(lines))
                if line.startswith(end):
                    return int(line.split()[1]), "".join(lines).removesuffix("\n")
                lines.append(line)


NOTHING: Mapping[str, Callable[[], Awaitable[str]]] = MappingProxyType({})


async def follow(page: Path, shell: Shell, after: Mapping[str, Callable[[], Awaitable[str]]] = NOTHING) -> None:
    """Run every command of a page.

    Args:
        after: gives a further command, which is run after each command that begins with its key.

    Raises:
        AssertionError: a command fails, or a block prints something else; names the page's line.
    """
    for block in blocks(page):
        if block.run:
            await paste(page, block, shell, after)


async def paste(
    page: Path, block: Block, shell: Shell, after: Mapping[str, Callable[[], Awaitable[str]]] = NOTHING
) -> None:
    """Run the commands of one block, and look at what all of them printed."""
    printed: list[str] = []
    for command in block.commands:
        status, output = await shell.run(command)
        assert status == 0, f"{page.name}:{block.line}: {command}\nended with status {status}:\n{output}"
        printed += _PASSWORDS.sub(r"\1", output).splitlines()
        for start, more in after.items():
            if command.startswith(start):
                status, output = await shell.run(await more())
                assert status == 0, output
    if block.expected is not None:
        shown = [line for line in printed if line.strip() and not re.match(r"\[\d+\] \d+$", line)]
        assert matches(block.expected, shown), (
            f"{page.name}:{block.line}: {block.text}\nprinted:\n"
            + "\n".join(printed)
            + "\n\nthe page says:\n"
            + "\n".join(block.expected)
        )


def matches(expected: tuple[str, ...], lines: list[str]) -> bool:
    """Whether lines are as expected."""
    pattern = "".join(r"(?:.*\n)*?" if line.strip() == "…" else _line(line) + r"\n" for line in expected)
    text = "".join(f"{line.rstrip()}\n" for line in lines)
    return re.fullmatch(pattern + r"\s*", text) is not None


def _line(line: str) -> str:
    parts = [re.sub(r"(?:\\ ){2,}", r"[ ]{2,}", re.escape(part)) for part in line.split("…")]
    return ".*".join(parts)

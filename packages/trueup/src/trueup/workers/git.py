"""The git command, for what the network needs: no prompt, no hook, no credential helper, no configuration but ours."""

import asyncio
import functools
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from kubegrammar import pattern
from trueup.model.errors import Redirected, SourceUnavailable, TooBusy
from trueup.workers.process import MEBIBYTE, Limits, ProcessError, StartFailed, run
from trueup.workers.progress import GrowingFolder, overseen

_CONFIG = Path(__file__).with_name("gitconfig")
_SEARCH = "/usr/local/bin:/usr/bin:/bin" + (":/opt/homebrew/bin" if sys.platform == "darwin" else "")
_LIMITS = Limits(file_size=8 * 1024 * MEBIBYTE)
_MEMORY = 4096 * MEBIBYTE
_IDLE = 120.0
_SPARE = 1 * MEBIBYTE
"""What may be written beyond the room: the look at a folder comes a moment late."""
_MESSAGE_LIMIT = 1000
_CREDENTIALS = pattern.compile(r"(://)[^\s/'\"]*@")
_REDIRECTED = pattern.compile(rb"The requested URL returned error: 30[12378]\b")
_BUSY = pattern.compile(rb"The requested URL returned error: (?:429|503)\b")
_NOISE = pattern.compile(r"(?m)^(?:fatal|error|remote|warning|hint): *|[^\x20-\x7e\x{a0}-\x{ffff}]")
_MEASURED = pattern.compile(r" after [0-9]+ (?:ms|milliseconds)\b")
"""What differs each time: the same failure is told in the same words, or it would be news."""


class GitFailed(SourceUnavailable):
    """git ended with an error, was killed at its deadline, or never started. The message holds no credentials."""


class GitRedirected(GitFailed, Redirected):
    """git met a redirect, which it does not follow."""


class GitBusy(GitFailed, TooBusy):
    """The server has refused a question for their number."""


class GitGrowth(GrowingFolder, Protocol):
    """A folder that git writes to."""

    def room(self) -> int: ...

    def disk_is_full(self) -> bool: ...


async def run_git(
    args: Sequence[str],
    *,
    cwd: Path | None = None,
    timeout: float = 60.0,
    max_output: int = 64 * MEBIBYTE,
    protocols: Sequence[str] = (),
    config: Mapping[str, str] | None = None,
    hold: Sequence[int] = (),
    ssh: Sequence[str] = (),
    no_proxy: str = "",
    answers: Sequence[int] = (0,),
    memory: int = _MEMORY,
    growth: GitGrowth | None = None,
    idle: float = _IDLE,
) -> bytes:
    """Run ``git *args`` and give its standard output.

    Args:
        args: what follows ``git``. Values from users must not stand where git reads options.
        cwd: folder it runs in; only that very folder may be a repository, no parent of it.
        timeout: seconds until it is killed with everything it started.
        max_output: bytes of standard output until it is killed.
        protocols: the transports it may use (``http``, ``https``, ``file``); every other is refused by git itself.
        config: further configuration, for secrets too: it travels in the environment, which other users cannot read.
        hold: file descriptors it keeps open while it or a child of it lives.
        ssh: the ssh command; without one, ssh is refused.
        no_proxy: hosts that no proxy is asked for.
        answers: exit codes of runs that did what they should.
        memory: bytes of address space of each process.
        growth: the folder it writes to, and how far that may grow; the timeout grows with it.
        idle: seconds without progress until it is killed, where ``growth`` is given.

    Raises:
        GitFailed: with the reason git gave, trimmed, credentials masked.
        GitRedirected: the server wants it to go elsewhere.
        GitBusy: the server is asked too often.
    """
    folder = cwd or Path("/")
    limits, watch = _LIMITS, None
    if growth is not None:
        room = await asyncio.to_thread(growth.room)
        limits = msgspec.structs.replace(limits, file_size=min(limits.file_size, room + _SPARE))
        watch = functools.partial(overseen, growth=growth, timeout=timeout, idle=idle)
    try:
        ended = await run(
            ["git", *args],
            env=_environment(folder, protocols, config or {}, ssh, no_proxy),
            cwd=folder,
            timeout=timeout,
            max_output=max_output,
            limits=msgspec.structs.replace(limits, memory=memory or _MEMORY),
            hold=hold,
            watch=watch,
        )
    except StartFailed as error:
        raise GitFailed(f"git: {error}", hint="Install git where the engine runs.") from error
    except ProcessError as error:
        raise GitFailed(f"git {_verb(args)}: {error}{_because(error.errors)}") from error
    if ended.returncode not in answers:
        if growth is not None:
            await asyncio.to_thread(_raise_if_full, growth, args)
        kind = GitFailed
        for each, said in ((GitRedirected, _REDIRECTED), (GitBusy, _BUSY)):
            kind = each if said.search(ended.errors) else kind
        raise kind(f"git {_verb(args)} failed{_because(ended.errors) or f': exit code {ended.returncode}'}")
    if growth is not None:
        await asyncio.to_thread(growth.measure)
    return ended.output


def _raise_if_full(growth: GitGrowth, args: Sequence[str]) -> None:
    """Whatever git said: where there is no room, that is the reason."""
    if growth.disk_is_full():
        raise GitFailed(f"git {_verb(args)}: the disk is full", hint="Free space where the data folder lies (--data).")
    if reason := growth.refusal(growth.measure() + _SPARE):
        raise GitFailed(f"git {_verb(args)}: {reason}", hint="Make the repository smaller, or raise the quota.")


def _environment(
    cwd: Path, protocols: Sequence[str], config: Mapping[str, str], ssh: Sequence[str], no_proxy: str
) -> dict[str, str]:
    environment = {
        "PATH": _SEARCH,
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(_CONFIG),
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
        "GIT_SSH_COMMAND": shlex.join(ssh) or "false",
        "GIT_SSH_VARIANT": "ssh",
        "GIT_PROTOCOL_FROM_USER": "0",
        "GIT_ALLOW_PROTOCOL": ":".join(protocols) or "none",
        "GIT_CEILING_DIRECTORIES": str(cwd.parent),
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_CONFIG_COUNT": str(len(config)),
    }
    if no_proxy:
        environment["NO_PROXY"] = no_proxy
    for number, (key, value) in enumerate(config.items()):
        environment[f"GIT_CONFIG_KEY_{number}"] = key
        environment[f"GIT_CONFIG_VALUE_{number}"] = value
    return environment


def _verb(args: Sequence[str]) -> str:
    """The command's name, for messages: the first argument that is neither an option nor an option's value."""
    words = iter(args)
    for word in words:
        if word in ("--git-dir", "-C", "-c"):
            next(words, None)
        elif not word.startswith("-"):
            return word
    return ""


def _because(errors: bytes) -> str:
    """``: reason`` on one line, from what git wrote to standard error."""
    text = _CREDENTIALS.sub(r"\1******@", errors.decode("utf-8", "replace"))
    text = _MEASURED.sub("", text)
    lines = [line for line in (_NOISE.sub("", line).strip() for line in text.splitlines()) if line]
    reason = "; ".join(lines)
    return f": {reason[:_MESSAGE_LIMIT]}" if reason else ""

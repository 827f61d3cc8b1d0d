"""The git command, for what the network needs: no prompt, no hook, no credential helper, no configuration but ours."""

import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from trueup.model.errors import Redirected, SourceUnavailable
from trueup.workers.process import MEBIBYTE, Limits, ProcessError, StartFailed, run

_CONFIG = Path(__file__).with_name("gitconfig")
_SEARCH = "/usr/local/bin:/usr/bin:/bin" + (":/opt/homebrew/bin" if sys.platform == "darwin" else "")
_LIMITS = Limits(file_size=8 * 1024 * MEBIBYTE)
_MESSAGE_LIMIT = 1000
_CREDENTIALS = re.compile(r"(://)[^\s/'\"]*@")
_REDIRECTED = re.compile(rb"The requested URL returned error: 30[12378]\b")
_NOISE = re.compile(r"^(?:fatal|error|remote|warning|hint): *|[^\x20-\x7e\u00a0-\uffff]", re.MULTILINE)


class GitFailed(SourceUnavailable):
    """git ended with an error, was killed at its deadline, or never started. The message holds no credentials."""


class GitRedirected(GitFailed, Redirected):
    """git met a redirect, which it does not follow."""


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

    Raises:
        GitFailed: with the reason git gave, trimmed, credentials masked.
        GitRedirected: the server wants it to go elsewhere.
    """
    folder = cwd or Path("/")
    try:
        ended = await run(
            ["git", *args],
            env=_environment(folder, protocols, config or {}, ssh, no_proxy),
            cwd=folder,
            timeout=timeout,
            max_output=max_output,
            limits=_LIMITS,
            hold=hold,
        )
    except StartFailed as error:
        raise GitFailed(f"git: {error}", hint="Install git where the engine runs.") from error
    except ProcessError as error:
        raise GitFailed(f"git {_verb(args)}: {error}{_because(error.errors)}") from error
    if ended.returncode not in answers:
        kind = GitRedirected if _REDIRECTED.search(ended.errors) else GitFailed
        raise kind(f"git {_verb(args)} failed{_because(ended.errors) or f': exit code {ended.returncode}'}")
    return ended.output


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
    lines = [line for line in (_NOISE.sub("", line).strip() for line in text.splitlines()) if line]
    reason = "; ".join(lines)
    return f": {reason[:_MESSAGE_LIMIT]}" if reason else ""

"""Credential plug-ins of the user's own kubeconfig: run as kubectl would, with the environment of this command."""

import os

from trueup.kube.errors import ConfigError
from trueup.kube.plugin import OUTPUT_LIMIT, ExecPlugin

SECONDS = 60.0
"""How long a plug-in may take: some wait for a browser."""
_SHOWN = 300


async def run(plugin: ExecPlugin) -> bytes:
    """Run a plug-in and give what it printed.

    Raises:
        ConfigError: it cannot be started, fails, or takes too long. What it said on standard error is part of the
            message, what it printed is not.
    """
    from trueup.workers.process import ProcessError, StartFailed
    from trueup.workers.process import run as run_process

    place, remedy = f"{plugin.place}: exec: {plugin.command}", "run it by hand, and see what it prints"
    try:
        ended = await run_process(
            [plugin.command, *plugin.args],
            env={**os.environ, **plugin.environment()},
            timeout=SECONDS,
            max_output=OUTPUT_LIMIT,
        )
    except StartFailed as error:
        raise ConfigError(
            f"{place}: {error}", hint=_line(plugin.install_hint) or "install it, or use a token"
        ) from None
    except ProcessError as error:
        raise ConfigError(f"{place}: {error}{_said(error.errors)}", hint=remedy) from None
    if ended.returncode:
        raise ConfigError(f"{place}: ended with {ended.returncode}{_said(ended.errors)}", hint=remedy)
    return ended.output


def _said(errors: bytes) -> str:
    """The last line of standard error, where programs put the reason."""
    lines = errors.decode(errors="replace").strip().splitlines()
    return f": {_line(lines[-1])}" if lines else ""


def _line(text: str) -> str:
    return " ".join(text.split())[:_SHOWN]

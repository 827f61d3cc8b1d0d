"""The ``trueup`` command, and how its errors are told."""

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import NoReturn, TextIO

import click

from kubegrammar.errors import Explained
from trueup import __version__
from trueup.cli.exits import FAILED, fail
from trueup.cli.lazy import Deferred, LazyGroup
from trueup.cli.main import INTERRUPTED
from trueup.cli.screen import say
from trueup.runtime import secrecy

# Loaded when first used: `trueup version` must not pay for an engine.
COMMANDS = {
    "account": Deferred("trueup.cli.account", "account", "Accounts of an API server: passwords, tokens, rights."),
    "admin": Deferred("trueup.cli.admin", "admin", "An installation as a whole: take it out, take it in."),
    "app": Deferred("trueup.cli.app", "app", "Work with applications."),
    "artifact": Deferred("trueup.cli.artifact", "artifact", "Manifests to a registry and from it: oci:// sources."),
    "audit": Deferred("trueup.cli.audit", "audit", "Show what was done and seen: who, what, why, when."),
    "cert": Deferred("trueup.cli.cert", "cert", "Certificates and host keys that repositories are trusted by."),
    "check": Deferred("trueup.cli.check", "check", "Let a fresh cluster judge all that a repository declares."),
    "ci": Deferred("trueup.cli.ci", "ci", "Build an image, set it in Git, wait until it runs: for any CI system."),
    "cluster": Deferred("trueup.cli.cluster", "cluster", "Clusters that applications go to."),
    "completion": Deferred("trueup.cli.completion", "completion", "Print the completion script of bash, zsh or fish."),
    "context": Deferred("trueup.cli.servers.login", "context", "List the contexts of API servers, or change to one."),
    "demo": Deferred("trueup.cli.demo", "demo", "Bring up a cluster, a repository and the engine, and show them work."),
    "doctor": Deferred(
        "trueup.cli.doctor", "doctor", "Look at all that an engine needs here, and say what is missing."
    ),
    "images": Deferred("trueup.cli.images", "images", "Look for newer images, and write them to Git."),
    "install": Deferred(
        "trueup.cli.install", "install", "Put the CRDs, the default project and the engine on a cluster."
    ),
    "login": Deferred("trueup.cli.servers.login", "login", "Sign in to an API server."),
    "logout": Deferred("trueup.cli.servers.login", "logout", "End the session of a context."),
    "proj": Deferred("trueup.cli.proj", "proj", "Projects: what groups of applications may use."),
    "relogin": Deferred("trueup.cli.servers.login", "relogin", "Sign in again where a session has ended."),
    "render": Deferred("trueup.cli.render", "render", "Print the manifests of a folder, without a cluster."),
    "gpg": Deferred("trueup.cli.gpg", "gpg", "Public keys that commits may be signed with."),
    "repo": Deferred("trueup.cli.repo", "repo", "Repositories and their credentials."),
    "repocreds": Deferred("trueup.cli.repo", "repocreds", "Credentials of all repositories below a URL."),
    "sandbox": Deferred(
        "trueup.cli.sandbox", "sandbox", "A Kubernetes API for first steps and tests, without containers."
    ),
    "server": Deferred("trueup.cli.server", "server", "Run the engine."),
    "simulate": Deferred("trueup.cli.simulate", "simulate", "Let Pods come up on a control plane without nodes."),
    "uninstall": Deferred("trueup.cli.install", "uninstall", "Take the engine off a cluster; what it deployed stays."),
    "upgrade": Deferred("trueup.cli.install", "upgrade", "Bring what is installed on a cluster up to this version."),
    "version": Deferred("trueup.cli.version", "version", "Print the version."),
}

COMPLETING = "_TRUEUP_COMPLETE"
"""Set by the scripts of shells that ask what could stand next."""

FILES = (
    "name another place by the command's own option, or by HOME, TMPDIR, XDG_CACHE_HOME or XDG_STATE_HOME; "
    "is there space left?"
)


ELSEWHERE = {
    "project": "That is `trueup proj`.",
    "configure": "There is nothing to configure: `trueup login` and `trueup context` choose a server.",
    "appset": "ApplicationSets are not built yet.",
    "apps": "That is `trueup app list`.",
    "controller": "That is `trueup server`.",
}


@click.group(
    cls=LazyGroup, table=COMMANDS, elsewhere=ELSEWHERE, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="trueup")
def trueup() -> None:
    """Trueup keeps Kubernetes clusters true to Git."""


def run(listen: Callable[[], None]) -> NoReturn:
    """Run a command; every error it foresees is one line on stderr and an exit code.

    Args:
        listen: called when an interrupt can be answered.
    """
    sys.excepthook = unforeseen
    for stream in (sys.stdout, sys.stderr):
        spell(stream)
    secrecy.EVERYWHERE.learn("environment", lambda: secrecy.of_environment(os.environ))
    with secrecy.keeping():
        _run(listen)
    sys.exit(0)


def spell(stream: TextIO) -> None:
    """How a stream spells letters: a terminal as it is set up, with codes for what it has no letter for; for all else,
    which programs read, in UTF-8."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")


def unforeseen(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A fault of our own, told as every other text."""
    import traceback

    say("".join(traceback.format_exception(kind, error, trace)).rstrip("\n"), err=True, further="  ")


def _run(listen: Callable[[], None]) -> None:
    try:
        listen()
        trueup.main(standalone_mode=False)
    except click.ClickException as error:
        usage = io.StringIO()
        error.show(usage)
        say(usage.getvalue().rstrip("\n"), err=True, further="")
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        if COMPLETING not in os.environ:
            # There is no place for a word in the middle of a line that is being typed.
            say("interrupted", err=True)
        sys.exit(INTERRUPTED)
    except Explained as error:
        # Imported only now: `trueup version` must not pay for a Kubernetes client.
        from trueup.cli.advice import advice

        fail(error.message, hint=advice(error))
    except BrokenPipeError:
        # The reader (head, less) has left: nothing more to say, and no traceback on exit.
        sys.stderr.close()
        sys.exit(FAILED)
    except UnicodeEncodeError as error:
        if odd := next((each for each in sys.argv[1:] if not _encodable(each)), ""):
            fail(
                f"{odd!r}: not UTF-8", hint="names and texts are written in UTF-8; is the locale (LC_ALL, LANG) right?"
            )
        raise error
    except OSError as error:
        # Files and folders: whoever opens one may fail, and no command is worth a traceback for that.
        where = f"{error.filename}: " if error.filename else "" if _here() else "the folder that this shell stands in: "
        fail(f"{where}{error.strerror or error}", hint=FILES)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _here() -> bool:
    """Whether the folder that the process stands in is there."""
    try:
        Path.cwd()
    except OSError:
        return False
    return True

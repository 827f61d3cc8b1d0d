"""What a command loads: who presses TAB or lists applications must not wait for an engine to be imported."""

import importlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from trueup.cli import root
from trueup.cli.app import COMMANDS, app
from trueup.cli.lazy import Deferred, LazyGroup

HEAVY = ("aiohttp", "pygit2", "rich", "structlog", "uvloop", "cryptography", "helm", "jaq_rs", "trueup.engine")
IMPORT = "import sys; from trueup.cli.root import trueup; "
READS_THE_CLUSTER = (
    *("list", "get", "history", "sync", "wait", "delete", "terminate-op", "confirm-deletion"),
    *("create", "set", "unset", "edit", "patch", "resources", "logs"),
)


def loaded(commands: list[list[str]]) -> set[str]:
    """Modules that commands import until they have printed their help."""
    script = (
        f"{IMPORT}[trueup.main(each, 'trueup', standalone_mode=False) for each in {commands!r}]; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_commands_that_read_the_cluster_load_no_engine() -> None:
    modules = loaded([["app", command, "--help"] for command in READS_THE_CLUSTER])
    assert {COMMANDS[command].module for command in READS_THE_CLUSTER} <= modules
    assert not modules.intersection(HEAVY)


@pytest.mark.parametrize(
    ("words", "wanted"), {"trueup ": "sandbox", "trueup app ": "terminate-op", "trueup app l": "list"}.items()
)
def test_completing_a_command_loads_none(words: str, wanted: str) -> None:
    script = f"{IMPORT}\ntry: trueup.main([], 'trueup')\nfinally: print(*sys.modules, file=sys.stderr)"
    asked = {"_TRUEUP_COMPLETE": "zsh_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, env=os.environ | asked
    )
    modules = set(done.stderr.splitlines()[-1].split())
    assert wanted in done.stdout.split()
    assert not modules.intersection({*HEAVY, "asyncio", "trueup.cli.app.listing", "trueup.cli.sandbox"})


@pytest.mark.parametrize("deferred", [*root.COMMANDS.items(), *COMMANDS.items()], ids=lambda each: each[0])
def test_a_deferred_command_is_there_by_its_name(deferred: tuple[str, Deferred]) -> None:
    name, (module, attribute, summary) = deferred
    command = getattr(importlib.import_module(module), attribute)
    assert isinstance(command, click.Command)
    assert command.name == name
    assert summary.endswith(".")


UNKNOWN = {
    ("app", "lisst"): "No such command 'lisst'. Did you mean 'list'?",
    ("app", "xyzzy"): "No such command 'xyzzy'.",
    ("app", "actions", "web"): "No such command 'actions'. `kubectl rollout restart`",
    ("proj", "role", "list"): "No such command 'role'. Roles come with the API server",
    ("gpg", "list"): "Signatures of commits are not checked yet",
    ("login", "host"): "commands use your kubeconfig",
}


@pytest.mark.parametrize(("words", "answer"), UNKNOWN.items(), ids=[" ".join(words) for words in UNKNOWN])
def test_a_command_that_is_not_there_points_to_what_does_the_job(words: tuple[str, ...], answer: str) -> None:
    with pytest.raises(click.UsageError) as caught:
        root.trueup.main(list(words), standalone_mode=False)
    assert answer in caught.value.message


@pytest.mark.parametrize("group", [root.trueup, app], ids=["trueup", "app"])
def test_no_verb_is_said_to_be_elsewhere_that_is_here(group: click.Group) -> None:
    assert isinstance(group, LazyGroup)
    assert not set(group.elsewhere) & set(group.table)


INTERRUPTING = """
import os, signal, sys
from trueup.cli import main
wanted = sys.argv.pop(1)
sys.argv[0] = "trueup"
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == wanted:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
main.main()
"""
MOMENTS = {
    "while the command is loaded": ("trueup.cli.root", {}, ""),
    "while a library is": ("click", {}, ""),
    "while the verb is": ("trueup.cli.version", {}, "\ninterrupted\n"),
    "while a word is completed": ("trueup.cli.app", {"_TRUEUP_COMPLETE": "zsh_complete"}, ""),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_interrupt_is_no_traceback(moment: str) -> None:
    module, environment, said = MOMENTS[moment]
    asked = {"COMP_WORDS": "trueup app l", "COMP_CWORD": "2", **environment}
    command = [sys.executable, "-c", INTERRUPTING, module, "version"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | asked, preexec_fn=_heed_interrupts
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", said)


def _heed_interrupts() -> None:
    """What runs in the background of a script, such as these tests may, has interrupts ignored from its start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


ENDING = """
import atexit, sys, threading
from trueup.cli import main, root
sys.argv[0] = "trueup"
threading.Thread(target=lambda: (threading.main_thread().join(), print("awaited"))).start()
def run(listen):
    atexit.register(print, "later")
    sys.stdout.write("x" * 100_000)
    sys.stdout.write(chr(10))
    raise CODE
root.run = run
main.main()
"""
ENDS = {
    "SystemExit(0)": 0,
    "SystemExit(None)": 0,
    "SystemExit(20)": 20,
    "SystemExit('a word')": 1,
    "OSError('a fault')": 1,
}


@pytest.mark.parametrize("end", ENDS)
def test_a_process_ends_with_its_code_and_all_that_has_to_be_done_is(end: str) -> None:
    script = ENDING.replace("CODE", end)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == ENDS[end], done.stderr
    assert sorted(done.stdout.split()) == ["awaited", "later", "x" * 100_000]
    assert ("a word" in done.stderr, "a fault" in done.stderr) == ("a word" in end, "a fault" in end)


def test_what_cannot_be_written_is_no_success() -> None:
    with Path("/dev/full").open("w") as full:
        script = ENDING.replace("CODE", "SystemExit(0)")
        done = subprocess.run([sys.executable, "-c", script], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode != 0


def test_an_interrupt_that_the_shell_has_ignored_stays_so() -> None:
    command = [sys.executable, "-c", INTERRUPTING, "click", "version"]
    ignored = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        signal.signal(signal.SIGINT, ignored)
    assert done.returncode == 0, done.stderr

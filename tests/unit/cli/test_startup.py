"""What a command loads: who presses TAB or lists applications must not wait for an engine to be imported."""

import importlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from tests.unit.kube.test_config import pair

from trueup.cli import admin, cert, cluster, gpg, proj, repo, root
from trueup.cli.app import COMMANDS, app
from trueup.cli.lazy import Deferred, LazyGroup

IMPORT = "import sys; from trueup.cli.root import trueup; "
LIGHT = {"click", "kubegrammar", "msgspec", "trueup", "typing_extensions"}
"""What a command that reads the cluster may load of what is no part of Python."""
DEAR = {
    *("concurrent.futures.thread", "difflib", "email", "http", "json", "multiprocessing", "random", "shutil"),
    *("sqlite3", "tempfile", "zoneinfo"),
    *("kubegrammar.yaml.read", "kubegrammar.yaml.write", "trueup.health.assess"),
    *("trueup.apply", "trueup.controllers", "trueup.diff", "trueup.engine", "trueup.features", "trueup.observe"),
    *("pocketkube", "trueup.render", "trueup.demo", "trueup.offline", "trueup.workshop"),
}
"""What of Python's and of our own a command that reads the cluster does without."""
MOST = {"app list": 66, "app get": 75, "app sync": 100, "cluster list": 60, "proj list": 65, "repo list": 65}
"""Modules of ours that a command loads."""

ALL: dict[tuple[str, ...], Deferred] = {
    **{(name,): where for name, where in root.COMMANDS.items()},
    **{("admin", name): where for name, where in admin.COMMANDS.items()},
    **{("app", name): where for name, where in COMMANDS.items()},
    **{("cert", name): where for name, where in cert.COMMANDS.items()},
    **{("cluster", name): where for name, where in cluster.COMMANDS.items()},
    **{("gpg", name): where for name, where in gpg.COMMANDS.items()},
    **{("proj", name): where for name, where in proj.COMMANDS.items()},
    **{("repo", name): where for name, where in repo.COMMANDS.items()},
    **{("repocreds", name): where for name, where in repo.TEMPLATES.items()},
}
WHOLE = {
    *("artifact", "check", "ci", "demo", "doctor", "render", "sandbox", "server", "simulate"),
    *("context", "login", "logout", "proj role", "relogin"),
    *("app diff", "app inputs", "app manifests", "app plan", "cluster rotate-auth", "repo add", "repocreds add"),
}
"""Commands that bring a part of the engine: they render, they run something, they speak to others than the cluster."""
TREE = {"app logs", "app resources"}
TRAIL = {"audit", "app rollback", "app timeline"}
MAY = {
    "the cluster": ({" ".join(path) for path in ALL} - WHOLE - TREE - TRAIL, set[str]()),
    "what objects have made": (TREE, {"trueup.health.assess"}),
    "the trail": (TRAIL, {"concurrent.futures.thread", "random", "shutil", "sqlite3", "tempfile"}),
}
"""Commands by what they read, and what dear things they load for it. One that is new reads the cluster alone."""


def loaded(script: str) -> set[str]:
    """Modules that a script loads."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; start = set(sys.modules); {script}; print(*(sys.modules.keys() - start))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("read", MAY)
def test_a_command_that_reads_the_cluster_loads_what_that_takes(read: str) -> None:
    commands, allowed = MAY[read]
    places = sorted({ALL[tuple(command.split())].module for command in commands})
    modules = loaded(f"from trueup.cli.root import trueup; import {', '.join(places)}")
    roofs = {".".join(module.split(".")[:n]) for module in modules for n in (1, 2, 3, 4)}
    assert roofs & DEAR <= allowed
    others = {module.partition(".")[0] for module in modules} - set(sys.stdlib_module_names)
    assert {name for name in others if not name.startswith("_")} <= LIGHT


def test_what_shows_objects_as_they_are_loads_no_engine() -> None:
    modules = loaded("import trueup.cli.app.inspect")
    engine = ("trueup.engine", "trueup.workers", "trueup.render", "trueup.observe", "trueup.sources.mirror")
    assert {each for each in modules if each.startswith((*engine, "aiohttp", "pygit2"))} == set()


@pytest.mark.parametrize("command", MOST)
def test_a_command_loads_no_more_of_ours_than_it_needs(command: str) -> None:
    modules = loaded(f"from trueup.cli.root import trueup; import {ALL[tuple(command.split())].module}")
    assert len([module for module in modules if module.startswith(("kubegrammar.", "trueup."))]) <= MOST[command]


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
    assert not modules.intersection({*DEAR, "asyncio", "re2", "trueup.cli.app.listing", "trueup.cli.sandbox"})


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
    ("app", "tree", "web"): "No such command 'tree'.",
    ("cert", "add"): "Did you mean 'add-tls'?",
    ("configure", "x"): "`trueup login` and `trueup context`",
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


def test_what_a_command_loads_is_not_looked_through_for_garbage_and_what_lives_longer_is() -> None:
    script = f"""
import gc, sys
from trueup.cli import main, root
sys.argv[0] = "trueup"
def run(listen):
    before = sum(each["collections"] for each in gc.get_stats())
    import {ALL["app", "get"].module}
    print(sum(each["collections"] for each in gc.get_stats()) - before)
    kept = [[] for _ in range(150_000)]
    print(gc.get_threshold()[0])
    sys.exit(0)
root.run = run
main.main()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "10000"]


KUBECONFIG = """
apiVersion: v1
clusters: [{name: here, cluster: {server: 'https://127.0.0.1:1', insecure-skip-tls-verify: true}}]
contexts: [{name: here, context: {cluster: here, user: me}}]
current-context: here
users: [{name: me, user: {client-certificate: me.crt, client-key: me.key}}]
"""


def test_a_kubeconfig_in_yaml_with_a_certificate_loads_what_reads_yaml_and_no_more(tmp_path: Path) -> None:
    for name, content in zip(("me.crt", "me.key"), pair(), strict=True):
        (tmp_path / name).write_bytes(content)
    file = tmp_path / "config"
    file.write_text(KUBECONFIG)
    modules = loaded(
        "from trueup.cli.connect import ClusterAccess, asking; "
        f"asking(ClusterAccess({str(file)!r}, '', 'argocd').config())"
    )
    assert {name for name in modules if name in DEAR} == {"kubegrammar.yaml.read"}


def test_where_a_trail_lies_is_found_without_what_writes_one() -> None:
    modules = loaded("import trueup.store.audit.address")
    assert not modules & {*DEAR, "trueup.store.audit.place", "trueup.store.install"}

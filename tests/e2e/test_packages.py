"""Each package by itself, as its wheel is installed."""

import asyncio
import signal
import subprocess
from pathlib import Path

import pytest
from tests.conftest import Cluster, on_embedded
from tests.support.fresh import bare, install_wheels
from tests.support.patience import stretched
from tests.support.tiers import everywhere

from trueup.cli.exits import FAILED


def ran(*words: str | Path, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, env=bare(home), cwd=home, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the engine alone: its folder of programs."""
    return install_wheels(tmp_path_factory.mktemp("engine"), "kubegrammar", "trueup")


def test_the_grammar_reads(tmp_path: Path) -> None:
    programs = install_wheels(tmp_path / "installed", "kubegrammar")
    script = "from kubegrammar import yaml; print(yaml.load(b'{a: 0o17}', 'a.yaml'))"
    assert ran(programs / "python", "-c", script, home=tmp_path).stdout == "{'a': 15}\n"


async def test_the_cluster_serves(tmp_path: Path) -> None:
    programs = install_wheels(tmp_path / "installed", "kubegrammar", "pocketkube")
    up = await asyncio.to_thread(ran, programs / "pocketkube", "up", home=tmp_path)
    try:
        assert up.returncode == 0, up.stderr
        shown = await asyncio.to_thread(ran, programs / "pocketkube", "kubeconfig", "--path", home=tmp_path)
        kubectl = (programs / "kubectl", "--kubeconfig", shown.stdout.strip())
        made = await asyncio.to_thread(ran, *kubectl, "create", "deployment", "web", "--image", "web", home=tmp_path)
        assert made.stdout == "deployment.apps/web created\n", made.stderr
        patience = f"--timeout={stretched(60):g}s"
        words = ("wait", "--for=condition=Available", "deployment/web", patience)
        waited = await asyncio.to_thread(ran, *kubectl, *words, home=tmp_path)
        assert waited.returncode == 0, waited.stderr
    finally:
        down = await asyncio.to_thread(ran, programs / "pocketkube", "down", home=tmp_path)
    assert down.stdout == "cluster default is down\n"


@pytest.mark.parametrize(
    "words",
    ["demo", *(pytest.param(words, marks=everywhere) for words in ("sandbox up", "simulate", "check .", "render ."))],
)
def test_the_engine_says_what_to_install_for_the_rest(engine: Path, tmp_path: Path, words: str) -> None:
    done = ran(engine / "trueup", *words.split(), home=tmp_path)
    command = words.split()[0]
    assert done.returncode == FAILED
    assert done.stderr.splitlines() == [
        f"error: `trueup {command}` needs the embedded cluster, which is not installed",
        "  hint: pip install 'trueup[sandbox]'",
    ]


@on_embedded
async def test_the_engine_runs_without_the_cluster(cluster: Cluster, engine: Path, tmp_path: Path) -> None:
    access = ("--kubeconfig", cluster.kubeconfig, "--namespace", "alone")
    installed = await asyncio.to_thread(ran, engine / "trueup", "install", "--crds-only", *access, home=tmp_path)
    assert installed.returncode == 0, installed.stderr
    server = await asyncio.create_subprocess_exec(
        *(engine / "trueup", "server", *access, "--data", tmp_path / "data", "--state", tmp_path / "state"),
        env=bare(tmp_path),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert server.stderr is not None
    try:
        async with asyncio.timeout(stretched(60)):
            while b"engine started" not in (line := await server.stderr.readline()):
                assert line, "it has ended"
        listed = await asyncio.to_thread(ran, engine / "trueup", "app", "list", *access, home=tmp_path)
        assert listed.returncode == 0, listed.stderr
    finally:
        server.send_signal(signal.SIGTERM)
        await server.communicate()
    assert server.returncode == 0


def test_every_other_command_loads_without_the_cluster(engine: Path, tmp_path: Path) -> None:
    names = ran(engine / "trueup", "--help", home=tmp_path).stdout
    assert "server" in names
    script = (
        "import importlib; from trueup.cli import root\n"
        "for name, where in sorted(root.COMMANDS.items()):\n"
        "    try: importlib.import_module(where.module)\n"
        "    except ModuleNotFoundError as error: print(name, error.name)\n"
    )
    lacking = ran(engine / "python", "-c", script, home=tmp_path).stdout.split("\n")[:-1]
    assert [line.split()[0] for line in lacking] == ["check", "demo", "render", "sandbox", "simulate"], lacking

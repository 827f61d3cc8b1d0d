"""What works with no cluster at hand: render, check, the sandbox, and the demo on it."""

import asyncio
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.golden.render.golden import CASES, ROOT, checkout, render
from tests.support import commands
from tests.support.broken import FOUND, URL, application, break_everything
from tests.support.commands import EXECUTABLE
from tests.support.fresh import bare, install_wheels
from tests.support.lookalikes import JSONNET_STACK, MONITORS, SHOP
from tests.support.monorepo import STAGES, write_monorepo
from tests.support.patience import stretched
from tests.support.tiers import everywhere

KUBECTL = Path(sys.executable).parent / "kubectl"
PATIENCE = 120.0
SHAPES = {
    # An object whose definition is below another folder, which no application brings.
    "monitors/mine.yaml": "apiVersion: monitoring.example.com/v1\nkind: Monitor\nmetadata: {name: a}\nspec: {}\n",
    "tests/monitors.yaml": MONITORS,
}
TWICE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: twice}\ndata: {a: b}\ndata: {c: d}\n"


def written(folder: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


class Ran(msgspec.Struct, frozen=True):
    """How a command ended."""

    code: int
    out: str
    err: str


class Shell:
    """Runs programs in a folder, with a home of their own and no kubeconfig."""

    def __init__(self, home: Path, folder: Path) -> None:
        self.folder = folder
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(home)}

    async def __call__(self, *args: str | Path, program: Path = EXECUTABLE) -> Ran:
        process: commands.Running | asyncio.subprocess.Process
        if program == EXECUTABLE:
            process = await commands.start(*args, environment=self.environment, folder=self.folder)
        else:
            pipe = asyncio.subprocess.PIPE
            process = await asyncio.create_subprocess_exec(
                program, *args, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, cwd=self.folder,
                env=self.environment,
            )  # fmt: skip
        out, err = await asyncio.wait_for(process.communicate(), stretched(PATIENCE))
        assert process.returncode is not None
        ran = Ran(process.returncode, out.decode(), err.decode())
        assert "Traceback" not in ran.err, ran.err
        return ran


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    return checkout(tmp_path / "examples")


@pytest.fixture
def shell(tmp_path: Path, examples: Path) -> Shell:
    (tmp_path / "home").mkdir()
    return Shell(tmp_path / "home", examples)


@pytest.mark.parametrize("case", CASES)
def test_what_is_rendered_is_as_recorded(examples: Path, case: str) -> None:
    ran = render(examples, case)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == (ROOT / case).read_text()


REFUSED = {
    "a folder that is not there": ("nope", 2, "does not exist"),
    "a file": ("README.md", 2, "is a file"),
    "a chart without a value it needs": ("apps", 20, "apps/templates/applications.yaml:15:16"),
    "a file that is no YAML": ("broken", 20, "broken/a.yaml:3:12"),
    "values for what is no chart": ("plain --set a=b", 2, "has no Chart.yaml"),
    "a setting without a value": ("helm --set a", 2, "'a' is not NAME=VALUE"),
    "a version that is none": ("helm --kube-version latest", 2, "is no version"),
    "a root elsewhere": ("helm --root plain", 2, "is not inside --root plain"),
    "a base outside of what may be read": ("kustomize/overlays/staging --root kustomize/overlays", 20, "outside"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_cannot_be_rendered_is_said_with_its_place(shell: Shell, case: str) -> None:
    line, code, said = REFUSED[case]
    (shell.folder / "broken").mkdir()
    (shell.folder / "broken/a.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: [")
    ran = await shell("render", *line.split())
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert code != 20 or "hint: " in ran.err


async def test_a_folder_outside_of_git_and_a_value_file_elsewhere(shell: Shell, tmp_path: Path) -> None:
    shutil.copytree(shell.folder / "helm", tmp_path / "chart")
    (tmp_path / "mine.yaml").write_text("replicas: 7\n")
    ran = await shell("render", tmp_path / "chart", "--values", tmp_path / "mine.yaml")
    assert (ran.code, ran.err) == (0, "")
    assert "# Source: templates/deployment.yaml" in ran.out
    assert "replicas: 7" in ran.out
    (tmp_path / "mine.yaml").write_text("replicas: [")
    ran = await shell("render", tmp_path / "chart", "--values", tmp_path / "mine.yaml")
    assert ran.code == 20
    assert f"{tmp_path}/mine.yaml:1:12" in ran.err


async def test_a_render_reads_what_git_would_and_no_environment(shell: Shell) -> None:
    shell.environment["SECRET_OF_THE_SHELL"] = "hunter2"
    (shell.folder / ".gitignore").write_text("*.local.yaml\n")
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"
    (shell.folder / "plain/a.local.yaml").write_text(text % "ignored")
    (shell.folder / "plain/new.yaml").write_text(text % "untracked")
    (shell.folder / "helm/templates/env.yaml").write_text(text % '{{ env "SECRET_OF_THE_SHELL" | default "empty" }}')
    plain = await shell("render", "plain")
    assert "name: untracked" in plain.out and "ignored" not in plain.out
    chart = await shell("render", "helm")
    assert "hunter2" not in chart.out + chart.err


CLEAN = {
    "an app of apps": ("apps", "7 applications, 31 objects: 0 problems\n"),
    "every folder that can be rendered": (".", "8 applications, 32 objects: 0 problems\n"),
}


@pytest.mark.parametrize(
    "case", ["an app of apps", pytest.param("every folder that can be rendered", marks=everywhere)]
)
async def test_the_examples_are_clean(shell: Shell, case: str) -> None:
    path, said = CLEAN[case]
    assert await shell("check", path, "--set", f"repoURL={URL}") == Ran(0, said, "")


async def test_a_warning_is_a_problem_when_it_shall_be(shell: Shell) -> None:
    (shell.folder / "plain/twice.yaml").write_text(TWICE)
    ran = await shell("check", "plain")
    assert (ran.code, "already defined" in ran.out or "duplicate" in ran.out) == (0, True), ran.out
    assert (await shell("check", "plain", "--strict")).code == 1


async def test_where_nothing_is_declared_nothing_is_clean(shell: Shell) -> None:
    (shell.folder / "docs").mkdir()
    ran = await shell("check", "docs")
    assert (ran.code, "neither Applications nor manifests" in ran.err) == (2, True)


async def test_every_mistake_is_found_with_its_file_object_and_field(shell: Shell) -> None:
    break_everything(shell.folder)
    ran = await shell("check", "-o", "json")
    assert (ran.code, ran.err) == (1, "")
    assert "hunter2" not in ran.out
    report = json.loads(ran.out)
    problems = report["problems"]
    assert {
        tuple(item.get(key, "") for key in ("application", "file", "object", "field")) for item in problems
    } == FOUND
    assert len(problems) == len(FOUND)
    assert all(item["message"] for item in problems)
    both = {item["file"]: item["others"] for item in problems if item.get("others")}
    assert both == {"plain/deployment.yaml:9": ["argocd/plain"], "plain/service.yaml:9": ["argocd/plain"]}
    assert {(item["application"], item["what"]) for item in report["unverified"]} == {
        ("argocd/hooks", "other.example.com/Unknown hooks/elsewhere"),
        ("argocd/other", "x of https://git.example.com/other"),
    }
    shown = await shell("check")
    assert shown.code == 1
    for _, file, name, field in FOUND:
        assert "  ".join(part for part in (file, name, field) if part) in shown.out
    assert re.search(r"^\d+ applications, \d+ objects: 12 problems$", shown.out, re.MULTILINE)


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(JSONNET_STACK, id="a stack in Jsonnet"),
        pytest.param(SHOP, marks=everywhere, id="a demo of microservices"),
    ],
)
async def test_nothing_wrong_is_said_of_what_well_known_repositories_look_like(
    shell: Shell, tmp_path: Path, shape: dict[str, str]
) -> None:
    shell.folder = written(tmp_path / "repository", shape)
    ran = await shell("check", "--strict")
    assert (ran.code, ran.err) == (0, ""), ran.out
    assert re.search(r": 0 problems$", ran.out) and "monitoring.example.com" not in ran.out


async def test_nothing_wrong_is_said_of_our_own_repository(shell: Shell) -> None:
    shell.folder = Path(__file__).parents[2]
    ran = await shell("check", "--strict", "-o", "json")
    assert (ran.code, json.loads(ran.out)["problems"]) == (0, [])


async def test_a_fault_of_a_base_is_told_once_in_a_monorepo(shell: Shell, tmp_path: Path) -> None:
    shell.folder = tmp_path / "monorepo"
    overlays = write_monorepo(shell.folder, 2)
    written(shell.folder, SHAPES)
    base = shell.folder / "services/service-0/base/service.yaml"
    base.write_text(base.read_text().replace("{level: info}", "{level: 1}"))
    ran = await shell("check", "--strict", "-o", "json")
    (problem,) = json.loads(ran.out)["problems"]
    assert (problem["file"], problem["object"].partition(" ")[0]) == (
        "services/service-0/base/service.yaml:14",
        "ConfigMap",
    )
    assert [problem["application"], *problem["others"]] == [
        f"argocd/services-service-0-overlays-{stage}" for stage in sorted(STAGES)
    ]
    annotated = await shell("check", "-o", "github")
    assert annotated.out.startswith("::error file=services/service-0/base/service.yaml,line=14,title=ConfigMap")
    assert f"::notice::{overlays + 1} applications, " in annotated.out


async def test_a_repository_elsewhere_is_read_when_asked(shell: Shell, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "web").mkdir(parents=True)
    (other / "web/a.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndatum: {}\n")
    git = Path(shutil.which("git") or "git")
    shell.folder = other
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    for command in (("init", "-q"), ("add", "--all"), (*identity, "commit", "-qm", "first")):
        assert (await shell(*command, program=git)).code == 0
    shell.folder = tmp_path / "examples"
    (shell.folder / "other.json").write_text(application("other", "web", source={"repoURL": other.as_uri()}))
    ran = await shell("check")
    assert (ran.code, "not verified" in ran.out) == (0, True)
    ran = await shell("check", "--remote")
    assert (ran.code, "datum" in ran.out) == (1, False), "a repository of this disk only where it is allowed"
    ran = await shell("check", "--remote", "--allow-local-repos", tmp_path)
    assert (ran.code, "web/a.yaml:4  ConfigMap other/a  datum" in ran.out) == (1, True)


async def test_an_empty_cluster_shows_what_waits_for_what(shell: Shell, tmp_path: Path) -> None:
    shell.folder = written(
        tmp_path / "afresh",
        {
            "apps/kinds.json": application("kinds", "kinds"),
            "apps/uses.json": application("uses", "uses"),
            "kinds/monitors.yaml": MONITORS,
            "uses/mine.yaml": SHAPES["monitors/mine.yaml"],
        },
    )
    ran = await shell("check", "--from-nothing", "--repo-url", URL)
    assert (ran.code, "2 applications, 2 objects: 0 problems" in ran.out) == (0, True), ran.out
    assert "kind Monitor of monitoring.example.com is brought by application argocd/kinds, and nothing says" in ran.out


async def test_what_cannot_be_checked_is_code_2(shell: Shell) -> None:
    (shell.folder / ".git/config").write_text("[core\n")
    assert (await shell("check")).code == 2
    assert (await shell("check", "nope")).code == 2


@asynccontextmanager
async def sandbox(shell: Shell, *options: str | Path) -> AsyncIterator[str]:
    """A sandbox that is up; gives what the command said."""
    try:
        started = await shell("sandbox", "up", *options)
        assert started.code == 0, started.err
        yield started.out
    finally:
        await shell("sandbox", "down")


async def status(shell: Shell) -> dict[str, Any]:
    ran = await shell("sandbox", "status", "-o", "json")
    facts: dict[str, Any] = json.loads(ran.out)
    assert ran.code == (0 if facts["state"] == "Running" else 1)
    return facts


async def test_a_sandbox_runs_workloads_until_it_is_ended(shell: Shell, tmp_path: Path) -> None:
    assert (await status(shell))["state"] == "Stopped"
    async with sandbox(shell, "--data", tmp_path / "data") as said:
        facts = await status(shell)
        assert f"sandbox default is up at {facts['url']} (pid {facts['pid']}" in said
        took = re.search(r"([0-9.]+) s\)", said)
        assert took is not None and float(took[1]) < stretched(10), (
            "ready in under 2 s where the machine has nothing else to do"
        )
        config = (await shell("sandbox", "kubeconfig", "--path")).out.strip()
        assert (await shell("sandbox", "kubeconfig")).out == Path(config).read_text()
        assert Path(config).is_relative_to(shell.environment["HOME"])
        shell.environment["KUBECONFIG"] = config
        made = await shell("create", "deployment", "web", "--image=nginx", "--replicas=2", program=KUBECTL)
        assert made.code == 0, made.err
        done = await shell("rollout", "status", "deployment/web", "--timeout=300s", program=KUBECTL)
        assert done.code == 0, done.err
        again = await shell("sandbox", "up")
        assert (again.code, "runs already" in again.out) == (0, True)
        os.kill(facts["pid"], signal.SIGKILL)
        await killed(shell)
        assert (await shell("sandbox", "kubeconfig")).code == 20
        assert (await shell("sandbox", "up", "--data", tmp_path / "data")).code == 0
        kept = await shell("get", "deployment", "web", "-o", "jsonpath={.spec.replicas}", program=KUBECTL)
        assert (kept.code, kept.out) == (0, "2"), kept.err
        refused = await shell("sandbox", "up", "--data", tmp_path / "other")
        assert (refused.code, "first" in refused.err) == (20, True)
    assert (await status(shell))["state"] == "Stopped"
    assert (await shell("sandbox", "down")).out == "sandbox default does not run\n"


async def killed(shell: Shell) -> None:
    async with asyncio.timeout(stretched(10)):
        while (await status(shell))["state"] != "Stopped":
            await asyncio.sleep(0.05)


async def test_a_port_that_is_taken_is_said(shell: Shell) -> None:
    async with sandbox(shell):
        port = (await status(shell))["url"].rpartition(":")[2]
        ran = await shell("sandbox", "up", "--name", "other", "--port", port)
        assert (ran.code, "address already in use" in ran.err, "--port" in ran.err) == (20, True, True)


async def test_a_sandbox_in_the_foreground_ends_with_its_terminal(shell: Shell) -> None:
    process = await asyncio.create_subprocess_exec(
        EXECUTABLE, "sandbox", "up", "--foreground", stdout=asyncio.subprocess.PIPE, cwd=shell.folder,
        env={**shell.environment, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), stretched(PATIENCE))
        assert line.startswith(b"sandbox default is up at https://127.0.0.1:")
        assert (await status(shell))["pid"] == process.pid
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), stretched(PATIENCE)) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert (await status(shell))["state"] == "Stopped"


@everywhere
async def test_the_demo_of_an_installed_wheel_walks_away_from_the_checkout(shell: Shell, tmp_path: Path) -> None:
    programs = install_wheels(tmp_path / "installed", "kubegrammar", "pocketkube", "trueup")
    shell.folder, shell.environment = tmp_path / "home", bare(tmp_path / "home")
    where = await shell("-c", "import trueup; print(trueup.__file__)", program=programs / "python")
    assert Path(where.out.strip()).is_relative_to(tmp_path)
    ran = await shell("demo", "--tour", program=programs / "trueup")
    assert ran.code == 0, ran.out + ran.err
    assert ran.out.count("✓") == 13
    for said in ("1.0.1 runs after", "1.0.2 after", "kubectl-edit set spec.replicas", "Degraded", "was taken back"):
        assert said in ran.out, ran.out
    assert "starting an embedded Kubernetes API" in ran.out


@everywhere
async def test_the_demo_leaves_nothing_on_somebody_else_s_cluster(shell: Shell) -> None:
    async with sandbox(shell):
        config = (await shell("sandbox", "kubeconfig", "--path")).out.strip()
        shell.environment["KUBECONFIG"] = config
        listing = ("get", "namespaces,customresourcedefinitions,clusterroles", "-o", "name")
        before = (await shell(*listing, program=KUBECTL)).out
        context = (await shell("config", "current-context", program=KUBECTL)).out.strip()
        ran = await shell("demo", "--tour", "--cluster", context)
        assert ran.code == 0, ran.out
        assert (await shell(*listing, program=KUBECTL)).out == before
        await shell("create", "namespace", "trueup-demo", program=KUBECTL)
        refused = await shell("demo", "--tour", "--cluster", context)
        assert (refused.code, "kubectl --context" in refused.err) == (20, True)
        unknown = await shell("demo", "--cluster", "nowhere")
        assert (unknown.code, "there is no 'nowhere'" in unknown.err) == (20, True)

"""Commands that are straight on Kubernetes, where an API server was named: nobody takes one cluster for another."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from tests.unit.cli.test_help import leaves

from trueup.cli import connect
from trueup.cli.lazy import OF_SERVERS
from trueup.cli.root import trueup

KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: here, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: me, user: {}}]
contexts: [{name: there, context: {cluster: here, user: me}}]
current-context: there
"""
CHANGES = {
    "a sync": ("app", "sync", "web"),
    "a deletion": ("app", "delete", "web", "--yes"),
    "a project's role": ("proj", "role", "create", "shop", "ci"),
    "a repository": ("repo", "rm", "https://git.example/web"),
}
READS = {
    "a list": ("app", "list"),
    "a project": ("proj", "get", "default"),
    "windows": ("proj", "windows", "list", "x"),
}


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("ARGOCD_SERVER", "ARGOCD_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "kubeconfig"
    path.write_text(KUBECONFIG)
    return path


def run(kubeconfig: Path, *words: str) -> Result:
    return CliRunner().invoke(trueup, [*words, "--kubeconfig", str(kubeconfig)], prog_name="trueup")


@pytest.mark.parametrize("words", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("variable", ["ARGOCD_SERVER", "ARGOCD_AUTH_TOKEN"])
def test_who_names_a_server_is_told_which_cluster_changes_instead(
    words: tuple[str, ...], variable: str, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "warning" not in run(kubeconfig, *words).stderr
    monkeypatch.setenv(variable, "a-value.example")
    told = run(kubeconfig, *words).stderr
    assert f"warning: {variable} is set, but no API server is asked" in told
    assert "http://127.0.0.1:1 (context there)" in told and told.count("\n") == 1
    assert "a-value" not in told
    assert "warning" not in run(kubeconfig, *words, "--core").stderr


@pytest.mark.parametrize("words", READS.values(), ids=READS)
def test_what_only_reads_says_nothing(
    words: tuple[str, ...], kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARGOCD_SERVER", "argocd.example")
    assert "warning" not in run(kubeconfig, *words).stderr


def test_the_verbs_that_only_read_are_commands() -> None:
    assert {path.split()[-1] for path, _ in leaves() if path.split()[1] in connect.OF_SERVERS} >= connect.READING


@pytest.mark.parametrize("words", [["admin", "initial-password"], ["admin", "export"]])
def test_an_option_about_a_server_is_refused_with_what_it_would_have_meant(words: list[str]) -> None:
    for option in ("--server", "--auth-token", "--grpc-web"):
        done = CliRunner().invoke(trueup, [*words, f"{option}=x"], prog_name="trueup")
        assert done.exit_code == 2 and "Did you mean" not in done.output
        assert f"{option} is about an API server, and `trueup {words[0]} {words[1]}" in " ".join(done.output.split())
        assert "--kube-context" in done.output


def test_every_command_that_meets_a_cluster_takes_core() -> None:
    """But for the demo, whose cluster is its own."""
    meets = {path: each for path, each in leaves() if "--kubeconfig" in options(each) and path != "trueup demo"}
    assert len(meets) > 50
    assert [path for path, each in meets.items() if "--core" not in options(each)] == []
    asks = {path for path, each in meets.items() if "--argocd-context" in options(each)}
    assert asks >= {"trueup app sync", "trueup app get", "trueup proj role list", "trueup repo add", "trueup ci wait"}
    assert [path for path in asks if not options(meets[path]) >= OF_SERVERS] == []
    rest = [path for path in meets if path not in asks and path != "trueup server"]
    assert [path for path in rest if OF_SERVERS & options(meets[path])] == []


def options(command: click.Command) -> set[str]:
    return {name for option in command.params for name in option.opts}

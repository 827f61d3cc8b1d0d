"""``trueup doctor`` where there is no cluster: what it finds, and when it exits 1."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from trueup.cli.connect import Access
from trueup.cli.preflight import LOOKS, Asked, Finding, examine
from trueup.formats import yaml

NOWHERE = """\
apiVersion: v1
kind: Config
current-context: x
contexts: [{name: x, context: {cluster: x, user: x}}]
clusters: [{name: x, cluster: {server: "http://127.0.0.1:9"}}]
users: [{name: x, user: {}}]
"""


async def findings(monkeypatch: pytest.MonkeyPatch, folder: Path, **more: Any) -> dict[str, Finding]:
    monkeypatch.setenv("HOME", str(folder))
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    access = Access(str(more.pop("kubeconfig", "")), "", "argocd")
    asked = Asked(**{"access": access, "data": None, "state": None, "isolated": False, **more})
    found = await examine(asked)
    assert [finding.name for finding in found] == list(LOOKS)
    return {finding.name: finding for finding in found}


async def test_without_a_cluster_everything_else_is_looked_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = await findings(monkeypatch, tmp_path)
    states = {name: finding.state for name, finding in found.items()}
    assert states.pop("isolation") == ("ok" if platform.system() == "Linux" else "warning")
    assert {name for name, state in states.items() if state == "skipped"} == {"data folder", "cluster", "rights"}
    assert set(states.values()) == {"ok", "skipped"}
    assert "Landlock" in found["isolation"].found and found["helm"].found == "helm 4.2.3"
    assert list(tmp_path.iterdir()) == []


async def test_what_is_named_and_not_there_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text(NOWHERE)
    (tmp_path / "file").write_text("")
    places = {"data": tmp_path / "file" / "x", "state": tmp_path / "file" / "y"}
    found = await findings(monkeypatch, tmp_path, kubeconfig=tmp_path / "kubeconfig", **places)
    missing = {name: finding for name, finding in found.items() if finding.state == "missing"}
    assert set(missing) == {"data folder", "state folder", "cluster", "rights"}
    assert "name another by --data" in missing["data folder"].hint
    assert "is the cluster up?" in missing["cluster"].hint


async def test_a_kubeconfig_that_is_named_and_not_there_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = await findings(monkeypatch, tmp_path, kubeconfig=tmp_path / "gone")
    assert found["cluster"].state == "missing" and str(tmp_path / "gone") in found["cluster"].found


def test_what_is_found_is_data_too(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "trueup", "doctor", "-o", "yaml"]
    environment = {**os.environ, "HOME": str(tmp_path), "KUBECONFIG": ""}
    ended = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert [finding["name"] for finding in yaml.load(ended.stdout.encode(), "stdout")] == list(LOOKS)


@pytest.mark.skipif(platform.system() != "Linux", reason="only there is isolation to be lost")
@pytest.mark.parametrize(
    ("options", "state", "code"),
    [
        pytest.param([], "warning", 0, id="a remark"),
        pytest.param(["--require-isolation"], "missing", 1, id="an error where it is required"),
    ],
)
def test_a_kernel_without_landlock(tmp_path: Path, options: list[str], state: str, code: int) -> None:
    old = [sys.executable, str(Path(__file__).parents[2] / "support" / "oldkernel.py")]
    command = [*old, sys.executable, "-m", "trueup", "doctor", "-o", "json", *options]
    environment = {**os.environ, "HOME": str(tmp_path), "KUBECONFIG": ""}
    ended = subprocess.run(command, capture_output=True, text=True, env=environment)
    (isolation,) = [finding for finding in json.loads(ended.stdout) if finding["name"] == "isolation"]
    assert (isolation["state"], ended.returncode) == (state, code)
    assert "Landlock: Function not implemented" in isolation["found"] and isolation["hint"]

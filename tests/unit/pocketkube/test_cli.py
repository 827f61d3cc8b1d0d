"""``pocketkube`` says what is wrong, and what to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def pocketkube(*words: str, state: Path) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "pocketkube", *words)
    environment = os.environ | {"XDG_STATE_HOME": str(state)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ("up --port 99999", 2, "a number from 0 to 65535"),
        ("up --port -1", 2, "a number from 0 to 65535"),
        ("up --port 1e3", 2, "a number from 0 to 65535"),
        ("up --name ../x", 2, "up to 40 small letters, digits and dashes"),
        ("up --data /proc/none", 1, "hint: choose a folder that you may write by --data"),
        ("kubeconfig", 1, "hint: `pocketkube up` starts it"),
        ("nope", 2, "invalid choice"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, words: str, code: int, says: str) -> None:
    done = pocketkube(*words.split(), state=tmp_path)
    assert (done.returncode, says in done.stderr, "Traceback" in done.stderr) == (code, True, False), done.stderr


def test_a_cluster_that_runs_is_no_other_one(tmp_path: Path) -> None:
    assert pocketkube("up", state=tmp_path).returncode == 0
    try:
        again = pocketkube("up", state=tmp_path)
        assert again.stdout.startswith("cluster default runs already, at https://127.0.0.1:")
        other = pocketkube("up", "--data", str(tmp_path / "data"), state=tmp_path)
        assert other.returncode == 1
        assert other.stderr.splitlines() == [
            "error: cluster default runs already, in memory",
            "hint: `pocketkube down` first",
        ]
        second = pocketkube("up", "--foreground", state=tmp_path)
        assert second.stderr.splitlines()[-1] == "hint: `pocketkube down` ends it"
    finally:
        assert pocketkube("down", state=tmp_path).stdout == "cluster default is down\n"
    assert pocketkube("down", state=tmp_path).stdout == "cluster default does not run\n"

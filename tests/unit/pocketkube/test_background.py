"""A cluster in the background: one process of a name, found, waited for and ended without mistake."""

import fcntl
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.patience import stretched

from pocketkube import background
from pocketkube.background import Background, Running
from pocketkube.errors import ClusterError, ProcessFailed

# Plays the server: holds the lock, writes the kubeconfigs, stays until it is told to go.
CLUSTER = """
import signal, sys, time
from pathlib import Path
from pocketkube.background import Background
from pocketkube.users import USERS
home, how = Path(sys.argv[1]), sys.argv[2]
cluster = Background(home, "c")
if how == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
try:
    with cluster.held(data=home / "data", started="2026-01-01T00:00:00Z") as folder:
        if how == "failing":
            print("error: the port is taken", file=sys.stderr)
            print("  hint: choose another", file=sys.stderr)
            sys.exit(20)
        if how == "slow":
            time.sleep(60)
        for user in USERS:
            text = '{"clusters": [{"cluster": {"server": "https://127.0.0.1:6443"}}]}'
            (folder / f"{user.rpartition(':')[2]}.kubeconfig").write_text(text)
        time.sleep(60)
except Exception as error:
    sys.exit(f"error: {error}")
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Background]:
    made = Background(tmp_path / "state", "c")
    yield made
    running = made.running()
    if running is not None:
        os.kill(running.pid, signal.SIGKILL)


def command(cluster: Background, how: str = "well") -> list[str]:
    return [sys.executable, "-c", CLUSTER, str(cluster.folder.parent), how]


def test_it_starts_says_who_it_is_and_ends(cluster: Background, tmp_path: Path) -> None:
    assert cluster.running() is None
    running = cluster.start(command(cluster), seconds=120)
    assert running == cluster.running()
    assert running == Running(pid=running.pid, data=str(tmp_path / "state/data"), started="2026-01-01T00:00:00Z")
    assert os.getsid(running.pid) == running.pid != os.getsid(0)
    assert (cluster.ready, cluster.url) == (True, "https://127.0.0.1:6443")
    assert cluster.stop(seconds=60)
    assert (cluster.running(), cluster.ready, cluster.url, cluster.folder.exists()) == (None, False, "", False)
    assert not cluster.stop(seconds=60)


def test_what_it_keeps_is_its_owner_s_alone(cluster: Background) -> None:
    cluster.start(command(cluster), seconds=120)
    home = cluster.folder.parent
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (home, *home.iterdir())}
    assert modes == {"state": 0o700, "c": 0o700, "c.lock": 0o600, "c.log": 0o600}


def test_a_second_one_of_the_name_cannot_be(cluster: Background) -> None:
    cluster.start(command(cluster), seconds=120)
    with pytest.raises(ClusterError, match="runs already"), cluster.held(data=None, started=""):
        pass


def test_of_two_that_start_at_once_one_becomes_the_cluster(cluster: Background) -> None:
    other = subprocess.Popen(command(cluster), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    running = cluster.start(command(cluster), seconds=120)
    assert running == cluster.running()
    assert cluster.stop(seconds=60)
    # Where the second was so slow that it came after the end of the first, it is the cluster now.
    deadline = time.monotonic() + stretched(20)
    while other.poll() is None and time.monotonic() < deadline:
        cluster.stop(seconds=60)
        time.sleep(0.05)
    assert other.poll() is not None


def test_a_killed_one_is_not_taken_for_running_whatever_its_lock_says(cluster: Background) -> None:
    running = cluster.start(command(cluster), seconds=120)
    os.kill(running.pid, signal.SIGKILL)
    os.waitpid(running.pid, 0)
    assert cluster.running() is None
    # The file still names the process, whose id another may have by now.
    lock = cluster.folder.parent / "c.lock"
    lock.write_text(lock.read_text().replace(str(running.pid), str(os.getpid())))
    assert not cluster.stop(seconds=60)
    again = cluster.start(command(cluster), seconds=120)
    assert again.pid != running.pid


def test_one_that_does_not_listen_is_killed(cluster: Background) -> None:
    running = cluster.start(command(cluster, "stubborn"), seconds=120)
    began = time.monotonic()
    assert cluster.stop(seconds=0.3)
    assert time.monotonic() - began < 30
    assert os.waitpid(running.pid, 0)[1] == signal.SIGKILL


def test_why_it_did_not_start_is_told(cluster: Background) -> None:
    with pytest.raises(ProcessFailed) as caught:
        cluster.start(command(cluster, "failing"), seconds=120)
    assert (caught.value.message, caught.value.hint) == ("cluster c did not start: the port is taken", "choose another")
    assert cluster.running() is None


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ClusterError, match=r"file/state: Not a directory.*XDG_STATE_HOME"):
        Background(tmp_path / "file/state", "c").start(["true"], seconds=1)


def test_one_that_is_never_ready_is_ended(cluster: Background) -> None:
    with pytest.raises(ProcessFailed, match=r"not ready within 1\.5 s"):
        cluster.start(command(cluster, "slow"), seconds=1.5)
    assert cluster.running() is None


def test_what_a_killed_one_left_passes_for_nobody_s(cluster: Background, monkeypatch: pytest.MonkeyPatch) -> None:
    running = cluster.start(command(cluster), seconds=120)
    os.kill(running.pid, signal.SIGKILL)
    os.waitpid(running.pid, 0)
    assert cluster.ready, "its kubeconfigs are there still"
    monkeypatch.setattr(background, "UNNAMED_SECONDS", 0.05)
    looks = 0

    def looked_at(folder: Path, *, ignore_errors: bool) -> None:
        nonlocal looks
        with pytest.raises(ClusterError, match="its holder is unknown"):
            Background(cluster.folder.parent, "c").running()
        looks += 1
        rmtree(folder, ignore_errors=ignore_errors)

    rmtree = shutil.rmtree
    with (cluster.folder.parent / "c.lock").open("r+") as lock:
        # The next one has the lock, and has not yet written its name over that of the killed one.
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ClusterError, match="its holder is unknown"):
            cluster.running()
    monkeypatch.setattr("pocketkube.background.shutil.rmtree", looked_at)
    with cluster.held(data=None, started="2026-01-01T00:00:00Z"):
        assert looks == 1
        now = Background(cluster.folder.parent, "c").running()
        assert now is not None
        assert (now.pid, cluster.ready) == (os.getpid(), False)
        monkeypatch.setattr("pocketkube.background.shutil.rmtree", rmtree)

"""Commands whose folders cannot be used say so in one sentence with a remedy: never a traceback."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog

from trueup.cli.home import cache_home, home, state_home
from trueup.cli.root import run
from trueup.model.errors import TrueupError

KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: x
contexts: [{name: x, context: {cluster: x, user: x}}]
clusters: [{name: x, cluster: {server: "http://127.0.0.1:9"}}]
users: [{name: x, user: {}}]
"""


def a_file(root: Path) -> Path:
    (root / "file").write_text("")
    return root / "file" / "below"


def not_writable(_: Path) -> Path:
    # For everybody, the administrator included, who may write into any folder whatever its rights say.
    return Path("/proc/trueup")


def a_link_to_itself(root: Path) -> Path:
    (root / "loop").symlink_to(root / "loop")
    return root / "loop" / "below"


def a_name_too_long(root: Path) -> Path:
    return root / ("x" * 300)


def full(_: Path) -> Path:
    return Path("/dev/full") / "below"


PLACES = [a_file, not_writable, a_link_to_itself, a_name_too_long, full]
SERVER = ("server", "--kubeconfig", "KUBECONFIG")
COMMANDS = {
    "server by HOME": (SERVER, "HOME"),
    "server by XDG_CACHE_HOME": (SERVER, "XDG_CACHE_HOME"),
    "server by XDG_STATE_HOME": (SERVER, "XDG_STATE_HOME"),
    "server by --data": ((*SERVER, "--data", "PLACE"), ""),
    "server by --state": ((*SERVER, "--state", "PLACE"), ""),
    "sandbox up by HOME": (("sandbox", "up"), "HOME"),
    "sandbox up by XDG_STATE_HOME": (("sandbox", "up"), "XDG_STATE_HOME"),
    "sandbox up by --data": (("sandbox", "up", "--data", "PLACE"), ""),
    "sandbox up --foreground by --data": (("sandbox", "up", "--foreground", "--data", "PLACE"), ""),
    "ci set-image by HOME": (("ci", "set-image", "--repo", "https://127.0.0.1:9/x", "--image", "a:1"), "HOME"),
    "app list by HOME": (("app", "list"), "HOME"),
    "audit by HOME": (("audit",), "HOME"),
    "audit by --data": (("audit", "--data", "PLACE"), ""),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("place", PLACES)
def test_a_folder_that_cannot_be_used_is_named_with_a_remedy(
    place: Callable[[Path], Path],
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # The logs of a command in this process would go on to write where pytest reads this test's errors.
    monkeypatch.setattr(structlog, "configure", lambda **_: None)
    for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME", "KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "kubeconfig").write_text(KUBECONFIG)
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    where = str(place(tmp_path))
    arguments, variable = COMMANDS[command]
    if variable:
        monkeypatch.setenv(variable, where)
    named = {"PLACE": where, "KUBECONFIG": str(tmp_path / "kubeconfig")}
    monkeypatch.setattr(sys, "argv", ["trueup", *(named.get(word, word) for word in arguments)])
    with pytest.raises(SystemExit) as ended:
        run(listen=lambda: None)
    assert ended.value.code == 20
    error, hint = capsys.readouterr().err.splitlines()
    assert error.startswith("error: ")
    assert where[:100] in error
    assert "Errno" not in error
    assert hint.startswith("  hint: ")


@pytest.mark.parametrize("folder", [home, cache_home, state_home])
def test_a_user_without_a_home_learns_which_variable_to_set(
    folder: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)  # of nobody that the system knows
    with pytest.raises(TrueupError, match="set HOME"):
        folder()


def test_a_base_folder_that_is_not_absolute_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert state_home() == Path("/home/ada/.local/state")
    monkeypatch.setenv("XDG_STATE_HOME", "/elsewhere")
    assert state_home() == Path("/elsewhere")

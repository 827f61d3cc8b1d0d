"""What commands print and read where a shell has closed their streams, speaks another encoding, or stands nowhere."""

import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from trueup.cli.root import spell

RUN = "import sys; from trueup.cli import main; sys.argv[0] = 'trueup'; main.main()"


def run(words: str, environment: dict[str, str] | None = None, cwd: Path | None = None) -> tuple[int, str, str]:
    """Exit code, output and errors of a shell's command line, where ``$T`` is trueup."""
    shell = f'T() {{ {sys.executable} -c "{RUN}" "$@"; }}; {words}'
    done = subprocess.run(
        ["bash", "-c", shell], capture_output=True, check=False, env={**os.environ, **(environment or {})}, cwd=cwd
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode("utf-8", "surrogateescape")


CLOSED = {
    "output that nobody takes is no success": ("T version >&-", 20, "", "error: Bad file descriptor"),
    "nobody is told what goes wrong": ("T frobnicate 2>&-", 2, "", ""),
    "all three, and it goes wrong": ("T frobnicate <&- >&- 2>&-", 2, "", ""),
    "nothing to read from": ("T version <&-", 0, "trueup ", ""),
    "errors alone": ("T version 2>&-", 0, "trueup ", ""),
}


@pytest.mark.parametrize("case", CLOSED)
def test_a_stream_that_the_shell_has_closed_is_no_traceback(case: str) -> None:
    words, code, out, err = CLOSED[case]
    ended = run(words)
    assert ended[0] == code, ended
    assert ended[1].startswith(out) and ended[2].startswith(err) and "Traceback" not in ended[2]
    assert "Exception ignored" not in ended[2]


@pytest.mark.parametrize("locale", [{"PYTHONIOENCODING": "latin-1"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}])
def test_what_programs_read_is_utf_8_whatever_the_locale(tmp_path: Path, locale: dict[str, str]) -> None:
    (tmp_path / "a.yaml").write_text("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {k: '└─ é 日本'}}")
    code, out, err = run(f"T render {tmp_path}", {**locale, "PYTHONUTF8": "0"})
    assert (code, err) == (0, "") and "└─ é 日本" in out


def test_a_terminal_is_written_to_as_it_is_set_up_with_codes_for_the_rest() -> None:
    read, write = pty.openpty()
    with open(write, "w", encoding="latin-1", newline="") as terminal:  # noqa: PTH123
        assert isinstance(terminal, io.TextIOWrapper)
        spell(terminal)
        print("é └", end="", file=terminal, flush=True)
        assert os.read(read, 100) == "é \\u2514".encode("latin-1")
    os.close(read)


@pytest.mark.parametrize("verb", ["app get", "app history", "proj get", "app list --project"])
def test_an_argument_that_is_not_utf_8_is_said(verb: str, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(
        "{current-context: a, contexts: [{name: a, context: {cluster: a}}], "
        "clusters: [{name: a, cluster: {server: 'http://127.0.0.1:1'}}]}"
    )
    code, _, err = run(f"T {verb} $'h\\xe9' --kubeconfig {file}")
    assert code == 20 and "Traceback" not in err, err


def test_a_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    code, _, err = run(f"cd {gone} && rmdir {gone} && T check .")
    assert code == 20 and err.startswith("error: the folder that this shell stands in: No such file"), err

"""Word of work that takes long."""

import io

import pytest

from trueup.cli import progressing
from trueup.cli.progressing import Progress


def test_what_is_soon_done_is_done_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress() as progress:
        progress("applications rendered", 1, 2)
    assert capsys.readouterr() == ("", "")


def test_what_lasts_is_told_in_lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progressing, "_ELSEWHERE", (0.0, 3600.0))
    with Progress() as progress:
        progress("applications rendered", 1, 2)
        progress("applications rendered", 2, 2)
    assert capsys.readouterr() == ("", "1 of 2 applications rendered\n")


def test_on_a_terminal_one_line_is_drawn_over_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr(progressing, "_ON_TERMINAL", (0.0, 0.0))
    with Progress() as progress:
        progress("objects judged", 1, 2)
        progress("objects judged", 2, 2)
    assert terminal.getvalue() == "\r\x1b[K1 of 2 objects judged\r\x1b[K2 of 2 objects judged\r\x1b[K"

"""What strangers wrote reaches the terminal without steering it."""

import ast
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import trueup.cli
from trueup.cli.exits import fail
from trueup.cli.output import table
from trueup.cli.screen import plain, say, styled

HOSTILE = {
    "a window's title": "\x1b]0;owned\x07",
    "a screen that is cleared": "\x1b[2J\x1b[H",
    "hidden text": "\x1b[8mhidden",
    "a question to the terminal": "\x1b[6n",
    "the eight-bit form of an escape": "\x9b2J",
    "a line written over": "good\rbad",
    "a backspace": "abc\b\b",
    "text turned around": "\u202eevil\u2066",
    "half a letter": "\udcff",
    "a tag that nobody sees": "\U000e0041",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_steers_a_terminal_is_shown_by_its_code(name: str) -> None:
    @click.command()
    def command() -> None:
        say(HOSTILE[name], fg="red")
        table(("NAME", "MESSAGE"), [("x", HOSTILE[name]), ("Synced", "two\nlines")])
        fail(HOSTILE[name], hint=HOSTILE[name])

    output = CliRunner().invoke(command, color=True).output
    without_colour = re.sub(r"\x1b\[\d*m", "", output)
    assert all(char.isprintable() or char == "\n" for char in without_colour), ascii(output)
    assert "two lines" in output, "a message must not tear a table"


@given(st.text())
def test_plain_text_is_printable_and_keeps_what_was(text: str) -> None:
    shown = plain(text)
    assert all(char.isprintable() or char == "\t" for char in shown)
    assert plain(shown) == shown
    if all(char.isprintable() for char in text):
        assert shown == text


def test_pieces_keep_their_own_style() -> None:
    @click.command()
    def command() -> None:
        styled(click.style("Synced", fg="green"))

    assert CliRunner().invoke(command, color=True).output == "\x1b[32mSynced\x1b[0m\n"


BREAKS = {
    "a line break": ("\n", "\\n"),
    "a carriage return": ("\r", "\\r"),
    "both": ("\r\n", "\\r\\n"),
    "a form feed": ("\f", "\\x0c"),
    "a vertical tab": ("\v", "\\x0b"),
    "the next line of C1": ("\x85", "\\x85"),
    "a separator of lines": ("\u2028", "\\u2028"),
    "a separator of paragraphs": ("\u2029", "\\u2029"),
    "a separator of files": ("\x1c", "\\x1c"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_value_stays_on_its_line(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    char, shown = BREAKS[name]
    say(f"operation of alice{char}  15:00:00  synced to deadbeef by root")
    out = capsys.readouterr().out
    assert out.splitlines() == [f"operation of alice{shown}  15:00:00  synced to deadbeef by root"]


def test_further_lines_of_an_error_are_below_its_first() -> None:
    @click.command()
    def command() -> None:
        fail("helm says:\nerror: all is well", hint="look\napplication 'shop' synced")

    lines = CliRunner().invoke(command).output.splitlines()
    assert lines == ["error: helm says:", "  error: all is well", "  hint: look", "    application 'shop' synced"]


def test_a_secret_of_several_lines_is_hidden_where_lines_stay() -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSj\n-----END PRIVATE KEY-----"

    @click.command()
    def command() -> None:
        fail(f"cannot read\n{key}")

    output = CliRunner().invoke(command).output
    assert "MIIE" not in output and "AQEF" not in output


def test_no_line_that_is_said_has_a_line_break_in_it() -> None:
    """Where one line is meant, a break is shown by its code."""
    broken = []
    for file in Path(trueup.cli.__path__[0]).rglob("*.py"):
        for call in ast.walk(ast.parse(file.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "say" and call.args:
                parts = [each.value for each in ast.walk(call.args[0]) if isinstance(each, ast.Constant)]
                several = any(each.arg == "further" for each in call.keywords)
                if not several and any(isinstance(each, str) and "\n" in each for each in parts):
                    broken.append(f"{file.name}:{call.lineno}")
    assert broken == []

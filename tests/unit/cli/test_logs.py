"""Log lines hold no credential, wherever in them it stands, and nothing that steers a terminal."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from trueup.cli.logs import configure_logs, discreet, errors_alone
from trueup.runtime import secrecy
from trueup.runtime.logger import Logger

URL, MASKED = "https://ada:hunter2@git.example/x", "https://ada:******@git.example/x"


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        pytest.param({"error": f"fetch {URL}: no"}, {"error": f"fetch {MASKED}: no"}, id="in a text"),
        pytest.param({"objects": ["a", URL]}, {"objects": ["a", MASKED]}, id="in a list"),
        pytest.param({"source": {"repo": (URL,)}}, {"source": {"repo": [MASKED]}}, id="deep inside"),
        pytest.param({"error": ValueError(URL)}, {"error": f"ValueError('{MASKED}')"}, id="in an object"),
        pytest.param({"count": 3, "name": "a:b@c"}, {"count": 3, "name": "a:b@c"}, id="what is no URL stays"),
        pytest.param({"repository": "https://u:p w@h"}, {"repository": "https://u:******@h"}, id="a URL with a space"),
        pytest.param({"name": "a\nINFO forged\x1b[2J"}, {"name": "a\\nINFO forged\\x1b[2J"}, id="no line is forged"),
    ],
)
def test_no_credential_is_logged(event: dict[str, Any], expected: dict[str, Any]) -> None:
    assert discreet(None, "", event) == expected


def test_secrets_of_the_work_at_hand_are_hidden() -> None:
    with secrecy.keeping():
        secrecy.learn("a Secret", lambda: ["swordfish"])
        assert discreet(None, "", {"error": "cannot use 'swordfish'"}) == {"error": "cannot use '******'"}
    assert discreet(None, "", {"error": "swordfish"}) == {"error": "swordfish"}


@pytest.fixture
def fresh() -> Iterator[None]:
    before = logging.lastResort
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()
    logging.lastResort = before


def test_what_libraries_log_is_redacted_too(fresh: None, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("json", "warning")
    record = logging.LogRecord("asyncio", logging.ERROR, "", 0, "lost %s", (URL,), None)
    assert logging.lastResort is not None
    logging.lastResort.handle(record)
    assert MASKED in (line := capsys.readouterr().err) and "hunter2" not in line


def test_a_command_shows_errors_of_what_it_uses_alone_and_sets_its_log_up_with_the_first_line(
    fresh: None, capsys: pytest.CaptureFixture[str]
) -> None:
    errors_alone()
    assert not structlog.is_configured()
    log = Logger("trueup.clusters")
    log.warning("not said")
    log.error("lost", url=URL)
    shown = capsys.readouterr()
    assert shown.out == "" and "not said" not in shown.err and MASKED in shown.err


def test_no_line_of_a_traceback_looks_like_one_of_the_log(fresh: None, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("text", "warning")
    try:
        raise ValueError("app\n2026-01-01T00:00:00Z [info     ] lease acquired")
    except ValueError:
        structlog.get_logger("x").exception("failed")
    first, *others = capsys.readouterr().err.splitlines()
    assert "failed" in first and any("lease acquired" in line for line in others)
    assert all(line.startswith(("    ", "Traceback")) for line in others)

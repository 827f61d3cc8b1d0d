"""Where the demo's web UI is."""

from pathlib import Path

import pytest

from trueup.cli.webui import WebUi, _port, handover, shows_browsers


@pytest.mark.parametrize(
    ("log", "port"),
    [
        pytest.param(None, 0, id="an engine that has not begun has no port"),
        pytest.param('{"event": "engine started"}\n', 0, id="nor has one that does not serve yet"),
        pytest.param('{"event": "x"}\n{"port": 4711, "event": "API served"}\n', 4711, id="the log names it"),
        pytest.param('{"port": 4711, "event": "API ser', 0, id="half a line is none"),
        pytest.param('{"event": "API served", "port": "no"}\n', 0, id="what is no number is none"),
    ],
)
def test_the_port_is_read_from_the_log(tmp_path: Path, log: str | None, port: int) -> None:
    file = tmp_path / "engine.log"
    if log is not None:
        file.write_text(log)
    assert _port(file) == port


@pytest.mark.parametrize(
    ("environ", "platform", "terminal", "shown"),
    [
        pytest.param({"DISPLAY": ":0"}, "linux", True, True, id="a desktop"),
        pytest.param({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True, True, id="a newer one"),
        pytest.param({}, "darwin", True, True, id="a Mac"),
        pytest.param({}, "linux", True, False, id="a machine without a display"),
        pytest.param({"DISPLAY": ":0"}, "linux", False, False, id="output that goes elsewhere"),
        pytest.param({"SSH_CONNECTION": "a", "DISPLAY": ":0"}, "linux", True, False, id="somebody who sits elsewhere"),
        pytest.param({"CI": "true"}, "darwin", True, False, id="nobody at all"),
    ],
)
def test_a_browser_is_opened_where_somebody_sees_it(
    environ: dict[str, str], platform: str, terminal: bool, shown: bool
) -> None:
    assert shows_browsers(environ, platform, terminal=terminal) is shown


def test_the_page_that_hands_over_is_read_by_nobody_else_and_its_secret_goes_to_no_server(tmp_path: Path) -> None:
    (tmp_path / "web-ui.html").touch(0o600)
    page = handover(WebUi("http://127.0.0.1:4711", 'a"<b>&#%:c'), tmp_path)
    assert page.stat().st_mode & 0o777 == 0o600
    address = page.read_text().split("url=", 1)[1].split('"', 1)[0]
    assert address == "http://127.0.0.1:4711/login#sign-in=admin:a%22%3Cb%3E%26%23%25%3Ac"

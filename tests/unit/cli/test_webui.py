"""Where the demo's web UI is."""

from pathlib import Path

import pytest

from trueup.cli.webui import _port


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

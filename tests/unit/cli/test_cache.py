"""``trueup admin cache``: what an engine keeps of its renders."""

import json
from pathlib import Path

from click.testing import CliRunner
from tests.unit.workers.test_kept import entry, key

from trueup.cli.admin import admin
from trueup.workers.kept import RENDERS, KeptFolder, program


def ran(*arguments: str) -> str:
    done = CliRunner().invoke(admin, ["cache", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_renders_are_counted_and_removed(tmp_path: Path) -> None:
    where = ("--data", str(tmp_path))
    assert "Renders:              0" in ran("stats", *where)
    folder = KeptFolder(tmp_path / RENDERS)
    folder.put(key("a"), entry("a"))
    folder.put(key("b"), entry("b"))
    (tmp_path / RENDERS / program() / "notes").write_text("mine")
    shown = json.loads(ran("stats", *where, "-o", "json"))
    assert (shown["renders"], shown["former"]) == (2, 0) and shown["bytes"] > 0 and shown["leastRecentlyUsed"]
    assert "2 renders removed" in ran("clear", *where)
    assert json.loads(ran("stats", *where, "-o", "json"))["leastRecentlyUsed"] is None
    assert (tmp_path / RENDERS / program() / "notes").exists()

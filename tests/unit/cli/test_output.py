"""What commands print as data, and the folders that they are given."""

import importlib
from typing import Any

import click
import msgspec
import pytest
from click.testing import CliRunner

from trueup.cli.app import timeline
from trueup.cli.app.access import read_view
from trueup.cli.app.read import print_summary
from trueup.cli.output import show
from trueup.model.audit import Action, Actor, Entry, Why


class Listed(msgspec.Struct):
    names: tuple[str, ...] = ("a", "b")


@pytest.mark.parametrize(
    "value", [Listed(), [Listed()], {"x": ("a", ("b",))}, Entry(at="t", action=Action.FINISHED)], ids=type
)
@pytest.mark.parametrize("output", ["json", "yaml"])
def test_whatever_is_data_is_printed(value: Any, output: str, capsys: pytest.CaptureFixture[str]) -> None:
    show(value, output)
    assert capsys.readouterr().out


@pytest.mark.parametrize("command", ["server", "audit", "doctor"])
def test_a_folder_is_absolute_since_processes_elsewhere_read_it(command: str) -> None:
    found = getattr(importlib.import_module(f"trueup.cli.{command}"), command)
    folders = [p.type for p in found.params if isinstance(p.type, click.Path) and not p.type.file_okay]
    assert folders and all(folder.resolve_path for folder in folders)


def test_no_value_of_an_application_forges_a_line_of_its_summary(capsys: pytest.CaptureFixture[str]) -> None:
    forged = "x\nSync Status:    Synced to abcdef\r\nHealth Status:  Healthy\u2028Name: other"
    body = {
        "metadata": {"name": "a", "namespace": "argocd"},
        "spec": {
            "project": forged,
            "source": {"repoURL": forged, "path": forged, "targetRevision": forged},
            "destination": {"server": forged, "namespace": forged},
        },
        "status": {
            "health": {"status": forged},
            "operationState": {"operation": {}, "phase": "Failed", "startedAt": forged, "message": forged},
            "conditions": [{"type": forged, "message": forged}],
        },
    }
    print_summary(read_view(msgspec.json.encode(body)), operation=True)
    printed = capsys.readouterr().out.splitlines()
    names = [line.partition(":")[0] for line in printed]
    assert names.count("Name") == names.count("Sync Status") == names.count("Health Status") == 1
    assert "Sync Status:    Unknown" in printed


def test_no_claim_forges_a_line_of_the_timeline(monkeypatch: pytest.MonkeyPatch) -> None:
    forged = "alice\n2026-01-01 (UTC)\n  15:00:00  synced by root"
    entry = Entry(at="2026-01-02T00:00:00Z", action=Action.STARTED, by=Actor(forged, "user"), why=Why.MANUAL)
    monkeypatch.setattr(timeline, "trail_path", lambda *_: None)
    monkeypatch.setattr(timeline, "query", lambda *_: [entry])
    printed = CliRunner().invoke(timeline.timeline, ["web"]).output.splitlines()
    assert len(printed) == 2 and printed[0] == "2026-01-02 (UTC)"
    assert r"alice\n2026-01-01 (UTC)" in printed[1]

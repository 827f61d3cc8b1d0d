"""What commands print as data, and the folders that they are given."""

import importlib
from typing import Any

import click
import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from trueup.cli.app import timeline
from trueup.cli.app.access import read_view
from trueup.cli.app.get import parameters
from trueup.cli.app.listing import LISTED, SPARE, list_row
from trueup.cli.app.summary import print_summary
from trueup.cli.output import fitted, show, table, width
from trueup.cli.screen import colour
from trueup.model.audit import Action, Actor, AuditRecord, Why


class Listed(msgspec.Struct):
    names: tuple[str, ...] = ("a", "b")


@pytest.mark.parametrize(
    "value", [Listed(), [Listed()], {"x": ("a", ("b",))}, AuditRecord(at="t", action=Action.FINISHED)], ids=type
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


COLOURS: dict[str, tuple[dict[str, str], bool | None]] = {
    "a terminal decides": ({}, None),
    "NO_COLOR": ({"NO_COLOR": "1"}, False),
    "an empty NO_COLOR says nothing": ({"NO_COLOR": ""}, None),
    "a terminal that has none": ({"TERM": "dumb"}, False),
    "CLICOLOR is off": ({"CLICOLOR": "0"}, False),
    "CLICOLOR_FORCE": ({"CLICOLOR_FORCE": "1", "TERM": "dumb"}, True),
    "CLICOLOR_FORCE that is off": ({"CLICOLOR_FORCE": "0"}, None),
    "NO_COLOR wins": ({"NO_COLOR": "1", "CLICOLOR_FORCE": "1", "FORCE_COLOR": "1"}, False),
}


@pytest.mark.parametrize(("environment", "wanted"), COLOURS.values(), ids=COLOURS.keys())
def test_who_decides_on_colours(environment: dict[str, str], wanted: bool | None) -> None:
    assert colour(environment) is wanted


def test_a_forced_colour_is_there_in_a_pipe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLICOLOR_FORCE", "1")
    table(("NAME", "HEALTH"), [("web", "Degraded")])
    assert "\x1b[31mDegraded" in capsys.readouterr().out


CELLS = st.text("abc漢", max_size=60)


@given(
    rows=st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(CELLS, min_size=n, max_size=n), min_size=1, max_size=4))
)
def test_a_table_fits_where_each_column_can_have_a_few_letters(rows: list[list[str]]) -> None:
    columns = [f"C{index}" for index in range(len(rows[0]))]
    lines = fitted([columns, *rows], 40)
    widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
    assert sum(widths) + 2 * (len(widths) - 1) <= 40
    for before, after in zip(rows, lines[1:], strict=True):
        assert all(
            a == b or (a.endswith("…") and b.startswith(a[:-1].rstrip()))
            for a, b in zip(after[1:], before[1:], strict=True)
        )
        head, _, tail = after[0].partition("…")
        assert after[0] == before[0] or (before[0].startswith(head.rstrip()) and before[0].endswith(tail))


def test_long_names_of_applications_fit_eighty_columns_and_stay_apart() -> None:
    long = "payments-ledger-reconciliation-service-europe"
    bodies = [
        {
            "metadata": {"name": f"{long}-{end}", "namespace": "argocd"},
            "status": {"conditions": [{"type": "SyncError"}] * 3},
        }
        for end in ("prod", "test")
    ]
    rows = [list(list_row(read_view(msgspec.json.encode({"spec": {}, **body})))) for body in bodies]
    lines = fitted([list(LISTED), *rows], 80, SPARE)
    assert all(sum(map(width, line)) + 2 * (len(line) - 1) <= 80 for line in lines)
    names = [line[0] for line in lines[1:]]
    assert [name[-5:] for name in names] == ["-prod", "-test"] and names[0].startswith("argocd/payments")


FITTED: dict[str, tuple[int, tuple[str, ...], list[str]]] = {
    "no limit": (0, ("B",), ["A", "B", "C"]),
    "room enough": (26, ("B",), ["A", "B", "C"]),
    "what can be spared goes first": (20, ("B", "C"), ["A", "C"]),
    "and then the next": (11, ("B", "C"), ["A"]),
    "what is not there cannot be spared": (20, ("X",), ["A", "B", "C"]),
}


@pytest.mark.parametrize(("columns", "spare", "kept"), FITTED.values(), ids=FITTED.keys())
def test_a_narrow_terminal_does_without_some_columns(columns: int, spare: tuple[str, ...], kept: list[str]) -> None:
    assert fitted([["A", "B", "C"], ["aaaaaaaa", "bbbbbb", "cccccccc"]], columns, spare)[0] == kept


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


def test_parameters_are_those_of_all_sources() -> None:
    sources = [
        {"repoURL": "x", "path": "a", "helm": {"parameters": [{"name": "replicas", "value": "3"}]}},
        {"repoURL": "x", "path": "b", "kustomize": {"images": ["web=web:2"]}},
        {"repoURL": "x", "path": "c"},
    ]
    app = read_view(msgspec.json.encode({"metadata": {"name": "a"}, "spec": {"sources": sources}})).app
    assert parameters(app) == [("replicas", "3"), ("image", "web=web:2")]


def test_no_claim_forges_a_line_of_the_timeline(monkeypatch: pytest.MonkeyPatch) -> None:
    forged = "alice\n2026-01-01 (UTC)\n  15:00:00  synced by root"
    entry = AuditRecord(at="2026-01-02T00:00:00Z", action=Action.STARTED, by=Actor(forged, "user"), why=Why.MANUAL)
    monkeypatch.setattr(timeline, "trail_path", lambda *_: None)
    monkeypatch.setattr(timeline, "query", lambda *_: [entry])
    printed = CliRunner().invoke(timeline.timeline, ["web"]).output.splitlines()
    assert len(printed) == 2 and printed[0] == "2026-01-02 (UTC)"
    assert r"alice\n2026-01-01 (UTC)" in printed[1]

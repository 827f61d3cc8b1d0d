"""What commands print as data, and the folders that they are given."""

import importlib
from typing import Any

import click
import msgspec
import pytest

from trueup.cli.output import show
from trueup.model.audit import Action, Entry


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

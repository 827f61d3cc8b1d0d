"""The help of commands: every one shows examples, and every example can be run."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from trueup.cli.examples import examples_of
from trueup.cli.root import trueup


def leaves(group: click.Group = trueup, path: str = "trueup") -> Iterator[tuple[str, click.Command]]:
    """The commands that are no groups, by their names; hidden ones aside."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from leaves(command, f"{path} {name}")
        elif command is not None and not command.hidden:
            yield f"{path} {name}", command


def test_every_command_shows_examples_of_itself() -> None:
    examples = {path: examples_of(command) for path, command in leaves()}
    assert not [path for path, lines in examples.items() if not lines]
    assert not [line for path, lines in examples.items() for line in lines if f"{path} " not in f"{line} "]


def test_no_command_has_two_parameters_of_one_name() -> None:
    """One would overwrite the other, and nobody would be told."""
    names = {path: [each.name for each in command.params] for path, command in leaves()}
    assert {path: found for path, found in names.items() if len(set(found)) < len(found)} == {}


FOLDERS = ("apps", "dist", "deploy/overlays/prod", "chart")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the examples name."""
    root = tmp_path_factory.mktemp("checkout")
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True)
    (root / "values-prod.yaml").touch()
    return root


def test_the_examples_are_read_as_commands(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout)
    refused = {}
    for line in (line for _, command in leaves() for line in examples_of(command)):
        try:
            read(line)
        except click.ClickException as error:
            refused[line] = error.format_message()
    assert refused == {}


def read(line: str) -> None:
    """Read a line as the command line does, and run nothing: contexts are made, which reads the arguments."""
    words = shlex.split(line.partition(" > ")[0])
    while "=" in words[0]:
        words.pop(0)
    words.pop(0)
    command: click.Command = trueup
    parent: click.Context | None = None
    while isinstance(command, click.Group):
        parent = click.Context(command, parent=parent, info_name=command.name)
        _, found, words = command.resolve_command(parent, words)
        assert found is not None
        command = found
    command.make_context(command.name, words, parent=parent)


HELPS: dict[str, tuple[list[str], str, str]] = {
    "of all": (["help"], "Usage: trueup [OPTIONS]", "upgrade"),
    "of a group": (["help", "app"], "Usage: trueup app [OPTIONS]", "terminate-op"),
    "of a group, asked there": (["app", "help"], "Usage: trueup app [OPTIONS]", "terminate-op"),
    "of a command": (["help", "app", "sync"], "Usage: trueup app sync [OPTIONS]", "--prune"),
    "of a command, asked in its group": (["app", "help", "sync"], "Usage: trueup app sync [OPTIONS]", "--prune"),
}


@pytest.mark.parametrize(("words", "usage", "part"), HELPS.values(), ids=HELPS)
def test_help_is_shown_to_who_asks_for_it_as_of_argo_cd(words: list[str], usage: str, part: str) -> None:
    done = CliRunner().invoke(trueup, words, prog_name="trueup")
    assert done.exit_code == 0 and done.output.startswith(usage) and part in done.output
    assert (
        done.output
        == CliRunner().invoke(trueup, [*[w for w in words if w != "help"], "--help"], prog_name="trueup").output
    )


def test_help_for_what_there_is_not_says_so() -> None:
    done = CliRunner().invoke(trueup, ["help", "app", "snyc"], prog_name="trueup")
    assert done.exit_code == 2 and "No such command 'snyc'. Did you mean 'sync'?" in done.output

"""What the demo shows and suggests."""

import io
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console, ConsoleDimensions  # noqa: TID251 - a terminal of the test's own
from rich.text import Text

from trueup.cli.board import Board
from trueup.cli.scene import Happening, ScenePlace, by_hand, commands, happenings, lines
from trueup.model.audit import Action, AuditRecord, FieldChange
from trueup.model.status import ResourceStatus

ODD = "/tmp/a+b c/it's $HOME"
WORDS = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), max_size=150)
ROWS = st.lists(st.tuples(*[WORDS] * 5), max_size=4)


def place(**fields: object) -> ScenePlace:
    given_ = {"programs": Path(ODD), "kubeconfig": Path(f"{ODD}/config"), "data": Path(f"{ODD}/data"), **fields}
    return ScenePlace(**given_)  # type: ignore[arg-type]


@pytest.mark.parametrize("context", ["", "team a"])
@pytest.mark.parametrize("examples", [True, False])
@pytest.mark.parametrize("folder", [None, Path(ODD)])
def test_every_command_names_its_paths_as_the_shell_reads_them(
    context: str, examples: bool, folder: Path | None
) -> None:
    where = place(context=context, namespace="trueup-demo" if context else "", folder=folder, pushed=examples)
    told = list(commands(where, "plain", examples=examples, namespace="plain"))
    words = [word for line in told if line.startswith("  ") for word in shlex.split(line)]
    assert {f"PATH={ODD}:$PATH", f"KUBECONFIG={ODD}/config", f"{ODD}/data"} <= set(words)
    assert (ODD in words) == (folder is not None)
    assert ("team a" in words) == bool(context)
    assert ("plain/deployment.yaml" in words) == (examples and folder is not None)
    assert not any("#" in line for line in told)


def test_a_shell_that_finds_trueup_needs_no_path() -> None:
    told = commands(place(programs=None), "plain", examples=True, namespace="plain")
    assert not any("export PATH" in line for line in told)


RESOURCES = {
    "a workload is scaled": ([("", "ConfigMap", "a", "b"), ("apps", "Deployment", "a", "web")], "scale deployment web"),
    "without one, what harms nothing is deleted": ([("", "ConfigMap", "a", "b")], "delete configmap b"),
    "volumes, namespaces and definitions are left alone": (
        [("", "PersistentVolumeClaim", "a", "b"), ("", "Namespace", "", "b")],
        "",
    ),
    "somebody else's kind of that name is another kind": ([("example.com", "Deployment", "a", "b")], ""),
}


@pytest.mark.parametrize("case", RESOURCES)
def test_what_to_change_by_hand_fits_what_is_there(case: str) -> None:
    given_, wanted = RESOURCES[case]
    resources = [ResourceStatus(group=g, kind=k, namespace=s, name=n, version="v1") for g, k, s, n in given_]
    told = by_hand(place(), resources)
    assert wanted in told if wanted else told == ""


@given(ROWS, WORDS, st.integers(20, 200))
def test_no_line_is_wider_than_the_terminal(rows: list[tuple[str, ...]], text: str, columns: int) -> None:
    happened = [Happening(1, "2026-01-02T03:04:05Z", "web", text, "good")]
    out = io.StringIO()
    board = Board(Console(file=out, width=columns, height=60, force_terminal=True, color_system=None))
    board.show(lines(rows, happened, columns))
    drawn = out.getvalue().split("\n")
    assert all(cell_len(line) < columns for line in drawn)
    assert len(drawn) - 1 == max(1, len(rows) + bool(rows)) + 3


def test_a_terminal_of_another_size_is_drawn_anew() -> None:
    out = io.StringIO()
    console = Console(file=out, width=80, height=20, force_terminal=True, color_system=None)
    board = Board(console)
    board.say("export KUBECONFIG=/a")
    board.show([Text("one"), Text("two")])
    out.truncate(0)
    board.show([Text("one")])
    assert out.getvalue().endswith("\x1b[2A\r\x1b[Jone\n")
    console.size = ConsoleDimensions(60, 20)
    out.truncate(0)
    board.show([Text("one")])
    assert out.getvalue().endswith("\x1b[H\x1b[2Jexport KUBECONFIG=/a\none\n")


def test_a_low_terminal_shows_the_first_lines() -> None:
    out = io.StringIO()
    board = Board(Console(file=out, width=80, height=4, force_terminal=True, color_system=None))
    board.show([Text(str(number)) for number in range(9)])
    assert out.getvalue() == "0\n1\n2\n"


def test_healing_is_told_and_the_objects_of_a_sync_are_not() -> None:
    change = (FieldChange(path="spec.replicas", before="5", after="2"),)
    applied, healed = (
        AuditRecord(
            id=number,
            at="2026-01-02T03:04:05Z",
            action=action,
            application="argocd/web",
            object="apps/Deployment/web/web",
            changes=change,
        )
        for number, action in enumerate((Action.APPLIED, Action.HEALED))
    )
    assert [each.line for each in happenings([applied, healed])] == [
        "03:04:05  web  Deployment web put back: spec.replicas 5 → 2"
    ]

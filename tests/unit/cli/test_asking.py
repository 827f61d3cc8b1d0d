"""Questions that nobody answers, or answers with no, and editors that are none."""

import io

import click
import pytest

from trueup.cli.asking import confirm
from trueup.cli.editor import edit_until_taken
from trueup.model.errors import TrueupError


@pytest.mark.parametrize("answer", ["n\n", "\n", "", "maybe\n"], ids=["no", "an empty line", "nobody", "no answer"])
def test_nothing_happens_without_a_yes(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    with pytest.raises(TrueupError, match="nothing was deleted") as caught:
        confirm("Delete it?", "nothing was deleted")
    assert "--yes" in caught.value.hint


def test_an_interrupt_stays_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("click.termui.visible_prompt_func", interrupted)
    with pytest.raises(click.Abort):
        confirm("Delete it?", "nothing was deleted")


def test_a_yes_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    confirm("Delete it?", "nothing was deleted")


EDITORS = {"none": "", "one that is not there": "/no/such/editor", "one that fails": "false"}


@pytest.mark.parametrize("editor", EDITORS)
@pytest.mark.parametrize("variable", ["KUBE_EDITOR", "EDITOR"])
def test_an_editor_that_is_none_is_refused_with_a_hint(
    editor: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in ("KUBE_EDITOR", "VISUAL", "EDITOR"):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv(variable, EDITORS[editor])
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(TrueupError, match="application 'web' was not edited") as caught:
        edit_until_taken("application 'web'", {"project": "default"}, lambda _: pytest.fail("nothing is written"))
    assert "KUBE_EDITOR" in caught.value.hint

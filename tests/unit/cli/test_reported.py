"""How a check's report is printed."""

import pytest

from trueup.cli.reported import SHOWN, print_annotations, print_text
from trueup.offline.report import Checked, Problem, Report, Unverified

FAULT = Problem(
    application="argocd/a",
    others=("argocd/b", "argocd/c", "argocd/d"),
    file="base/a,b.yaml:3",
    object="ConfigMap a/x",
    field="data",
    message="100% wrong\nreally",
    hint="mend it",
)


def report() -> Report:
    return Report(
        applications=[Checked(name="argocd/a", file="", paths=("a",), objects=2)],
        problems=[FAULT],
        warnings=[Problem(application="argocd/a", message="odd\x1b[2J")],
    )


def test_a_fault_is_an_annotation_beside_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_annotations(report())
    assert capsys.readouterr().out.splitlines() == [
        "::error file=base/a%2Cb.yaml,line=3,title=ConfigMap a/x  data::"
        "100%25 wrong%0Areally%0Ahint: mend it%0Ain argocd/a, argocd/b, argocd/c and 1 more",
        "::warning title=argocd/a::odd\\x1b[2J%0Ain argocd/a",
        "::notice::1 application, 2 objects: 1 problem",
    ]


def test_no_words_of_a_repository_begin_a_command_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    print_annotations(Report(problems=[Problem(file="a\n::stop-commands::x.yaml:1", message="a\r\n::error::b")]))
    assert [line[:7] for line in capsys.readouterr().out.splitlines()] == ["::error", "::notic"]


def test_people_see_every_application_a_fault_is_in(capsys: pytest.CaptureFixture[str]) -> None:
    print_text(report())
    out = capsys.readouterr().out
    assert "base/a,b.yaml:3  ConfigMap a/x  data\n  100% wrong\n" in out
    assert "  in argocd/a, argocd/b, argocd/c and 1 more\n" in out


def test_what_is_not_verified_for_one_reason_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    many = [Unverified(application=f"argocd/{index}", what="x of y", why="elsewhere") for index in range(5)]
    many += [Unverified(application="", what=f"f{index}", why="a template") for index in range(SHOWN + 3)]
    print_text(Report(unverified=many))
    out = capsys.readouterr().out
    assert "  5 applications: x of y: elsewhere\n" in out
    assert "  and 4 more (-o json lists all)\n" in out

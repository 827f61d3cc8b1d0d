"""Revisions of single sources, by position and by name."""

import click
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.cli.app.sources import Revisions, revisions_of
from trueup.model.application import Application
from trueup.model.errors import TrueupError


def application(*names: str) -> Application:
    sources = [{"repoURL": "https://git.example", "path": ".", "name": name} for name in names]
    return msgspec.convert({"metadata": {"name": "web"}, "spec": {"sources": sources}}, Application)


THREE = application("chart", "", "values")

FOUND: dict[str, tuple[Revisions, list[str]]] = {
    "nothing is said": (Revisions(), []),
    "by position": (Revisions(each=("v2",), positions=(2,)), ["", "v2", ""]),
    "by several, in any order": (Revisions(each=("v3", "v1"), positions=(3, 1)), ["v1", "", "v3"]),
    "by name": (Revisions(each=("v3",), names=("values",)), ["", "", "v3"]),
}
SENSELESS: dict[str, tuple[str, tuple[str, ...], tuple[int, ...], tuple[str, ...], str]] = {
    "a revision without a source": ("", ("v1",), (), (), "as many --revisions"),
    "a source without a revision": ("", (), (1,), (), "as many --revisions"),
    "not as many": ("", ("v1", "v2"), (1,), (), "2 and 1 are given"),
    "both ways": ("", ("v1",), (1,), ("a",), "not by both"),
    "the whole and a part": ("v1", ("v1",), (1,), (), "give one of them"),
    "position 0": ("", ("v1",), (0,), (), "should be larger than 0"),
    "a negative position": ("", ("v1",), (-1,), (), "should be larger than 0"),
    "one source twice": ("", ("v1", "v2"), (1, 1), (), "named twice"),
}


@pytest.mark.parametrize(("said", "found"), FOUND.values(), ids=FOUND)
def test_a_revision_is_of_the_source_that_is_named(said: Revisions, found: list[str]) -> None:
    said.check()
    assert said.of(THREE) == found


@pytest.mark.parametrize(("whole", "each", "positions", "names", "told"), SENSELESS.values(), ids=SENSELESS)
def test_what_makes_no_sense_is_a_usage_error(
    whole: str, each: tuple[str, ...], positions: tuple[int, ...], names: tuple[str, ...], told: str
) -> None:
    with pytest.raises(click.UsageError, match=told):
        revisions_of(whole, each, positions, names)


def test_one_revision_is_of_an_only_source() -> None:
    assert Revisions("v1").of(application("")) == ["v1"]
    with pytest.raises(TrueupError, match="has 3 sources, and --revision is of one") as caught:
        Revisions("v1").of(THREE)
    assert caught.value.hint == "name the source: --revisions v1 --source-positions 1"


def test_a_source_that_is_not_there_is_named() -> None:
    with pytest.raises(TrueupError, match="should be less than or equal to 3"):
        Revisions(each=("v1",), positions=(4,)).of(THREE)
    with pytest.raises(TrueupError, match="no source that is named other") as caught:
        Revisions(each=("v1",), names=("other",)).of(THREE)
    assert caught.value.hint == "those with a name: chart, values"


@given(st.dictionaries(st.integers(1, 3), st.text("v123", min_size=1)))
def test_each_source_has_what_was_said_of_it(wanted: dict[int, str]) -> None:
    said = revisions_of("", tuple(wanted.values()), tuple(wanted), ())
    found = said.of(THREE)
    assert {at + 1: revision for at, revision in enumerate(found) if revision} == wanted

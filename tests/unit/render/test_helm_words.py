"""The functions that a chart's text calls."""

import pytest

from trueup.render.helm_words import at_another_time, called, with_answers

CALLED = {
    "a call": ("{{ randAlphaNum 5 }}", {"randAlphaNum"}),
    "several in one action": ("{{ uuidv4 | cat now }}", {"uuidv4", "now"}),
    "over lines": ("{{\n  include (print now)\n}}", {"now"}),
    "not a field, not a variable": ("{{ .now }} {{ $now }} {{ .Values.lookup }}", set()),
    "not a text": ('{{ print "now" `lookup` "a \\" uuidv4" }}', set()),
    "not a comment": ("{{- /* lookup and now */ -}}", set()),
    "not what is no action": ("now {{ .a }} lookup }} {{ ago", set()),
    "not a word that begins so": ("{{ nowhere }} {{ lookups }}", set()),
}


@pytest.mark.parametrize("case", CALLED)
def test_functions_that_are_called(case: str) -> None:
    text, words = CALLED[case]
    assert called(text.encode()) == words


def test_another_time_and_other_answers_change_nothing_but_the_calls() -> None:
    text = b'now {{ now | date "now" }} {{/* now */}} {{ (lookup "v1" "Secret" "a" .now).data }} {{ now'
    assert at_another_time(text) == text.replace(b"{{ now |", b"{{ (dateModify `-9000h` now) |")
    assert with_answers(text) == text.replace(b"(lookup ", b"(dict ")
